"""The campaign's first ground: the programmable cloud, in the very process; waits pass at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.kill import Arrow
from faults.scenarios import CLUSTER, Scenario, Stage
from keepapart.admit import AdmissionContext, Checker
from keepapart.errors import CapacityError, CloudError, NotFoundError, RefusedError
from keepapart.store import Store
from keepapart.testing import Fault, Lag, ManualClock, ProgrammableCloud, TruthfulChecker

READS = ("instances", "describe")
EFFECTS = ("launch", "tag", "start", "stop", "terminate")
EVERY = (*READS, *EFFECTS)
ALWAYS = 0  # times

Arm = Callable[[ProgrammableCloud, TruthfulChecker], None]


@dataclass(frozen=True)
class Trouble:
    """A fault: what it does in words, how it is armed, and whether it outlasts every retry."""

    does: str
    arm: Arm
    lasting: bool = False


def failing(
    calls: Sequence[str], error: Exception | None, *, skip: int = 0, times: int = 1, after: bool = False
) -> Arm:
    """Let each of these calls fail, once `skip` of them have passed."""

    def arm(cloud: ProgrammableCloud, _: TruthfulChecker) -> None:
        cloud.arm(*(Fault(call, error, skip, times, after) for call in calls))

    return arm


def changed(**what: object) -> Arm:
    """Let the cloud, or the checker, behave in another way."""

    def arm(cloud: ProgrammableCloud, truth: TruthfulChecker) -> None:
        for name, value in what.items():
            setattr(truth if hasattr(truth, name) else cloud, name, value)

    return arm


THROTTLED, BROKEN = CloudError("RequestLimitExceeded"), CloudError("InternalError")
LOST, NO_ROOM = CloudError("the connection was lost"), CapacityError("InsufficientInstanceCapacity")

FAULTS = {
    "none": Trouble("nothing goes wrong but the kill", lambda *_: None),
    "throttled": Trouble("each call is throttled twice", failing(EVERY, THROTTLED, times=2)),
    "5xx": Trouble("each call fails, the third time it is made", failing(EVERY, BROKEN, skip=2)),
    "outage": Trouble(
        "each call fails from its second time on", failing(EVERY, BROKEN, skip=1, times=ALWAYS), True
    ),
    "timeout": Trouble("each effect is not done, and not answered", failing(EFFECTS, LOST, times=2)),
    "lost": Trouble("each effect is done, and not answered", failing(EFFECTS, LOST, times=2, after=True)),
    "lost later": Trouble(
        "the same, from the second time on", failing(EFFECTS, LOST, skip=1, times=2, after=True)
    ),
    "lost for good": Trouble(
        "each effect is done and never answered", failing(EFFECTS, LOST, times=ALWAYS, after=True), True
    ),
    "capacity": Trouble("no room, three times", failing(("launch", "start"), NO_ROOM, times=3)),
    "no capacity": Trouble("no room, for good", failing(("launch", "start"), NO_ROOM, times=ALWAYS), True),
    "refused": Trouble("the first launch is refused", failing(("launch",), RefusedError("Unsupported"))),
    "not found": Trouble(
        "what was launched is unknown for a while", changed(listed_after=Lag(3), known_after=Lag(4))
    ),
    "tag not found": Trouble(
        "tags can't be set for a while",
        failing(("tag",), NotFoundError("InvalidInstanceID.NotFound"), times=4),
    ),
    "late tags": Trouble("tags show late", changed(tags_after=Lag(3))),
    "deaf": Trouble("stop and terminate don't take, twice", failing(("stop", "terminate"), None, times=2)),
    "dies": Trouble("a candidate dies while it is checked, the first time", changed(dies=1)),
    "dies later": Trouble("the same, the second time", changed(dies=2)),
    "forgotten": Trouble("what is terminated is unknown at once", changed(forgets=True)),
}


class CloudStage(ProgrammableCloud):
    """A programmable cloud as a scenario sets it up."""

    def id(self, name: str) -> str:
        """Return the id of what `add` put there by this name: it is that name."""
        return name


@dataclass(frozen=True)
class OnCloud:
    """See `campaign.Ground`. The fault is armed anew in each process."""

    scenario: Scenario
    fault: str

    def begin(self, here: Path) -> None:
        """Put there what the scenario begins with."""
        self.scenario.setup(CloudStage(here / "cloud.json"))

    @contextmanager
    def opened(
        self, here: Path, on_arrow: Arrow, *, works: bool = False
    ) -> Iterator[tuple[AdmissionContext, Checker, Stage]]:
        """Open the cloud's file, a store beside it, and a checker that tells the truth."""
        scenario, clock = self.scenario, ManualClock()
        cloud = CloudStage(here / "cloud.json", hosts=scenario.hosts, capacity=2, habit=scenario.habit)
        cloud.listed_after = Lag(scenario.lag)
        truth = TruthfulChecker(cloud, auto=scenario.auto)
        if not works:
            FAULTS[self.fault].arm(cloud, truth)
        with Store(f"sqlite:///{here / 'store.db'}") as store:
            policy = scenario.policy
            context = AdmissionContext(
                cloud, store, CLUSTER, policy, clock=clock, sleep=clock.sleep, on_arrow=on_arrow
            )
            yield context, truth, cloud


@contextmanager
def ground(scenario: Scenario, fault: str) -> Iterator[OnCloud]:
    """Yield the ground of one task."""
    yield OnCloud(scenario, fault)
