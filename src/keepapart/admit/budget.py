"""When a run ends: with all that was asked for, with its budget spent, or refusing to guess.

Rules, the first that holds decides:
1. Everything asked for is in: 0.
2. A member that nobody excused isn't running: its host can't be known, so nothing would be admitted: 3.
3. `UNKNOWN_IN_A_ROW` candidates in a row couldn't be measured. One may be a bad instance; more than that says
   that something else is wrong, and further launches only cost money: 3.
4. `max_attempts` went by since the last one joined (so the more are asked for, the more may be tried), or
   the time or the money is spent: 3 where the last candidate ended unknown, else 1.
   Candidates that are only undecided, since nothing is established about the network yet, may all be members
   as soon as it is: while there are any, there are `max_attempts` for each member still wanted.
5. There is no stopped instance left to start and none may be launched: likewise.

Money: every start is charged from its intent until its end, `billed_seconds` at least, at `price_per_hour`;
members until they join. No candidate is come by whose least charge would exceed `max_money`, and a run is
ended once more than that is spent: it is exceeded by what one step's wait and the release cost at most.
"""

from __future__ import annotations

from keepapart.admit.events import Closing
from keepapart.admit.intent import nothing_to_start
from keepapart.admit.state import HELD, IN_FLIGHT, SETTLED, Phase, State
from keepapart.admit.view import View
from keepapart.clouds import RUNNING
from keepapart.config import Launch

DONE, SPENT, CANNOT_TELL, FAILED, INTERRUPTED = 0, 1, 3, 4, 130
UNKNOWN_IN_A_ROW = 2


def ending(state: State, view: View, policy: Launch, elapsed: float, now: float) -> Closing | None:
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
    undecided = state.in_phase(Phase.UNDECIDED)
    code = CANNOT_TELL if unknown or undecided else SPENT
    if attempts_left(state, policy) < 1:
        tried = len(state.attempts) - state.attempts_at_join
        because = f"max_attempts is spent: {tried} attempts brought no member"
        return Closing(code, f"{because}; {undecided[-1].because}" if undecided else because)
    if out_of_time(policy, elapsed):
        return Closing(code, f"{policy.max_minutes} minutes are spent")
    if policy.max_money and spent(state, policy, now) + least_charge(policy) > policy.max_money:
        return Closing(code, _money(state, policy, now))
    if nothing_to_start(state, view, policy):
        return Closing(code, "there is no stopped instance left to start")
    return None


def out_of_time(policy: Launch, elapsed: float) -> bool:
    """Say whether `elapsed` seconds are more than the budget allows."""
    return bool(policy.max_minutes) and elapsed >= policy.max_minutes * 60


def out_of_money(state: State, policy: Launch, now: float) -> Closing | None:
    """Say that the run ends although candidates are in flight, since they have cost all there is."""
    if policy.max_money and spent(state, policy, now) > policy.max_money:
        return Closing(SPENT, _money(state, policy, now))
    return None


def spent(state: State, policy: Launch, now: float) -> float:
    """Say what the run has cost so far."""
    seconds = 0.0
    for attempt in state.attempts:
        if attempt.id or attempt.phase not in SETTLED:
            until = now if attempt.until is None else attempt.until
            seconds += max(until - attempt.since, policy.billed_seconds)
    return seconds / 3600 * policy.price_per_hour


def least_charge(policy: Launch) -> float:
    """Say what one more candidate costs at least."""
    return policy.billed_seconds / 3600 * policy.price_per_hour


def attempts_left(state: State, policy: Launch) -> int:
    """Say how many more candidates may be tried before one joins."""
    each = state.wanted if state.in_phase(Phase.UNDECIDED) else 1
    return policy.max_attempts * each - (len(state.attempts) - state.attempts_at_join)


def together(state: State, policy: Launch, now: float) -> int:
    """Say how many candidates the next round may bring at once."""
    most = min(policy.at_once or state.wanted, policy.max_held or policy.at_once or state.wanted)
    flying = len(state.in_phase(*IN_FLIGHT))
    most = min(most, flying + attempts_left(state, policy))
    if policy.max_money and policy.price_per_hour:
        left = policy.max_money - spent(state, policy, now)
        most = min(most, flying + int(left / least_charge(policy) + 1e-9))
    return most


def crowded(state: State, policy: Launch, now: float) -> bool:
    """Say whether some of those held have to go first, so that `max_held` holds for the next round too."""
    held = [a for a in state.in_phase(*HELD) if policy.on_reject != "restart" or a.phase is Phase.UNDECIDED]
    return bool(policy.max_held) and len(held) + together(state, policy, now) > policy.max_held


def _money(state: State, policy: Launch, now: float) -> str:
    return f"max_money is spent: {spent(state, policy, now):.4g} of {policy.max_money:g}"


def _last(state: State) -> str:
    return next((a.because for a in reversed(state.attempts) if a.because), "")
