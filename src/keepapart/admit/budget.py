"""When a run ends before all are in that were asked for: a budget is used up, or it can't tell who may join.

The first of these rules that holds decides:
1. As many as `max_held` allows could not be released: 4.
2. A member that nobody excused isn't running. Its host can't be known, so no candidate could join: 3.
3. `UNKNOWN_IN_A_ROW` candidates in a row couldn't be measured: 3. One may be a bad instance; more than that
   means that something else is wrong, and further launches would only cost money.
4. `max_attempts` candidates were tried since the last one joined (so the more are asked for, the more may be
   tried), or the time or the money is used up: 3 if the last candidate ended unknown, else 1. Candidates that
   are only undecided, because nothing is established about the network yet, may all join as soon as it is.
   While there are any, `max_attempts` may be tried for each member still wanted.
5. No stopped instance is left to start, and none may be launched: as in rule 4.

Every start is charged at `price_per_hour` from its intent (or from when there was last no room for it) until
its end, for `billed_seconds` at least; a candidate that joins is charged until it joins. One that was
launched and is stopped is charged on at `stopped_price_per_hour` until the run is over. `max_money` is never
exceeded:
1. Enough is reserved to pay for every candidate for `LETTING_GO` more seconds, the time to release them.
   Waits and repeated calls end when only that reserve is left; then the run ends and releases them.
2. A candidate is launched or a round started only if `CHECKING` seconds of it can be paid on top of that
   reserve.
"""

from __future__ import annotations

import math

from keepapart.admit.events import Closing
from keepapart.admit.intent import nothing_to_start
from keepapart.admit.inventory import Inventory
from keepapart.admit.state import ENDED, HELD, IN_FLIGHT, Attempt, Phase, State
from keepapart.clouds import RUNNING
from keepapart.errors import ExitCode
from keepapart.model import many
from keepapart.settings import LaunchSettings

UNKNOWN_IN_A_ROW = 2
CHECKING = 60.0  # seconds kept ready for a round: it takes seconds, and a minute where ways in fail
LETTING_GO = 120.0  # seconds kept ready until all that is held is gone, after the call that was being made


def ending(
    state: State, inventory: Inventory, policy: LaunchSettings, elapsed: float, now: float
) -> Closing | None:
    """Say how and why the run ends now, before another candidate is begun; None: it goes on."""
    if policy.max_held and len(_stuck(state)) >= policy.max_held:
        names = ", ".join(a.id for a in _stuck(state))
        return Closing(ExitCode.FAILED, f"max_held is used up: {names} could not be released")
    dark = [
        m
        for m in inventory.members(state)
        if m.state != RUNNING and m.id not in (*state.excused, *state.replaces)
    ]
    if dark:
        names = ", ".join(f"{m.id} ({m.state})" for m in dark)
        return Closing(
            ExitCode.UNKNOWN, f"can't measure {names}: replace it, or excuse it with --excuse {dark[0].id}"
        )
    unknown = state.unknown_in_a_row
    if unknown >= UNKNOWN_IN_A_ROW:
        return Closing(ExitCode.UNKNOWN, f"{unknown} candidates in a row could not be judged: {_last(state)}")
    undecided = state.in_phase(Phase.UNDECIDED)
    code = _spent_code(state)
    if attempts_left(state, policy) < 1:
        tried = len(state.attempts) - state.attempts_at_join
        because = f"max_attempts is used up: {many(tried, 'attempt')} brought no member"
        return Closing(code, f"{because}; {undecided[-1].because}" if undecided else because)
    if over := out_of_time(state, policy, elapsed):
        return over
    if lasts(state, policy, now, more=1) < now + CHECKING:
        needs = f"another candidate needs {least_charge(policy):.4g}"
        return Closing(code, f"{_money(state, policy, now)}; {needs}")
    if nothing_to_start(state, inventory, policy):
        return Closing(code, "there is no stopped instance left to start")
    return None


def all_in(state: State) -> bool:
    """Say whether as many are in as were asked for."""
    return len(state.came_in) >= state.count


def out_of_time(state: State, policy: LaunchSettings, elapsed: float) -> Closing | None:
    """Say that the run ends whatever is in flight: this process has been at it for as long as it may."""
    if not late(policy, elapsed):
        return None
    because = f"max_minutes is used up ({policy.max_minutes} minutes)"
    last = _last(state) if state.unknown_in_a_row else ""
    return Closing(_spent_code(state), f"{because}; {last}" if last else because)


def late(policy: LaunchSettings, elapsed: float) -> bool:
    """Say whether this process has been at it for as long as it may."""
    return bool(policy.max_minutes) and elapsed >= policy.max_minutes * 60


def out_of_money(state: State, policy: LaunchSettings, now: float) -> Closing | None:
    """Say that the run ends whatever is in flight: what is left pays only for releasing it."""
    if lasts(state, policy, now) < now + CHECKING:
        because = f"{_money(state, policy, now)}; the rest is reserved for releasing instances"
        return Closing(_spent_code(state), because)
    return None


