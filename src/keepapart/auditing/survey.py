"""The use case: who (inventory) → a way in → packets → what may be said of it, kept in the history.

`audit` and `check` look at a cluster as it is; `stated_audit` takes what is stated of it for all there is to
know; `checker` asks the same question of one candidate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from keepapart import plugins
from keepapart.auditing.assess import Audit, assess
from keepapart.auditing.assessment import Assessment
from keepapart.auditing.baseline import Baseline
from keepapart.auditing.history import baseline_of, record
from keepapart.auditing.stated import assess_stated
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, Cloud, Vouching, connect
from keepapart.config import Config
from keepapart.errors import OperationError, UsageError
from keepapart.model import Checker, Controls, Instance, Pair, Progress, silent
from keepapart.plugins import installed
from keepapart.probe.measured import UNHEARD
from keepapart.probe.round import measure
from keepapart.reach.transports import Transports
from keepapart.signals import Signal
from keepapart.signals.builtin import SIGNALS
from keepapart.signals.hops import wanting

if TYPE_CHECKING:
    from keepapart.store import Store

NOTHING = Controls()
Clock = Callable[[], float]


def cloud_of(config: Config) -> Cloud:
    """Connect to the cloud that the configuration names; whoever asks closes it."""
    return connect(config.cloud.provider, config.cloud.settings, config.instances)


def network_word(cloud: Cloud) -> str:
    """Ask the cloud for its word of the network; empty where it knows nothing of it."""
    return cloud.network() if isinstance(cloud, Vouching) else ""


def all_signals() -> Sequence[Signal]:
    """Return all signals: those that come with keepapart, and those of plug-ins."""
    return [*SIGNALS, *(point.load() for point in installed(plugins.SIGNALS).values())]


def members(config: Config, cloud: Cloud) -> list[Instance]:
    """List the cluster's members. Raises `UsageError` where there are none."""
    found = list(cloud.instances({CLUSTER_TAG: config.cluster.name, ROLE_TAG: MEMBER}))
    if not found:
        mend = "list them as [[instances]]" if cloud.name == "static" else "`keepapart admit` adds some"
        raise UsageError(f"{config.path}: cluster {config.cluster.name!r} has no members", mend)
    return sorted(found, key=lambda instance: instance.id) if cloud.name != "static" else found


def audit(
    config: Config,
    *,
    only: Sequence[str] = (),
    known: Controls = NOTHING,
    store: Store | None = None,
    purpose: str = "audit",
    clock: Clock = time.time,
    progress: Progress = silent,
) -> Audit:
    """Measure the whole cluster (or `only` these members) and judge it, with what the operator knows.

    It is kept in the history under its `purpose`, the verb that it is made for.

    Raises `UsageError` for an empty cluster or an unknown id, `OperationError` where nobody can be reached.
    """
    with closing(cloud_of(config)) as cloud:
        chosen, word = _chosen(config, cloud, only), network_word(cloud)
    with Session(config, word) as session:
        found = session.survey(chosen, purpose, known=known, store=store, clock=clock, progress=progress)
    lost = found.round.lost
    if not any(found.reached) and UNHEARD.isdisjoint(lost.values()):
        first, why = next(iter(lost.items()))
        raise OperationError(f"no way in to any instance; {first}: {why}")
    return found


def stated_audit(
    config: Config, *, only: Sequence[str] = (), clock: Clock = time.time, progress: Progress = silent
) -> Assessment:
    """Judge the cluster (or `only` these members) by what is stated of it: no packets, no way in.

    Raises `UsageError` for an empty cluster or an unknown id. Nothing is kept in the history.
    """
    with closing(cloud_of(config)) as cloud:
        chosen = _chosen(config, cloud, only)
    progress("judge", 0.0)
    return assess_stated(chosen, cluster=config.cluster, rates=config.risk, at=clock())


