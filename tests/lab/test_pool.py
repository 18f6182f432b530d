"""The pool that a lab just come up is."""

from __future__ import annotations

import pytest

from keepapart.errors import UsageError
from keepapart.lab.world.lifecycle import Fleet
from keepapart.lab.world.pool import pool_of
from keepapart.lab.world.world import Cluster, Rack, Scheduler, World
from keepapart.simulate.habits import HABITS, Habit


@pytest.mark.parametrize("habit", HABITS)
def test_a_worlds_pool_is_the_lab_just_come_up(habit: Habit) -> None:
    """Host by host as many slots are taken as in the lab, and the members are where the lab put them."""
    racks = (Rack("a", 3, 4), Rack("b", 2, 3))
    world = World(
        "w", racks, scheduler=Scheduler(habit, 5), clusters=(Cluster("orders", 3), Cluster("other", 6))
    )
    fleet = Fleet(world)
    for n in range(9):
        fleet.launch(f"t{n}", {}, {})
    places = [guest.place.host for guest in fleet.guests() if guest.place]
    hosts = fleet.topology.hosts()
    made, existing = pool_of(world, None)
    assert existing == 3
    assert made.taken.tolist() == [places.count(host) for host in hosts]
    assert made.room.tolist() == [fleet.topology.capacity(host) - places.count(host) for host in hosts]
    assert made.members.tolist() == [host in places[:3] for host in hosts]
    assert pool_of(world, 7)[0].members.tolist() == [host in places[:7] for host in hosts]


def test_members_that_the_world_does_not_launch_are_refused() -> None:
    """More members than a world launches is an error that says so."""
    with pytest.raises(UsageError, match="launches 2 instances"):
        pool_of(World("w", (Rack("a", 3, 4),), clusters=(Cluster("orders", 2),)), 3)
