"""A round among instances, and what is said of it: measured on an event loop, judged, kept in the history.

What judges takes as long to import as nodes take to start, so that is done meanwhile, and numpy with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from keepapart import plugins
from keepapart.config import Config
from keepapart.model import NOTHING_KNOWN, Controls, Instance, Progress, Service
from keepapart.plugins import installed
from keepapart.probe.metadata import no_service
from keepapart.probe.round import measure
from keepapart.reach.bootstrap import handed_over
from keepapart.reach.pipe import NO_ADDRESS
from keepapart.reach.transports import Transports

if TYPE_CHECKING:
    from keepapart.arrays import Mask
    from keepapart.auditing.assess import Audit
    from keepapart.probe.measured import Round, Tally
    from keepapart.signals import Signal
    from keepapart.store import Store

JUDGES = ("keepapart.probe.batches", "keepapart.auditing.assess", "keepapart.auditing.document")
HEAD_START = 0.05  # seconds in which connections are begun, before imports compete for the processor
LOG = logging.getLogger(__name__)
Clock = Callable[[], float]
T = TypeVar("T")


def all_signals() -> Sequence[Signal]:
    """Return all signals: those that come with keepapart, and those of plug-ins."""
    from keepapart.signals.builtin import SIGNALS

    return [*SIGNALS, *(point.load() for point in installed(plugins.SIGNALS).values())]


class Session:
    """The rounds of one run: one event loop, and the ways in that stay open on it.

    `word` is what the platform's adapter says of the network. A first Ctrl-C ends a round in order. A second
    one tears its loop, on which nothing can be awaited any more: nodes end with their pipes, as the process
    does.
    """

    def __init__(self, config: Config, word: str = "") -> None:
        self._config = config
        self._word = word
        self._transports = Transports(config.reach)
        self._runner = asyncio.Runner()
        self._torn = False

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self._torn:
            return
        try:
            self._run(self._transports.close())
        finally:
            if not self._torn:
                self._runner.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do this on the loop, and see whether it came to an end of its own."""

        async def seen() -> T:
            try:
                return await work
            finally:
                self._torn = False

        self._torn = True
        return self._runner.run(seen())

    def survey(
        self,
        instances: Sequence[Instance],
        purpose: str,
        *,
        known: Controls = NOTHING_KNOWN,
        store: Store | None,
        clock: Clock,
        progress: Progress,
        unasked: Sequence[Instance] = (),
    ) -> Audit:
        """Run one round among `instances`, judge it, and keep it in the history under `purpose`.

        `unasked` are members of the cluster beside these.
        A round in which nobody was reached is a failure, and isn't kept.
        """
        survey = Survey(self._config, self._word, instances, purpose, known, store, clock, progress, unasked)
        return survey.judged(self._run(survey.measure(self._transports)))


@dataclass(frozen=True, slots=True)
class Survey:
    """One round among `instances` and what is said of it; the fields are arguments of `audit`."""

    config: Config
    word: str
    instances: Sequence[Instance]
    purpose: str
    known: Controls
    store: Store | None
    clock: Clock
    progress: Progress
    unasked: Sequence[Instance]

    async def measure(self, transports: Transports) -> Round:
        """Run the round, and get ready meanwhile for what comes after it."""
        network, idle = self.config.network, self._idle()
        running = [i for i in self.instances if i.id not in idle]
        ready = asyncio.ensure_future(_get_ready(kept=self.store is not None))
        try:
            measured = await measure(
                running,
                transports,
                port=network.port,
                tcp_port=network.tcp_port,
                wanting=partial(_wanting, network.model),
                service_of=_service_of if self.config.reach.metadata else no_service,
                ready=asyncio.shield(ready),
                progress=self.progress,
            )
        finally:
            await ready
        LOG.info("%d of %d that run took part", len(running) - len(measured.lost), len(running))
        for name, why in measured.lost.items():
            LOG.info("%s: %s", name, why)
        return measured.among([i.id for i in self.instances], idle)

    def judged(self, measured: Round) -> Audit:
        """Judge the round, and keep it in the history unless nobody was reached."""
        cluster, store = self.config.cluster, self.store
        instances = [replace(i, address=measured.addresses.get(i.id, i.address)) for i in self.instances]
        self.progress("judge", 0.0)
        from keepapart.auditing.assess import assess
        from keepapart.auditing.baseline import Baseline

        if store:
            from keepapart.auditing.history import baseline_of, record

        baseline = baseline_of(store, cluster.name) if store else Baseline()
        now = self.clock()
        found = assess(
            instances,
            measured,
            cluster=cluster,
            model=self.config.network.model,
            signals=all_signals(),
            controls=self.known,
            word=self.word,
            rates=self.config.risk,
            prior=baseline.network_prior(instances, measured, now),
            before=baseline.domain_prior(instances, measured),
            unasked=self.unasked,
            at=now,
        )
        LOG.info("network: %s: %s", found.network.standing.value, found.network.because)
        if store and measured.answered:
            record(store, found, self.purpose, baseline, whole=not self.unasked, known=self.known)
        return found

    def _idle(self) -> dict[str, str]:
        return {i.id: because for i in self.instances if (because := _why_idle(i))}


async def _get_ready(*, kept: bool) -> None:
    """Pack the node, which the first instance that is in will want, and import what judges."""

    def get_ready() -> None:
        handed_over(compiled=True)
        for name in JUDGES + (("keepapart.auditing.history",) if kept else ()):
            import_module(name)

    await asyncio.sleep(HEAD_START)
    await asyncio.to_thread(get_ready)


def _service_of(guest: Mapping[str, str]) -> Service | None:
    from keepapart.signals.metadata import service_of

    return service_of(guest)


def _wanting(model: str, tally: Tally) -> Mask | None:
    from keepapart.signals.hops import wanting

    return wanting(model, tally)


def _why_idle(instance: Instance) -> str:
    """Say why an instance can take no part in a round; empty where it can."""
    if not instance.running:
        return f"it is {instance.state}"
    return "" if instance.address or instance.reach else NO_ADDRESS
