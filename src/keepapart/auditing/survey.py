"""The use case: who (inventory) → a way in → packets → what may be said of it, kept in the history.

`audit` and `check` look at a cluster as it is; `stated_audit` takes what is stated of it for all there is to
know; `checker` asks the same question of one candidate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from keepapart.auditing.kept import WHOLE
from keepapart.auditing.members import cloud_of, network_word, opened, select, whom_to_ask
from keepapart.auditing.session import Clock, Session, Survey
from keepapart.clouds import Listing, by_hand
from keepapart.config import Config
from keepapart.errors import OperationError, UsageError
from keepapart.memory import uncollected
from keepapart.model import NOTHING_KNOWN, Checked, Checker, Controls, Instance, Progress, silent
from keepapart.reach.transports import Transports

if TYPE_CHECKING:
    from keepapart.auditing.assess import Audit
    from keepapart.auditing.assessment import Assessment
    from keepapart.auditing.project import ProjectFinding
    from keepapart.store import Store


def audit(
    config: Config,
    *,
    cloud: Listing | None = None,
    only: Sequence[str] = (),
    wanted: Sequence[str] = (),
    known: Controls = NOTHING_KNOWN,
    store: Store | None = None,
    purpose: str = WHOLE,
    clock: Clock = time.time,
    progress: Progress = silent,
) -> Audit:
    """Measure the whole cluster (or `only` these members) and judge it, with what the operator knows.

    It is kept in the history under its `purpose`, the verb that it is made for. `cloud` is the one that is
    open already; `wanted` are ids that have to be members, whoever is asked about.

    Raises `UsageError` for an empty cluster or an unknown id, before anything is sent, and `OperationError`
    where nobody can be reached, unless too few run: that is an answer without packets.
    """
    with opened(config, cloud) as listing:
        chosen, unasked, word = whom_to_ask(config, listing, only, wanted, known, store, purpose, progress)
    with Session(config, word) as session:
        found = session.survey(
            chosen,
            purpose,
            known=known,
            store=store,
            clock=clock,
            progress=progress,
            unasked=unasked,
        )
    return _answered(found)


async def audit_async(
    config: Config,
    *,
    only: Sequence[str] = (),
    wanted: Sequence[str] = (),
    known: Controls = NOTHING_KNOWN,
    store: Store | None = None,
    purpose: str = WHOLE,
    clock: Clock = time.time,
    progress: Progress = silent,
) -> Audit:
    """Do what `audit` does, on the loop that runs: where this is cancelled, its nodes end.

    The cloud, the judge and the store are asked in threads.
    """

    def listed() -> tuple[list[Instance], list[Instance], str]:
        with opened(config, None) as listing:
            return whom_to_ask(config, listing, only, wanted, known, store, purpose, progress)

    chosen, unasked, word = await asyncio.to_thread(listed)
    survey = Survey(config, word, chosen, purpose, known, store, clock, progress, unasked)
    async with Transports(config.reach) as transports:
        measured = await survey.measure(transports)
    return _answered(await asyncio.to_thread(survey.judged, measured))


def _answered(found: Audit) -> Audit:
    """Return an audit; raise `OperationError` where nobody was reached, and enough run."""
    if not found.round.answered and found.risk.quorate:
        first = next(name for name in found.ids if name in found.lost and name not in found.down)
        raise OperationError(f"no way in to any instance; {first}: {found.lost[first]}")
    return found


@uncollected()
def stated_audit(
    config: Config,
    *,
    cloud: Listing | None = None,
    only: Sequence[str] = (),
    whole: bool = False,
    clock: Clock = time.time,
    progress: Progress = silent,
) -> Assessment:
    """Judge the cluster (or `only` these members) by what is stated of it: no packets, no way in.

    `whole`: all that the cloud lists, whosever it is. Raises `UsageError` where there is nobody, or for an
    unknown id. Nothing is kept in the history.
    """
    from keepapart.auditing.stated import assess_stated

    with opened(config, cloud) as listing:
        chosen, unasked = select(config, listing, only, progress, whole=whole)
    progress("judge", 0.0)
    return assess_stated(chosen, cluster=config.cluster, rates=config.risk, at=clock(), unasked=unasked)


@uncollected()
def stated_groups(
    config: Config, by: str, *, clock: Clock = time.time, progress: Progress = silent
) -> ProjectFinding:
    """Judge every group of all that the cloud lists by what is stated; `by` is as in `assess_groups`.

    Raises `UsageError` where there is nobody.
    """
    from keepapart.auditing.project import assess_groups

    with closing(cloud_of(config)) as cloud:
        there, _ = select(config, cloud, (), progress, whole=True)
    progress("judge", 0.0)
    return assess_groups(there, by, cluster=config.cluster, rates=config.risk, at=clock())


def check(
    config: Config,
    a: str,
    b: str,
    *,
    known: Controls = NOTHING_KNOWN,
    store: Store | None = None,
    clock: Clock = time.time,
    progress: Progress = silent,
) -> Audit:
    """Measure what the verdict on two members needs; `.pair(a, b)` of the audit is it.

    Where the network's kind is to be found out, everybody takes part: two alone can't show it.
    """
    only = _needed(config, a, b, known)
    return audit(
        config,
        only=only,
        wanted=(a, b),
        known=known,
        store=store,
        purpose="check",
        clock=clock,
        progress=progress,
    )


async def check_async(
    config: Config,
    a: str,
    b: str,
    *,
    known: Controls = NOTHING_KNOWN,
    store: Store | None = None,
    clock: Clock = time.time,
    progress: Progress = silent,
) -> Audit:
    """Do what `check` does, as `audit_async` does it."""
    only = _needed(config, a, b, known)
    return await audit_async(
        config,
        only=only,
        wanted=(a, b),
        known=known,
        store=store,
        purpose="check",
        clock=clock,
        progress=progress,
    )


def _needed(config: Config, a: str, b: str, known: Controls) -> Sequence[str]:
    """List whom the verdict on two needs; nobody: all of them."""
    if a == b:
        raise UsageError(f"{a!r} is one instance; check takes two")
    return () if config.network.model == "auto" else (a, b, *chain(*known.same, *known.separate))


@contextmanager
def checker(
    config: Config,
    *,
    cloud: Listing | None = None,
    store: Store | None = None,
    clock: Clock = time.time,
    progress: Progress = silent,
) -> Iterator[Checker]:
    """Yield what admission asks: pairs of candidates with each other and with all they must be apart from.

    `cloud` is the one that is open already. Connections stay open from one candidate to the next.
    """
    with opened(config, cloud) as listing:
        word = network_word(listing)
    with Session(config, word) as session:

        def check_candidates(
            candidates: Sequence[Instance], against: Sequence[Instance], witnesses: Sequence[Instance]
        ) -> Checked:
            everybody = list({i.id: i for i in (*witnesses, *against, *candidates)}.values())
            everybody = by_hand.joined(config, everybody, members=False)
            kept = store if len(everybody) > 1 else None  # one alone is only knocked at
            found = session.survey(everybody, "admit", store=kept, clock=clock, progress=progress)
            asked = [(a, b) for n, a in enumerate(candidates) for b in (*candidates[n + 1 :], *against)]
            lost = {i.id: found.round.lost.get(i.id, "") for i in everybody if i.running}
            from keepapart.probe.measured import UNHEARD

            return Checked(
                [found.pair(a.id, b.id) for a, b in asked],
                {name: why for name, why in lost.items() if why and why not in UNHEARD},
            )

        yield check_candidates
