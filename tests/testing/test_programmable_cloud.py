"""The programmable cloud does what it is told, and says what was done to it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from keepapart.clouds import (
    CANDIDATE,
    CLUSTER_TAG,
    MEMBER,
    PENDING,
    ROLE_TAG,
    RUNNING,
    STOPPED,
    STOPPING,
    TERMINATED,
    LaunchRequest,
)
from keepapart.errors import CapacityError, CloudError, NotFoundError
from keepapart.testing import Call, Fault, Lag, ManualClock, ProgrammableCloud

ORDERS = {CLUSTER_TAG: "orders"}


def launched(cloud: ProgrammableCloud, token: str = "") -> str:
    """Launch a candidate; return its id."""
    token = token or f"token-{len(cloud.all())}"
    return cloud.launch(LaunchRequest(token, {**ORDERS, ROLE_TAG: CANDIDATE})).id


@pytest.fixture
def clock() -> ManualClock:
    """A clock that only sleeping moves."""
    return ManualClock()


@pytest.fixture
def cloud(clock: ManualClock) -> ProgrammableCloud:
    """A cloud without a file, by that clock."""
    return ProgrammableCloud(clock=clock, sleep=clock.sleep)


def test_a_file_is_shared(tmp_path: Path) -> None:
    """Whoever opens the same file sees the same instances and calls; what is set holds for one alone."""
    one, other = ProgrammableCloud(tmp_path / "cloud"), ProgrammableCloud(tmp_path / "cloud")
    one.arm(Fault("*", CloudError("down"), times=0))
    first = launched(other)
    one.add("m-1", 3)
    assert list(other.alive()) == [first, "m-1"]
    assert other.host("m-1") == 3
    assert one.calls() == [Call("launch", "token-0")]


def test_without_a_path_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cloud without a path leaves nothing in the folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cloud = ProgrammableCloud()
    launched(cloud)
    assert list(tmp_path.iterdir()) == []


def test_faults_befall_the_calls_that_they_are_armed_for(cloud: ProgrammableCloud) -> None:
    """They pass over so many, befall so many, in the order in which they were armed; the record tells."""
    first = launched(cloud)
    cloud.arm(Fault("stop", CloudError("first"), skip=1, times=2), Fault("*", CloudError("second"), times=0))
    cloud.arm(Fault("stop", CloudError("never, the second takes all"), times=0))
    for says in ("second", "first", "first", "second"):
        with pytest.raises(CloudError, match=says):
            cloud.stop(first)
    cloud.clear()
    cloud.stop(first)
    assert [call.fault for call in cloud.calls("stop")] == ["second", "first", "first", "second", ""]
    assert {call.about for call in cloud.calls("stop")} == {first}


def test_a_fault_takes_before_or_after_or_instead(cloud: ProgrammableCloud) -> None:
    """Before, nothing is done; after, it is done and not answered; without an error it is only answered."""
    cloud.arm(Fault("launch", CloudError("cut")), Fault("launch", CloudError("lost"), after=True))
    for alive in (0, 1):
        with pytest.raises(CloudError):
            launched(cloud, "token")
        assert len(cloud.alive()) == alive
    (first,) = cloud.alive()
    second = launched(cloud)
    cloud.arm(Fault("terminate", None, times=0, id=first))
    cloud.terminate(first)
    cloud.terminate(second)
    assert list(cloud.alive()) == [first]


@pytest.mark.parametrize(("habit", "hosts"), [("packing", [0, 0, 1, 1, 0]), ("sticky", [0, 0, 1, 1, 1])])
def test_instances_are_placed_by_habit(cloud: ProgrammableCloud, habit: str, hosts: list[int]) -> None:
    """Packing fills the first host with room, sticky the slot that was freed last."""
    cloud.habit, cloud.hosts, cloud.capacity = habit, 3, 2
    ids = [launched(cloud) for _ in range(4)]
    found = [cloud.host(each) for each in ids]
    cloud.terminate(ids[0])
    cloud.terminate(ids[3])
    found.append(cloud.host(launched(cloud)))
    assert found == hosts


def test_chance_repeats_with_its_seed() -> None:
    """A random habit reaches every host, and the same seed places the same."""

    def placed(seed: int) -> list[int]:
        cloud = ProgrammableCloud(habit="random", seed=seed, hosts=3, capacity=9)
        return [cloud.host(launched(cloud)) for _ in range(4)]

    found = [placed(seed) for seed in range(8)]
    assert {host for hosts in found for host in hosts} == {0, 1, 2}
    assert placed(3) == found[3]


def test_a_full_cloud_has_no_room(cloud: ProgrammableCloud) -> None:
    """Stopped instances have no slot, and get one again only where there is room."""
    cloud.hosts, cloud.capacity = 1, 1
    first = launched(cloud)
    with pytest.raises(CapacityError):
        launched(cloud)
    cloud.stop(first)
    launched(cloud)
    with pytest.raises(CapacityError):
        cloud.start(first)


def test_an_unknown_habit_is_refused(cloud: ProgrammableCloud) -> None:
    """A habit that there isn't is a mistake of the test."""
    cloud.habit = "clever"
    with pytest.raises(ValueError, match="packing"):
        launched(cloud)