def no_room_in_time(state: State, policy: LaunchSettings, pause: float, elapsed: float, now: float) -> str:
    """Say which budget would be spent by waiting `pause` more seconds for room; empty where none would."""
    if late(policy, elapsed + pause):
        return "time"
    return "money" if lasts(state, policy, now) < now + pause + CHECKING else ""


def lasts(state: State, policy: LaunchSettings, now: float, more: int = 0) -> float:
    """Say until when all candidates, and `more` begun now, can be paid before they must be released.

    Seconds since the epoch; infinite where there is no limit or nothing costs anything. At time t each of n
    candidates has cost max(t - since, billed). Their sum stays within what is left as long as, for every k
    from 0 to n, the first k (t - since) and n - k least charges do. Those that rest cost on beside them.
    """
    since = sorted(a.since for a in state.attempts if a.phase not in ENDED) + [now] * more
    if not since or not policy.max_money or not policy.price_per_hour:
        return math.inf
    least = policy.billed_seconds
    seconds = policy.max_money / policy.price_per_hour * 3600 - sum(
        _charged(a, policy, now) for a in state.attempts if a.phase in ENDED
    )
    if seconds < len(since) * least:
        return -math.inf
    resting = sum(_resting(a, policy) for a in state.attempts)
    age = 0.0
    ends = [(seconds - len(since) * least) / resting] if resting else []
    for ticking, begun in enumerate(since, 1):
        age += now - begun
        ends.append((seconds - (len(since) - ticking) * least - age) / (ticking + resting))
    return now + min(ends) - LETTING_GO


def spent(state: State, policy: LaunchSettings, now: float) -> float:
    """Say what the run has cost so far."""
    return sum(_charged(a, policy, now) for a in state.attempts) / 3600 * policy.price_per_hour


def least_charge(policy: LaunchSettings) -> float:
    """Say what has to be left to begin another candidate."""
    return max(policy.billed_seconds, CHECKING + LETTING_GO) / 3600 * policy.price_per_hour


def attempts_left(state: State, policy: LaunchSettings) -> int:
    """Say how many more candidates may be tried before one joins."""
    each = state.wanted if state.in_phase(Phase.UNDECIDED) else 1
    return policy.max_attempts * each - (len(state.attempts) - state.attempts_at_join)


def together(state: State, policy: LaunchSettings, now: float) -> int:
    """Say how many candidates the next round may bring at once."""
    most = policy.at_once or state.wanted
    if policy.max_held:
        most = min(most, policy.max_held - len(_stuck(state)))
    flying = len(state.in_phase(*IN_FLIGHT))
    most = min(most, flying + attempts_left(state, policy))
    while most > flying and lasts(state, policy, now, most - flying) < now + CHECKING:
        most -= 1
    return most


def crowded(state: State, policy: LaunchSettings, now: float) -> bool:
    """Say whether some of those held have to go first, so that `max_held` holds for the next round too."""
    return bool(policy.max_held) and _held(state, policy) + together(state, policy, now) > policy.max_held


def full(state: State, policy: LaunchSettings) -> bool:
    """Say whether as many are in flight and held as `max_held` allows."""
    return bool(policy.max_held) and len(state.in_phase(*IN_FLIGHT)) + _held(state, policy) >= policy.max_held


def _held(state: State, policy: LaunchSettings) -> int:
    """Count those held that stay so when another candidate comes: one started again is that candidate."""
    restarted = Phase.REJECTED if policy.on_reject == "restart" else None
    return len(_stuck(state)) + sum(a.phase is not restarted for a in state.in_phase(*HELD))


def _stuck(state: State) -> list[Attempt]:
    """Return the candidates that are there still although they were to go."""
    return [a for a in state.in_phase(Phase.LEFT) if a.id in state.stuck]


def _charged(attempt: Attempt, policy: LaunchSettings, now: float) -> float:
    """Say for how many seconds an attempt is paid so far."""
    if attempt.phase in ENDED and not attempt.id:
        return 0.0
    until = now if attempt.until is None else attempt.until
    return max(until - attempt.since, policy.billed_seconds) + (now - until) * _resting(attempt, policy)


def _resting(attempt: Attempt, policy: LaunchSettings) -> float:
    """Say what an attempt that was launched and is stopped costs, as a share of one that runs."""
    rests = attempt.phase is Phase.RELEASED and policy.on_reject == "stop" and not attempt.source
    return policy.stopped_price_per_hour / policy.price_per_hour if rests and policy.price_per_hour else 0.0


def _spent_code(state: State) -> ExitCode:
    unknown = state.unknown_in_a_row or state.in_phase(Phase.UNDECIDED)
    return ExitCode.UNKNOWN if unknown else ExitCode.NO


def _money(state: State, policy: LaunchSettings, now: float) -> str:
    return f"max_money is used up ({spent(state, policy, now):.4g} of {policy.max_money:g})"


def _last(state: State) -> str:
    return next((a.because for a in reversed(state.attempts) if a.because), "")
