"""Release: stop or terminate what isn't wanted, until the platform says that it is gone.

Rules:
1. Rejects are held until the run is done, since a freed slot is often the next one filled; `on_reject` may
   say to stop or terminate them at once instead. Where `max_held` is reached, the one held longest goes;
   the undecided, who may still be let in, go last, and are turned down in the journal first: whoever takes
   the run over then can't let one in that is being released.
2. What was launched is terminated (stopped, where `on_reject` says so); what was started from stopped is
   stopped again and never terminated.
3. A replaced member is terminated when the run is done, and only if its stand-in is in.
4. Tags are looked at right before each stop and terminate: nothing is touched that isn't a candidate of
   this cluster, or a member of it that the operator named.
5. The call is repeated until the instance is stopped or gone; unknown to the platform counts as gone once it
   has been so for `UNKNOWN_FOR` seconds. One that won't go within `GONE_WITHIN` seconds is left, said so, and
   blocks no other; `gc` finds it.
6. Where nobody knows what came of a launch call, its tags are looked for, `SHOWN_WITHIN` seconds long.
7. When the run is done, everything is told to go before anything is waited for: what waits costs.
"""

from __future__ import annotations

from collections.abc import Sequence

from keepapart.admit import budget
from keepapart.admit import events as e
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.inventory import SPARE_TAG, YES, is_candidate, is_spare
from keepapart.admit.state import HELD, IN_FLIGHT, Attempt, Phase, State
from keepapart.admit.steps import AwaitGone, FindUnanswered, Note, Release, Step
from keepapart.clouds import CLUSTER_TAG, STOPPED, STOPPING, TERMINATED
from keepapart.config import LaunchSettings
from keepapart.errors import NotFoundError
from keepapart.model import Instance

GONE_WITHIN = 600.0  # seconds
UNKNOWN_FOR = 2.0  # seconds; a platform that forgets for a moment what it showed before does so for less
SHOWN_WITHIN = 6.0  # seconds; lists lag by less on the platforms we know, and `gc` is there for the rest


def strays(state: State) -> Step | None:
    """Let go at once of what carries our tags and is no attempt's own."""
    return _all_gone(state, [Release(i, stop=False) for i in state.strays])


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
    undecided = state.in_phase(Phase.UNDECIDED)
    if undecided and crowded:
        return Note(e.Rejected(undecided[0].number, f"{undecided[0].because}; it made room for another"))
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
        return FindUnanswered(attempt.number)
    others = [Release(i, stop=False) for i in state.strays]
    others += [Release(r, stop=False, named=True) for r in state.replaced]
    return _all_gone(state, others, first=_await(state, policy))


def release(guarded: GuardedCloud, step: Release) -> e.Event:
    """Stop or terminate an instance."""
    found = guarded.find(step.id, UNKNOWN_FOR if step.seen else SHOWN_WITHIN)
    if _is_gone(step, found):
        return e.Released(step.id)
    if refusal := _refusal(guarded, step, found):
        return e.LeftAlone(step.id, refusal)
    _act(guarded, step, found)
    return e.Releasing(step.id)


def await_gone(guarded: GuardedCloud, step: AwaitGone, within: float = GONE_WITHIN) -> e.Event:
    """Wait until the instance is stopped or gone, telling the platform so again each time."""
    found: Instance | None = None
    for poll, _ in enumerate(guarded.polls(within)):
        found = guarded.find(step.release.id, UNKNOWN_FOR)
        if _is_gone(step.release, found):
            return e.Released(step.release.id)
        if refusal := _refusal(guarded, step.release, found):
            return e.LeftAlone(step.release.id, refusal)
        if poll:
            _act(guarded, step.release, found)
    if guarded.pressed:
        return e.Releasing(step.release.id)  # the run ends now, and goes on with this
    state = found.state if found else "unknown"
    return e.LeftAlone(step.release.id, f"still {state} after {within:.0f} s of asking", stuck=True)


def find_unanswered(guarded: GuardedCloud, run: str, step: FindUnanswered) -> e.Event:
    """Look for what an unanswered launch call may have brought."""
    for _ in guarded.polls(SHOWN_WITHIN):
        found = guarded.look().of_attempt(run, step.attempt)
        if found:
            return e.Launched(step.attempt, found[0].id)
    return e.LaunchFailed(step.attempt, "the platform shows no instance of it")


def _all_gone(state: State, releases: Sequence[Release], first: Step | None = None) -> Step | None:
    """Tell all of these to go, then wait for each: behind `first`, where there is something to wait for."""
    left = [r for r in releases if r.id not in state.released and r.id not in state.left]
    told = next((r for r in left if r.id not in state.releasing), None)
    return told or first or next((AwaitGone(r) for r in left), None)


def _await(state: State, policy: LaunchSettings) -> Step | None:
    for attempt in state.in_phase(Phase.RELEASING):
        return AwaitGone(_release(state, attempt, policy))
    return None


def _release(state: State, attempt: Attempt, policy: LaunchSettings) -> Release:
    stop = policy.on_reject == "stop" or not state.launched_here(attempt.id)
    return Release(attempt.id, stop, seen=attempt.ran or bool(attempt.source))


def _is_gone(step: Release, found: Instance | None) -> bool:
    if found is None or found.state == TERMINATED:
        return True
    return step.stop and found.state == STOPPED and is_spare(found)


def _refusal(guarded: GuardedCloud, step: Release, found: Instance | None) -> str:
    if found is None or found.tags.get(CLUSTER_TAG) != guarded.cluster:
        return f"it doesn't carry the tag of cluster {guarded.cluster!r} any more"
    if not step.named and not is_candidate(found):
        return "it isn't a candidate any more, by its tag"
    if not step.named and not step.stop and is_spare(found):
        return "it is a spare, by its tag, and only ever stopped"
    return ""


def _act(guarded: GuardedCloud, step: Release, found: Instance | None) -> None:
    try:
        if not step.stop:
            guarded.effect("terminate", lambda: guarded.cloud.terminate(step.id))
            return
        if found is not None and not is_spare(found):  # else `gc` would take it for left behind
            guarded.effect("tag", lambda: guarded.cloud.tag(step.id, {SPARE_TAG: YES}))
        if found is None or found.state not in (STOPPED, STOPPING):
            guarded.effect("stop", lambda: guarded.cloud.stop(step.id))
    except NotFoundError:
        pass  # gone already; the next look says so
