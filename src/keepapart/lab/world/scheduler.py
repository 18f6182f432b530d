"""Which slot the next instance gets, by one of `simulate.habits`: seeded and without effects.

A failed host has no room. Where racks are named, only their hosts come into question.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from random import Random

from keepapart.lab.world.topology import Host
from keepapart.lab.world.world import Scheduler
from keepapart.simulate.habits import PACKING, STICKY

Slot = tuple[Host, int]


class Slots:
    """The free slots of every host, handed out by habit. Nothing but `Random(seed)` is left to chance."""

    def __init__(self, habit: Scheduler, capacities: Mapping[Host, int]) -> None:
        self._habit = habit.habit
        self._random = Random(habit.seed)
        self._capacities = dict(capacities)
        self._free = {host: set(range(capacity)) for host, capacity in capacities.items()}
        self._freed: list[Slot] = []

    def take(self, racks: Collection[int] | None = None) -> Slot | None:
        """Hand out a slot in one of these racks (None: any), or None where every host is full or failed."""
        freed = [one for one in self._freed if racks is None or one[0].rack in racks]
        if self._habit == STICKY and freed:
            host, slot = freed[-1]
        else:
            roomy = [
                host for host, free in self._free.items() if free and (racks is None or host.rack in racks)
            ]
            if not roomy:
                return None
            host = max(roomy, key=self._taken) if self._habit == PACKING else self._random.choice(roomy)
            slot = min(self._free[host])
        self._free[host].discard(slot)
        if (host, slot) in self._freed:
            self._freed.remove((host, slot))
        return host, slot

    def take_on(self, host: Host) -> int | None:
        """Hand out a slot of this host, or None where it is full or has failed."""
        if not self._free.get(host):
            return None
        slot = min(self._free[host])
        self._free[host].discard(slot)
        if (host, slot) in self._freed:
            self._freed.remove((host, slot))
        return slot

    def give_back(self, host: Host, slot: int) -> None:
        """Free a slot; on a failed host nothing becomes free."""
        if host in self._free and slot not in self._free[host]:
            self._free[host].add(slot)
            self._freed.append((host, slot))

    def fail(self, host: Host) -> None:
        """Take a host out of use for good."""
        self._free.pop(host, None)
        self._freed = [freed for freed in self._freed if freed[0] != host]

    def _taken(self, host: Host) -> int:
        return self._capacities[host] - len(self._free[host])
