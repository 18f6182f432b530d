"""Where an instance can be, and who has which address: pure, shared by both forms of lab.

Addresses follow from the place, `10.RACK.HOST.N` (IPv6 `fd6b:6170:6172:RACK:HOST::N`), so that routes can be
aggregated: a prefix a host, a prefix a rack.

=============  =========================================================
spine          10.0.0.1
pod router     10.0.254.POD
rack router    10.RACK.0.1
host           10.RACK.HOST.1, gateway of its guests
guest          10.RACK.HOST.(2·slot + 3), its gateway one below: a /31
floating       10.RACK.255.N, of which the rack's router makes a guest's
extra gateway  100.64.0.0/10
=============  =========================================================

In `flat` and `vlans` there is a segment a VLAN, `10.VLAN.0.0/16`, whatever the host. Behind a front the first
number is 5, so that addresses are public ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from keepapart.lab.world.network import DISTRIBUTED, FABRIC, LEAVES, RACK, ROUTED_HOST, SEGMENTS, VLANS
from keepapart.lab.world.world import BRIDGED, World

_FIRST_IN_SEGMENT = 16  # the addresses below are the segment's own: its router is number 1


@dataclass(frozen=True, slots=True, order=True)
class Host:
    """A physical machine: the rack's number and its own number within the rack, from 1."""

    rack: int
    number: int


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an instance is: a slot (from 0) of a host.

    `vlan` is the VLAN, leaf or tenant that it got, from 1; 0 where there are none.
    One that was migrated keeps the address that it had at `home`.
    """

    host: Host
    slot: int
    vlan: int = 0
    home: Place | None = None

    @property
    def address(self) -> Place:
        """The place that its address is of."""
        return self.home or self


@dataclass(frozen=True, slots=True)
class Topology:
    """What follows from a world for places and addresses."""

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

    def pod_name(self, host: Host) -> str:
        """Name the pod that a host's rack is in as the world file does; empty where it is in none."""
        return self.world.racks[host.rack - 1].pod

    def host_name(self, host: Host) -> str:
        """Name a host: its rack's name and its number."""
        return f"{self.rack_name(host)}-{host.number}"

    def vlan(self, turn: int) -> int:
        """Say which VLAN, leaf or tenant the instance placed as number `turn` gets: they take turns."""
        count = self._dealt()
        return turn % count + 1 if count else 0

    def group(self, place: Place) -> tuple[int, int]:
        """Return which router that is no host an instance is behind: the rack (0: any), and its number."""
        return (place.host.rack if self.world.network.kind == LEAVES else 0), place.vlan

    def groups(self) -> list[tuple[int, int]]:
        """List all of these."""
        racks = range(1, len(self.world.racks) + 1) if self.world.network.kind == LEAVES else (0,)
        return [(rack, number) for rack in racks for number in range(1, self._dealt() + 1)]

    def bypasses(self, place: Place) -> str:
        """Say where a slot's port past the host ends, RACK or SPINE; empty where it is no such port.

        Of a bridged rack all slots are; else those of a rack are dealt to its hosts by turns.
        """
        rack, network = self.world.racks[place.host.rack - 1], self.world.network
        if rack.kind == BRIDGED:
            return RACK
        return network.bypass_to if self._turn(place) <= rack.bypass + network.bypass else ""

    def floating(self, place: Place) -> str:
        """Return the address that others know an instance by, where its rack's router translates it."""
        place = place.address
        number = self._turn(place)
        return self.at(place.host.rack, 255, number) if number <= self.world.network.floating else ""

    def listed(self, place: Place) -> str:
        """Return the address that others know an instance by."""
        return self.floating(place) or self.address(place)

    def gateway_mac(self, host: Host) -> str:
        """Return the hardware address that gateways of a host's guests show them; "": each its own."""
        return self.world.racks[host.rack - 1].gateway_mac or self.world.network.gateway_mac

    def inner_routers(self) -> int:
        """Say how many routers there are in each host, each between it and some of its guests."""
        return 1 if self.world.network.front else self.world.network.machines

    def inner(self, place: Place) -> int:
        """Say which of these routers an instance is behind, from 1; 0 where there is none."""
        return place.slot % count + 1 if (count := self.inner_routers()) else 0

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
        place = place.address
        if self.world.network.kind not in SEGMENTS:
            return self.at(place.host.rack, place.host.number, 2 * place.slot + 3)
        number = self.slot_number(place) + _FIRST_IN_SEGMENT
        return self.at(place.vlan, number >> 8, number & 0xFF)

    def gateway(self, place: Place) -> str:
        """Return the address of an instance's gateway; in a flat network there is none."""
        place = place.address
        if self.world.network.front:
            return self.world.network.front
        if self.world.network.kind not in SEGMENTS:
            return self.at(place.host.rack, place.host.number, 2 * place.slot + 2)
        return self.at(place.vlan, 0, 1)

    def extra_gateways(self, host: Host) -> int:
        """Say how many extra gateways, at most, there are between a host and each of its guests."""
        return self.world.network.extra_gateways + self.world.racks[host.rack - 1].extra_gateways

    def gateway_at(self, place: Place, number: int) -> str:
        """Return the address of extra gateway `number` of a place: what a trace shows, and nothing else."""
        low = (self.slot_number(place) * 16 + number) & 0x3FFFFF
        if self.world.network.family == "ipv4":
            return str(IPv4Address((100 << 24 | 64 << 16) + low))
        return str(IPv6Address(0xFD6B_6170_6172_FFFF << 64 | low))

    def at(self, rack: int, host: int, number: int) -> str:
        """Return the address with these three numbers."""
        if self.world.network.family == "ipv4":
            return str(
                IPv4Address((5 if self.world.network.front else 10) << 24 | rack << 16 | host << 8 | number)
            )
        return str(IPv6Address(0xFD6B_6170_6172 << 80 | rack << 64 | host << 48 | number))

    def _turn(self, place: Place) -> int:
        """Number a slot among those of its rack, from 1, a slot of each host first."""
        return place.slot * self.world.racks[place.host.rack - 1].hosts + place.host.number

    def _dealt(self) -> int:
        network = self.world.network
        return {
            VLANS: network.vlans,
            LEAVES: network.leaves,
            DISTRIBUTED: network.tenants,
            FABRIC: 1,
            ROUTED_HOST: network.firewalled,
        }.get(network.kind, 0)

    def slot_number(self, place: Place) -> int:
        """Number a slot among all slots of all hosts."""
        before = sum(rack.hosts * rack.capacity for rack in self.world.racks[: place.host.rack - 1])
        return before + (place.host.number - 1) * self.capacity(place.host) + place.slot
