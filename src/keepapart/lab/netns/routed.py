"""Networks of routed hosts, as `plan` draws them: its routers as namespaces, its cables as veth pairs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from keepapart.errors import LabError
from keepapart.lab.netns import linux, rtnl
from keepapart.lab.netns.namespaces import Namespaces, Places
from keepapart.lab.netns.packet_rules import UPLINK
from keepapart.lab.netns.wiring import BRIDGE, DOWN, Cable, Plan, Route
from keepapart.lab.world.topology import Host, Place, Topology

_BELOW = 3  # the index, in a gateway of a guest's own, of the interface that leads down
RATE, BURST, WAITING = (
    100_000,
    1_600,
    100_000,
)  # bytes a second, bytes, bytes: of a cable that holds packets up


class RoutedHosts(Namespaces):
    """Every host is the gateway of its guests, or is so by way of gateways in between."""

    def __init__(self, topology: Topology, user: int | None) -> None:
        super().__init__(topology, user)
        self.plan = Plan(topology)
        self.routers: dict[str, int] = {}
        self.gateways: dict[str, list[int]] = {}  # of a guest's own
        for name in self.plan.routers:
            self.routers[name] = self._router(name)
        routes: dict[str, list[bytes]] = {}
        for cable in self.plan.cables:
            self._join(cable, routes)
        for route in self.plan.routes:
            routes.setdefault(route.at, []).append(self._route(route))
        for name, messages in routes.items():
            linux.setns(self.routers[name])
            rtnl.send(messages, name)
        ends: dict[str, list[int]] = {}
        for cable in self.plan.cables:
            for end in (cable.a, cable.b):
                ends.setdefault(end.router, []).append(end.index)
        for name, indices in ends.items():
            linux.setns(self.routers[name])
            rtnl.await_up(indices, name)
        linux.setns(self.home)

    def join(self, places: Places) -> None:
        """Join each guest to its host, host by host."""
        for host in sorted({place.host for place in places.values()}):
            here: list[bytes] = []
            switched: list[bytes] = []
            there: list[tuple[str, int, list[bytes]]] = []
            for guest_id, place in places.items():
                if place.host == host:
                    there += self._guest(guest_id, place, here, switched)
            name = self.plan.host(host)
            if switched:
                linux.setns(self.routers[self.plan.switch(host)])
                rtnl.send(switched, self.plan.switch(host))
            linux.setns(self.routers[name])
            rtnl.send(here, name)
            for what, namespace, messages in there:
                linux.setns(namespace)
                rtnl.send(messages, what)
            for what, namespace, _ in there:
                if not what.startswith("instance"):
                    linux.setns(namespace)
                    rtnl.await_up([_BELOW], what)
            linux.setns(self.routers[self.plan.switch(host) or name])
            rtnl.await_up([DOWN + place.slot for place in places.values() if place.host == host], name)
        for place in places.values():
            self._lead(place, here=True)

    def detach(self, ids: Iterable[str]) -> None:
        """Take also away what there is for these instances alone."""
        gone = [guest_id for guest_id in ids if guest_id in self.guests]
        for guest_id in gone:
            self._forget(guest_id)
        super().detach(gone)

    def replace(self, guest_id: str, place: Place) -> None:
        """Take the instance's link away, and join it to its new host; its namespace stays."""
        namespace, before = self.guests[guest_id]
        self._forget(guest_id)
        linux.setns(namespace)
        rtnl.send([rtnl.delete(UPLINK)], f"instance {guest_id}")
        try:
            self.guests[guest_id] = (namespace, place)
            self.join({guest_id: place})
        except LabError:
            self.guests[guest_id] = (namespace, before)
            self.join({guest_id: before})
            raise

    def fail(self, host: Host) -> None:
        """Cut the host off as well, so that its own addresses answer no more."""
        super().fail(host)
        namespace = self.routers.pop(self.plan.host(host), None)
        if namespace is not None:
            with linux.inside(namespace, self.home):
                rtnl.send([rtnl.delete(UPLINK)], self.plan.host(host))
            os.close(namespace)

    def _router(self, name: str) -> int:
        about = self.plan.routers[name]
        if not about.address:
            return self.namespace(name, [rtnl.bridge("switch", BRIDGE, self.mac())], rules=about.rules)
        messages = [rtnl.address(rtnl.LOOPBACK, about.address, self.topology.prefix("one"))]
        if about.refuses:
            messages.append(rtnl.unreachable(*about.refuses))
        return self.namespace(name, messages, routes=True, rules=about.rules)

    def _join(self, cable: Cable, later: dict[str, list[bytes]]) -> None:
        """Lay a cable, and note what is to be done at its ends."""
        a, b = cable.a, cable.b
        linux.setns(self.routers[a.router])
        peer = (f"l{b.index}", b.index, b.mac)
        rtnl.send(
            [rtnl.veth(f"l{a.index}", a.index, a.mac, peer, self.routers[b.router])],
            f"{a.router} to {b.router}",
        )
        later.setdefault(b.router, []).append(rtnl.up(b.index))
        for near, far in ((a, b), (b, a)):
            if address := self.plan.routers[far.router].address:
                known = rtnl.neighbour(near.index, address, far.mac)
                if not self.plan.routers[near.router].address:
                    known = rtnl.forward(near.index, far.mac)
                    later.setdefault(near.router, []).append(rtnl.join(near.index, BRIDGE))
                later.setdefault(near.router, []).append(known)
        if cable.slow:
            later.setdefault(b.router, []).append(rtnl.throttle(b.index, RATE, BURST, WAITING))

    def _route(self, route: Route) -> bytes:
        to, length = route.to or (self.nowhere, 0)
        return rtnl.route(
            to,
            length,
            *(
                (self.plan.routers[far].address, self.plan.between[route.at, far][0].index)
                for far in route.via
            ),
        )

    def _guest(
        self, guest_id: str, place: Place, here: list[bytes], switched: list[bytes]
    ) -> list[tuple[str, int, list[bytes]]]:
        """Lay the cables from a host to a guest; return what is to be done in the namespaces below the host.

        `here` and `switched` gather what is to be done at the host and at its switch.
        """
        gateways = self.plan.gateways(place)
        names = [*(gateway.name for gateway in gateways), f"instance {guest_id}"]
        own = self.gateways[guest_id] = []
        for gateway in gateways:
            loopback = rtnl.address(rtnl.LOOPBACK, gateway.address, self.topology.prefix("one"))
            own.append(self.namespace(gateway.name, [loopback], routes=True))
        below = [*own, self.guests[guest_id][0]]
        doing: list[list[bytes]] = [[] for _ in below]

        address, gate = self.topology.address(place), self.topology.gateway(place)
        index, mac, other = DOWN + place.slot, self.mac(), self.mac()
        first = "eth0" if not own else "up"
        upper = self.topology.at(place.host.rack, place.host.number, 1)
        if switch := self.plan.switch(place.host):
            near, _ = self.plan.between[self.plan.host(place.host), switch]
            switched += [
                rtnl.veth(f"g{place.slot}", index, mac, (first, UPLINK, other), below[0]),
                rtnl.join(index, BRIDGE),
                rtnl.forward(index, other),
            ]
            index, mac = near.index, near.mac
        else:
            here.append(rtnl.veth(f"g{place.slot}", index, mac, (first, UPLINK, other), below[0]))
        at = here
        for number, namespace in enumerate(below):
            if number:  # the cable from the gateway above
                at, index, mac, other = doing[number - 1], _BELOW, self.mac(), self.mac()
                name = "eth0" if namespace is below[-1] else "up"
                at.append(rtnl.veth("down", index, mac, (name, UPLINK, other), namespace))
            if number == len(gateways):
                link = self.topology.prefix("link")
                at += [rtnl.address(index, gate, link), rtnl.neighbour(index, address, other)]
                doing[number] = [rtnl.up(UPLINK), rtnl.address(UPLINK, address, link)]
                upper = gate
            else:
                next_ = gateways[number].address
                to = (address, self.topology.prefix("one"))
                at += [rtnl.neighbour(index, next_, other), rtnl.route(*to, (next_, index))]
                doing[number] = [rtnl.up(UPLINK)]
            doing[number] += [
                rtnl.neighbour(UPLINK, upper, mac),
                rtnl.route(self.nowhere, 0, (upper, UPLINK)),
            ]
            if number < len(gateways):
                upper = gateways[number].address
        return list(zip(names, below, doing, strict=True))

    def _lead(self, place: Place, *, here: bool) -> None:
        """Lead a migrated guest's address to where it is now, or no longer."""
        for route in self.plan.migrated(place):
            if route.at in self.routers and route.to:
                message = self._route(route) if here else rtnl.unroute(*route.to)
                linux.setns(self.routers[route.at])
                rtnl.send([message], route.at)

    def _forget(self, guest_id: str) -> None:
        """Take away all there is for an instance but its namespace and what that holds."""
        place = self.guests[guest_id][1]
        host = self.plan.host(place.host)
        with suppress(LabError):  # it may not have been joined yet
            self._lead(place, here=False)
        own = self.gateways.pop(guest_id, [])
        if own:  # the cable to the host at once; the rest whenever the kernel ends the namespaces
            linux.setns(own[0])
            with suppress(LabError):
                rtnl.send([rtnl.delete(UPLINK)], guest_id)
        for namespace in own:
            os.close(namespace)
        if (switch := self.plan.switch(place.host)) and host in self.routers:
            near, _ = self.plan.between[host, switch]
            address, gate = self.topology.address(place), self.topology.gateway(place)
            gone = (
                rtnl.unroute(address, self.topology.prefix("one"))
                if own
                else rtnl.unaddress(near.index, gate, self.topology.prefix("link"))
            )
            linux.setns(self.routers[host])
            with suppress(LabError):
                rtnl.send([gone], host)
        linux.setns(self.home)
