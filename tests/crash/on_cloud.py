"""The campaign's first ground: tests/admit's programmable cloud, in the very process; waits pass at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keepapart.admit import AdmissionContext, Checker
from keepapart.store import Store
from tests.admit.cloud import CLUSTER, Clock, FileCloud, Truth
from tests.crash.faults import FAULTS as FAULTS
from tests.crash.kill import Arrow
from tests.crash.scenarios import Scenario, Stage


@dataclass(frozen=True)
class OnCloud:
    """See `campaign.Ground`. The fault is armed anew in each process."""

    scenario: Scenario
    fault: str

    def begin(self, here: Path) -> None:
        """Put there what the scenario begins with."""
        self.scenario.setup(FileCloud(here / "cloud.json"))

    @contextmanager
    def opened(
        self, here: Path, on_arrow: Arrow, *, works: bool = False
    ) -> Iterator[tuple[AdmissionContext, Checker, Stage]]:
        """Open the cloud's file, a store beside it, and a checker that tells the truth."""
        scenario, clock = self.scenario, Clock()
        cloud = FileCloud(here / "cloud.json", hosts=scenario.hosts, capacity=2, habit=scenario.habit)
        truth = Truth(cloud, auto=scenario.auto)
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
