"""The use case: who (inventory) → a way in → packets → what may be said of it, kept in the history.

`audit` and `check` look at a cluster as it is; `stated_audit` takes what is stated of it for all there is to
know; `checker` asks the same question of one candidate.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from itertools import chain
from typing import TYPE_CHECKING

from keepapart.auditing.kept import WHOLE, unrelieved
from keepapart.auditing.session import NOTHING, Clock, Session, Survey
from keepapart.clouds import (
    CLUSTER_TAG,
    MEMBER,
    ROLE_TAG,
    TERMINATED,
    Adopting,
    Cloud,
    Listing,
    Vouching,
    by_hand,
    connect,
)
from keepapart.config import Config
from keepapart.errors import OperationError, UsageError
from keepapart.memory import uncollected
from keepapart.model import Checked, Checker, Controls, Instance, Progress, silent
from keepapart.reach.transports import Transports

if TYPE_CHECKING:
    from keepapart.auditing.assess import Audit
    from keepapart.auditing.assessment import Assessment
    from keepapart.auditing.project import ProjectFinding
    from keepapart.store import Store

LOG = logging.getLogger(__name__)


def cloud_of(config: Config) -> Listing:
    """Connect to the cloud that the configuration names; whoever asks closes it."""
    return connect(config.cloud.provider, config.cloud.settings, config.instances)


def _opened(config: Config, cloud: Listing | None) -> AbstractContextManager[Listing]:
    """Return the cloud that is open already, which stays so, or one that closes."""
    return nullcontext(cloud) if cloud else closing(cloud_of(config))


def network_word(cloud: Listing) -> str:
    """Ask the cloud for its word of the network; empty where it knows nothing of it."""
    return cloud.network() if isinstance(cloud, Vouching) else ""


def members(config: Config, cloud: Listing) -> list[Instance]:
    """List the cluster's members. Raises `UsageError` where there are none."""
    found = list(cloud.instances({CLUSTER_TAG: config.cluster.name, ROLE_TAG: MEMBER}))
    if not found:
        adopts = f"[cloud] {cloud.adopts} names those that run already" if isinstance(cloud, Adopting) else ""
        adds = "`keepapart admit` adds some" if isinstance(cloud, Cloud) else ""
        mend = " and ".join(filter(None, [adopts, adds])) or "list them as [[instances]]"
        raise UsageError(f"{config.path}: cluster {config.cluster.name!r} has no members", mend)
    return sorted(found, key=lambda instance: instance.id) if cloud.name != "static" else found


def listed_by(config: Config, cloud: Listing) -> list[Instance]:
    """List all that the cloud lists, whosever it is. Raises `UsageError` where there is nobody."""
    if not (found := list(cloud.instances({}))):
        lists = f"{config.path}: {cloud.name!r} lists no instances"
        raise UsageError(lists, "is it the right project, and region?")
    return found


def audit(
    config: Config,
    *,
    cloud: Listing | None = None,
    only: Sequence[str] = (),
    wanted: Sequence[str] = (),
    known: Controls = NOTHING,
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
    with _opened(config, cloud) as listing:
        named = (*wanted, *chain(*known.same, *known.separate))
        chosen, unasked, word = _asked(config, listing, only, named, store, purpose, progress)
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
    known: Controls = NOTHING,
    store: Store | None = None,
    purpose: str = WHOLE,
    clock: Clock = time.time,
    progress: Progress = silent,
) -> Audit:
    """Do what `audit` does, on the loop that runs: where this is cancelled, its nodes end.

    The cloud, the judge and the store are asked in threads.
    """

    def listed() -> tuple[list[Instance], list[Instance], str]:
        with _opened(config, None) as listing:
            named = (*wanted, *chain(*known.same, *known.separate))
            return _asked(config, listing, only, named, store, purpose, progress)

    chosen, unasked, word = await asyncio.to_thread(listed)
    survey = Survey(config, word, chosen, purpose, known, store, clock, progress, unasked)
    async with Transports(config.reach) as transports:
        measured = await survey.measure(transports)
    return _answered(await asyncio.to_thread(survey.judged, measured))


def _asked(
    config: Config,
    cloud: Listing,
    only: Sequence[str],
    named: Sequence[str],
    store: Store | None,
    purpose: str,
    progress: Progress,
) -> tuple[list[Instance], list[Instance], str]:
    """Return who an audit is of, with those who ended where it is of all; the others; the network's word."""
    chosen, unasked = _chosen(config, cloud, only, progress, named=named)
    if store and purpose == WHOLE and not only:
        chosen += _ended(config, cloud, store, chosen)
    return chosen, unasked, network_word(cloud)


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

    with _opened(config, cloud) as listing:
        chosen, unasked = _chosen(config, listing, only, progress, whole=whole)
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
        there, _ = _chosen(config, cloud, (), progress, whole=True)
    progress("judge", 0.0)
    return assess_groups(there, by, cluster=config.cluster, rates=config.risk, at=clock())


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
    known: Controls = NOTHING,
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
    with _opened(config, cloud) as listing:
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


def _chosen(
    config: Config,
    cloud: Listing,
    only: Sequence[str],
    progress: Progress,
    *,
    named: Sequence[str] = (),
    whole: bool = False,
) -> tuple[list[Instance], list[Instance]]:
    """List the members, or `only` these, with `[facts]`, and the others.

    Raises `UsageError` for an id that is none's.
    """
    progress("facts", 0.0)
    there = listed_by(config, cloud) if whole else members(config, cloud)
    there = by_hand.joined(config, there, members=True)
    wanted, ids = set(only), {instance.id for instance in there}
    for name in (*only, *named):
        if name not in ids:
            raise UsageError(f"{name!r} is not a member of {config.cluster.name!r}: {_listed(sorted(ids))}")
    chosen = [instance for instance in there if not wanted or instance.id in wanted]
    running = sum(instance.running for instance in chosen)
    LOG.info("%s: %d members of %r, %d running", config.path, len(chosen), config.cluster.name, running)
    return chosen, [instance for instance in there if wanted and instance.id not in wanted]


def _ended(config: Config, cloud: Listing, store: Store, there: Sequence[Instance]) -> list[Instance]:
    """List who was a member in the audit before, and was ended without a stand-in: it is down, and not gone.

    That is so as long as the platform remembers it (EC2 for about an hour); whoever joined since is one's
    stand-in.
    """
    known, before = {instance.id for instance in there}, unrelieved(store, config.cluster.name)
    missing = [name for name in before if name not in known]
    found = cloud.describe(missing).values() if missing else ()
    ended = [instance for instance in found if instance.state == TERMINATED]
    return ended[: max(0, len(before) - len(there))]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return f"there is {shown}" + (f" and {len(names) - 8} more" if len(names) > 8 else "")
