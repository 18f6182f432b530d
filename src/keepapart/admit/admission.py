"""The use cases `admit` and `replace`: take the lease, clear up what was left, run, and leave nothing behind.

Rules:
1. One admission a cluster at a time: the lease is taken first and given back last.
2. Under it the journals are read first, for who joined and what is unsettled, and where; then the platform is
   asked. Nothing is done where the journal is of another place.
3. What was done before is not done again: a size that is reached wants no more, a member that was replaced is
   left out, and one whose stand-in is in gets no other.
4. Members that an earlier run left beside each other are named; a size that counts both ends with 3. So does
   one that counts a member that joined lately and that the platform doesn't show, unless it is excused.
5. A size is journalled by itself, also of a run that goes on: what is missing now is what it asks for.
Unfinished runs, and what becomes of this one where it fails or is interrupted, are a matter of `runs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keepapart.admit import events as e
from keepapart.admit import ledger, runs
from keepapart.admit.context import AdmissionContext
from keepapart.admit.executor import Executor
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.inventory import Inventory, unshown
from keepapart.admit.lease import leased
from keepapart.admit.ledger import Ledger
from keepapart.admit.outcome import Outcome, beside, outcome
from keepapart.admit.state import State
from keepapart.clouds import Staying, where
from keepapart.errors import ConfigError, ExitCode, UsageError
from keepapart.model import Checker


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: `count` new members, or as many as make `size` of them, or stand-ins."""

    count: int = 0
    size: int = 0
    replaces: tuple[str, ...] = ()
    keeps_old: bool = False
    excuse: tuple[str, ...] = ()

    def is_of(self, state: State, members: int) -> bool:
        """Say whether an unfinished run was asked for the same, where there are so many members now."""
        if self.size:
            return not state.replaces and state.count - len(state.came_in) == self.size - members
        alike = (state.count, sorted(state.replaces)) == (self.count, sorted(self.replaces))
        return alike and state.keeps_old == self.keeps_old


def admit(
    context: AdmissionContext, checker: Checker, count: int = 1, excuse: Sequence[str] = (), *, to: int = 0
) -> Outcome:
    """Launch candidates and check them until `count` more are members, or (`to`) until there are so many.

    Raises `UsageError` for what can't be meant, `LeaseError` where another admission of the cluster is
    running, `CloudError` or `StoreError` where the run could not be begun.
    """
    if count < 1 or to < 0:
        raise UsageError(f"{count if count < 1 else to} members can't be asked for; 1 is the least")
    return _run(context, checker, Asked(0 if to else count, to, excuse=tuple(excuse)))


def replace(
    context: AdmissionContext,
    checker: Checker,
    ids: Sequence[str],
    excuse: Sequence[str] = (),
    *,
    keep_old: bool = False,
) -> Outcome:
    """Admit a stand-in for each of these members, and release it once that is in, one after the other.

    With `keep_old` none is released; asked again without it, those whose stand-in is in are. Raises as
    `admit` does; an id that is no member's, and was not replaced before, is a `UsageError`.
    """
    going = tuple(dict.fromkeys(ids))
    if not going:
        raise UsageError("nobody is named to be replaced")
    return _run(context, checker, Asked(len(going), 0, going, keep_old, tuple(excuse)))


def _run(context: AdmissionContext, checker: Checker, asked: Asked) -> Outcome:
    began = context.clock()
    restarts_move(context)
    with leased(context) as lease:
        ledger.read(context)  # before anything is touched: it may be of another place
        executor = runs.taken_on(
            context,
            lease,
            checker,
            Executor,
            lambda run: asked.is_of(run.journal.state, len(run.look().members(run.journal.state))),
        )
        known = ledger.read(context)
        inventory = GuardedCloud(context, lease, known).look(asked.replaces, closely=True)
        not_apart = beside_each_other(known, inventory)
        if executor is None:
            request = requested(context, asked, known, inventory)
            known_members(asked.excuse, inventory)
            if not request.count:
                return _nothing_to_do(context, asked, inventory, not_apart, began)
            executor = Executor(context, lease, f"run-{context.tokens()[:12]}", checker, known)
            executor.write(request)
            executor.write(e.Placed(where(context.cloud)))
            if asked.keeps_old:
                executor.write(e.KeptOld())
        if asked.size:
            _size(executor, asked.size, inventory)
        state = executor.journal.state
        new = tuple(i for i in asked.excuse if i not in state.excused)
        if new:
            known_members(new, inventory)
            executor.write(e.Excused(new))
        _carry(executor, known, inventory)
        error = runs.ended(context, executor)
        took, sized = context.clock() - began, bool(asked.size)
        return outcome(executor.journal.happened, took, error, not_apart, sized=sized)


