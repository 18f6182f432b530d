"""Who gets which slot, and what becomes of an instance."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from keepapart.clouds import PENDING, RUNNING, STOPPED, TERMINATED
from keepapart.errors import CapacityError, CloudError, NotFoundError
from keepapart.lab.world.lifecycle import Fleet, Guest
from keepapart.lab.world.topology import Host
from keepapart.lab.world.world import Rack, Scheduler, World
from keepapart.simulate.habits import PACKING, RANDOM, STICKY, Habit


def fleet(habit: Habit, seed: int = 0, racks: tuple[Rack, ...] = (Rack("a", 3, 2),)) -> Fleet:
    """Return an empty fleet, by default of three hosts for two instances each."""
    return Fleet(World("w", racks, scheduler=Scheduler(habit, seed)))


def launch(into: Fleet, count: int) -> list[Guest]:
    """Launch instances and let them run."""
    first = len(into.guests())
    return [into.finish(into.launch(f"t{first + n}", {}, {}).id) for n in range(count)]


def hosts(guests: list[Guest]) -> list[int]:
    """Tell the numbers of the hosts that these are on."""
    return [guest.place.host.number for guest in guests if guest.place]


def test_packing_fills_a_host_before_the_next() -> None:
    """A packing scheduler uses as few hosts as it can, and completes the fullest first."""
    packing = fleet(PACKING)
    first = launch(packing, 5)
    assert hosts(first) == [1, 1, 2, 2, 3]
    packing.terminate(first[0].id)
    packing.terminate(first[2].id)
    packing.terminate(first[3].id)
    assert hosts(launch(packing, 3)) == [1, 3, 2]


def test_random_reaches_every_host_and_repeats_with_its_seed() -> None:
    """A random scheduler favours no host, and the same seed places the same way."""
    racks = (Rack("a", 4, 100),)
    one = hosts(launch(fleet(RANDOM, 7, racks), 200))
    assert hosts(launch(fleet(RANDOM, 7, racks), 200)) == one
    assert hosts(launch(fleet(RANDOM, 8, racks), 200)) != one
    assert min(Counter(one).values()) > 25
    assert len(Counter(one)) == 4


@pytest.mark.parametrize("seed", range(20))
def test_sticky_fills_a_freed_slot_first(seed: int) -> None:
    """A freed slot is the very next one filled: releasing a reject brings it back to the same host."""
    sticky = fleet(STICKY, seed)
    freed = launch(sticky, 3)[1]
    sticky.terminate(freed.id)
    assert launch(sticky, 1)[0].place == freed.place


def test_a_token_means_one_instance_for_ever() -> None:
    """The same token returns the same instance, even terminated; with other tags it is refused."""
    a_fleet = fleet(RANDOM)
    one = a_fleet.launch("t", {"k": "v"}, {"size": "small"})
    assert a_fleet.launch("t", {"k": "v"}, {"size": "small"}) == one
    with pytest.raises(CloudError, match="other tags or parameters"):
        a_fleet.launch("t", {"k": "v"}, {"size": "large"})
    with pytest.raises(CloudError, match="other tags or parameters"):
        a_fleet.launch("t", {}, {"size": "small"})
    a_fleet.tag(one.id, {"k": "other"})
    a_fleet.terminate(one.id)
    assert a_fleet.launch("t", {"k": "v"}, {"size": "small"}).state == TERMINATED


def test_a_full_lab_says_so_and_forgets_the_token() -> None:
    """Without room a launch is a capacity error, and the same token may be tried again."""
    a_fleet = fleet(RANDOM)
    first = launch(a_fleet, 6)[0]
    with pytest.raises(CapacityError):
        a_fleet.launch("late", {}, {})
    a_fleet.stop(first.id)
    assert a_fleet.launch("late", {}, {}).state == PENDING
    with pytest.raises(CapacityError):
        a_fleet.start(a_fleet.finish(first.id).id)


def test_a_failed_host_impairs_its_instances_and_takes_no_more() -> None:
    """Its instances still say running, impaired; nothing is placed there again; elsewhere they recover."""
    a_fleet = fleet(PACKING)
    one, two, other = launch(a_fleet, 3)
    assert a_fleet.fail("a-1") == Host(1, 1)
    for guest_id in (one.id, two.id):
        guest = a_fleet.get(guest_id)
        assert (guest.state, guest.impaired, guest.connected) == (RUNNING, True, False)
    assert a_fleet.get(other.id).connected
    a_fleet.finish(a_fleet.stop(one.id).id)
    moved = a_fleet.finish(a_fleet.start(one.id).id)
    assert moved.connected
    assert hosts([moved, *launch(a_fleet, 2)]) == [2, 3, 3]
    with pytest.raises(NotFoundError, match="a-9"):
        a_fleet.fail("a-9")


def test_what_is_over_can_not_be_restarted() -> None:
    """Stopping and starting a terminated instance is refused; terminating it again is not."""
    a_fleet = fleet(RANDOM)
    (one,) = launch(a_fleet, 1)
    a_fleet.terminate(one.id)
    assert a_fleet.terminate(one.id).state == TERMINATED
    for refused in (a_fleet.start, a_fleet.stop):
        with pytest.raises(CloudError, match="terminated"):
            refused(one.id)
    with pytest.raises(NotFoundError):
        a_fleet.terminate("i-9999")


class Life(RuleBasedStateMachine):
    """Whatever is asked, in whatever order, the books of instances and slots agree."""

    ids = Bundle("ids")

    @initialize(habit=st.sampled_from([RANDOM, PACKING, STICKY]), seed=st.integers(0, 9))
    def begin(self, habit: Habit, seed: int) -> None:
        self.fleet = fleet(habit, seed, (Rack("a", 2, 2), Rack("b", 1, 3)))
        self.failed: set[Host] = set()

    @rule(target=ids, token=st.sampled_from("abcdefghijkl"))
    def launch(self, token: str) -> str:
        try:
            return self.fleet.launch(token, {}, {}).id
        except CapacityError:
            return "i-0000"

    @rule(guest_id=ids, does=st.sampled_from(["start", "stop", "terminate", "finish"]))
    def change(self, guest_id: str, does: str) -> None:
        try:
            once = getattr(self.fleet, does)(guest_id)
            assert getattr(self.fleet, does)(guest_id) == once
        except (CloudError, NotFoundError):
            return

    @rule(name=st.sampled_from(["a-1", "b-1"]))
    def fail(self, name: str) -> None:
        self.failed.add(self.fleet.fail(name))

    @invariant()
    def no_slot_is_filled_twice(self) -> None:
        places = [guest.place for guest in self.fleet.guests() if guest.place]
        assert len({(place.host, place.slot) for place in places}) == len(places)

    @invariant()
    def a_place_is_held_exactly_while_pending_or_running(self) -> None:
        for guest in self.fleet.guests():
            assert (guest.place is not None) == (guest.state in (PENDING, RUNNING))
            assert guest.state != STOPPED or not guest.impaired

    @invariant()
    def exactly_the_instances_of_failed_hosts_are_impaired(self) -> None:
        for guest in self.fleet.guests():
            assert guest.impaired == (guest.place is not None and guest.place.host in self.failed)

    def teardown(self) -> None:
        """Every slot of a healthy host is taken, or can be: none was lost on the way."""
        if not hasattr(self, "fleet"):
            return
        topology = self.fleet.topology
        room = sum(topology.capacity(host) for host in topology.hosts() if host not in self.failed)
        room -= sum(guest.place is not None and not guest.impaired for guest in self.fleet.guests())
        for number in range(room):
            self.fleet.launch(f"last {number}", {}, {})
        with pytest.raises(CapacityError):
            self.fleet.launch("one too many", {}, {})


Life.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
