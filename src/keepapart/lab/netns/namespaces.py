"""The lab built from network namespaces: real packets, routed by real kernels.

Every router, host and instance is a network namespace of its own, joined by veth pairs. All neighbours are
permanent, all interface indices and MAC addresses are given, so that a whole lab is a few requests a
namespace and nothing is ever looked up. This is what both kinds of network share; `routed` and `segments` are
the two, `netns` chooses.
"""

from __future__ import annotations

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from keepapart.errors import LabError
from keepapart.lab.netns import linux, nft, rtnl
from keepapart.lab.netns.packet_rules import UPLINK, Refuse, Rule
from keepapart.lab.world.filters import ways
from keepapart.lab.world.network import TTL
from keepapart.lab.world.topology import Host, Place, Topology

Places = Mapping[str, Place]


class Namespaces(ABC):
    """The instances' namespaces, and sockets made in them."""

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
                self.guests[guest_id] = (self.instance(guest_id), place)
            self.join(places)
            self._filter(places)
        except BaseException:
            self.detach(places)
            raise
        finally:
            linux.setns(self.home)

    def detach(self, ids: Iterable[str]) -> None:
        """Take these instances' network away; sockets that others still hold in it reach nobody."""
        gone = [guest_id for guest_id in ids if guest_id in self.guests]
        for guest_id in gone:
            namespace, _ = self.guests.pop(guest_id)
            with linux.inside(namespace, self.home), suppress(LabError):  # may not have been joined yet
                rtnl.send([rtnl.delete(UPLINK)], f"instance {guest_id}")
            os.close(namespace)
        self._filter(gone)

    def fail(self, host: Host) -> None:
        """Fail a host: its instances' network ends with it."""
        self.detach([guest_id for guest_id, (_, place) in self.guests.items() if place.host == host])

    def sockets(self, guest_id: str, count: int, netlink: bool) -> list[socket.socket]:
        """Make UDP sockets inside an instance, and one to its kernel; none where it has no network."""
        if guest_id not in self.guests:
            return []
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        families = [self.family] * count + [socket.AF_NETLINK] * netlink
        with linux.inside(self.guests[guest_id][0], self.home):
            return [socket.socket(family, kind) for family in families]

    def descriptors(self, guest_id: str) -> list[int]:
        """Return what it takes to enter an instance: its namespace, then its user namespace if there is one.

        They stay the lab's own. Raises `LabError` where the instance has no network.
        """
        if guest_id not in self.guests:
            raise LabError(
                f"{guest_id} has no network: it is not running, still boots, or its host has failed"
            )
        return [self.guests[guest_id][0]] + ([] if self.user is None else [self.user])

    def move(self, guest_id: str, place: Place) -> None:
        """Let an instance go on at another place, with its address and its sockets. Raises `LabError`."""
        namespace, before = self.guests[guest_id]
        try:
            self.replace(guest_id, place)
        except BaseException:
            self.guests[guest_id] = (namespace, before)
            raise
        finally:
            linux.setns(self.home)

    def instance(self, guest_id: str) -> int:
        """Make an instance's namespace, and be in it."""
        namespace = self.namespace(f"instance {guest_id}", [])
        ttl = self.topology.world.network.initial_ttl
        linux.sysctl("ipv4/ping_group_range", "0 0")  # root of the lab may ping, as everyone may elsewhere
        if self.family == socket.AF_INET6:
            linux.sysctl("ipv6/conf/default/accept_redirects", 0)  # its gateway stays its gateway
        if ttl != TTL and self.family == socket.AF_INET:
            linux.sysctl("ipv4/ip_default_ttl", ttl)
        elif ttl != TTL:
            for scope in ("all", "default"):
                linux.sysctl(f"ipv6/conf/{scope}/hop_limit", ttl)
        return namespace

    def namespace(
        self,
        what: str,
        messages: list[bytes],
        *,
        routes: bool = False,
        rules: Sequence[Rule] = (),
        silent: bool = False,
    ) -> int:
        """Make a namespace, be in it, and perform these requests and keep these rules there."""
        namespace = linux.new_network()
        try:
            version = "ipv6" if self.family == socket.AF_INET6 else "ipv4"
            if version == "ipv4":
                linux.sysctl("ipv6/conf/default/disable_ipv6", 1)  # else every link announces itself
                for scope in ("all", "default"):  # new namespaces may inherit the machine's settings
                    linux.sysctl(f"ipv4/conf/{scope}/rp_filter", 0)
                    if routes:  # behind a switch packets leave as they came: no reason to say so
                        linux.sysctl(f"ipv4/conf/{scope}/send_redirects", 0)
            linux.sysctl(f"{version}/conf/all/forwarding", int(routes))
            if version == "ipv6":
                linux.sysctl("ipv6/conf/default/accept_ra", 0)
                linux.sysctl("ipv6/conf/default/accept_dad", 0)
            if routes and self.topology.world.network.spines > 1:
                linux.sysctl(f"{version}/fib_multipath_hash_policy", 1)  # ports count too
            silent = silent or (routes and self.topology.world.network.silent)
            rule = [rtnl.silence(self.family)] if silent else []
            rtnl.send([rtnl.up(rtnl.LOOPBACK), *rule, *messages], what)
            if rules:
                nft.load(rules, self.family if routes else nft.BRIDGE, what)
        except OSError as error:
            os.close(namespace)
            raise LabError(f"{what}: {error.strerror or error}") from error
        except BaseException:
            os.close(namespace)
            raise
        return namespace

    def _filter(self, changed: Collection[str]) -> None:
        """Have whoever is not to hear one of these, or is one, refuse all senders that it is not to hear."""
        refused: dict[str, list[str]] = {}
        for sender, receiver in ways(self.topology.world.filters):
            if receiver in self.guests:
                refused.setdefault(receiver, []).append(sender)
        for receiver, senders in refused.items():
            if {receiver, *senders}.isdisjoint(changed):
                continue
            places = [self.guests[sender][1] for sender in senders if sender in self.guests]
            rules = [Refuse(self.topology.address(place)) for place in places]
            with linux.inside(self.guests[receiver][0], self.home):
                nft.load(rules, self.family, f"instance {receiver}")

    def mac(self) -> str:
        """Return a MAC address that the lab hasn't used yet."""
        self.cables += 1
        return ":".join(f"{byte:02x}" for byte in (0x02, 0x6B, *self.cables.to_bytes(4, "big")))

    @abstractmethod
    def join(self, places: Places) -> None:
        """Join instances whose namespaces exist to the network; may leave this process in any namespace."""

    @abstractmethod
    def replace(self, guest_id: str, place: Place) -> None:
        """Join an instance at another place instead; may leave this process in any namespace."""
