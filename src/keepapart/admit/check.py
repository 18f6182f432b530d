"""Check: ask whether candidates share a host with anyone, and let in only those that surely don't.

Rules:
1. A candidate joins only if it is separate from every member, and from every other candidate that joins.
   Unknown is never separate; a pair that the measurement leaves out is unknown.
2. A member that isn't running or can't be measured makes the verdict unknown, unless the operator excused
   it by name. One that is terminated is lost, whatever the list shows, before anybody is judged.
3. All candidates that run are judged by one round, with those that an earlier round left undecided: what is
   established about the network now may tell them apart. `rulings` says what becomes of each.
4. Right before one joins, the members are listed again: one that the candidate was not checked against, or
   a candidate that doesn't run any more, voids the verdict. Tags that don't show yet count for nothing.
5. Held rejects are witnesses: they run and help to establish what kind of network this is. A member that
   stayed although its stand-in is in is a member as any other.
6. That one is to join is journalled before its tag is set. One that can't be tagged is turned down, unless
   the tag shows all the same; that ends no other. It is released only when its tag can't show any more that
   it was made a member after all.
7. What joined is looked at again before the run says that all are in, and so is who makes up a size with it:
   one that is gone is lost, and another is looked for. One that joined and doesn't run ends the run, since
   nobody can be known to be apart from it; so does one that makes up the size and isn't shown any more.
8. Running isn't ready: what this run launched and has no way in is tried again, with growing pauses, until
   `boot_minutes` after it ran. Only then is it unknown, for the reason that the way in gives.
9. A member that has no way in, while a verdict needs one, ends the run: no candidate could join.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keepapart.admit import events as e
from keepapart.admit.guarded_cloud import SHOWN_WITHIN, GuardedCloud
from keepapart.admit.inventory import Inventory, claimed, is_member, unshown
from keepapart.admit.rulings import judge
from keepapart.admit.state import Attempt, Phase, State
from keepapart.admit.steps import Check, Confirm, Join, Note, Settle, Step, Welcome
from keepapart.clouds import MEMBER, ROLE_TAG, RUNNING, TERMINATED
from keepapart.errors import CloudError, ExitCode, OperationError
from keepapart.model import Checked, Checker, Instance, Verdict
from keepapart.settings import LaunchSettings

ALL_IN = "all asked for are in"


def step(state: State, inventory: Inventory, policy: LaunchSettings) -> Step:
    """Decide who is measured: every candidate that runs, and who was left undecided."""
    candidates = {a.number: a.id for a in state.in_phase(Phase.RUNNING, Phase.UNDECIDED)}
    running = {i.id for i in inventory.instances.values() if i.state == RUNNING}
    leaving = [r for r in state.awaiting_stand_in if r in running and r not in state.unmeasured]
    stayed = {r for r in state.replaced if r in running and r not in state.unmeasured}
    left_out = {*candidates.values(), *state.excused, *state.replaces} - stayed
    helpers = [a.id for a in state.in_phase(Phase.REJECTED)]
    return Check(
        candidates,
        state.wanted,
        tuple(m.id for m in inventory.members(state) if m.id not in left_out),
        tuple(leaving),
        tuple(r for r in state.awaiting_stand_in if r not in leaving),
        tuple(dict.fromkeys(h for h in helpers if h in running and h not in state.unmeasured)),
        state.keeps_old,
        {a.id: a.running_since + policy.boot_minutes * 60 for a in state.attempts if a.ran},
    )


def surplus(state: State) -> bool:
    """Say whether there are candidates found apart before, when fewer were wanted than are now."""
    found = (a for a in state.in_phase(Phase.UNDECIDED) if a.verdict is Verdict.SEPARATE)
    return state.wanted > 0 and any(found)


def check(guarded: GuardedCloud, step: Check, checker: Checker) -> e.Event:
    """Measure the candidates until none of those that matter still boots, and judge them together."""
    if ended := _ended(guarded, step.against):
        return e.Lost(ended)
    measured = _measured(guarded, step, checker)
    if shut := _shut(guarded, step, measured):
        return shut
    booting = _booting(guarded, step, measured)
    for _ in guarded.polls(max((step.booting[i] for i in booting), default=0.0) - guarded.clock()):
        if not booting:
            break
        if not _no_way_in(guarded, booting, checker):
            measured = _measured(guarded, step, checker)
            booting = _booting(guarded, step, measured)
    if len(booting) < len(step.candidates) and booting:
        measured = _measured(guarded, step, checker)  # of the others, who may have moved meanwhile
    if shut := _shut(guarded, step, measured):
        return shut
    absent = {**measured.stopped, **{i: f"no way in to {i}: {why}" for i, why in measured.closed.items()}}
    return judge(step, measured.checked.pairs, measured.gone, absent, measured.trouble)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A round: what it showed, why candidates and members took no part, and why pairs are missing."""

    checked: Checked
    gone: Mapping[int, str]
    stopped: Mapping[str, str]
    trouble: str

    @property
    def closed(self) -> Mapping[str, str]:
        """Those without a way in of whom a verdict is missing, with the reason."""
        doubtful = {i for p in self.checked.pairs if p.verdict is Verdict.UNKNOWN for i in (p.a, p.b)}
        return {i: why for i, why in self.checked.unreached.items() if i in doubtful}


