"""How many hops a packet between two instances is counted to have made: pure, the real lab's twin.

Hops are counted as tracepath does, routers between + 1, by what is left of a time-to-live of 64:

1. Routed hosts: 2 on one host, 4 in one rack, 6 in one pod and where there are none; a pod's router adds one
   to what leaves it and to what comes in. Flat: 1. VLANs: 1 within, 2 across. Where routers are no hosts: 2
   behind one, 4 otherwise.
2. Gateways of the sender's and of the receiver's own add one each; those by chance only the sender's.
3. Over the spines, spine i adds i; on the way to an earlier rack or pod the detour adds its length instead.
4. Where a time-to-live is rewritten, only the routers from the last such one on show. What then counts
   less than one hop is not measured.
5. Routers in a host, between it and its guests, add one each way; guests of one such router are 2 apart, but
   for a front whose outer router turns packets; one that hands them to guests itself adds none on the way in.
   A port past the host takes one away, at either end; one that ends at the spine is that one router away
   from others there, and from everybody else by as many as are between the spine and them.
6. What is sent to a floating address goes by the receiver's rack router, also from the same host; so does
   what is sent to another tenant, where a firewall is between them.
7. Where UDP is filtered nothing is measured. Loss and reordering change no count and are left out.

What a flow meets by chance follows from the seed, the two places and the flow; a real lab's chance is
its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keepapart.lab.world.filters import ways
from keepapart.lab.world.network import (
    ALWAYS,
    FLAT,
    HOST,
    INNER,
    RACK,
    ROUTED_HOST,
    SPINE,
    STRAIGHT,
    TTL,
    VLANS,
)
from keepapart.lab.world.topology import Place, Topology

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from keepapart.arrays import Mask

    Numbers = NDArray[np.int64]


def hops(topology: Topology, places: Sequence[Place | None], flow: int = 0) -> NDArray[np.uint8]:
    """Count the hops from each to each; 0 for None (no network) and for an instance and itself."""
    network = topology.world.network
    there = np.array([place is not None for place in places], dtype=bool)
    some = [place or Place(topology.hosts()[0], 0) for place in places]
    if not network.udp:
        counts: Numbers = np.zeros((len(some), len(some)), np.int64)
    elif network.kind == ROUTED_HOST:
        counts = _Routed(topology, some, flow).counted()
    elif network.kind == FLAT:
        counts = np.ones((len(some), len(some)), np.int64)
    else:
        group = np.array([rack * 1000 + number for rack, number in map(topology.group, some)])
        within, across = (1, 2) if network.kind == VLANS else (2, 4)
        counts = np.where(np.equal.outer(group, group), within, across)
    found = np.where(np.logical_and.outer(there, there), counts, 0).astype(np.uint8)
    np.fill_diagonal(found, 0)
    return found


def silenced(topology: Topology, ids: Sequence[str]) -> Mask:
    """Say which pairs' packets [from, to] a filter between the two drops."""
    found: Mask = np.zeros((len(ids), len(ids)), np.bool_)
    at = {name: number for number, name in enumerate(ids)}
    for sender, receiver in ways(topology.world.filters):
        if sender in at and receiver in at:
            found[at[sender], at[receiver]] = True
    return found


