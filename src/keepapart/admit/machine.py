"""The machine: from the journal's state and the platform's view to the next step. Pure.

The order is the rule:
1. What the platform shows and the journal doesn't know is noted before anything else is done.
2. What strayed is let go at once.
3. While the run is open, a candidate in flight is brought to its verdict before the next one is thought of;
   rejects go early where that is the policy; then the run either ends or comes by another candidate.
4. Once it is closing, everything that isn't a member is let go, and the journal is closed last.
"""

from __future__ import annotations

from keepapart.admit import budget, check, intent, launch, reconcile, release
from keepapart.admit.events import Closing
from keepapart.admit.state import IN_FLIGHT, State
from keepapart.admit.steps import Finish, Note, Step
from keepapart.admit.view import View
from keepapart.config import Launch


def decide(state: State, view: View, policy: Launch, elapsed: float) -> Step:
    """Return the next step of a run that isn't finished; `elapsed` is in seconds."""
    first = reconcile.step(state, view) or release.strays(state)
    if first:
        return first
    if state.closing:
        return release.step(state, policy) or Finish()
    return (
        _in_flight(state, view, policy, elapsed)
        or release.early(state, policy)
        or _ended(state, view, policy, elapsed)
        or intent.step(state, view, policy)
    )


def _in_flight(state: State, view: View, policy: Launch, elapsed: float) -> Step | None:
    for attempt in state.in_phase(*IN_FLIGHT):
        waiting = attempt.postponed and not attempt.id
        if waiting and budget.out_of_time(policy, elapsed + launch.pause(attempt)):
            return Note(Closing(budget.SPENT, f"no time left to wait for room: {attempt.because}"))
        return launch.step(attempt) or check.step(state, view, attempt)
    return None


def _ended(state: State, view: View, policy: Launch, elapsed: float) -> Step | None:
    closing = budget.ending(state, view, policy, elapsed)
    return Note(closing) if closing else None
