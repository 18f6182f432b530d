"""The machine of a move: from the journal's state and the platform's inventory to the next step. Pure.

Rules:
1. One member at a time, in the order asked for: the next one's turn begins when this one runs again, is apart
   from every member, and the operator's command found all well.
2. Who is apart from all already isn't stopped. Of those whose turn is still to come only co-residence counts:
   what is unknown of them is found out in their turn, and a placement group parts only those that are in it.
3. Nobody is stopped where fewer than the cluster needs would go on running; where a member that has to be
   measured doesn't run or can't be reached; or where no verdict could come of it: no signal says anything
   now, and the platform can't be told where to start it.
4. The operator's command is asked before each stop and after each start.
5. Where the platform can be told where the member is to be, it is told: as it runs where that can be done,
   and then nobody is stopped; else once it is stopped. Who can't be placed anywhere isn't stopped. Where a
   throwaway is asked for, one is launched into the slot that became free. All are kept until the end, since
   a freed slot is the next one filled; where there is no room for the member they go first.
6. One that comes up beside another is moved again, `max_attempts` times at most and for `max_minutes`, unless
   that would be the same once more: on a host that was named, or where it was not placed anew and stop and
   start by themselves move nothing. A placement group parts only its own: one that is in it and comes up
   beside the same outsider a second time is left there, and the outsider is named as the one to move next:
   once that is in the group too, they part. Where it is unknown the move ends: further stops would only take
   it down.
7. However it ends, whoever was stopped is started first; then the throwaways are released.
"""

from __future__ import annotations

from msgspec.structs import replace

from keepapart.admit import budget, launch, reconcile, release
from keepapart.admit import events as e
from keepapart.admit.guarded_cloud import SHOWN_WITHIN
from keepapart.admit.inventory import Inventory
from keepapart.admit.moves.state import Moving, Stage, Turn
from keepapart.admit.moves.steps import (
    AskHealth,
    BringUp,
    Choose,
    Compare,
    Foresee,
    Look,
    Migrate,
    Place,
    Start,
    Stop,
)
from keepapart.admit.state import Phase, State
from keepapart.admit.steps import Check, Finish, Intend, Note, Step
from keepapart.clouds import NOTE, RUNNING, STOPPED
from keepapart.errors import ExitCode
from keepapart.model import Instance, many
from keepapart.settings import LaunchSettings

DONE = "all of them are apart from every member"
PARTING = ("spread", "partition")  # of `group_strategy`: what keeps two of one group apart


def decide(
    state: Moving,
    inventory: Inventory,
    policy: LaunchSettings,
    need: int,
    elapsed: float,
    now: float,
    *,
    places: bool,
    stays: bool,
) -> Step:
    """Return the next step of a move that isn't finished.

    `need` members have to run at any time; `places` says that the platform can be told where a member is to
    be, `stays` that stop and start by themselves move nothing there. `elapsed` are the seconds that this
    process has been at it, `now` those since the epoch.
    """
    for noted in reconcile.of_candidates(state.throwaways, inventory):
        return Note(noted)
    if state.closing:
        return _bring_up(state) or _let_go(state, policy) or Finish()
    turn = state.current
    if (turn is None or turn.stage is Stage.WAITING) and (over := _over(state, policy, elapsed)):
        return Note(over)
    assert turn
    match turn.stage:
        case Stage.WAITING:
            return _begin(state, turn, inventory)
        case Stage.LOOKED:
            return AskHealth(turn.id, 0.0, e.Ready(turn.id))
        case Stage.READY if places and turn.live:
            return Foresee(turn.id, state.host, need)
        case Stage.MIGRATING:
            return Migrate(turn.id, turn.parameters)
        case Stage.READY:
            lacking = too_few(turn.id, inventory, need)
            return Note(e.Closing(ExitCode.NO, lacking) if lacking else e.Stopping(turn.id))
        case Stage.STOPPING:
            return Stop(turn.id, need)
        case Stage.STOPPED:
            return Choose(turn.id, state.host) if places else Note(e.Chosen(turn.id))
        case Stage.CHOSEN:
            said = turn.parameters.keys() - {NOTE}
            return Place(turn.id, turn.parameters) if said else Note(e.PlacedAnew(turn.id))
        case Stage.PLACED:
            return _hold(state, turn, policy, now) or Note(e.Starting(turn.id))
        case Stage.STARTING:
            return _start(state, turn, policy, elapsed)
        case Stage.UP:
            return Compare(turn.id, _check(state, turn, inventory, turn.at + policy.boot_minutes * 60))
        case Stage.BESIDE:
            return _again(state, turn, inventory, policy, elapsed, stays=stays)
        case _:
            return AskHealth(turn.id, turn.at + policy.boot_minutes * 60, e.Moved(turn.id, turn.because))


def too_few(member: str, inventory: Inventory, need: int) -> str:
    """Say why this member can't be spared now; empty where it can."""
    others = [m.id for m in others_of(member, inventory) if m.state == RUNNING]
    if len(others) >= need:
        return ""
    size = len(others_of(member, inventory)) + 1
    run = f"{', '.join(others) or 'none'} of {size} members would run without {member}"
    return f"{member} isn't stopped: {run}, and {need} must; start or admit another first"


def others_of(member: str, inventory: Inventory) -> list[Instance]:
    """Return every other member, in the order of their ids."""
    return sorted((m for m in inventory.members(State("")) if m.id != member), key=lambda m: m.id)


