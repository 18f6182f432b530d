"""What a network of routers is drawn with: routers, cables, routes, and what each guest adds. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from keepapart.lab.netns.packet_rules import UPLINK, Rule
from keepapart.lab.world.network import ALWAYS
from keepapart.lab.world.topology import Host, Place, Topology

BRIDGE = 2  # the index of a switch's bridge
BELOW = 3  # the index, in a gateway of a guest's own, of the interface that leads down
DOWN = 100  # the first index of those of a host's cables that lead to guests
PORTS = 1000  # the same at routers that have as many other cables as they like


@dataclass(frozen=True, slots=True)
class Router:
    """A router, or a switch: that has no address. `refuses` is the prefix that ends here.

    One that is `silent` never sends a packet of its own. One that `returns` hands whatever comes from guests
    to the router above it, even if it is for another of its guests.
    """

    name: str
    address: str = ""
    refuses: tuple[str, int] | None = None
    rules: tuple[Rule, ...] = ()
    silent: bool = False
    returns: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """One end of a cable: the interface's index and name at a router, and the address that it is sent to.

    A switch has no address.
    """

    router: str
    index: int
    mac: str
    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Cable:
    """A pair of joined interfaces; a `slow` one holds packets up on their way to `a`."""

    a: End
    b: End
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """At a router: a prefix, or all that has no route, goes to these neighbours, flow by flow."""

    at: str
    via: tuple[str, ...]
    to: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """What joins a guest to its host, from the host down.

    `gateways` are the guest's own; `cables` are what is to be laid; `hops` are the ends that send to each
    other: those of the cables, but that the host's end is behind its switch, where it has one. A `shortcut`
    is one more cable, by which packets come to the guest and none leave it.
    """

    gateways: tuple[Router, ...]
    cables: tuple[Cable, ...]
    hops: tuple[Cable, ...]
    shortcut: Cable | None = None


class Drawing(ABC):
    """All that stands before the first guest comes, and what each guest's coming adds."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.network = topology.world.network
        self.routers: dict[str, Router] = {}
        self.cables: list[Cable] = []
        self.routes: list[Route] = []
        self._next: dict[str, int] = {}

    @abstractmethod
    def door(self, place: Place) -> tuple[str, int]:
        """Return the router that the cable to a guest at this place begins at, and its interface there."""

    def shortcut(self, _: Place) -> tuple[str, int] | None:
        """Return the router that a second cable to a guest begins at, and its interface there, if any."""
        return None

    def rules(self, _: Iterable[Place]) -> Mapping[str, Sequence[Rule]]:
        """Return all rules of routers that have others when guests are at other places."""
        return {}

    @abstractmethod
    def leading(self, place: Place) -> list[Route]:
        """List the routes that lead to a guest at this place and to nobody else."""

    @cached_property
    def between(self) -> Mapping[tuple[str, str], tuple[End, End]]:
        """The ends of the first cable between two routers by both names, the first name's end first."""
        found: dict[tuple[str, str], tuple[End, End]] = {}
        for cable in self.cables:
            for near, far in ((cable.a, cable.b), (cable.b, cable.a)):
                found.setdefault((near.router, far.router), (near, far))
        return found

    def above(self, host: Host) -> str:
        """Name the router that a host's uplink leads to."""
        return f"rack {self.topology.rack_name(host)}"

    def host(self, host: Host) -> str:
        """Name a host's router."""
        return f"host {self.topology.host_name(host)}"

    def switch(self, host: Host) -> str:
        """Name the switch between a host and its guests, or return nothing where there is none."""
        name = f"switch {self.topology.host_name(host)}"
        return name if name in self.routers else ""

    def access(self, guest: str, place: Place) -> Access:
        """Return what joins the guest of this name, at this place, to the network."""
        topology, switch = self.topology, self.switch(place.host)
        door, index = self.door(place)
        address = topology.address(place)
        count = topology.extra_gateways(place.host) if self.network.extra_by == ALWAYS else 0
        gateways = [
            Router(f"gateway {number} of {address}", topology.gateway_at(place, number))
            for number in range(1, count + 1)
        ]
        macs = (_mac(0x6D, topology.slot_number(place) * 32 + number) for number in range(32))
        above = [self.routers[door].address, *(gateway.address for gateway in gateways)]
        above[-1] = topology.gateway(place)
        uppers = [End(door, index, next(macs), f"g{index}", above[0])]
        lowers = []
        for gateway, at in zip(gateways, above[1:], strict=True):
            lowers.append(End(gateway.name, UPLINK, next(macs), "up", gateway.address))
            uppers.append(End(gateway.name, BELOW, next(macs), "down", at))
        lowers.append(End(guest, UPLINK, next(macs), "eth0", address))
        if mac := topology.gateway_mac(place.host):
            uppers[-1] = replace(uppers[-1], mac=mac)
        cables = tuple(Cable(upper, lower) for upper, lower in zip(uppers, lowers, strict=True))
        if straight := self.shortcut(place):
            router, index = straight
            upper = End(router, index, next(macs), f"g{index}", self.routers[router].address)
            lower = End(guest, BELOW, next(macs), "eth1", address)
            return Access((), cables, cables, Cable(upper, lower))
        if not switch:
            return Access(tuple(gateways), cables, cables)
        near, _ = self.between[door, switch]
        laid = replace(cables[0], a=replace(uppers[0], router=switch, address=""))
        met = replace(cables[0], a=replace(near, address=above[0]))
        return Access(tuple(gateways), (laid, *cables[1:]), (met, *cables[1:]))

    def _join(self, a: str, b: str, *, slow: bool = False, mac: str = "") -> Cable:
        """Lay a cable; `mac` is that of its first end, where it isn't to have one of its own."""
        ends = []
        for side, name in enumerate((a, b)):
            index = self._next.get(name, UPLINK)
            self._next[name] = index + 1
            number = 2 * len(self.cables) + side
            address = self.routers[name].address if name in self.routers else ""  # a switch comes last
            own = _mac(0x6C, number) if side or not mac else mac
            ends.append(End(name, index, own, f"l{index}", address))
        self.cables.append(Cable(ends[0], ends[1], slow=slow))
        return self.cables[-1]

    def _add(self, router: Router) -> None:
        self.routers[router.name] = router


def _mac(kind: int, number: int) -> str:
    return ":".join(f"{byte:02x}" for byte in (0x02, kind, *number.to_bytes(4, "big")))
