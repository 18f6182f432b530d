"""Every wait has an end and is told of, by a clock that nobody sets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from keepapart.admit import admit, collect
from keepapart.clock import SteadyClock
from keepapart.errors import BusyError, CloudError, DeniedError, OperationError
from keepapart.model import Instance
from keepapart.settings import LaunchSettings
from keepapart.store import Lease
from keepapart.testing import Fault, ProgrammableCloud
from tests.admit.conftest import Bench, interrupted_at


class Mute(ProgrammableCloud):
    """A cloud that doesn't answer what it is asked, once `mute` is set, until `over` is."""

    mute = False
    over: threading.Event

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        if self.mute:
            self.over.wait(60)
        return super().instances(tags)


@pytest.fixture
def mute(bench: Bench, tmp_path: Path) -> Iterator[Mute]:
    """The bench's cloud, that can be made mute."""
    bench.cloud = cloud = Mute(tmp_path / "cloud.json")
    cloud.over = threading.Event()
    yield cloud
    cloud.over.set()


@pytest.mark.parametrize("call", ["instances", "launch", "terminate"])
def test_the_first_failed_try_is_told(bench: Bench, call: str) -> None:
    """One line, whatever number of tries follows."""
    bench.cloud.arm(Fault(call, CloudError(f"{call}: RequestLimitExceeded"), times=3))
    assert admit(bench.context(), bench.truth).code == 0
    assert bench.told.count(f"{call}: RequestLimitExceeded; trying again") == 1


@pytest.mark.parametrize("call", ["instances", "describe", "launch", "tag"])
def test_what_cannot_pass_is_not_tried_again(bench: Bench, call: str) -> None:
    """Credentials that aren't there don't come by waiting: the run ends with their own words."""
    bench.cloud.capacity = 1
    bench.cloud.arm(Fault(call, DeniedError("AuthFailure: look at AWS_PROFILE")))
    try:
        outcome = admit(bench.context(LaunchSettings(max_attempts=1)), bench.truth)
        assert outcome.code in (1, 4)
    except OperationError as error:
        assert "AuthFailure" in str(error)
    assert not any("trying again" in line for line in bench.told)
    assert sum(bool(made.fault) for made in bench.cloud.calls(call)) == 1
    assert not collect(bench.context()).left
    bench.sound()


def test_a_platform_that_does_not_answer_is_given_up_on(
    bench: Bench, mute: Mute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent API is told of while it is waited for, and ends the run within the budget."""
    monkeypatch.setattr("keepapart.admit.guarded_cloud.PATIENCE", 1.0)
    monkeypatch.setattr("keepapart.admit.guarded_cloud.LEAST", 0.2)
    monkeypatch.setattr("keepapart.admit.guarded_cloud.SLOW", 0.1)
    mute.mute = True
    with pytest.raises(CloudError, match="the platform gave no answer within"):
        admit(bench.context(), bench.truth)
    assert "waiting for the platform to answer" in bench.told


def test_one_that_falls_silent_while_instances_are_held_names_them(
    bench: Bench, mute: Mute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be let go of is said; `gc` finds it."""
    monkeypatch.setattr("keepapart.admit.executor.PATIENCE", 0.5)
    monkeypatch.setattr("keepapart.admit.guarded_cloud.PATIENCE", 0.5)
    monkeypatch.setattr("keepapart.admit.guarded_cloud.LEAST", 0.2)

    def on_arrow(name: str) -> None:
        mute.mute = mute.mute or name == "after launch"

    try:
        outcome = admit(bench.context(on_arrow=on_arrow), bench.truth)
        assert outcome.code == 4
    except OperationError:
        pass
    assert any("i-0003" in line and "keepapart gc" in line for line in bench.told)
    mute.mute = False
    assert collect(bench.context()).released == ("i-0003",)


def test_time_that_is_over_ends_the_run_whatever_is_in_flight(bench: Bench) -> None:
    """A candidate that boots for ever doesn't hold the process beyond `max_minutes`."""
    bench.cloud.clock = bench.clock
    bench.cloud.boot_seconds = 3600
    began = bench.clock()
    outcome = admit(bench.context(LaunchSettings(max_minutes=2)), bench.truth)
    assert (outcome.code, outcome.attempts) == (1, 1)
    assert "max_minutes is used up" in outcome.because
    assert 120 <= bench.clock() - began < 150


def test_a_clock_that_is_set_ends_nothing(bench: Bench) -> None:
    """NTP steps of hours change neither time nor money; leases are held by the time of day all the same."""
    day = bench.clock()
    steps = iter([0.0, 3600.0, -7200.0, 3600.0] * 100)

    def time_of_day() -> float:
        nonlocal day
        day += next(steps)
        return day

    policy = LaunchSettings(max_minutes=30, max_money=100.0, price_per_hour=1.0)
    outcome = admit(bench.context(policy, time_of_day=time_of_day), bench.truth)
    assert outcome.code == 0
    assert outcome.seconds < 60
    bench.sound()


def test_a_steady_clock_begins_with_the_time_of_day_and_only_passes() -> None:
    """It is seconds since the epoch, so that another process may go on with what it journalled."""
    day, passed = 1_000_000.0, 5.0
    clock = SteadyClock(lambda: day, lambda: passed)
    assert clock() == 1_000_000.0
    day, passed = 9.0, 7.5
    assert clock() == 1_000_002.5
    assert abs(SteadyClock()() - time.time()) < 1


def test_a_locked_store_is_waited_for_as_another_admission_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`wait` holds for whatever keeps the lease from being taken."""
    acquire, locked = bench.store.leases.acquire, [BusyError("keepapart.db: database is locked")] * 3

    def locked_for_a_while(*asked: object) -> Lease:
        if locked:
            raise locked.pop()
        return acquire(*asked)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(bench.store.leases, "acquire", locked_for_a_while)
    assert admit(bench.context(wait=10.0), bench.truth).code == 0
    assert bench.told[0] == "waiting: keepapart.db: database is locked"


def test_who_does_not_wait_is_told_that_it_is_locked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `wait` it is an error at once."""

    def locked(*_: object) -> Lease:
        raise BusyError("keepapart.db: database is locked")

    monkeypatch.setattr(bench.store.leases, "acquire", locked)
    with pytest.raises(BusyError):
        admit(bench.context(), bench.truth)


def test_what_was_in_flight_when_killed_counts_from_then(bench: Bench) -> None:
    """Times in the journal are of one clock, so that money is counted over restarts."""
    interrupted_at(bench, "after journal running")
    bench.clock.sleep(1800)
    policy = LaunchSettings(max_money=1.0, price_per_hour=2.0)
    assert admit(bench.context(policy), bench.truth).code in (1, 3)
    bench.sound()
