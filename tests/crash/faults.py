"""What goes wrong at the platform while an admission is killed, as tests/admit's cloud can be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keepapart.errors import CapacityError, CloudError, NotFoundError, RefusedError
from tests.admit.cloud import Fault, FileCloud, Truth

READS = ("instances", "describe")
EFFECTS = ("launch", "tag", "start", "stop", "terminate")
EVERY = (*READS, *EFFECTS)
ALWAYS = 10_000

Arm = Callable[[FileCloud, Truth], None]


@dataclass(frozen=True)
class Trouble:
    """A fault: what it does in words, how it is armed, and whether it outlasts every retry."""

    does: str
    arm: Arm
    lasting: bool = False


def failing(
    calls: Sequence[str], error: Exception | None, *, nth: int = 1, times: int = 1, after: bool = False
) -> Arm:
    """Let each of these calls fail, from its `nth` time on."""

    def arm(cloud: FileCloud, _: Truth) -> None:
        cloud.faults = [Fault(call, error, nth, times, after) for call in calls]

    return arm


def changed(**what: object) -> Arm:
    """Let the cloud, or the checker, behave in another way."""

    def arm(cloud: FileCloud, truth: Truth) -> None:
        for name, value in what.items():
            setattr(truth if hasattr(truth, name) else cloud, name, value)

    return arm


def unseen(cloud: FileCloud, _: Truth) -> None:
    """Let what was just launched be unknown for a while."""
    cloud.set_lag(3)
    cloud.hidden = 4


THROTTLED, BROKEN = CloudError("RequestLimitExceeded"), CloudError("InternalError")
LOST, NO_ROOM = CloudError("the connection was lost"), CapacityError("InsufficientInstanceCapacity")

FAULTS = {
    "none": Trouble("nothing goes wrong but the kill", lambda *_: None),
    "throttled": Trouble("each call is throttled twice", failing(EVERY, THROTTLED, times=2)),
    "5xx": Trouble("each call fails, the third time it is made", failing(EVERY, BROKEN, nth=3)),
    "outage": Trouble(
        "each call fails from its second time on", failing(EVERY, BROKEN, nth=2, times=ALWAYS), True
    ),
    "timeout": Trouble("each effect is not done, and not answered", failing(EFFECTS, LOST, times=2)),
    "lost": Trouble("each effect is done, and not answered", failing(EFFECTS, LOST, times=2, after=True)),
    "lost later": Trouble(
        "the same, from the second time on", failing(EFFECTS, LOST, nth=2, times=2, after=True)
    ),
    "lost for good": Trouble(
        "each effect is done and never answered", failing(EFFECTS, LOST, times=ALWAYS, after=True), True
    ),
    "capacity": Trouble("no room, three times", failing(("launch", "start"), NO_ROOM, times=3)),
    "no capacity": Trouble("no room, for good", failing(("launch", "start"), NO_ROOM, times=ALWAYS), True),
    "refused": Trouble("the first launch is refused", failing(("launch",), RefusedError("Unsupported"))),
    "not found": Trouble("what was launched is unknown for a while", unseen),
    "tag not found": Trouble(
        "tags can't be set for a while",
        failing(("tag",), NotFoundError("InvalidInstanceID.NotFound"), times=4),
    ),
    "late tags": Trouble("tags show late", changed(tags_lag=6)),
    "deaf": Trouble("stop and terminate don't take, twice", failing(("stop", "terminate"), None, times=2)),
    "dies": Trouble("a candidate dies while it is checked, the first time", changed(dies=1)),
    "dies later": Trouble("the same, the second time", changed(dies=2)),
    "forgotten": Trouble("what is terminated is unknown at once", changed(forgets=True)),
}
