"""A tree of routers, and how many hops instances count that hang at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from campaign.world import Cloud, Numbers, World

TOP = -1


class Tree:
    """Routers and links, by number, each below another one or at the `TOP`."""

    def __init__(self) -> None:
        self._ways: list[list[int]] = []  # from the top down
        self._counted: list[int] = []

    def router(self, above: int = TOP) -> int:
        """Add a router, which takes one from the time-to-live."""
        return self._add(above, 1)

    def link(self, above: int = TOP) -> int:
        """Add a link, which takes nothing."""
        return self._add(above, 0)

    def hops(self, at: Sequence[int]) -> Numbers:
        """Count the hops between instances that hang at these routers, [n, n]: routers between + 1."""
        depth = max(len(self._ways[node]) for node in at)
        ways = np.array([self._ways[node] + [TOP] * (depth - len(self._ways[node])) for node in at])
        counted = np.array([*self._counted, 0])[ways].cumsum(axis=1)
        common = ((ways[:, None] == ways) & (ways >= 0)[None]).sum(axis=2)
        meet = np.where(common > 0, common - 1, 0)  # all hang below one top
        least = counted[np.arange(len(at))[:, None], meet]
        own = np.array([*self._counted, 0])[ways[np.arange(len(at))[:, None], meet]]
        total = counted[:, -1]
        hops: Numbers = total[:, None] + total - 2 * least + own + 1
        return hops

    def _add(self, above: int, counted: int) -> int:
        self._ways.append([*(self._ways[above] if above != TOP else ()), len(self._ways)])
        self._counted.append(counted)
        return len(self._ways) - 1


@dataclass(frozen=True)
class Ground:
    """A cloud whose hosts are routers in racks: `hosts` and `racks` are nodes of the tree, by number."""

    tree: Tree
    cloud: Cloud
    top: int
    racks: Mapping[int, int]
    hosts: Mapping[int, int]

    @classmethod
    def of(cls, chance: np.random.Generator, size: int, *, links: bool = True) -> Ground:
        """Place instances and draw a fabric; a rack may be a link if `links`, and is a router else."""
        cloud, tree = Cloud.of(chance, size), Tree()
        top = tree.router()
        zones = {
            zone: tree.router(top) if chance.random() < 0.5 else top for zone in set(cloud.zone.tolist())
        }
        made = tree.link if links and chance.random() < 0.5 else tree.router
        zone_of = dict(zip(cloud.rack.tolist(), cloud.zone.tolist(), strict=True))
        racks = {rack: made(zones[zone]) for rack, zone in sorted(zone_of.items())}
        rack_of = dict(zip(cloud.host.tolist(), cloud.rack.tolist(), strict=True))
        hosts = {host: tree.router(racks[rack]) for host, rack in sorted(rack_of.items())}
        return cls(tree, cloud, top, racks, hosts)

    @property
    def at(self) -> list[int]:
        """The host of each instance, as a node."""
        return [self.hosts[host] for host in self.cloud.host.tolist()]

    def guests(self, host: int) -> list[int]:
        """Return the instances on a host."""
        return np.flatnonzero(self.cloud.host == host).tolist()

    def world(self, at: Sequence[int]) -> World:
        """Return the world in which the instances hang at these nodes."""
        return World(self.cloud, self.tree.hops(at))