def _measured(guarded: GuardedCloud, step: Check, checker: Checker) -> _Measured:
    ran = guarded.settled([*step.candidates.values(), *step.against])
    found = {**guarded.describe([*step.leaving, *step.witnesses]), **ran}
    running = {i.id: i for i in found.values() if i.state == RUNNING}
    stopped = {
        i: f"it is {found[i].state if i in found else 'gone'}" for i in step.against if i not in running
    }
    gone = {
        number: f"was {found[i].state if i in found else 'gone'} when checked"
        for number, i in step.candidates.items()
        if i not in running
    }
    candidates = [running[i] for i in step.candidates.values() if i in running]
    others = [running[i] for i in (*step.against, *step.leaving) if i in running]
    witnesses = [running[i] for i in step.witnesses if i in running]
    if len(candidates) + len(others) < 2 or not candidates:
        return _Measured(Checked(), gone, stopped, "it was not measured")
    try:
        return _Measured(checker(candidates, others, witnesses), gone, stopped, "it was not measured")
    except OperationError as error:
        return _Measured(Checked(), gone, stopped, str(error))


def _booting(guarded: GuardedCloud, step: Check, measured: _Measured) -> Sequence[str]:
    """Name those for whose way in it is worth waiting, and say what is waited for."""
    now = guarded.clock()
    found = [i for i in measured.closed if step.booting.get(i, 0.0) > now]
    for one in found:
        guarded.tell(f"waiting for a way in to {one}: {measured.closed[one]}")
    return found


def _shut(guarded: GuardedCloud, step: Check, measured: _Measured) -> e.Closing | None:
    """End the run where a member that doesn't boot any more can't be reached."""
    for member in step.against:
        if member in measured.closed and step.booting.get(member, 0.0) <= guarded.clock():
            because = f"can't reach {member}: {measured.closed[member]}"
            return e.Closing(ExitCode.UNKNOWN, f"{because}; replace it, or excuse it with --excuse {member}")
    return None


def _no_way_in(guarded: GuardedCloud, ids: Sequence[str], checker: Checker) -> bool:
    """Knock at those of these that run; say whether there is one that can't be reached."""
    running = [i for i in guarded.describe(ids).values() if i.state == RUNNING]
    return any(_closed(one, checker) for one in running)


def _closed(one: Instance, checker: Checker) -> bool:
    try:
        return one.id in checker([one], (), ()).unreached
    except OperationError:
        return True


def no_checker(*_: object) -> Checked:
    """Stand where a checker is asked for, and nobody is checked."""
    raise AssertionError("nobody is checked here")


def join(state: State, attempt: Attempt) -> Step:
    """Decide to let in a candidate that was found apart, and say so first."""
    if attempt.joining is None:
        return Note(e.Joining(attempt.number))
    return Join(attempt.number, attempt.id, (*attempt.against, *state.excused, *state.replaces))


