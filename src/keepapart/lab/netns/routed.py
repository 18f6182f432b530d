"""Networks of routers, as `wiring` and `shared` plan them: routers as namespaces, cables as veth pairs."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from keepapart.errors import LabError
from keepapart.lab.netns import linux, nft, rtnl
from keepapart.lab.netns.drawing import BRIDGE, Cable, Drawing, End, Route, Router
from keepapart.lab.netns.namespaces import Namespaces, Places
from keepapart.lab.netns.packet_rules import UPLINK, Rule
from keepapart.lab.netns.shared import Shared
from keepapart.lab.netns.wiring import Wiring
from keepapart.lab.world.network import ROUTED_HOST
from keepapart.lab.world.topology import Host, Place, Topology

TENANTS = 100  # one tenant's routes have the table of this number and its own
RATE, BURST, WAITING = 100_000, 1_600, 100_000  # bytes a second, bytes, bytes: where a cable is slow


class Routed(Namespaces):
    """Every guest has a link of its own to a router: its host, one in between, or one that is no host."""

    def __init__(self, topology: Topology, user: int | None) -> None:
        super().__init__(topology, user)
        routed = topology.world.network.kind == ROUTED_HOST
        self.wiring: Drawing = Wiring(topology) if routed else Shared(topology)
        self.routers: dict[str, int] = {}
        self.gateways: dict[str, list[int]] = {}  # of a guest's own
        self.rules: dict[str, Sequence[Rule]] = {}  # of routers that have others when guests come or go
        for name in self.wiring.routers:
            self.routers[name] = self._router(name)
        later: dict[str, list[bytes]] = defaultdict(list)
        for cable in self.wiring.cables:
            self._join(cable, later)
        for route in self.wiring.routes:
            later[route.at].append(self._route(route))
            if self.wiring.routers[route.at].returns:
                near, far = self.wiring.between[route.at, route.via[0]]
                later[route.at] += rtnl.returning(far.address, near.index, near.name)
        for name, messages in later.items():
            linux.setns(self.routers[name])
            rtnl.send(messages, name)
        self._await_up(self.routers, (end for cable in self.wiring.cables for end in (cable.a, cable.b)))
        linux.setns(self.home)

    def join(self, places: Places) -> None:
        """Join each guest to its host, host by host."""
        for host in sorted({place.host for place in places.values()}):
            self._attach({guest_id: place for guest_id, place in places.items() if place.host == host})
        for place in places.values():
            self._lead(place, here=True)
        self._rule()

    def detach(self, ids: Iterable[str]) -> None:
        """Take also away what there is for these instances alone."""
        gone = [guest_id for guest_id in ids if guest_id in self.guests]
        for guest_id in gone:
            self._forget(guest_id)
        super().detach(gone)
        self._rule()

    def replace(self, guest_id: str, place: Place) -> None:
        """Take the instance's link away, and join it to its new host; its namespace stays."""
        namespace, before = self.guests[guest_id]
        self._forget(guest_id)
        linux.setns(namespace)
        with suppress(LabError):  # the kernel may have ended it together with gateways of its own
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
        namespace = self.routers.pop(self.wiring.host(host), None)
        if namespace is not None:
            with linux.inside(namespace, self.home):
                rtnl.send([rtnl.delete(UPLINK)], self.wiring.host(host))
            os.close(namespace)

    def _router(self, name: str) -> int:
        about = self.wiring.routers[name]
        if not about.address:
            return self.namespace(name, [rtnl.bridge("switch", BRIDGE, self.mac())], rules=about.rules)
        messages = [rtnl.address(rtnl.LOOPBACK, about.address, self.topology.prefix("one"))]
        if about.refuses:
            messages.append(rtnl.unreachable(*about.refuses))
        return self.namespace(name, messages, routes=True, rules=about.rules, silent=about.silent)

    def _join(self, cable: Cable, later: dict[str, list[bytes]]) -> None:
        """Lay a cable, and note what is to be done at its ends."""
        a, b = cable.a, cable.b
        linux.setns(self.routers[a.router])
        rtnl.send([_veth(cable, self.routers[b.router])], f"{a.router} to {b.router}")
        later[b.router].append(rtnl.up(b.index))
        for near, far in ((a, b), (b, a)):
            later[near.router] += _known(near, far)
        if cable.slow:
            later[b.router].append(rtnl.throttle(b.index, RATE, BURST, WAITING))

    def _route(self, route: Route) -> bytes:
        to, length = route.to or (self.nowhere, 0)
        return rtnl.route(
            to,
            length,
            *(
                (self.wiring.routers[far].address, self.wiring.between[route.at, far][0].index)
                for far in route.via
            ),
        )

    def _attach(self, guests: Places) -> None:
        """Join the guests of one host to it, in bulk: what is done in each namespace is sent at once."""
        at = dict(self.routers)
        doing: dict[str, list[bytes]] = defaultdict(list)
        uppers: list[End] = []
        for guest_id, place in guests.items():
            guest = f"instance {guest_id}"
            access = self.wiring.access(guest, place)
            own = self.gateways[guest_id] = []
            for gateway in access.gateways:
                own.append(self._gateway(gateway))
                at[gateway.name] = own[-1]
            at[guest] = self.guests[guest_id][0]
            laid = (*access.cables, *([access.shortcut] if access.shortcut else []))
            for cable in laid:  # first of all, whatever is done at their other ends
                doing[cable.a.router].append(_veth(cable, at[cable.b.router]))
            for cable in laid:
                doing[cable.b.router].append(rtnl.up(cable.b.index))
                uppers.append(cable.a)
            last, front = access.hops[-1], self.topology.world.network.front
            length = self.topology.prefix("one" if front else "link")
            for end in (last.a, last.b):
                doing[end.router].append(rtnl.address(end.index, end.address, length))
            for cable in dict.fromkeys((*laid, *access.hops)):
                for near, far in ((cable.a, cable.b), (cable.b, cable.a)):
                    doing[near.router] += _known(near, far)
            to = last.b.address, self.topology.prefix("one")
            for end in [last.a] * bool(front) + ([access.shortcut.a] if access.shortcut else []):
                doing[end.router].append(rtnl.route(*to, (last.b.address, end.index)))
            for hop in access.hops:
                doing[hop.b.router].append(rtnl.route(self.nowhere, 0, (hop.a.address, hop.b.index)))
            for hop in access.hops[:-1]:
                doing[hop.a.router].append(rtnl.route(*to, (hop.b.address, hop.a.index)))
            if self.topology.world.network.firewalled:
                rack = self.wiring.above(place.host)
                above = self.wiring.routers[rack].address, self.wiring.between[last.a.router, rack][0].index
                below = last.b.address, last.a.index
                doing[last.a.router] += rtnl.parted(last.a.name, TENANTS + place.vlan, above, below, to[1])
        for name, messages in doing.items():
            linux.setns(at[name])
            rtnl.send(messages, name)
        self._await_up(at, uppers)

    def _gateway(self, gateway: Router) -> int:
        loopback = rtnl.address(rtnl.LOOPBACK, gateway.address, self.topology.prefix("one"))
        return self.namespace(gateway.name, [loopback], routes=True)

    def _await_up(self, at: Mapping[str, int], ends: Iterable[End]) -> None:
        """Wait until these ends carry packets."""
        indices: dict[str, list[int]] = defaultdict(list)
        for end in ends:
            indices[end.router].append(end.index)
        for name, waiting in indices.items():
            linux.setns(at[name])
            rtnl.await_up(waiting, name)

    def _lead(self, place: Place, *, here: bool) -> None:
        """Lead a guest's address to where it is now, where no prefix does, or no longer."""
        for route in self.wiring.leading(place):
            if route.at in self.routers and route.to:
                message = self._route(route) if here else rtnl.unroute(*route.to)
                linux.setns(self.routers[route.at])
                rtnl.send([message], route.at)

    def _rule(self) -> None:
        """Give routers the rules that they have for the guests that there are now."""
        for name, rules in self.wiring.rules(place for _, place in self.guests.values()).items():
            if rules != self.rules.get(name):
                with linux.inside(self.routers[name], self.home):
                    nft.load(rules, self.family, name)
                    nft.forget(self.family, name)
                self.rules[name] = rules

    def _forget(self, guest_id: str) -> None:
        """Take away all there is for an instance but its namespace and what that holds."""
        place = self.guests[guest_id][1]
        host = self.wiring.host(place.host)
        with suppress(LabError):  # it may not have been joined yet
            self._lead(place, here=False)
        if (shortcut := self.wiring.shortcut(place)) and shortcut[0] in self.routers:
            linux.setns(self.routers[shortcut[0]])
            with suppress(LabError):
                rtnl.send([rtnl.delete(shortcut[1])], guest_id)
        own = self.gateways.pop(guest_id, [])
        if own:  # the cable to the host at once; the rest whenever the kernel ends the namespaces
            linux.setns(own[0])
            with suppress(LabError):
                rtnl.send([rtnl.delete(UPLINK)], guest_id)
        for namespace in own:
            os.close(namespace)
        if (switch := self.wiring.switch(place.host)) and host in self.routers:
            near, _ = self.wiring.between[host, switch]
            address, gate = self.topology.address(place), self.topology.gateway(place)
            gone = (
                rtnl.unroute(address, self.topology.prefix("one"))
                if own
                else rtnl.unaddress(near.index, gate, self.topology.prefix("link"))
            )
            linux.setns(self.routers[host])
            with suppress(LabError):
                rtnl.send([gone], host)
        if self.topology.world.network.firewalled and host in self.routers:
            _, index = self.wiring.door(place)
            linux.setns(self.routers[host])
            with suppress(LabError):
                rtnl.send([rtnl.unparted(f"g{index}", TENANTS + place.vlan, self.family)], host)
        linux.setns(self.home)


def _veth(cable: Cable, there: int) -> bytes:
    """Lay a cable from where this process is to the namespace `there`."""
    a, b = cable.a, cable.b
    return rtnl.veth(a.name, a.index, a.mac, (b.name, b.index, b.mac), there)


def _known(near: End, far: End) -> list[bytes]:
    """Return what is done at one end so that it reaches the other, which is never looked up."""
    if not near.address:
        return [rtnl.join(near.index, BRIDGE), rtnl.forward(near.index, far.mac)]
    return [rtnl.neighbour(near.index, far.address, far.mac)] if far.address else []