@dataclass(frozen=True)
class _Routed:
    """One flow of every pair through a network of routed hosts; arrays are [from, to]."""

    topology: Topology
    places: Sequence[Place]
    flow: int

    def counted(self) -> Numbers:
        """Return the counts that rules 1 to 4 give."""
        rack = np.array([place.host.rack for place in self.places], np.int64)
        home = np.array([place.address.host.rack for place in self.places], np.int64)
        host = rack * 1000 + np.array([place.host.number for place in self.places], np.int64)
        own = np.array([self.topology.extra_gateways(place.host) for place in self.places], np.int64)
        always = self.topology.world.network.extra_by == ALWAYS
        after = own[None, :] if always else np.zeros_like(own)[None, :]
        before = own[:, None] if always else self._chance(own + 1)
        floats = np.array([bool(self.topology.floating(place)) for place in self.places], np.bool_)
        tenant = np.array([place.vlan for place in self.places], np.int64)
        # that is, packets between the two go no further
        one_host = np.equal.outer(host, host) & np.equal.outer(tenant, tenant) & ~floats[None, :]
        one_rack = np.equal.outer(rack, rack)
        tops = self.topology.world.tops
        order = list(dict.fromkeys(tops))
        top = np.array([order.index(name) for name in tops], np.int64)
        pod = np.array([bool(one.pod) for one in self.topology.world.racks], np.int64)[rack - 1]
        one_top = np.equal.outer(top[rack - 1], top[rack - 1])
        spine = self._spine(top[rack - 1], top[home - 1])
        across = np.where(
            one_top, 1, pod[:, None] + spine + pod[None, :]
        )  # routers between those of two racks
        between = np.where(one_host, 1, np.where(one_rack, 3, 4 + across))
        between = self._past(pod, one_host, self._inside(host, between))
        routers = before + between + after
        at_spine = np.where(one_top, 0, 3 + pod[None, :])
        shown, ttl = self._shown(rack, one_host, one_rack, 3 + across, at_spine)
        rewritten = shown > 0
        last = np.where(rewritten, shown + after, routers)
        count = TTL - (np.where(rewritten, ttl, TTL) - last) + 1
        found: Numbers = np.maximum(count, 0)
        return found

    def _past(self, pod: Numbers, one_host: Mask, between: Numbers) -> Numbers:
        """Return how many routers there are by what ports past hosts take away."""
        ends = [self.topology.bypasses(place) for place in self.places]
        at_rack, at_spine = (np.array([end == where for end in ends], np.int64) for where in (RACK, SPINE))
        below = np.where(at_spine > 0, 0, 2 + pod - at_rack)  # routers below the spine
        by_rack = np.where(one_host, 3, between) - at_rack[:, None] - at_rack[None, :]
        found = np.where(at_rack[:, None] + at_rack[None, :] > 0, by_rack, between)
        return np.where(at_spine[:, None] + at_spine[None, :] > 0, below[:, None] + 1 + below[None, :], found)

    def _inside(self, host: Numbers, between: Numbers) -> Numbers:
        """Return how many routers there are by what routers within hosts add."""
        topology = self.topology
        if not topology.inner_routers():
            return between
        inner = host * 1000 + np.array([topology.inner(place) for place in self.places], np.int64)
        turn = topology.world.network.turn
        if turn == STRAIGHT:
            return between + 1
        return np.where(np.equal.outer(inner, inner) & (turn == INNER), 1, between + 2)

    def _spine(self, top: Numbers, home: Numbers) -> Numbers:
        """Return how many routers of the spine and of the detour before it a pair's packets take."""
        network = self.topology.world.network
        # by where the address is of, but there they know better of one that was migrated
        to = np.where(np.equal.outer(top, home), top[None, :], home[None, :])
        earlier = (to < top[:, None]) if network.detour else np.zeros(to.shape, bool)
        chosen = self._chance(np.full(len(top), network.spines, np.int64), 1)
        return np.where(earlier, 1 + network.detour, 1 + chosen)

    def _shown(
        self, rack: Numbers, one_host: Mask, one_rack: Mask, at_first: Numbers, at_spine: Numbers
    ) -> tuple[Numbers, Numbers]:
        """Return how many routers, up to the receiver's host, still count behind a rewritten time-to-live.

        0 where none is rewritten; and what it was set to. `at_first` and `at_spine` are what counts from the
        sender's rack on, and from the spine on, 0 where packets don't come by it.
        """
        network = self.topology.world.network
        at = network.rewrite_at if network.rewrite_ttl else ""
        own = np.array([one.rewrite_ttl for one in self.topology.world.racks], np.int64)[rack - 1]
        sets = np.where(own > 0, own, network.rewrite_ttl if at == RACK else 0)
        shown, ttl = np.zeros(one_host.shape, np.int64), np.zeros(one_host.shape, np.int64)
        first = (sets[:, None] > 0) & ~one_rack
        shown, ttl = np.where(first, at_first, shown), np.where(first, sets[:, None], ttl)
        if at == SPINE:
            shown, ttl = np.where(at_spine, at_spine, shown), np.where(at_spine, network.rewrite_ttl, ttl)
        last = (sets[None, :] > 0) & ~one_host
        shown, ttl = np.where(last, 2, shown), np.where(last, sets[None, :], ttl)
        if at == HOST:
            shown, ttl = np.ones_like(shown), np.full_like(ttl, network.rewrite_ttl)
        return shown, ttl

    def _chance(self, choices: Numbers, salt: int = 0) -> Numbers:
        """Draw a number below the sender's `choices` for every pair, the same for the same flow."""
        if int(choices.max(initial=1)) == 1:
            return np.zeros((len(self.places), len(self.places)), np.int64)
        slots = np.array([self.topology.slot_number(place.address) for place in self.places], np.uint64)
        seed = np.uint64((self.topology.world.scheduler.seed << 16 | salt << 12) + self.flow)
        mixed = _mix(_mix(slots[:, None] + (seed << np.uint64(24))) ^ (slots[None, :] + np.uint64(1)))
        drawn: Numbers = (mixed % choices[:, None].astype(np.uint64)).astype(np.int64)
        return drawn


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter numbers evenly (splitmix64)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scattered: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return scattered
