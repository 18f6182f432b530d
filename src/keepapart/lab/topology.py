"""Who has which address, and how many hops lie between two instances: pure, shared by both forms.

Addresses follow from the place, `10.RACK.HOST.N` (IPv6 `fd6b:6170:6172:RACK:HOST::N`), so that routes can be
aggregated: a prefix a host, a prefix a rack.

=============  =========================================================
spine          10.0.0.1
rack router    10.RACK.0.1
host           10.RACK.HOST.1, gateway of its guests
guest          10.RACK.HOST.(2·slot + 3), its gateway one below: a /31
=============  =========================================================

In `flat` and `vlans` there is a segment a VLAN, `10.VLAN.0.0/16`, whatever the host.

Hops are counted as tracepath does, routers between + 1. Routed hosts: 2 on one host, 4 in one rack, 6 beyond.
Flat: 1. VLANs: 1 within, 2 across.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from keepapart.lab.world import FLAT, ROUTED_HOST, VLANS, World

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FIRST_IN_SEGMENT = 16  # the addresses below are the segment's own: its router is number 1


@dataclass(frozen=True, slots=True, order=True)
class Host:
    """A physical machine: the rack's number and its own number within the rack, from 1."""

    rack: int
    number: int


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an instance is: a slot (from 0) of a host, and the VLAN (from 1; 0: none) that it got."""

    host: Host
    slot: int
    vlan: int = 0


@dataclass(frozen=True, slots=True)
class Topology:
    """What follows from a world for addresses and distances."""

    world: World

    def hosts(self) -> list[Host]:
        """List all hosts, rack by rack."""
        return [
            Host(rack, number)
            for rack, racks in enumerate(self.world.racks, 1)
            for number in range(1, racks.hosts + 1)
        ]

    def capacity(self, host: Host) -> int:
        """Say how many instances a host has room for."""
        return self.world.racks[host.rack - 1].capacity

    def rack_name(self, host: Host) -> str:
        """Name a host's rack as the world file does."""
        return self.world.racks[host.rack - 1].name

    def host_name(self, host: Host) -> str:
        """Name a host: its rack's name and its number."""
        return f"{self.rack_name(host)}-{host.number}"

    def vlan(self, turn: int) -> int:
        """Say which VLAN the instance placed as number `turn` gets: they take turns."""
        return turn % self.world.network.vlans + 1 if self.world.network.kind == VLANS else 0

    def prefix(self, level: str) -> int:
        """Return the prefix length of a `rack`, `host`, `link`, `segment` or single address (`one`)."""
        v4, v6 = {
            "rack": (16, 64),
            "segment": (16, 64),
            "host": (24, 80),
            "link": (31, 127),
            "one": (32, 128),
        }[level]
        return v4 if self.world.network.family == "ipv4" else v6

    def address(self, place: Place) -> str:
        """Return an instance's address."""
        if self.world.network.kind == ROUTED_HOST:
            return self.at(place.host.rack, place.host.number, 2 * place.slot + 3)
        number = self.seat(place) + _FIRST_IN_SEGMENT
        return self.at(place.vlan, number >> 8, number & 0xFF)

    def gateway(self, place: Place) -> str:
        """Return the address of an instance's gateway; in a flat network there is none."""
        if self.world.network.kind == ROUTED_HOST:
            return self.at(place.host.rack, place.host.number, 2 * place.slot + 2)
        return self.at(place.vlan, 0, 1)

    def at(self, rack: int, host: int, number: int) -> str:
        """Return the address with these three numbers."""
        if self.world.network.family == "ipv4":
            return str(IPv4Address(10 << 24 | rack << 16 | host << 8 | number))
        return str(IPv6Address(0xFD6B_6170_6172 << 80 | rack << 64 | host << 48 | number))

    def seat(self, place: Place) -> int:
        """Number a slot among all slots of all hosts."""
        before = sum(rack.hosts * rack.capacity for rack in self.world.racks[: place.host.rack - 1])
        return before + (place.host.number - 1) * self.capacity(place.host) + place.slot

    def hops(self, places: Sequence[Place | None]) -> NDArray[np.uint8]:
        """Count the hops between all pairs; 0 for None (no network) and for an instance and itself."""
        import numpy as np

        def column(of: list[int]) -> NDArray[np.int64]:
            return np.array(of, dtype=np.int64)

        def alike(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
            return np.equal.outer(numbers, numbers)

        rack = column([place.host.rack if place else 0 for place in places])
        host = column([place.host.number if place else 0 for place in places])
        if self.world.network.kind == ROUTED_HOST:
            counts = np.where(alike(rack * 1000 + host), 2, np.where(alike(rack), 4, 6))
        elif self.world.network.kind == FLAT:
            counts = np.ones((len(places), len(places)))
        else:
            counts = np.where(alike(column([place.vlan if place else 0 for place in places])), 1, 2)
        there = rack > 0
        counts = np.where(np.logical_and.outer(there, there), counts, 0).astype(np.uint8)
        np.fill_diagonal(counts, 0)
        return counts
