"""The pool of a lab, slot for slot, just after `lab up`: what `simulate --world` begins with."""

from __future__ import annotations

import numpy as np

from keepapart.errors import UsageError
from keepapart.lab.world.scheduler import Slots
from keepapart.lab.world.topology import Topology
from keepapart.lab.world.world import World
from keepapart.simulate.pool import Pool


def pool_of(world: World, existing: int | None) -> tuple[Pool, int]:
    """Return the pool of a lab just come up, and how many members there are in it.

    The first `existing` instances launched are the members; by default those of the world's first cluster.
    Raises `UsageError` where the world launches fewer.
    """
    launched = sum(cluster.size for cluster in world.clusters)
    if existing is None:
        existing = world.clusters[0].size if world.clusters else 0
    if existing > launched:
        raise UsageError(
            f"world {world.name!r} launches {launched} instances, so {existing} can't be members"
        )
    topology = Topology(world)
    hosts = topology.hosts()
    number = {host: n for n, host in enumerate(hosts)}
    capacity = np.array([topology.capacity(host) for host in hosts], np.int64)
    taken, members = np.zeros(len(hosts), np.int64), np.zeros(len(hosts), np.bool_)
    slots = Slots(world.scheduler, {host: topology.capacity(host) for host in hosts})
    for n in range(launched):
        slot = slots.take()
        assert slot is not None  # a checked world has room for what it launches
        taken[number[slot[0]]] += 1
        members[number[slot[0]]] |= n < existing
    return Pool(world.scheduler.habit, taken, capacity - taken, members), existing