def test_lists_lag_by_calls_and_by_time(cloud: ProgrammableCloud, clock: ManualClock) -> None:
    """What was launched is not listed for so many lists, and for so long; it is known meanwhile."""
    cloud.listed_after = Lag(calls=2, seconds=60.0)
    first = launched(cloud)
    assert list(cloud.describe([first])) == [first]
    assert [len(cloud.instances(ORDERS)) for _ in range(3)] == [0, 0, 0]
    clock.sleep(60.0)
    assert [each.id for each in cloud.instances(ORDERS)] == [first]


def test_names_lag(cloud: ProgrammableCloud) -> None:
    """What was launched is unknown to so many calls that name it, whatever they are."""
    cloud.known_after = Lag(calls=2)
    first = launched(cloud)
    assert cloud.describe([first]) == {}
    with pytest.raises(NotFoundError):
        cloud.tag(first, {"a": "b"})
    assert list(cloud.describe([first])) == [first]


def test_tags_lag(cloud: ProgrammableCloud) -> None:
    """Tags of a launch and of `tag` show late; what a test asks shows them at once."""
    cloud.tags_after = Lag(calls=1)
    first = launched(cloud)
    assert [len(cloud.instances(ORDERS)) for _ in range(2)] == [0, 1]
    cloud.tag(first, {ROLE_TAG: MEMBER})
    assert cloud.members() == [first]
    shown = [cloud.describe([first])[first].tags[ROLE_TAG] for _ in range(2)]
    assert shown == [CANDIDATE, MEMBER]


def test_calls_and_states_take_time(cloud: ProgrammableCloud, clock: ManualClock) -> None:
    """An instance is pending until it has booted, and stopping until it has stopped."""
    cloud.call_seconds, cloud.boot_seconds, cloud.stop_seconds = 1.0, 30.0, 10.0
    began = clock()
    first = launched(cloud)
    assert clock() - began == 1.0
    assert cloud.all()[first].state == PENDING
    clock.sleep(30.0)
    assert cloud.all()[first].state == RUNNING
    cloud.stop(first)
    assert cloud.all()[first].state == STOPPING
    with pytest.raises(CloudError, match="stopping and can't be started"):
        cloud.start(first)
    clock.sleep(10.0)
    assert cloud.all()[first].state == STOPPED
    cloud.terminate(first)
    assert cloud.all()[first].state == TERMINATED


def test_the_bill(cloud: ProgrammableCloud, clock: ManualClock) -> None:
    """Each time that an instance runs is paid until it stops, ends or joins, and the least at least."""
    cloud.stop_seconds = 5.0
    member, other = launched(cloud), launched(cloud)
    clock.sleep(100.0)
    cloud.tag(member, {ROLE_TAG: MEMBER})
    cloud.stop(other)
    clock.sleep(1000.0)
    assert cloud.bill() == 100.0 + 105.0
    cloud.start(other)
    clock.sleep(10.0)
    assert cloud.bill() == 100.0 + 105.0 + 10.0
    assert cloud.bill(least=60.0) == 100.0 + 105.0 + 60.0


def test_what_is_terminated_may_be_forgotten(cloud: ProgrammableCloud) -> None:
    """A platform that forgets knows no more of what has ended."""
    first = launched(cloud)
    cloud.forgets = True
    cloud.terminate(first)
    assert cloud.describe([first]) == {}
    with pytest.raises(NotFoundError):
        cloud.terminate(first)


def test_hosts_are_stated_where_that_is_asked_for(cloud: ProgrammableCloud) -> None:
    """The fact is the true host of what runs."""
    cloud.states_hosts = True
    cloud.add("m-1", 4)
    assert cloud.describe(["m-1"])["m-1"].facts == {"host": "host-4"}
    cloud.move("m-1", 5)
    assert cloud.describe(["m-1"])["m-1"].facts == {"host": "host-5"}
    cloud.set_state("m-1", STOPPED)
    assert cloud.describe(["m-1"])["m-1"].facts == {}


def test_candidates_are_counted_at_once(cloud: ProgrammableCloud) -> None:
    """The most that ran at the same time counts, members left out."""
    cloud.add("m-1", 7)
    for _ in range(2):
        ids = [launched(cloud), launched(cloud)]
        cloud.tag(ids[0], {ROLE_TAG: MEMBER})
        cloud.terminate(ids[1])
    assert cloud.most_candidates() == 2


def test_a_closed_cloud_takes_no_calls(cloud: ProgrammableCloud) -> None:
    """A call after `close` is a mistake of the product; a test may go on asking."""
    first = launched(cloud)
    cloud.close()
    assert cloud.closed
    with pytest.raises(ValueError, match="closed"):
        cloud.instances(ORDERS)
    assert list(cloud.alive()) == [first]


def test_a_clock_goes_forward_only() -> None:
    """Nobody sleeps less than no time."""
    clock = ManualClock(now=5.0)
    clock.sleep(2.0)
    assert clock() == 7.0
    with pytest.raises(ValueError, match="-1"):
        clock.sleep(-1.0)


def test_importing_it_needs_no_pytest() -> None:
    """Whoever tests by other means has the doubles and the rules as well."""
    code = (
        "import sys, keepapart.testing, keepapart.testing.clouds, keepapart.testing.reach; "
        "print(sorted({'pytest', 'boto3', 'asyncssh', 'pyroute2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
