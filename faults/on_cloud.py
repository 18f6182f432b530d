"""The campaign's first ground: the programmable cloud, in the very process; waits pass at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faults.clock import KeptClock
from faults.kill import Arrow
from faults.scenarios import CLUSTER, Scenario, Stage
from keepapart.admit import AdmissionContext, Checker
from keepapart.errors import CapacityError, CloudError, NotFoundError, RefusedError
from keepapart.store import Store
from keepapart.testing import Fault, Lag, ProgrammableCloud, TruthfulChecker

READS = ("instances", "describe")
EFFECTS = ("launch", "tag", "start", "stop", "terminate")
EVERY = (*READS, *EFFECTS)
ALWAYS = 0  # times

Arm = Callable[[ProgrammableCloud, TruthfulChecker], None]


@dataclass(frozen=True)
class Trouble:
    """A fault: what it does in words, how it is armed, and whether it outlasts every retry.

    The newest member dies the first time that the arrow `dies_at` is passed. `elsewhere`: the operator goes
    on in another region first.
    """

    does: str
    arm: Arm = lambda *_: None
    lasting: bool = False
    dies_at: str = ""
    elsewhere: bool = False


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


def protected(cloud: ProgrammableCloud, _: TruthfulChecker) -> None:
    """Refuse to terminate the third instance, which is the first that a scenario with members launches."""
    cloud.arm(Fault("terminate", CloudError("OperationNotPermitted"), times=ALWAYS, id="i-0003"))


THROTTLED, BROKEN = CloudError("RequestLimitExceeded"), CloudError("InternalError")
LOST, NO_ROOM = CloudError("the connection was lost"), CapacityError("InsufficientInstanceCapacity")

FAULTS = {
    "none": Trouble("nothing goes wrong but the kill"),
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
    "quota": Trouble("a quota allows for one more instance than four", changed(quota=5), True),
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
    "behind": Trouble("lists are 20 s behind", changed(lists_lag=20.0)),
    "all behind": Trouble("lists are 20 s behind, descriptions 3 s", changed(lists_lag=20.0, shows_lag=3.0)),
    "later tags": Trouble("tags show after 20 s", changed(tags_after=Lag(seconds=20.0))),
    "unknown long": Trouble(
        "what was launched is unknown for 15 s, and listed after 25 s",
        changed(listed_after=Lag(seconds=25.0), known_after=Lag(seconds=15.0)),
    ),
    "protected": Trouble("the first that was launched can't be terminated", protected, True),
    "new one dies": Trouble("a new member dies right after it joined", dies_at="after journal joined"),
    "new one dies late": Trouble("the same once all are in", dies_at="after journal closing", lasting=True),
    "wrong region": Trouble("the operator goes on in another region first", elsewhere=True),
    "slow boot": Trouble("40 s pass until an instance runs", changed(boot_seconds=40.0)),
    "running first": Trouble("it runs 40 s before there is a way in", changed(ready_seconds=40.0)),
}


class CloudStage(ProgrammableCloud):
    """A programmable cloud as a scenario sets it up, in a region."""

    region = "here"

    def where(self) -> Mapping[str, str]:
        """Tell the region."""
        return {"region": self.region}

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
        clock = KeptClock(here / "clock")
        self.scenario.setup(CloudStage(here / "cloud.json", clock=clock))
        clock.sleep(60.0)  # what was there before shows

    @contextmanager
    def opened(
        self, here: Path, on_arrow: Arrow, *, works: bool = False, region: str = "here"
    ) -> Iterator[tuple[AdmissionContext, Checker, Stage]]:
        """Open the cloud's file, a store beside it, and a checker that tells the truth."""
        scenario, clock, trouble = self.scenario, KeptClock(here / "clock"), FAULTS[self.fault]
        cloud = CloudStage(here / "cloud.json", hosts=scenario.hosts, capacity=2, habit=scenario.habit)
        cloud.clock, cloud.sleep, cloud.region = clock, clock.sleep, region
        cloud.listed_after = Lag(scenario.lag)
        if works:
            clock.sleep(60.0)  # until everything shows
        truth = TruthfulChecker(cloud, auto=scenario.auto, unreached=cloud.unreached)
        if not works:
            trouble.arm(cloud, truth)

        def on_any_arrow(name: str) -> None:
            once = here / "died"
            if not works and name == trouble.dies_at and not once.exists():
                once.touch()
                cloud.terminate(cloud.members()[-1])
            on_arrow(name)

        with Store(f"sqlite:///{here / 'store.db'}") as store:
            policy = scenario.policy
            context = AdmissionContext(
                cloud, store, CLUSTER, policy, clock=clock, sleep=clock.sleep, on_arrow=on_any_arrow
            )
            yield context, truth, cloud


@contextmanager
def ground(scenario: Scenario, fault: str) -> Iterator[OnCloud]:
    """Yield the ground of one task."""
    yield OnCloud(scenario, fault)
