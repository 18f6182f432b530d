"""What is done in a move, through the guarded cloud: each returns what came of it.

Rules:
1. Whether a member can be spared is looked at once more right before it is stopped.
2. A stop and a start are repeated until the platform says that they are done; each wait has a deadline.
3. One that can't be stopped, or placed as it runs, runs on, and that ends no other's turn. What can't be
   placed as chosen once it is stopped starts where the platform likes; what it is worth is measured.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET

from keepapart.admit import events as e
from keepapart.admit.check import check
from keepapart.admit.guarded_cloud import GuardedCloud
from keepapart.admit.launch import RUNNING_WITHIN, STOPPED_WITHIN, where
from keepapart.admit.moves.machine import too_few
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
from keepapart.clouds import (
    CLUSTER_TAG,
    LIVE,
    NOTE,
    PENDING,
    RUNNING,
    STOPPED,
    STOPPING,
    TERMINATED,
    Placer,
    Staying,
)
from keepapart.errors import (
    CapacityError,
    CloudError,
    ExitCode,
    OperationError,
    RefusedError,
    UnsettledError,
)
from keepapart.model import Checker, Verdict


def look(guarded: GuardedCloud, step: Look, checker: Checker) -> e.Event:
    """Measure a member before it is stopped: one that is apart from all needs no other host."""
    judged = check(guarded, step.check, checker)
    if not isinstance(judged, e.Judged):
        return judged
    (ruling,) = judged.rulings
    if ruling.then == e.KEPT:
        return e.Moved(step.id, "it is on a host of its own already")
    together = ruling.verdict == Verdict.CO_RESIDENT.value
    if together or ruling.then == e.UNDECIDED or _placement(guarded, step.id).keys() - {NOTE}:
        return e.Looked(step.id, ruling.because)
    because = f"{step.id} isn't stopped, since no verdict could come of it: {ruling.because}"
    return e.Closing(ExitCode.UNKNOWN, because)


def _placement(guarded: GuardedCloud, instance_id: str, host: str = "") -> Mapping[str, str]:
    """Say where the platform can be told that the member is to be."""
    cloud = guarded.cloud
    if not isinstance(cloud, Placer):
        return {}
    tags = {CLUSTER_TAG: guarded.cluster}
    return guarded.retried(lambda: cloud.placement(instance_id, tags, host, make=False))


def ask_health(guarded: GuardedCloud, step: AskHealth, seconds: float | None) -> e.Event:
    """Ask the operator's command; where it doesn't agree the move ends."""
    failed: OperationError | None = None
    for _ in guarded.polls(max(step.until - guarded.clock(), 0.0)):
        try:
            guarded.hooks.health(step.id, seconds)
        except OperationError as error:
            failed = error
        else:
            return step.then
    return e.Closing(ExitCode.FAILED, str(failed))


def foresee(guarded: GuardedCloud, step: Foresee) -> e.Event:
    """Ask whether the member can be placed as it runs; if not, it is stopped, where it can be spared."""
    try:
        said = _placement(guarded, step.id, step.host)
    except CloudError as error:
        return e.Unmoved(step.id, ExitCode.FAILED, str(error))
    if said.get(LIVE):
        return e.Migrating(step.id, said)
    if isinstance(guarded.cloud, Staying) and not said.keys() - {NOTE}:
        because = f"it isn't stopped, since nothing would move it: {said.get(NOTE) or guarded.cloud.stays}"
        return e.Unmoved(step.id, ExitCode.NO, because)
    lacking = too_few(step.id, guarded.look([step.id]), step.need)
    return e.Closing(ExitCode.NO, lacking) if lacking else e.Stopping(step.id)


def migrate(guarded: GuardedCloud, step: Migrate) -> e.Event:
    """Have the member go where it was foreseen, as it runs."""
    cloud = guarded.cloud
    assert isinstance(cloud, Placer)
    try:
        guarded.effect("place", lambda: cloud.place(step.id, step.parameters))
    except RefusedError as error:
        return e.NotLive(step.id, str(error))
    except CloudError as error:
        return e.Unmoved(step.id, ExitCode.FAILED, str(error))
    return _awaited(guarded, step.id) or e.Unmoved(
        step.id, ExitCode.FAILED, "it doesn't run after it was moved"
    )


def _awaited(guarded: GuardedCloud, instance_id: str) -> e.Event | None:
    """Wait until a member runs; None where it doesn't in time."""
    for _ in guarded.polls(RUNNING_WITHIN):
        found = guarded.describe([instance_id]).get(instance_id)
        if found and found.state == RUNNING:
            return e.Up(instance_id, where(found))
        if found and found.state == TERMINATED:
            return e.Unmoved(instance_id, ExitCode.FAILED, "it is terminated")
    return None


