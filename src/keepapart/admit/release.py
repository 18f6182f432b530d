"""Release: stop or terminate what isn't wanted, until the platform says that it is gone.

Rules:
1. Rejects are held until the run is done, since a freed slot is often the next one filled; `on_reject` may
   say to stop or terminate them at once instead. Where `max_held` is reached, or a quota of the platform's,
   the one held longest goes; the undecided, who may still be let in, go last, and are turned down in the
   journal first: whoever takes the run over then can't let one in that is being released.
2. What was launched is terminated (stopped, where `on_reject` says so); what was started from stopped is
   stopped again and never terminated. A spare that was a member is a spare again.
3. A replaced member goes as soon as its stand-in is in, one at a time, before another stand-in is looked
   for, and only through one gate, whoever gets there: the operator's `before_release` took it, and right
   after that the stand-in runs and is a member. Else it stays, and that is said. So it does where the
   operator keeps the old ones, and where the run failed or was interrupted: the same request then goes on
   from there.
4. What a journal has from the platform's own answer is ours by that, tags or not; everything else is by its
   tags. Tags that say otherwise, and whoever joined by any journal, are left alone. They are looked at right
   before each stop and terminate.
5. The call is made before "gone" or "stopped" is believed, since what is shown may be from before the launch
   or the start. It is repeated until the instance is stopped or gone. What was shown and is unknown for
   `UNKNOWN_FOR` seconds is gone; what never showed is only after `SETTLED_AFTER`.
6. One whose call is refused, or that won't go within `GONE_WITHIN` seconds, is left, said so, and blocks no
   other. It is told to go once more when the run ends; `gc` goes on about it.
7. Where nobody knows what came of a launch call, its tags are looked for as long as it may be under way:
   `QUIET` seconds, after which every platform is taken to have launched nothing.
8. When the run is done, every candidate is told to go before anything is waited for: what waits costs.
"""

from __future__ import annotations

from collections.abc import Sequence

from keepapart.admit import budget, check
from keepapart.admit import events as e
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.inventory import (
    SPARE_TAG,
    YES,
    claimed,
    is_candidate,
    is_member,
    is_spare,
)
from keepapart.admit.ledger import SETTLED_AFTER
from keepapart.admit.state import HELD, IN_FLIGHT, Attempt, Phase, State
from keepapart.admit.steps import AwaitGone, FindUnanswered, Note, Release, Settle, Step
from keepapart.clouds import CANDIDATE, CLUSTER_TAG, ROLE_TAG, RUNNING, STOPPED, STOPPING, TERMINATED
from keepapart.clouds.once import QUIET
from keepapart.errors import CloudError, ExitCode, NotFoundError, OperationError
from keepapart.model import Instance
from keepapart.settings import LaunchSettings

GONE_WITHIN = 600.0  # seconds
REFUSED_WITHIN = 6.0  # seconds; for a call that the platform said no to, as far as is known
UNKNOWN_FOR = 2.0  # seconds; a platform that forgets for a moment what it showed before does so for less


def strays(state: State) -> Step | None:
    """Let go at once of what carries our tags and is no attempt's own."""
    return _all_gone(state, [Release(i, stop=False) for i in state.strays])


def relieved(state: State) -> Step | None:
    """Let the next member go whose stand-in is in."""
    for old, new in due(state).items():
        going = Release(old, stop=False, stand_in=new)
        return AwaitGone(going) if old in state.releasing else going
    return None


def due(state: State) -> dict[str, str]:
    """Return the members that the run is to release, each with its stand-in."""
    stopped = state.closing and state.closing.code in (ExitCode.FAILED, ExitCode.INTERRUPTED)
    if state.keeps_old:
        return {}
    there = {o: n for o, n in state.stand_ins.items() if o not in state.released and o not in state.left}
    return {old: new for old, new in there.items() if old in state.releasing or not stopped}


def early(state: State, policy: LaunchSettings, now: float) -> Step | None:
    """Let go of rejects before the run is done, where that is the policy or too many are held."""
    waiting = _await(state, policy)
    if waiting:
        return waiting
    held = state.in_phase(Phase.REJECTED)
    at_once = policy.on_reject in ("stop", "terminate")
    crowded = state.wanted > 0 and budget.crowded(state, policy, now)
    if held and (at_once or (crowded and policy.on_reject == "hold")):
        return _release(state, held[0], policy)
    return _undecided(state) if crowded else None


