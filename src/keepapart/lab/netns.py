"""The lab built from network namespaces: real packets, routed by real kernels.

Every router, host and instance is a network namespace of its own, joined by veth pairs. A router has one
address, on its loopback interface; its links have none. All neighbours are permanent, all interface indices
and MAC addresses are given, so that a whole lab is a few requests a namespace and nothing is ever looked up.

- `RoutedHosts`: guest ─ host ─ rack router ─ spine.
- `Segments`: every guest on a bridge (flat), or on one of several that a single router joins (VLANs).
"""

from __future__ import annotations

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress

from keepapart.errors import LabError
from keepapart.lab import linux, rtnl
from keepapart.lab.topology import Host, Place, Topology
from keepapart.lab.world import FLAT, ROUTED_HOST

_UPLINK = 2  # the one interface that leads up, in every namespace that has one
_DOWN = 10  # the first of those that lead down
_BRIDGE = 2  # the first bridge of a segment's namespace
_PORT = 1000  # its first port

Places = Mapping[str, Place]


class Namespaces(ABC):
    """What both kinds of network share: the instances' namespaces, and sockets made in them."""

    kind = "netns"

    def __init__(self, topology: Topology, user: int | None) -> None:
        self.topology = topology
        self.user = user
        v6 = topology.world.network.family == "ipv6"
        self.family = socket.AF_INET6 if v6 else socket.AF_INET
        self.nowhere = "::" if v6 else "0.0.0.0"  # noqa: S104  # a route's destination, nothing is bound
        self.home = linux.new_network()
        self.guests: dict[str, tuple[int, Place]] = {}
        self.cables = 0

    def attach(self, places: Places) -> None:
        """Give these instances a network each, in bulk. Raises `LabError`; then none of them has one."""
        try:
            for guest_id, place in places.items():
                self.guests[guest_id] = (self.namespace(f"instance {guest_id}", []), place)
            self.join(places)
        except BaseException:
            self.detach(places)
            raise
        finally:
            linux.setns(self.home)

    def detach(self, ids: Iterable[str]) -> None:
        """Take these instances' network away; sockets that others still hold in it reach nobody."""
        for guest_id in ids:
            if guest_id in self.guests:
                namespace, _ = self.guests.pop(guest_id)
                with linux.inside(namespace, self.home), suppress(LabError):  # may not have been joined yet
                    rtnl.send([rtnl.delete(_UPLINK)], f"instance {guest_id}")
                os.close(namespace)

    def fail(self, host: Host) -> None:
        """Fail a host: its instances' network ends with it."""
        self.detach([guest_id for guest_id, (_, place) in self.guests.items() if place.host == host])

    def sockets(self, guest_id: str, count: int) -> list[socket.socket]:
        """Make UDP sockets inside an instance; none where it has no network."""
        if guest_id not in self.guests:
            return []
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        with linux.inside(self.guests[guest_id][0], self.home):
            return [socket.socket(self.family, kind) for _ in range(count)]

    def descriptors(self, guest_id: str) -> list[int]:
        """Return what it takes to enter an instance: its namespace, then its user namespace if there is one.

        They stay the lab's own. Raises `LabError` where the instance has no network.
        """
        if guest_id not in self.guests:
            raise LabError(f"{guest_id} has no network: it is not running, or its host has failed")
        return [self.guests[guest_id][0]] + ([] if self.user is None else [self.user])

    def namespace(self, what: str, messages: list[bytes], *, routes: bool = False) -> int:
        """Make a namespace, be in it, and perform these requests there."""
        namespace = linux.new_network()
        try:
            version = "ipv6" if self.family == socket.AF_INET6 else "ipv4"
            if version == "ipv4":
                linux.sysctl("ipv6/conf/default/disable_ipv6", 1)  # else every link announces itself
                for scope in ("all", "default"):  # new namespaces may inherit the machine's settings
                    linux.sysctl(f"ipv4/conf/{scope}/rp_filter", 0)
            linux.sysctl(f"{version}/conf/all/forwarding", int(routes))
            if version == "ipv6":
                linux.sysctl("ipv6/conf/default/accept_ra", 0)
                linux.sysctl("ipv6/conf/default/accept_dad", 0)
            rule = [rtnl.silence(self.family)] if routes and self.topology.world.network.silent else []
            rtnl.send([rtnl.up(rtnl.LOOPBACK), *rule, *messages], what)
        except OSError as error:
            os.close(namespace)
            raise LabError(f"{what}: {error.strerror or error}") from error
        except BaseException:
            os.close(namespace)
            raise
        return namespace

    def mac(self) -> str:
        """Return a MAC address that the lab hasn't used yet."""
        self.cables += 1
        return ":".join(f"{byte:02x}" for byte in (0x02, 0x6B, *self.cables.to_bytes(4, "big")))

    @abstractmethod
    def join(self, places: Places) -> None:
        """Join instances whose namespaces exist to the network; may leave this process in any namespace."""


