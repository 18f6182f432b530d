"""The use case `move`: give members other hosts, one at a time, and leave none of them stopped.

1. The lease of the cluster is held, as for an admission; an unfinished move of the same members is gone on
   with. See `runs` for what becomes of others, and of this one where it fails or is interrupted.
2. What is no member, and a host that can't be chosen, are refused before anything is done.
3. `moves.machine` has the rules of who is stopped when, and of when that is enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from keepapart.admit import events as e
from keepapart.admit import ledger, runs
from keepapart.admit.admission import known_members
from keepapart.admit.context import AdmissionContext
from keepapart.admit.dry_run import Plan, before
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.inventory import Inventory
from keepapart.admit.lease import leased
from keepapart.admit.moves.machine import too_few
from keepapart.admit.moves.mover import Mover
from keepapart.admit.moves.outcome import MoveOutcome, outcome
from keepapart.admit.state import State
from keepapart.clouds import CLUSTER_TAG, LIVE, NOTE, STOPPED, Placer, Staying, where
from keepapart.domains.risk import needed
from keepapart.errors import CloudError, ExitCode, RefusedError, UsageError
from keepapart.model import Checker


def move(
    context: AdmissionContext,
    checker: Checker,
    ids: Sequence[str],
    excuse: Sequence[str] = (),
    *,
    hold: bool = False,
    host: str = "",
) -> MoveOutcome:
    """Give these members other hosts, one after the other, until each is apart from every member.

    `hold` launches a throwaway into each slot that becomes free; `host` is where the member is to go, where
    the cloud is a `Placer`. Members that are `excuse`d needn't be measured.
    Raises `UsageError` for what can't be meant, `LeaseError` where another run of the cluster is going on,
    `CloudError` or `StoreError` where the move could not be begun.
    """
    wanted = _wanted(ids, host)
    began = context.clock()
    with leased(context) as lease:
        ledger.read(context)  # before anything is touched: it may be of another place

        def is_same(mover: Mover) -> bool:
            state = mover.journal.state
            return (set(state.ids), state.hold, state.host) == (set(wanted), hold, host)

        mover = runs.taken_on(context, lease, checker, Mover, is_same)
        if mover is None:
            known = ledger.read(context)
            inventory = GuardedCloud(context, lease, known).look(wanted, closely=True)
            known_members((*wanted, *excuse), inventory)
            _choosable(context, wanted, host)
            mover = Mover(context, lease, f"run-{context.tokens()[:12]}", checker, known)
            mover.write(e.MoveRequested(context.cluster, wanted, hold, host))
            mover.write(e.Placed(where(context.cloud)))
        new = tuple(i for i in excuse if i not in mover.journal.state.excused)
        if new:
            mover.write(e.Excused(new))
        error = runs.ended(context, mover)
        return outcome(mover.journal.happened, context.clock() - began, error)


def plan_moving(context: AdmissionContext, ids: Sequence[str], *, hold: bool = False, host: str = "") -> Plan:
    """Say what `move` would do now, and what it would stop. Raises as `move` does."""
    wanted = _wanted(ids, host)
    known = ledger.read(context)
    inventory = GuardedCloud(context, None, known).look(wanted, closely=True)
    known_members(wanted, inventory)
    _choosable(context, wanted, host)
    members = tuple(sorted(m.id for m in inventory.members(State(""))))
    need = needed(context.survive, len(members))
    said = {i: _placement(context, i, host) for i in wanted}
    live = [i for i in wanted if LIVE in said[i]]
    running = [i for i in wanted if inventory.instances[i].state != STOPPED and i not in live]
    for member in running:
        if lacking := too_few(member, inventory, need):
            return Plan(ExitCode.NO, members, (*before(context), lacking))
    steps = [*before(context), *_steps(context, said, inventory, need, hold, host)]
    ends = [f"stops {', '.join(running)}"] if running else []
    ends += [f"may stop {', '.join(live)}"] if live else []
    return Plan(ExitCode.OK, members, tuple(steps), ", ".join(ends))


def _wanted(ids: Sequence[str], host: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(ids))
    if not wanted:
        raise UsageError("nobody is named to be moved")
    if host and len(wanted) > 1:
        raise UsageError(f"{len(wanted)} members can't have {host} for themselves", "name one of them")
    return wanted


def _choosable(context: AdmissionContext, ids: Sequence[str], host: str) -> None:
    cloud = context.cloud
    if isinstance(cloud, Staying) and not isinstance(cloud, Placer):
        raise UsageError(f"no member moves at {cloud.name!r}: {cloud.stays}", "replace it instead")
    if not host:
        return
    if not isinstance(cloud, Placer):
        raise UsageError(f"hosts can't be chosen at {cloud.name!r}", "leave --host out, or say --hold")
    try:
        cloud.placement(ids[0], {CLUSTER_TAG: context.cluster}, host, make=False)
    except RefusedError as error:
        raise UsageError(str(error)) from None


def _steps(
    context: AdmissionContext,
    said: Mapping[str, Mapping[str, str]],
    inventory: Inventory,
    need: int,
    hold: bool,
    host: str,
) -> list[str]:
    policy = context.policy
    size = len(inventory.members(State("")))
    steps = [f"one at a time, and only while {need} of {size} members run beside it:"]
    for member, chosen in said.items():
        unless = "" if host else ", unless it is on a host of its own already"
        note = chosen.get(NOTE, "")
        if inventory.instances[member].state == STOPPED:
            steps.append(f"{member} is stopped already")
        elif LIVE in chosen:
            steps.append(f"move {member} as it runs{unless}: {note}; where that is refused, stop it for that")
            steps.append(f"measure {member} against every member")
            continue
        else:
            steps.append(f"stop {member}{unless}: it keeps its id and its disks, not what is in memory")
        if note:
            steps.append(f"have it start {note}")
        if hold:
            steps.append("launch a throwaway into the slot that became free")
        steps.append(f"start {member}, and measure it against every member")
    steps.append(f"where it is beside another: again, {policy.max_attempts} times for each at most")
    if hold:
        steps.append("terminate the throwaways once all are done")
    return steps


def _placement(context: AdmissionContext, member: str, host: str) -> Mapping[str, str]:
    cloud = context.cloud
    if isinstance(cloud, Placer):
        with suppress(CloudError):
            return cloud.placement(member, {CLUSTER_TAG: context.cluster}, host, make=False)
    return {}