def stop(guarded: GuardedCloud, step: Stop) -> e.Event:
    """Stop a member that can be spared."""
    state = "unknown"
    for _ in guarded.polls(STOPPED_WITHIN):
        found = guarded.describe([step.id]).get(step.id)
        state = found.state if found else state
        if state == STOPPED:
            return e.Stopped(step.id)
        if state == TERMINATED:
            return e.Unmoved(step.id, ExitCode.FAILED, "it is terminated")
        if state not in (RUNNING, PENDING):
            continue
        if lacking := too_few(step.id, guarded.look([step.id]), step.need):
            return e.Closing(ExitCode.NO, lacking)
        try:
            guarded.effect("stop", lambda: guarded.cloud.stop(step.id))
        except CloudError as error:
            return _not_stopped(guarded, step, error)
    return e.Closing(ExitCode.FAILED, f"{step.id} is still {state} after it was stopped")


def _not_stopped(guarded: GuardedCloud, step: Stop, error: CloudError) -> e.Event:
    """Let a member run on that can't be stopped, unless the stop took all the same."""
    found = guarded.describe([step.id]).get(step.id)
    if found and found.state == RUNNING:
        return e.Unmoved(step.id, ExitCode.FAILED, str(error))
    return e.Closing(ExitCode.FAILED, str(error))


def choose(guarded: GuardedCloud, step: Choose) -> e.Event:
    """Ask the cloud where the member had best start; it has to start whatever comes of this."""
    cloud = guarded.cloud
    assert isinstance(cloud, Placer)
    tags = {CLUSTER_TAG: guarded.cluster}
    try:
        return e.Chosen(step.id, guarded.retried(lambda: cloud.placement(step.id, tags, step.host)))
    except CloudError as error:
        return e.PlacedAnew(step.id, str(error))


def place(guarded: GuardedCloud, step: Place) -> e.Event:
    """Tell the platform where the member is to start."""
    cloud = guarded.cloud
    assert isinstance(cloud, Placer)
    try:
        guarded.effect("place", lambda: cloud.place(step.id, step.parameters))
    except CloudError as error:
        return e.PlacedAnew(step.id, str(error))
    return e.PlacedAnew(step.id)


def start(guarded: GuardedCloud, step: Start) -> e.Event:
    """Start the member, and wait until it runs."""
    guarded.sleep(step.delay)
    try:
        guarded.effect("start", lambda: guarded.cloud.start(step.id), not_yet=True)
    except CapacityError as error:
        return e.NoRoom(step.id, str(error))
    except RefusedError as error:
        return e.NoRoom(step.id, str(error), anew=True)
    except UnsettledError as error:
        return e.NoRoom(step.id, str(error))
    late = f"it doesn't run {RUNNING_WITHIN / 60:.0f} minutes after it was started"
    return _awaited(guarded, step.id) or e.NoRoom(step.id, late)


def compare(guarded: GuardedCloud, step: Compare, checker: Checker) -> e.Event:
    """Measure the member that runs again."""
    judged = check(guarded, step.check, checker)
    if not isinstance(judged, e.Judged):
        return judged
    (ruling,) = judged.rulings
    if not ruling.verdict:  # it doesn't run any more
        return e.NoRoom(step.id, ruling.because)
    kept = ruling.then == e.KEPT
    verdict = Verdict.SEPARATE.value if kept else ruling.verdict
    return e.Compared(step.id, verdict, ruling.because, UNSET if kept else ruling.shares)


def bring_up(guarded: GuardedCloud, step: BringUp, within: float) -> e.Event:
    """Start a member wherever that is, and wait until it runs."""
    because, state, changed = "", "unknown", False
    for _ in guarded.polls(min(within, RUNNING_WITHIN)):
        found = guarded.describe([step.id]).get(step.id)
        state = found.state if found else state
        changed = changed or state in (STOPPING, STOPPED, PENDING)
        if found and state == RUNNING and (changed or guarded.clock() >= step.settled):
            return e.Up(step.id, where(found))
        if state == TERMINATED:
            return e.Unmoved(step.id, ExitCode.FAILED, "it is terminated")
        if state == STOPPED:
            try:
                guarded.effect("start", lambda: guarded.cloud.start(step.id), within=0.0)
            except UnsettledError:
                continue
            except CloudError as error:
                because = str(error)
    if state == RUNNING:
        return e.Up(step.id)
    return e.Down(step.id, because or f"still {state} after it was started")
