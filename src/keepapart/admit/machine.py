"""The machine: from the journal's state and the platform's inventory to the next step. Pure.

The order is the rule:
1. What the platform shows and the journal doesn't know is noted before anything else is done.
2. A candidate judged separate joins, so it no longer counts against the budget; the operator's command is
   told of it; the member that it stands in for is released. So members are replaced one after the other.
3. Once all are in, and are there still, the run is closed. If money or time is used up, it is closed too.
   Instances that no attempt owns are released at once.
4. While the run is open, candidates in flight are brought to their verdict, together, before others are
   begun: all are launched, then all waited for, then all judged in one round. One that the platform has no
   room for holds up no other, nor does one that a quota keeps from being launched: that is tried again each
   time that one of those held was let go of for it, and ends the run once none is held.
5. Then rejects are released early if that is the policy, and the run either ends or begins more candidates.
6. Once it is closing, everything that isn't a member is released, and the journal is closed last. A member is
   released, or told of, only where the run neither failed nor was interrupted.
"""

from __future__ import annotations

from keepapart.admit import budget, check, intent, launch, reconcile, release
from keepapart.admit.events import Closing
from keepapart.admit.inventory import Inventory
from keepapart.admit.state import IN_FLIGHT, Attempt, Phase, State
from keepapart.admit.steps import Confirm, Finish, Note, Step
from keepapart.errors import ExitCode
from keepapart.settings import LaunchSettings


def decide(state: State, inventory: Inventory, policy: LaunchSettings, elapsed: float, now: float) -> Step:
    """Return the next step of a run that isn't finished.

    `elapsed` are the seconds that this process has been at it, `now` those since the epoch.
    """
    if noted := reconcile.step(state, inventory):
        return noted
    if state.closing:
        broken_off = state.closing.code in (ExitCode.FAILED, ExitCode.INTERRUPTED)
        certain = None if broken_off else check.uncertain(state)
        return certain or release.step(state, policy) or Finish()
    return (
        _found_apart(state)
        or check.uncertain(state)
        or release.relieved(state)
        or (Confirm(state.came_in, state.beside, state.excused) if budget.all_in(state) else None)
        or _noted(budget.out_of_money(state, policy, now))
        or _noted(budget.out_of_time(state, policy, elapsed))
        or release.strays(state)
        or _in_flight(state, inventory, policy, elapsed, now)
        or release.early(state, policy, now)
        or _ended(state, inventory, policy, elapsed, now)
        or intent.step(state, inventory, policy)
    )


def _found_apart(state: State) -> Step | None:
    for attempt in state.in_phase(Phase.SEPARATE):
        return check.join(state, attempt)
    return None


def _in_flight(
    state: State, inventory: Inventory, policy: LaunchSettings, elapsed: float, now: float
) -> Step | None:
    flying = state.in_phase(*IN_FLIGHT)
    for attempt in flying:
        if attempt.phase is Phase.INTENDED and not attempt.put_off:
            return _launch(state, attempt)
    wider = _may_widen(flying) and not budget.full(state, policy)
    wider = wider and len(flying) < budget.together(state, policy, now)
    if wider and not _ended(state, inventory, policy, elapsed, now):
        return intent.step(state, inventory, policy)
    for attempt in state.in_phase(Phase.LAUNCHED):
        return _launch(state, attempt)
    if state.in_phase(Phase.RUNNING) or check.surplus(state):
        return check.step(state, inventory, policy)
    for attempt in flying:  # there was no room for what is left, or a quota is used up
        if attempt.over_quota:
            used_up = Closing(ExitCode.FAILED, attempt.because)
            return release.making_room(state, policy) or Note(used_up)
        spent = budget.no_room_in_time(state, policy, launch.pause(attempt), elapsed, now)
        if spent:
            return Note(Closing(ExitCode.NO, f"no {spent} left to wait for room: {attempt.because}"))
        return _launch(state, attempt)
    return None


def _may_widen(flying: tuple[Attempt, ...]) -> bool:
    """Say whether more may be launched beside these: not once one runs, nor where there is no room."""
    return bool(flying) and not any(a.ran or a.put_off for a in flying)


def _launch(state: State, attempt: Attempt) -> Step | None:
    return launch.step(attempt, again=any(a.id == attempt.source for a in state.attempts if a.id))


def _ended(
    state: State, inventory: Inventory, policy: LaunchSettings, elapsed: float, now: float
) -> Step | None:
    return _noted(budget.ending(state, inventory, policy, elapsed, now))


def _noted(closing: Closing | None) -> Step | None:
    return Note(closing) if closing else None