class RoutedHosts(Namespaces):
    """Every host is the gateway of its guests; rack routers join hosts, a spine joins racks."""

    def __init__(self, topology: Topology, user: int | None) -> None:
        super().__init__(topology, user)
        self.hosts: dict[Host, int] = {}
        racks = topology.world.racks
        spine = self._router("spine", 0, 0, None) if len(racks) > 1 else None
        for rack, about in enumerate(racks, 1):
            router = self._router(f"rack {about.name}", rack, 0, spine)
            for number in range(1, about.hosts + 1):
                host = Host(rack, number)
                self.hosts[host] = self._router(f"host {topology.host_name(host)}", rack, number, router)
        linux.setns(self.home)

    def join(self, places: Places) -> None:
        """Join each guest to its host, host by host."""
        for host in sorted({place.host for place in places.values()}):
            here, there = [], {}
            for guest_id, place in places.items():
                if place.host != host:
                    continue
                index = _DOWN + place.slot
                own, other = self.mac(), self.mac()
                address, gateway = self.topology.address(place), self.topology.gateway(place)
                link = self.topology.prefix("link")
                namespace = self.guests[guest_id][0]
                here += [
                    rtnl.veth(f"g{place.slot}", index, own, ("eth0", _UPLINK, other), namespace),
                    rtnl.address(index, gateway, link),
                    rtnl.neighbour(index, address, other),
                ]
                there[guest_id] = [
                    rtnl.up(_UPLINK),
                    rtnl.address(_UPLINK, address, link),
                    rtnl.neighbour(_UPLINK, gateway, own),
                    rtnl.route(self.nowhere, 0, gateway, _UPLINK),
                ]
            linux.setns(self.hosts[host])
            rtnl.send(here, f"host {self.topology.host_name(host)}")
            for guest_id, messages in there.items():
                linux.setns(self.guests[guest_id][0])
                rtnl.send(messages, f"instance {guest_id}")

    def fail(self, host: Host) -> None:
        """Cut the host off as well, so that its own addresses answer no more."""
        super().fail(host)
        namespace = self.hosts.pop(host, None)
        if namespace is not None:
            with linux.inside(namespace, self.home):
                rtnl.send([rtnl.delete(_UPLINK)], f"host {self.topology.host_name(host)}")
            os.close(namespace)

    def _router(self, what: str, rack: int, number: int, parent: int | None) -> int:
        """Make a host (rack, number), a rack router (rack, 0) or the spine (0, 0); join it to its parent."""
        own, prefix = self.topology.at(rack, number, 1), self.topology.at(rack, number, 0)
        length = self.topology.prefix("host" if number else "rack")
        messages = [rtnl.address(rtnl.LOOPBACK, own, self.topology.prefix("one"))]
        if rack:
            messages.append(rtnl.unreachable(prefix, length))
        namespace = self.namespace(what, messages, routes=True)
        if parent is None:
            return namespace
        gateway = self.topology.at(rack if number else 0, 0, 1)
        index, upper, lower = _DOWN + (number or rack), self.mac(), self.mac()
        linux.setns(parent)
        rtnl.send(
            [
                rtnl.veth(f"d{number or rack}", index, upper, ("up", _UPLINK, lower), namespace),
                rtnl.neighbour(index, own, lower),
                rtnl.route(prefix, length, own, index),
            ],
            what,
        )
        linux.setns(namespace)
        rtnl.send(
            [
                rtnl.up(_UPLINK),
                rtnl.neighbour(_UPLINK, gateway, upper),
                rtnl.route(self.nowhere, 0, gateway, _UPLINK),
            ],
            what,
        )
        return namespace


