"""Networks of shared segments: all guests on one bridge (flat), or on several that a router joins (VLANs)."""

from __future__ import annotations

from keepapart.lab.netns import linux, nft, rtnl
from keepapart.lab.netns.namespaces import Namespaces, Places
from keepapart.lab.netns.packet_rules import UPLINK, filters
from keepapart.lab.world.network import FLAT
from keepapart.lab.world.topology import Place, Topology

_BRIDGE = 2  # the first bridge
_PORT = 1000  # the first port


class Segments(Namespaces):
    """One flat segment, or VLANs behind one router; where a host stands says nothing about distances."""

    def __init__(self, topology: Topology, user: int | None) -> None:
        super().__init__(topology, user)
        network = topology.world.network
        self.vlans = [0] if network.kind == FLAT else list(range(1, network.vlans + 1))
        self.gates = {vlan: network.gateway_mac or self.mac() for vlan in self.vlans}
        messages = []
        for vlan in self.vlans:
            messages.append(rtnl.bridge(f"vlan{vlan}", _BRIDGE + vlan, self.gates[vlan]))
            if vlan:
                gateway = topology.at(vlan, 0, 1)
                messages.append(rtnl.address(_BRIDGE + vlan, gateway, topology.prefix("segment")))
        self.middle = self.namespace("the segments' router", messages, routes=network.kind != FLAT)
        if rules := filters(network):
            nft.load(rules, nft.BRIDGE, "the segments' router")
        self.macs: dict[str, str] = {}
        linux.setns(self.home)

    def join(self, places: Places) -> None:
        """Join each guest to its segment, and make it known to everyone there."""
        ports, neighbours = [], []
        for guest_id, place in places.items():
            port, bridge = _PORT + self.topology.slot_number(place), _BRIDGE + place.vlan
            own, mac = self.mac(), self.mac()
            self.macs[guest_id] = mac
            ports += [
                rtnl.veth(f"p{port}", port, own, ("eth0", UPLINK, mac), self.guests[guest_id][0]),
                rtnl.join(port, bridge),
                rtnl.forward(port, mac),
            ]
            if place.vlan:
                neighbours.append(rtnl.neighbour(bridge, self.topology.address(place), mac))
        linux.setns(self.middle)
        rtnl.send([*ports, *neighbours], "the segments' router")
        for vlan in {place.vlan for place in places.values()}:
            self._acquaint(vlan, places)
        linux.setns(self.middle)
        here = [_PORT + self.topology.slot_number(place) for place in places.values()]
        bridges = sorted({_BRIDGE + place.vlan for place in places.values()})
        rtnl.await_up([*here, *bridges], "the segments' router")

    def replace(self, guest_id: str, place: Place) -> None:
        """Nothing in the network says on which host an instance is."""
        self.guests[guest_id] = (self.guests[guest_id][0], place)

    def _acquaint(self, vlan: int, newcomers: Places) -> None:
        """Make everyone on a segment known to the newcomers, and the newcomers to everyone."""
        known = {}
        for guest_id, (_, place) in self.guests.items():
            if place.vlan == vlan:
                known[guest_id] = rtnl.neighbour(UPLINK, self.topology.address(place), self.macs[guest_id])
        new = [message for guest_id, message in known.items() if guest_id in newcomers]
        for guest_id in known:
            namespace, place = self.guests[guest_id]
            linux.setns(namespace)
            if guest_id in newcomers:
                own = [rtnl.address(UPLINK, self.topology.address(place), self.topology.prefix("segment"))]
                rtnl.send(
                    [rtnl.up(UPLINK), *own, *known.values(), *self._default(vlan)], f"instance {guest_id}"
                )
            else:
                rtnl.send(new, f"instance {guest_id}")

    def _default(self, vlan: int) -> list[bytes]:
        if not vlan:
            return []
        gateway = self.topology.at(vlan, 0, 1)
        return [
            rtnl.neighbour(UPLINK, gateway, self.gates[vlan]),
            rtnl.route(self.nowhere, 0, (gateway, UPLINK)),
        ]
