"""Which routers, cables, routes and rules a network of routed hosts is made of: pure; `routed` executes it.

```
guest ─ (gateways of its own) ─ host ─ rack router ─ (pod router) ─ spine 0
                                                          ├──────── spine 1 ─ its second ─┤   one way, back
                                                          └──────── detour 1 ─ … ─ spine 0   to earlier ones
guest ─ switch ═ host                       with extra gateways by chance, or reordering: the switch sends
          └─ gateway k ─ … ─ gateway 1 ─ host           a packet straight to the host, or to a gateway first
guest ─ inner router ─ host                 behind a front, or as a container in a virtual machine
  └──────────────────────── host            where packets to a guest come straight from the outer router
guest ─ rack router, or spine 0             by a port that passes the host
```

1. A router has one address, on its loopback interface; cables have none, but for the one that leads to a
   guest: its two ends are the gateway's address and the guest's.
2. Under the spines are the routers of pods, and those of racks that are in none. Where there is only one such
   router, there is no spine.
3. Spine i is i routers longer than spine 0: packets go in at its head, and its tail hands them down again.
   The routers under the spines spread flows over all heads.
4. A packet to an earlier rack or pod takes the detour into spine 0, one to a later one doesn't.
5. A rack's router translates the floating addresses of the guests that are in the rack.
6. Where tenants are firewalled, a host hands what one of its guests sends to another tenant's up to its
   rack's router, which hands it down again.
7. Packets are lost, doubled and filtered once, where they come from below into the sender's host, or into
   the inner router that the sender is behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise

from keepapart.lab.netns.drawing import BRIDGE, DOWN, PORTS, Drawing, Route, Router
from keepapart.lab.netns.packet_rules import Deliver, Divert, Double, Rewrite, Rule, Translate, filters
from keepapart.lab.world.network import ALWAYS, BY_FLOW, HOST, INNER, RACK, SPINE, STRAIGHT
from keepapart.lab.world.topology import Host, Place, Topology


class Wiring(Drawing):
    """A network of routed hosts; see `Drawing`."""

    def __init__(self, topology: Topology) -> None:
        super().__init__(topology)
        racks = topology.world.racks
        self.tops: dict[str, list[int]] = {}  # what is under the spines: the racks that are it, or below it
        for rack, name in enumerate(topology.world.tops, 1):
            self.tops.setdefault(name, []).append(rack)
        self.tails = self._spines() if len(self.tops) > 1 else []
        self.detour = self._detour()
        for rack in range(1, len(racks) + 1):
            self._rack(rack)
            for number in range(1, racks[rack - 1].hosts + 1):
                self._host(Host(rack, number))
        for number, top in enumerate(self.tops, 1):
            self._top(number, top)

    def door(self, place: Place) -> tuple[str, int]:
        """Return the host's end, or the inner router's, or where a port past the host ends."""
        if end := self.topology.bypasses(place):
            router = _spine(0, 0) if end == SPINE else self._rack_name(place.host.rack)
            return router, PORTS + self.topology.slot_number(place)
        inner = self.topology.inner(place)
        return (self._inner_name(place.host, inner) if inner else self.host(place.host)), DOWN + place.slot

    def shortcut(self, place: Place) -> tuple[str, int] | None:
        """Return the outer router's end, where that hands packets to guests itself."""
        return (self.host(place.host), DOWN + place.slot) if self.network.turn == STRAIGHT else None

    def leading(self, place: Place) -> list[Route]:
        """List the routes to a guest that isn't at its host itself, or not where its address is of."""
        host, (door, _) = self.host(place.host), self.door(place)
        found = self._floating(place) + self._migrated(place)
        to = (self.topology.address(place), self.topology.prefix("one"))
        if self.topology.bypasses(place) == SPINE:
            return [Route(a, (b,), to) for a, b in pairwise([*self._climb(place.address.host), door])]
        if door == host or self.network.turn == STRAIGHT:
            return found
        return [
            *(route for route in found if route.via != (host,) or route.at != door),
            Route(host, (door,), to),
        ]

    def rules(self, places: Iterable[Place]) -> Mapping[str, Sequence[Rule]]:
        """Return the rules of rack routers while guests are at these places, as far as they translate."""
        found = {
            self._rack_name(n): list(self.routers[self._rack_name(n)].rules)
            for n in range(1, len(self.topology.world.racks) + 1)
            if self.network.floating
        }
        for place in places:
            if floating := self.topology.floating(place):
                own = self.topology.address(place)
                found[self._rack_name(place.host.rack)] += [
                    Deliver(floating, own),
                    Translate(own, self.topology.prefix("one"), floating, leaving=False),
                ]
        return found

    def _floating(self, place: Place) -> list[Route]:
        """List the routes to the rack router that translates a guest's address, if it migrated there."""
        if not (floating := self.topology.floating(place)):
            return []
        to = (floating, self.topology.prefix("one"))
        hosts = {self.host(place.address.host), self.host(place.host)}
        return [Route(r.at, r.via, to) for r in self._migrated(place) if hosts.isdisjoint((r.at, *r.via))]

    def _migrated(self, place: Place) -> list[Route]:
        home, here = place.address.host, place.host
        if home == here:
            return []
        to = (self.topology.address(place), self.topology.prefix("one"))
        up, down = self._climb(home), self._climb(here)
        if home.rack == here.rack:
            up, down = up[:2], down[:2]
        found = [Route(a, (b,), to) for a, b in pairwise(up)]
        found += [Route(b, (a,), to) for a, b in pairwise(down)]
        if up[-1] != down[-1]:
            order = list(self.tops)
            earlier = self.detour and order.index(down[-1]) < order.index(up[-1])
            found.append(Route(up[-1], tuple(self.detour[:1] if earlier else self._heads()), to))
            found += [Route(tail, (down[-1],), to) for tail in self.tails]
        return found

    def _climb(self, host: Host) -> list[str]:
        """List the routers from a host up to the spines."""
        rack, top = self._rack_name(host.rack), self.topology.world.tops[host.rack - 1]
        return [self.host(host), rack, *([top] if top != rack else [])]

    def _spines(self) -> list[str]:
        rewrites = (Rewrite(self.network.rewrite_ttl),) if self._rewritten(SPINE) else ()
        for number in range(self.network.spines):
            for position in range(number + 1):
                name = _spine(number, position)
                address = self.topology.at(0, number, position + 1)
                self._add(Router(name, address, rules=rewrites))
                if position:
                    self._join(_spine(number, position - 1), name)
                    self.routes.append(Route(_spine(number, position - 1), (name,)))
        return [_spine(number, number) for number in range(self.network.spines)]

    def _detour(self) -> list[str]:
        names = [f"detour {number}" for number in range(1, self.network.detour + 1)]
        for number, name in enumerate(names, 1):
            self._add(Router(name, self.topology.at(0, 255, number)))
            if number > 1:
                self._join(names[number - 2], name)
                self.routes.append(Route(names[number - 2], (name,)))
        if names:
            self._join(names[-1], _spine(0, 0))
            self.routes.append(Route(names[-1], (_spine(0, 0),)))
        return names

    def _rack(self, rack: int) -> None:
        name, prefix = self._rack_name(rack), self._prefix(rack)
        own = self.topology.world.racks[rack - 1].rewrite_ttl
        ttl = own or (self.network.rewrite_ttl if self._rewritten(RACK) else 0)
        rules: list[Rule] = [Rewrite(ttl)] if ttl else []
        if self.network.nat == RACK:
            rules.append(Translate(*prefix, self.topology.at(rack, 0, 1), leaving=True))
        silent = bool(self.network.front)
        self._add(Router(name, self.topology.at(rack, 0, 1), prefix, tuple(rules), silent))

    def _top(self, number: int, name: str) -> None:
        """Join a router to the spines: that of a pod, above its racks', or of a rack that is in none."""
        racks = self.tops[name]
        if name not in self.routers:
            self._add(Router(name, self.topology.at(0, 254, number)))
            for rack in racks:
                below = self._rack_name(rack)
                self._join(name, below)
                self.routes += [Route(name, (below,), self._prefix(rack)), Route(below, (name,))]
        for spine in dict.fromkeys((*self._heads(), *self.tails)):
            self._join(spine, name)
        for tail in self.tails:
            self.routes += [Route(tail, (name,), self._prefix(rack)) for rack in racks]
        if self.tails:
            self.routes.append(Route(name, tuple(self._heads())))
        if self.detour and number > 1:
            self._join(name, self.detour[0])
            earlier = chain.from_iterable(list(self.tops.values())[: number - 1])
            self.routes += [Route(name, (self.detour[0],), self._prefix(rack)) for rack in earlier]

    def _host(self, host: Host) -> None:
        name, rack = self.host(host), self.above(host)
        prefix = (self.topology.at(host.rack, host.number, 0), self.topology.prefix("host"))
        own = self.topology.at(host.rack, host.number, 1)
        rules = list(filters(self.network))
        if self._rewritten(HOST):
            rules.append(Rewrite(self.network.rewrite_ttl))
        if self.network.duplicates:
            rules.append(Double(self.network.duplicates))
        if self.network.nat == HOST:
            rules.append(Translate(*prefix, own, leaving=False))
        inner = self.topology.inner_routers()
        self._add(Router(name, own, prefix, () if inner else tuple(rules)))
        self._join(rack, name)
        self.routes += [Route(rack, (name,), prefix), Route(name, (rack,))]
        for number in range(1, inner + 1):
            self._inner(host, number, tuple(rules))
        if self.network.reordered or (self.network.extra_by != ALWAYS and self.topology.extra_gateways(host)):
            self._switch(host)

    def _inner(self, host: Host, number: int, rules: tuple[Rule, ...]) -> None:
        """Put a router between a host and some of its guests."""
        name, inner = self.host(host), self._inner_name(host, number)
        address = self.network.front or self.topology.gateway_at(Place(host, 0), number)
        self._add(Router(inner, address, rules=rules, returns=self.network.turn != INNER))
        self._join(name, inner)
        self.routes.append(Route(inner, (name,)))

    def _switch(self, host: Host) -> None:
        """Put a switch between a host and its guests, with gateways to send packets through first."""
        name, switch = self.host(host), f"switch {self.topology.host_name(host)}"
        self._next[switch] = BRIDGE + 1
        fast = self._join(name, switch, mac=self.topology.gateway_mac(host))
        rules: list[Rule] = []
        if self.network.extra_by != ALWAYS and (count := self.topology.extra_gateways(host)):
            gateways = [f"gateway {n} of {name}" for n in range(1, count + 1)]
            macs = []
            for number, gateway in enumerate(gateways, 1):
                address = self.topology.gateway_at(Place(host, 0), number)
                before = gateways[number - 2] if number > 1 else name
                self._add(Router(gateway, address))
                self._join(before, gateway)
                self.routes.append(Route(gateway, (before,)))
                macs.append(self._join(gateway, switch).a.mac)
            by_flow = self.network.extra_by == BY_FLOW
            rules.append(Divert(fast.a.mac, tuple(macs), by_flow, self.topology.world.scheduler.seed))
        if self.network.reordered:
            slow = self._join(name, switch, slow=True)
            rules.append(Divert(fast.a.mac, (slow.a.mac,), share=self.network.reordered))
        self._add(Router(switch, rules=tuple(rules)))

    def _heads(self) -> Sequence[str]:
        return tuple(_spine(number, 0) for number in range(len(self.tails)))

    def _inner_name(self, host: Host, number: int) -> str:
        return f"router {number} on {self.host(host)}"

    def _rack_name(self, rack: int) -> str:
        return f"rack {self.topology.world.racks[rack - 1].name}"

    def _prefix(self, rack: int) -> tuple[str, int]:
        return self.topology.at(rack, 0, 0), self.topology.prefix("rack")

    def _rewritten(self, where: str) -> bool:
        return bool(self.network.rewrite_ttl) and self.network.rewrite_at == where


def _spine(number: int, position: int) -> str:
    return f"spine {number}.{position}"