class Segments(Namespaces):
    """One flat segment, or VLANs behind one router; where a host stands says nothing about distances."""

    def __init__(self, topology: Topology, user: int | None) -> None:
        super().__init__(topology, user)
        network = topology.world.network
        self.vlans = [0] if network.kind == FLAT else list(range(1, network.vlans + 1))
        messages = []
        for vlan in self.vlans:
            messages.append(rtnl.bridge(f"vlan{vlan}", _BRIDGE + vlan))
            if vlan:
                gateway = topology.at(vlan, 0, 1)
                messages.append(rtnl.address(_BRIDGE + vlan, gateway, topology.prefix("segment")))
        self.middle = self.namespace("the segments' router", messages, routes=network.kind != FLAT)
        self.macs: dict[str, str] = {}
        linux.setns(self.home)

    def join(self, places: Places) -> None:
        """Join each guest to its segment, and make it known to everyone there."""
        ports, neighbours = [], []
        for guest_id, place in places.items():
            port, bridge = _PORT + self.topology.seat(place), _BRIDGE + place.vlan
            own, mac = self.mac(), self.mac()
            self.macs[guest_id] = mac
            ports += [
                rtnl.veth(f"p{port}", port, own, ("eth0", _UPLINK, mac), self.guests[guest_id][0]),
                rtnl.join(port, bridge),
                rtnl.forward(port, mac),
            ]
            if place.vlan:
                neighbours.append(rtnl.neighbour(bridge, self.topology.address(place), mac))
        linux.setns(self.middle)
        rtnl.send([*ports, *neighbours], "the segments' router")
        for vlan in {place.vlan for place in places.values()}:
            self._acquaint(vlan, places)

    def _acquaint(self, vlan: int, newcomers: Places) -> None:
        """Make everyone on a segment known to the newcomers, and the newcomers to everyone."""
        known = {}
        for guest_id, (_, place) in self.guests.items():
            if place.vlan == vlan:
                known[guest_id] = rtnl.neighbour(_UPLINK, self.topology.address(place), self.macs[guest_id])
        new = [message for guest_id, message in known.items() if guest_id in newcomers]
        for guest_id in known:
            namespace, place = self.guests[guest_id]
            linux.setns(namespace)
            if guest_id in newcomers:
                own = [rtnl.address(_UPLINK, self.topology.address(place), self.topology.prefix("segment"))]
                rtnl.send(
                    [rtnl.up(_UPLINK), *own, *known.values(), *self._default(vlan)], f"instance {guest_id}"
                )
            else:
                rtnl.send(new, f"instance {guest_id}")

    def _default(self, vlan: int) -> list[bytes]:
        if not vlan:
            return []
        return [rtnl.route(self.nowhere, 0, self.topology.at(vlan, 0, 1), _UPLINK)]


def rehearse() -> None:
    """Try out all that a lab needs, in namespaces that are gone again at once.

    Raises `OSError` or `LabError` where something of it can't be had.
    """
    first = linux.new_network()
    second = linux.new_network()
    try:
        linux.sysctl("ipv4/conf/all/forwarding", 1)
        pair = rtnl.veth("a", _UPLINK, "02:00:00:00:00:01", ("b", _UPLINK, "02:00:00:00:00:02"), first)
        rtnl.send([rtnl.up(rtnl.LOOPBACK), pair], "joining two namespaces")
    finally:
        os.close(first)
        os.close(second)


def build(topology: Topology, user: int | None) -> Namespaces:
    """Build the network of a world, without instances yet. Raises `LabError`."""
    kind = RoutedHosts if topology.world.network.kind == ROUTED_HOST else Segments
    return kind(topology, user)