def making_room(state: State, policy: LaunchSettings) -> Step | None:
    """Let the next one go of those held, for one that a quota keeps from being launched."""
    held = (_release(state, attempt, policy) for attempt in state.in_phase(Phase.REJECTED))
    return _await(state, policy) or next(held, None) or _undecided(state)


def _undecided(state: State) -> Step | None:
    """Turn the one down that is undecided for longest, so that it can go."""
    for attempt in state.in_phase(Phase.UNDECIDED):
        return Note(e.Rejected(attempt.number, f"{attempt.because}; it made room for another"))
    return None


def step(state: State, policy: LaunchSettings) -> Step | None:
    """Let go of all that is left when the run is done; None when nothing is."""
    open_ = state.in_phase(*IN_FLIGHT, *HELD)
    for attempt in open_:
        if attempt.id:
            return _release(state, attempt, policy)
    for attempt in open_:
        if attempt.source:
            return Note(e.Launched(attempt.number, attempt.source))
        return FindUnanswered(attempt.number, REFUSED_WITHIN if attempt.put_off else QUIET)
    others = [Release(i, stop=False) for i in state.strays]
    return _again(state, policy) or _all_gone(state, others, first=_await(state, policy)) or relieved(state)


def release(guarded: GuardedCloud, step: Release, seconds: float | None = None) -> e.Event:
    """Stop or terminate an instance; the operator's command may take so many seconds."""
    found = guarded.describe([step.id]).get(step.id)
    if found and found.state == TERMINATED:
        return e.Released(step.id)
    if refusal := _refusal(guarded, step, found):
        return e.LeftAlone(step.id, refusal)
    if step.stand_in and (stopped := _gate(guarded, step, seconds)):
        return stopped
    try:
        _act(guarded, step, found, at_rest=False)
    except NotFoundError:
        pass  # gone already, or not known yet: the next looks say which
    except CloudError as error:
        return _refused(guarded, step, error)
    return e.Releasing(step.id)


def await_gone(guarded: GuardedCloud, step: AwaitGone, within: float = GONE_WITHIN) -> e.Event:
    """Wait until the instance is stopped or gone, telling the platform so again each time."""
    going, shown = step.release, step.release.seen
    found: Instance | None = None
    unknown_since: float | None = None
    for poll, _ in enumerate(guarded.polls(within)):
        found = guarded.describe([going.id]).get(going.id)
        if _is_gone(going, found):
            return e.Released(going.id)
        shown = shown or found is not None
        if found is None:
            unknown_since = guarded.clock() if unknown_since is None else unknown_since
            if shown and guarded.clock() - unknown_since >= UNKNOWN_FOR:
                return e.Released(going.id)
        else:
            unknown_since = None
        if found is None or poll:
            try:
                _act(guarded, going, found, at_rest=found is not None and found.state in (STOPPED, STOPPING))
            except NotFoundError:
                pass  # as the look said, or a moment behind it
            except CloudError as error:
                return _refused(guarded, going, error)
            else:
                shown = True
    if guarded.pressed:
        return e.Releasing(going.id)  # the run ends now, and goes on with this
    if found is None and not shown:
        return _never_shown(guarded, going)
    state = found.state if found else "unknown"
    return e.LeftAlone(going.id, f"still {state} after {within:.0f} s of asking", stuck=True)


def find_unanswered(
    guarded: GuardedCloud, run: str, step: FindUnanswered, within: float = GONE_WITHIN
) -> e.Event:
    """Look for what an unanswered launch call may have brought."""
    for _ in guarded.polls(min(within, step.within)):
        found = guarded.look().of_attempt(run, step.attempt)
        if found:
            return e.Launched(step.attempt, found[0].id)
    return e.LaunchFailed(step.attempt, "the platform shows no instance of it")


def _gate(guarded: GuardedCloud, step: Release, seconds: float | None) -> e.Event | None:
    """Say what keeps a member from being released for its stand-in; None where nothing does."""
    if unfit := _unfit(guarded, step):
        return unfit
    try:
        guarded.hooks.before_release(step.id, seconds)
    except OperationError as error:
        return e.Closing(ExitCode.FAILED, str(error))
    return _unfit(guarded, step)