def check(
    config: Config,
    a: str,
    b: str,
    *,
    known: Controls = NOTHING,
    store: Store | None = None,
    clock: Clock = time.time,
    progress: Progress = silent,
) -> Audit:
    """Measure what the verdict on two members needs; `.pair(a, b)` of the audit is it.

    Where the network's kind is to be found out, everybody takes part: two alone can't show it.
    """
    if a == b:
        raise UsageError(f"{a!r} is one instance; check takes two")
    only = () if config.network.model == "auto" else (a, b, *chain(*known.same, *known.separate))
    found = audit(
        config, only=only, known=known, store=store, purpose="check", clock=clock, progress=progress
    )
    for name in (a, b):
        if name not in found.round.ids:
            raise UsageError(f"{name!r} is not a member of {found.cluster!r}: {_listed(found.round.ids)}")
    return found


@contextmanager
def checker(
    config: Config,
    *,
    cloud: Cloud | None = None,
    store: Store | None = None,
    clock: Clock = time.time,
    progress: Progress = silent,
) -> Iterator[Checker]:
    """Yield what admission asks: pairs of candidates with each other and with all they must be apart from.

    `cloud` is the one that is open already. Connections stay open from one candidate to the next.
    """
    with nullcontext(cloud) if cloud else closing(cloud_of(config)) as opened:
        word = network_word(opened)
    with Session(config, word) as session:

        def check_candidates(
            candidates: Sequence[Instance], against: Sequence[Instance], witnesses: Sequence[Instance]
        ) -> Sequence[Pair]:
            everybody = list({i.id: i for i in (*witnesses, *against, *candidates)}.values())
            found = session.survey(everybody, "admit", store=store, clock=clock, progress=progress)
            asked = [(a, b) for n, a in enumerate(candidates) for b in (*candidates[n + 1 :], *against)]
            return [found.pair(a.id, b.id) for a, b in asked]

        yield check_candidates


class Session:
    """The rounds of one run: one event loop, and the ways in that stay open on it.

    `word` is what the platform's adapter says of the network.
    """

    def __init__(self, config: Config, word: str = "") -> None:
        self._config = config
        self._word = word
        self._transports = Transports(config.reach)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._runner.run(self._transports.close())
        finally:
            self._runner.close()

    def survey(
        self,
        instances: Sequence[Instance],
        purpose: str,
        *,
        known: Controls = NOTHING,
        store: Store | None,
        clock: Clock,
        progress: Progress,
    ) -> Audit:
        """Run one round among `instances`, judge it, and keep it in the history under `purpose`."""
        cluster, network = self._config.cluster, self._config.network
        idle = {i.id: because for i in instances if (because := _why_idle(i))}
        running = [i for i in instances if i.id not in idle]
        measured = self._runner.run(
            measure(
                running,
                self._transports,
                port=network.port,
                tcp_port=network.tcp_port,
                wanting=partial(wanting, network.model),
                progress=progress,
            )
        )
        measured = measured.among([i.id for i in instances], idle)
        progress("judge", 0.0)
        baseline = baseline_of(store, cluster.name) if store else Baseline()
        now = clock()
        found = assess(
            instances,
            measured,
            cluster=cluster,
            model=network.model,
            signals=all_signals(),
            controls=known,
            word=self._word,
            rates=self._config.risk,
            prior=baseline.network_prior(instances, measured, now),
            before=baseline.domain_prior(instances, measured),
            at=now,
        )
        if store:
            record(store, found, purpose, baseline)
        return found


def _chosen(config: Config, cloud: Cloud, only: Sequence[str]) -> list[Instance]:
    """List the members, or `only` these of them; raises `UsageError` for an id that is none's."""
    everybody = members(config, cloud)
    wanted, ids = set(only), {instance.id for instance in everybody}
    for name in only:
        if name not in ids:
            raise UsageError(f"{name!r} is not a member of {config.cluster.name!r}: {_listed(sorted(ids))}")
    return [instance for instance in everybody if not wanted or instance.id in wanted]


def _why_idle(instance: Instance) -> str:
    """Say why an instance can take no part in a round; empty where it can."""
    if not instance.running:
        return f"it is {instance.state}"
    return "" if instance.address else "it has no address"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return f"there is {shown}" + (f" and {len(names) - 8} more" if len(names) > 8 else "")