def let_in(guarded: GuardedCloud, step: Join) -> e.Event:
    """Tag the candidate as a member."""
    inventory = guarded.look()
    candidate = guarded.settled([step.id]).get(step.id)
    if candidate is None or candidate.state != RUNNING:
        return e.Rejected(step.attempt, f"was {candidate.state if candidate else 'gone'} after the check")
    if claim := claimed(candidate, guarded.cluster):
        return e.Rejected(step.attempt, f"was taken after the check: {claim}")
    new = [i for i in inventory.instances.values() if inventory.is_member(i)]
    new = [i for i in new if i.id not in (step.id, *step.against)]
    if new:
        return e.Voided(step.attempt, f"{new[0].id} became a member meanwhile")
    try:
        guarded.effect("tag", lambda: guarded.cloud.tag(step.id, {ROLE_TAG: MEMBER}), not_yet=True)
    except CloudError as error:
        found = guarded.describe([step.id]).get(step.id)
        if found is None or not is_member(found):
            return e.Rejected(step.attempt, f"can't be made a member: {error}")
    return e.Joined(step.attempt)


def settle(guarded: GuardedCloud, step: Settle) -> e.Event:
    """Look whether a candidate was made a member before this was cut short; its tag may show late.

    That takes its time also where somebody waits: what is released too early may be a member.
    """
    for poll, _ in enumerate(guarded.polls(max(step.since + SHOWN_WITHIN - guarded.clock(), 0.0))):
        if poll == 1:
            guarded.tell(f"waiting until it shows whether {step.id} became a member")
        found = guarded.describe([step.id]).get(step.id)
        if found and is_member(found):
            return e.Joined(step.attempt)
        if found and found.state == TERMINATED:
            break
    return e.Unjoined(step.attempt)


def uncertain(state: State) -> Step | None:
    """Decide what has to be made sure of those that are in: that the operator's command was told of each."""
    unwelcomed = (i for i in state.came_in if i not in state.welcomed)
    return next((Welcome(i) for i in unwelcomed), None)


def welcome(guarded: GuardedCloud, step: Welcome, seconds: float | None) -> e.Event:
    """Tell the operator's command of a new member; where it fails, the run ends."""
    try:
        guarded.hooks.on_join(step.id, seconds)
    except OperationError as error:
        return e.Closing(ExitCode.FAILED, str(error))
    return e.Welcomed(step.id)


def confirm(guarded: GuardedCloud, step: Confirm) -> e.Event:
    """Look at those that are in once more, and at those beside whom they are as many as were asked for."""
    if ended := _ended(guarded, step.beside):
        return e.Lost(ended)
    for instance_id in step.ids:
        found = look_again(guarded, instance_id)
        if isinstance(found, e.Lost):
            return found
        if found.state != RUNNING:
            because = f"{instance_id} joined, and is {found.state} now: start it, or replace it"
            return e.Closing(ExitCode.UNKNOWN, because)
    hidden = {*step.beside} - {*step.excused} - guarded.describe(step.beside).keys()
    hidden -= guarded.settled(hidden).keys() if hidden else set()
    if doubt := unshown(hidden):
        return e.Closing(ExitCode.UNKNOWN, doubt)
    return e.Closing(ExitCode.OK, ALL_IN)


def _ended(guarded: GuardedCloud, members: Sequence[str]) -> Mapping[str, str]:
    """Return those that are terminated, whatever the list shows, with why they are members no more."""
    found = guarded.describe(members) if members else {}
    return {i: "it is terminated" for i, one in found.items() if one.state == TERMINATED}


def look_again(guarded: GuardedCloud, instance_id: str) -> Instance | e.Lost:
    """Return a member as it is now, or that it is none any more; it may take a while to show."""
    found = guarded.settled([instance_id]).get(instance_id)
    if found is None:
        return e.Lost({instance_id: "the platform doesn't know it any more"})
    if found.state == TERMINATED:
        return e.Lost({instance_id: "it is terminated"})
    claim = claimed(found, guarded.cluster)
    return e.Lost({instance_id: claim}) if claim else found