def _over(state: Moving, policy: LaunchSettings, elapsed: float) -> e.Closing | None:
    """Say how the move ends before another turn is begun; None where it goes on."""
    codes = [turn.code for turn in state.turns if turn.stage in (Stage.UNMOVED, Stage.DOWN)]
    worst = next((t for t in state.turns if t.code and t.code == max(codes)), None)
    if worst and (worst.code == ExitCode.UNKNOWN or state.current is None):
        return e.Closing(worst.code, f"{worst.id}: {worst.because}")
    if state.current is None:
        return e.Closing(ExitCode.OK, DONE)
    if budget.late(policy, elapsed):
        return e.Closing(ExitCode.NO, f"max_minutes is used up ({policy.max_minutes} minutes)")
    return None


def _begin(state: Moving, turn: Turn, inventory: Inventory) -> Step:
    found = inventory.instances.get(turn.id)
    if found is None:
        gone = inventory.gone.get(turn.id, "the platform doesn't know it any more")
        return Note(e.Unmoved(turn.id, ExitCode.FAILED, f"it is no member any more: {gone}"))
    if found.state not in (RUNNING, STOPPED):
        return Note(e.Closing(ExitCode.UNKNOWN, f"{turn.id} is {found.state}: wait until it runs"))
    dark = [m for m in others_of(turn.id, inventory) if m.state != RUNNING and m.id not in state.excused]
    if dark:
        names = ", ".join(f"{m.id} ({m.state})" for m in dark)
        mend = f"start it, or excuse it with --excuse {dark[0].id}"
        return Note(e.Closing(ExitCode.UNKNOWN, f"can't tell {turn.id} apart from {names}: {mend}"))
    if found.state == STOPPED:
        return Note(e.Stopped(turn.id))
    if state.host:
        return Note(e.Looked(turn.id, f"it is to go to {state.host}"))
    others = tuple(m.id for m in others_of(turn.id, inventory) if m.id not in state.excused)
    return Look(turn.id, Check({1: turn.id}, 1, others, (), (), (), kept=True))


def _check(state: Moving, turn: Turn, inventory: Inventory, ready_by: float) -> Check:
    running = [
        m.id for m in others_of(turn.id, inventory) if m.state == RUNNING and m.id not in state.excused
    ]
    waiting = tuple(i for i in running if i in state.waiting)
    against = tuple(m.id for m in others_of(turn.id, inventory) if m.id not in (*state.excused, *waiting))
    return Check({1: turn.id}, 1, against, waiting, (), (), kept=True, booting={turn.id: ready_by})


def _hold(state: Moving, turn: Turn, policy: LaunchSettings, now: float) -> Step | None:
    """Launch a throwaway into the slot that became free, where that is asked for and can be paid."""
    for attempt in state.throwaways.in_phase(Phase.INTENDED):
        if attempt.put_off:
            return Note(e.LaunchFailed(attempt.number, attempt.because))
        return launch.step(attempt, again=False)
    full = bool(policy.max_held) and len(state.holding) >= policy.max_held
    paid = budget.lasts(state.throwaways, policy, now, more=1) >= now + budget.CHECKING
    if state.hold and not turn.held and paid and not full:
        return Intend(len(state.throwaways.attempts) + 1, "", keep=False)
    return None


def _start(state: Moving, turn: Turn, policy: LaunchSettings, elapsed: float) -> Step:
    if turn.no_room and state.holding and (made_room := _let_go(state, policy)):
        return made_room
    pause = launch.pause_after(turn.no_room)
    if turn.no_room and budget.late(policy, elapsed + pause):
        return Note(e.Closing(ExitCode.FAILED, f"{turn.id} can't be started: {turn.because}"))
    return Start(turn.id, pause)


def _again(
    state: Moving, turn: Turn, inventory: Inventory, policy: LaunchSettings, elapsed: float, *, stays: bool
) -> Step:
    if state.host:
        return Note(e.Unmoved(turn.id, ExitCode.NO, f"{turn.because}; it was to go to {state.host}"))
    if stays and turn.refused:
        return Note(e.Unmoved(turn.id, ExitCode.FAILED, f"{turn.because}; {turn.refused}"))
    if outsider := _outsider(turn, inventory):
        group = inventory.instances[turn.id].facts["group"]
        next_ = (
            f"{outsider} isn't in group {group}, which parts only its own: `keepapart move {outsider}` next"
        )
        return Note(e.Unmoved(turn.id, ExitCode.NO, f"{turn.because}; {next_}"))
    if turn.tries >= policy.max_attempts:
        done = "stopped" if turn.stops else "moved"
        tried = f"max_attempts is used up: it was {done} {many(turn.tries, 'time')}"
        return Note(e.Unmoved(turn.id, ExitCode.NO, f"{turn.because}; {tried}"))
    if budget.late(policy, elapsed):
        spent = f"max_minutes is used up ({policy.max_minutes} minutes)"
        return Note(e.Unmoved(turn.id, ExitCode.NO, f"{turn.because}; {spent}"))
    return AskHealth(turn.id, turn.at + policy.boot_minutes * 60, e.Ready(turn.id))


def _outsider(turn: Turn, inventory: Inventory) -> str:
    """Name whom this member keeps coming up beside since that one isn't in its group; empty where none is."""
    mate = turn.mates[-1] if turn.mates else ""
    if turn.mates.count(mate) < 2 or not {turn.id, mate} <= inventory.instances.keys():
        return ""
    own, other = (inventory.instances[i].facts for i in (turn.id, mate))
    parts = bool(own.get("group")) and own.get("group_strategy") in PARTING
    return mate if parts and other.get("group") != own["group"] else ""


def _bring_up(state: Moving) -> Step | None:
    if state.off is None:
        return None
    unsettled = state.off.stage is Stage.STOPPING
    return BringUp(state.off.id, state.off.at + SHOWN_WITHIN if unsettled else 0.0)


def _let_go(state: Moving, policy: LaunchSettings) -> Step | None:
    """Let the throwaways go."""
    return release.step(state.throwaways, replace(policy, on_reject="terminate"))