def _unfit(guarded: GuardedCloud, step: Release) -> e.Event | None:
    found = check.look_again(guarded, step.stand_in)
    if isinstance(found, e.Lost):
        return found
    if found.state != RUNNING:
        return e.LeftAlone(step.id, f"its stand-in {step.stand_in} is {found.state}", stuck=True)
    return None


def _refused(guarded: GuardedCloud, going: Release, error: CloudError) -> e.Event:
    """Leave one whose release failed, unless it took all the same."""
    if _is_gone(going, guarded.describe([going.id]).get(going.id)):
        return e.Released(going.id)
    return e.LeftAlone(going.id, str(error), stuck=True)


def _never_shown(guarded: GuardedCloud, going: Release) -> e.Event:
    launched = guarded.ledger.unsettled.get(going.id)
    if launched and guarded.clock() - launched.at >= SETTLED_AFTER:
        return e.Released(going.id)
    because = "the platform doesn't know it yet, although it launched it"
    return e.LeftAlone(going.id, because, stuck=True)


def _all_gone(state: State, releases: Sequence[Release], first: Step | None = None) -> Step | None:
    """Tell all of these to go, then wait for each: behind `first`, where there is something to wait for."""
    left = [r for r in releases if r.id not in state.released and r.id not in state.left]
    told = next((r for r in left if r.id not in state.releasing), None)
    return told or first or next((AwaitGone(r) for r in left), None)


def _again(state: State, policy: LaunchSettings) -> Step | None:
    """Tell what was left before the run was ending once more to go."""
    for attempt in state.in_phase(Phase.LEFT):
        if attempt.id in state.stuck and attempt.id not in state.tried_last:
            return _release(state, attempt, policy)
    return None


def _await(state: State, policy: LaunchSettings) -> Step | None:
    for attempt in state.in_phase(Phase.RELEASING):
        return AwaitGone(_told(state, attempt, policy))
    return None


def _release(state: State, attempt: Attempt, policy: LaunchSettings) -> Step:
    if attempt.joining is not None:
        return Settle(attempt.number, attempt.id, attempt.joining)
    return _told(state, attempt, policy)


def _told(state: State, attempt: Attempt, policy: LaunchSettings) -> Release:
    stop = policy.on_reject == "stop" or not state.launched_here(attempt.id)
    return Release(attempt.id, stop, known=True, seen=attempt.ran or bool(attempt.source))


def is_kept(guarded: GuardedCloud, instance_id: str, found: Instance | None) -> bool:
    """Say whether an instance was stopped before a run started it, so that it is never terminated."""
    return instance_id in guarded.ledger.spares or (found is not None and is_spare(found))


def _stops(step: Release, found: Instance | None) -> bool:
    return step.stop or (found is not None and is_spare(found))


def _is_gone(step: Release, found: Instance | None) -> bool:
    if found is None:
        return False
    at_rest = found.state == STOPPED and is_spare(found) and not is_member(found)
    return found.state == TERMINATED or (_stops(step, found) and at_rest)


def _refusal(guarded: GuardedCloud, step: Release, found: Instance | None) -> str:
    if not step.stand_in and step.id in guarded.ledger.members:
        return "it is a member, by the journal"
    if found is None:
        return ""
    if claim := claimed(found, guarded.cluster):
        return claim
    if step.stand_in:
        return ""
    if is_member(found):
        return "it is a member, by its tag"
    if step.known:
        return ""
    ours = CLUSTER_TAG in found.tags and is_candidate(found)
    return "" if ours else f"it isn't a candidate of {guarded.cluster!r} any more, by its tags"


def _act(guarded: GuardedCloud, step: Release, found: Instance | None, *, at_rest: bool) -> None:
    """Make the call; one that is to stop and is `at_rest` is only marked as that."""
    if not (step.stop or is_kept(guarded, step.id, found)):
        guarded.effect("terminate", lambda: guarded.cloud.terminate(step.id))
        return
    marks = {SPARE_TAG: YES, **({ROLE_TAG: CANDIDATE} if step.stand_in else {})}
    if step.stand_in and not at_rest:  # it is a member for as long as it runs
        guarded.effect("stop", lambda: guarded.cloud.stop(step.id))
        return
    if found is not None and not marks.items() <= found.tags.items():  # else `gc` takes it for left behind
        guarded.effect("tag", lambda: guarded.cloud.tag(step.id, marks))
    if not at_rest:
        guarded.effect("stop", lambda: guarded.cloud.stop(step.id))