def restarts_move(context: AdmissionContext) -> None:
    """Raise `ConfigError` where rejects are to be restarted, and a restart gives nobody another host."""
    cloud = context.cloud
    if context.policy.on_reject == "restart" and isinstance(cloud, Staying):
        raise ConfigError(
            f'[launch] on_reject: "restart" is of no use at {cloud.name!r}: {cloud.stays}', 'say "hold"'
        )


def requested(context: AdmissionContext, asked: Asked, known: Ledger, inventory: Inventory) -> e.Requested:
    """Return what is still to be done of what is asked for; a count of 0 where nothing is."""
    if asked.size:
        missing = asked.size - len(inventory.members(State("")))
        return e.Requested(context.cluster, max(missing, 0))
    members = {i.id for i in inventory.members(State(""))}
    for old in asked.replaces:
        if old in known.replaced and old not in members:
            context.tell(f"{old} was replaced already, in {known.replaced[old]}")
    left = tuple(i for i in asked.replaces if i in members or i not in known.replaced)
    known_members(left, inventory)
    if asked.keeps_old:
        left = tuple(i for i in left if known.stand_ins.get(i) not in members)
    return e.Requested(context.cluster, len(left) if asked.replaces else asked.count, left)


def beside_each_other(known: Ledger, inventory: Inventory) -> tuple[e.NotApart, ...]:
    """Return those that earlier runs left beside each other, where both are members still."""
    members = {i.id for i in inventory.members(State(""))}
    return tuple(p for p in known.not_apart if {p.a, p.b} <= members)


def _size(executor: Executor, size: int, inventory: Inventory) -> None:
    """Journal who makes up the size with whoever comes in, unless it says so already."""
    state = executor.journal.state
    own = {a.id for a in state.attempts}
    beside = tuple(i.id for i in inventory.members(state) if i.id not in own)
    if (set(beside), size - len(beside)) != (set(state.beside), state.count):
        executor.write(e.Sized(beside, size))


def _carry(executor: Executor, known: Ledger, inventory: Inventory) -> None:
    """Take stand-ins on that earlier runs admitted, so that no member gets a second one."""
    members = {i.id for i in inventory.members(State(""))}
    for old in executor.journal.state.awaiting_stand_in:
        new = known.stand_ins.get(old)
        if new in members:
            executor.write(e.StandsIn(old, new))
            if new in known.welcomed:
                executor.write(e.Welcomed(new))


def _nothing_to_do(
    context: AdmissionContext,
    asked: Asked,
    inventory: Inventory,
    not_apart: tuple[e.NotApart, ...],
    began: float,
) -> Outcome:
    code, because = ExitCode.OK, "all of it was done before"
    if asked.size:
        code, because = already(inventory, asked.excuse)
        code = ExitCode.UNKNOWN if not_apart else code
    because += beside(not_apart)
    return Outcome(code, because, (), (), (), (), 0, context.clock() - began, not_apart=not_apart)


def already(inventory: Inventory, excused: Sequence[str]) -> tuple[ExitCode, str]:
    """Return how a size ends that is reached already, and what is said."""
    doubt = unshown(inventory.unseen(excused))
    said = f"{len(inventory.members(State('')))} are in already"
    return (ExitCode.UNKNOWN, f"{said}; {doubt}") if doubt else (ExitCode.OK, said)


def known_members(ids: Sequence[str], inventory: Inventory) -> None:
    """Raise `UsageError` for an id that is no member's, with the names of the members."""
    members = sorted(i.id for i in inventory.members(State("")))
    for instance_id in ids:
        if instance_id not in members:
            names = ", ".join(members) or "none yet"
            raise UsageError(f"{instance_id}: no such member", f"the members are {names}")
