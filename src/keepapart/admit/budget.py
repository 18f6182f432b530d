"""When a run ends: with all that was asked for, with its budget spent, or refusing to guess.

Rules, the first that holds decides:
1. Everything asked for is in: 0.
2. A member that nobody excused isn't running: its host can't be known, so nothing would be admitted: 3.
3. `UNKNOWN_IN_A_ROW` candidates in a row ended unknown. One may be a bad instance; more than that says
   that nothing is established about the network, and further launches only cost money: 3.
4. `max_attempts` went by since the last one joined (so the more are asked for, the more may be tried), or
   the time is spent: 3 where the last candidate ended unknown, else 1.
5. There is no stopped instance left to start and none may be launched: likewise.
"""

from __future__ import annotations

from keepapart.admit.events import Closing
from keepapart.admit.intent import nothing_to_start
from keepapart.admit.state import State
from keepapart.admit.view import View
from keepapart.clouds import RUNNING
from keepapart.config import Launch

DONE, SPENT, CANNOT_TELL, FAILED, INTERRUPTED = 0, 1, 3, 4, 130
UNKNOWN_IN_A_ROW = 2


def ending(state: State, view: View, policy: Launch, elapsed: float) -> Closing | None:
    """Say how and why the run ends now, before another candidate is come by; None: it goes on."""
    if len(state.joined) >= state.count:
        return Closing(DONE, "all asked for are in")
    dark = [
        m for m in view.members(state) if m.state != RUNNING and m.id not in (*state.excused, *state.replaces)
    ]
    if dark:
        names = ", ".join(f"{m.id} ({m.state})" for m in dark)
        return Closing(
            CANNOT_TELL, f"can't measure {names}: replace it, or excuse it with --excuse {dark[0].id}"
        )
    unknown = state.unknown_in_a_row
    if unknown >= UNKNOWN_IN_A_ROW:
        return Closing(CANNOT_TELL, f"{unknown} candidates in a row can't be told apart: {_last(state)}")
    code = CANNOT_TELL if unknown else SPENT
    if state.fruitless_in_a_row >= policy.max_attempts:
        return Closing(code, f"max_attempts is spent: {policy.max_attempts} attempts brought no member")
    if out_of_time(policy, elapsed):
        return Closing(code, f"{policy.max_minutes} minutes are spent")
    if nothing_to_start(view, policy):
        return Closing(code, "there is no stopped instance left to start")
    return None


def out_of_time(policy: Launch, elapsed: float) -> bool:
    """Say whether `elapsed` seconds are more than the budget allows."""
    return bool(policy.max_minutes) and elapsed >= policy.max_minutes * 60


def _last(state: State) -> str:
    return next((a.because for a in reversed(state.attempts) if a.because), "")
