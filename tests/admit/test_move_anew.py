"""Moving where the platform does it by itself: as the member runs, or in its own time, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keepapart.admit import Hooks, collect, move, plan_moving
from keepapart.clouds import LIVE, NOTE
from keepapart.errors import CloudError, DeniedError, OperationError, RefusedError, UnsettledError
from keepapart.settings import LaunchSettings
from keepapart.store import Store
from keepapart.testing import ManualClock, ProgrammableCloud, TruthfulChecker
from tests.admit.conftest import CLUSTER, Bench
from tests.admit.test_gate import Killed
from tests.admit.test_move import apart


class Staying(ProgrammableCloud):
    """A cloud on which an instance keeps its host, however often it is stopped and started."""

    stays = "a stopped instance keeps its host"

    def start(self, instance_id: str) -> None:
        """Start it where it was."""
        before = self.host(instance_id)
        super().start(instance_id)
        self.move(instance_id, before)


@dataclass
class Migrating(Staying):
    """One that puts an instance on host 5: as it runs where `live`, in so many calls, or refuses that."""

    live: bool = True
    looks: int = 2  # calls until it is there
    refusals: dict[str, CloudError] = field(default_factory=dict)  # by the state that it has

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Choose host 5."""
        del tags, host, make
        live = {LIVE: "yes"} if self.live and self.all()[instance_id].state == "running" else {}
        return {"to": "5", **live, NOTE: "on host 5"}

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Take an instance there."""
        if error := self.refusals.get(self.all()[instance_id].state):
            raise error
        if self.looks:
            self.looks -= 1
            raise UnsettledError(f"{instance_id} is on its way")
        self.move(instance_id, int(parameters["to"]))


def bench_of(kind: type[ProgrammableCloud], folder: Path, store: Store) -> Bench:
    """Return two members on one host, of which both have to run."""
    clock = ManualClock()
    cloud = kind(folder / "cloud.json", clock=clock, sleep=clock.sleep)
    cloud.add("m-1", 0)
    cloud.add("m-2", 0)
    return Bench(cloud, TruthfulChecker(cloud), clock, store)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Bench]:
    """Two members on one host, of which both have to run."""
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield bench_of(Migrating, tmp_path, store)


def migrating(bench: Bench) -> Migrating:
    """Return its cloud, as what it is."""
    assert isinstance(bench.cloud, Migrating)
    return bench.cloud


def test_member_that_can_move_as_it_runs_is_never_stopped(pair: Bench) -> None:
    """So no quorum is in the way; the platform takes its time, and the plan says what may come of it."""
    plan = plan_moving(pair.context(), ["m-2"])
    assert (plan.code, plan.ends) == (0, "may stop m-2")
    assert any("move m-2 as it runs" in step and "on host 5" in step for step in plan.steps)
    outcome = move(pair.context(), pair.truth, ["m-2"])
    assert (outcome.code, outcome.moved, outcome.stops) == (0, ("m-2",), 0)
    assert pair.cloud.calls("stop") == [] and apart(pair)


def test_operators_command_is_asked_before_it_moves_as_it_runs(pair: Bench) -> None:
    """A sick cluster isn't touched."""

    def health(_: str, __: float | None) -> None:
        raise OperationError("a replica is missing")

    outcome = move(pair.context(hooks=Hooks(health=health)), pair.truth, ["m-2"])
    assert (outcome.code, pair.cloud.host("m-2")) == (4, 0)


def test_member_that_may_not_move_as_it_runs_is_stopped_for_that(pair: Bench) -> None:
    """Only where it can be spared, and the reason is told."""
    migrating(pair).refusals = {"running": RefusedError("it has a device of its host")}
    outcome = move(pair.context(), pair.truth, ["m-2"])
    assert (outcome.code, outcome.stops) == (1, 0)
    assert "m-2 isn't stopped: m-1 of 2 members would run without m-2, and 2 must" in outcome.because
    pair.cloud.add("m-3", 2)
    outcome = move(pair.context(), pair.truth, ["m-2"])
    assert (outcome.code, outcome.moved, outcome.stops) == (0, ("m-2",), 1)
    assert "m-2 can't be moved as it runs: it has a device of its host" in pair.told
    assert apart(pair)


def test_member_that_nobody_may_move_is_left_running(pair: Bench) -> None:
    """A right that is missing is none that a stop would help with."""
    migrating(pair).refusals = {"running": DeniedError("VM.Migrate")}
    pair.cloud.add("m-3", 2)
    outcome = move(pair.context(), pair.truth, ["m-2"])
    assert (outcome.code, outcome.stops, outcome.unmoved[0].because) == (4, 0, "VM.Migrate")


def test_member_that_can_not_be_placed_is_not_stopped_again_where_that_moves_nothing(pair: Bench) -> None:
    """It is started where it was, once."""
    migrating(pair).live = False
    migrating(pair).refusals = {"stopped": RefusedError("no other host takes it")}
    pair.cloud.add("m-3", 2)
    outcome = move(pair.context(), pair.truth, ["m-2"])
    assert (outcome.code, outcome.stops) == (4, 1)
    assert "no other host takes it" in outcome.unmoved[0].because
    assert {i.state for i in pair.cloud.alive().values()} == {"running"}


def test_one_that_comes_up_beside_another_is_moved_a_bounded_number_of_times(pair: Bench) -> None:
    """Also where no stop is counted."""
    pair.cloud.add("m-3", 5)
    outcome = move(pair.context(LaunchSettings(max_attempts=3)), pair.truth, ["m-2"])
    assert (outcome.code, outcome.stops) == (1, 0)
    assert "max_attempts is used up: it was moved 3 times" in outcome.unmoved[0].because


def dying(number: int) -> Callable[[str], None]:
    """Return what kills at the arrow after so many, and at every one from there on."""
    passed = 0

    def on_arrow(_: str) -> None:
        nonlocal passed
        passed += 1
        if passed > number:
            raise Killed

    return on_arrow


@pytest.mark.parametrize("live", [True, False])
def test_killed_while_it_is_moved_it_is_gone_on_with(pair: Bench, live: bool) -> None:
    """The same command goes on, or `gc` leaves it running: none is stopped, wherever the process died."""
    migrating(pair).live = live
    pair.cloud.add("m-3", 2)
    for number in range(0, 100, 3):
        migrating(pair).looks = 2
        try:
            move(pair.context(on_arrow=dying(number)), pair.truth, ["m-2"])
        except Killed:
            if number % 2:
                assert collect(pair.context()).code == 0
            outcome = move(pair.context(), pair.truth, ["m-2"])
            assert (outcome.code, apart(pair)) == (0, True)
            assert pair.store.journals.unfinished(CLUSTER) == []
            pair.cloud.move("m-2", 0)
        else:
            break
    assert number > (20 if live else 30)
