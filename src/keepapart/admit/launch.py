"""Launch: from an intent to an instance that runs.

Rules:
1. The call repeats the journalled request word for word, however often it is made: the same token, the
   same parameters, so the same instance.
2. No room is no error: the call is made again after a pause that doubles, as long as time is left. Nor is a
   quota that is used up: the call is made again each time that one of those held was let go of for it.
3. An instance that doesn't show yet is waited for, never launched again.
4. A request that the platform refuses for good comes to nothing; the next attempt may say something else.
5. One that is started again where it was turned down is stopped first, and only while it still carries the
   tag of the attempt before: so a start that was done already isn't undone.
6. One that can't be tagged or started is turned down; that ends no other. One that was launched and is
   stopped is started: where a launch takes several calls, an interruption may come between them.
7. One that doesn't run within `RUNNING_WITHIN` seconds is rejected.
8. The platform is told with each call how long ago the last one was made that may have launched something,
   unless it is sure that there was none: this process has the intent, or "no room", from its own journalling.
"""

from __future__ import annotations

from dataclasses import replace

from keepapart.admit import events as e
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.inventory import claimed, is_member
from keepapart.admit.state import Attempt, Phase
from keepapart.admit.steps import AwaitRunning, Launch, StartStopped, Step
from keepapart.clouds import (
    ATTEMPT_TAG,
    CLUSTER_TAG,
    PENDING,
    RUNNING,
    STOPPED,
    STOPPING,
    TERMINATED,
    LaunchRequest,
)
from keepapart.errors import (
    CapacityError,
    CloudError,
    NotFoundError,
    QuotaError,
    RefusedError,
    UnsettledError,
)
from keepapart.model import Instance

RUNNING_WITHIN = 600.0  # seconds; the slowest images boot in minutes, and what doesn't by then never will
KNOWN_WITHIN = 6.0  # seconds; it was listed a moment ago
STOPPED_WITHIN = 600.0  # seconds
PLACES = ("zone", "partition", "host")
NO_ROOM_FIRST, NO_ROOM_LAST = 2.0, 300.0  # seconds before the call is made again


def step(attempt: Attempt, *, again: bool) -> Step | None:
    """Decide what brings the attempt nearer to a running instance; None where it has one.

    `again` says that the instance to start is one that this run had before.
    """
    if attempt.phase is Phase.INTENDED:
        request = LaunchRequest(attempt.token, attempt.tags, attempt.parameters)
        delay = pause(attempt)
        if attempt.source:
            return StartStopped(attempt.number, request, attempt.source, delay, again)
        return Launch(attempt.number, request, delay)
    if attempt.phase is Phase.LAUNCHED:
        return AwaitRunning(attempt.number, attempt.id)
    return None


def pause(attempt: Attempt) -> float:
    """Say how many seconds to wait before the call, by how often there was no room."""
    return pause_after(attempt.postponed)


def pause_after(tries: int) -> float:
    """Say how many seconds to wait where there was no room so many times in a row."""
    if not tries:
        return 0.0
    return min(NO_ROOM_LAST, NO_ROOM_FIRST * 2.0 ** min(tries - 1, 32))


def launch(guarded: GuardedCloud, step: Launch, *, unsent: bool, user_data: bytes = b"") -> e.Event:
    """Make the launch call; `unsent` says that it is sure that none was made before that is still open."""
    guarded.sleep(step.delay)
    sent = None if unsent else guarded.clock()

    def call() -> Instance:
        nonlocal sent
        ago = None if sent is None else guarded.clock() - sent
        try:
            return guarded.cloud.launch(replace(step.request, sent=ago, user_data=user_data))
        except UnsettledError:
            sent = guarded.clock() if sent is None else sent
            raise
        except CloudError:
            sent = guarded.clock()
            raise

    try:
        instance = guarded.effect("launch", call)
    except CapacityError as error:
        return e.Postponed(step.attempt, str(error))
    except QuotaError as error:
        return e.OverQuota(step.attempt, str(error))
    except RefusedError as error:
        return e.LaunchFailed(step.attempt, str(error))
    return e.Launched(step.attempt, instance.id)


def start_stopped(guarded: GuardedCloud, step: StartStopped) -> e.Event:
    """Make a stopped instance this attempt's candidate, by its tags first, and start it."""
    guarded.sleep(step.delay)
    try:
        return _started(guarded, step)
    except CapacityError as error:
        return e.Postponed(step.attempt, str(error))
    except NotFoundError:
        return e.LaunchFailed(step.attempt, f"{step.id} is gone")
    except CloudError as error:
        return e.Rejected(step.attempt, f"can't be started: {error}")


def _started(guarded: GuardedCloud, step: StartStopped) -> e.Event:
    found = guarded.find(step.id, KNOWN_WITHIN)
    mine = found is not None and found.tags.get(ATTEMPT_TAG) == step.request.tags[ATTEMPT_TAG]
    if step.again and found and found.state == RUNNING and not mine and not is_member(found):
        found = _stopped(guarded, step.id)
        if found and found.state != STOPPED and guarded.pressed:
            return e.Launched(step.attempt, step.id)  # nothing is left to be spent on it: it will be released
    if found is None or found.state == TERMINATED:
        return e.LaunchFailed(step.attempt, f"{step.id} is gone")
    member = is_member(found) or step.id in guarded.ledger.members
    ours = step.again or CLUSTER_TAG in found.tags
    if member or claimed(found, guarded.cluster) or not ours:
        return e.LaunchFailed(
            step.attempt, f"{step.id} is no stopped instance of {guarded.cluster!r} any more"
        )
    guarded.effect("tag", lambda: guarded.cloud.tag(step.id, step.request.tags), not_yet=True)
    if found.state in (STOPPED, STOPPING):
        guarded.effect("start", lambda: guarded.cloud.start(step.id))
    return e.Launched(step.attempt, step.id)


def _stopped(guarded: GuardedCloud, instance_id: str) -> Instance | None:
    """Stop an instance, telling the platform so again as long as it runs; return how it ended."""
    found: Instance | None = None
    for _ in guarded.polls(STOPPED_WITHIN):
        found = guarded.find(instance_id, KNOWN_WITHIN)
        if found is None or found.state in (STOPPED, TERMINATED):
            return found
        if found.state == RUNNING:
            guarded.effect("stop", lambda: guarded.cloud.stop(instance_id))
    return found


def await_running(guarded: GuardedCloud, step: AwaitRunning) -> e.Event:
    """Wait for the instance to run."""
    state, began, started = "not known to the platform", guarded.clock(), False
    for _ in guarded.polls(RUNNING_WITHIN):
        found = guarded.describe([step.id]).get(step.id)
        state = found.state if found else state
        if state == RUNNING:
            return e.Running(step.attempt, where(found) if found else "")
        if found and state == STOPPED and not started:
            started = True
            try:
                guarded.effect("start", lambda: guarded.cloud.start(step.id))
            except CloudError as error:
                return e.Rejected(step.attempt, f"can't be started: {error}")
        if found and state not in (PENDING, STOPPED, STOPPING):  # a start may take a moment to show
            return e.Rejected(step.attempt, f"came up {state} instead of running")
    return e.Rejected(step.attempt, f"still {state} after {guarded.clock() - began:.0f} s")


def where(instance: Instance) -> str:
    """Say in words where the platform says that an instance is; empty where it says nothing."""
    facts = instance.facts
    told = [f"{name} {facts[name]}" for name in PLACES if facts.get(name)]
    return ", ".join(told)
