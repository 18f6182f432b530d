"""A network that is declared: who hangs on what. Addresses and routes follow by themselves.

Nodes are network namespaces; a link joins two of them or, as a LAN, any number. A node that forwards knows
the shortest way to every address; a guest knows its gateway. Beside that stands the truth that an audit is
held to: on which host each member is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from itertools import combinations, product

Pair = frozenset[str]


class Wire(Enum):
    """What a link is made of."""

    CABLE = "cable"
    TUNNEL = "tunnel"  # a user-space VPN's: its ends are tun devices
    VXLAN = "vxlan"  # between the first addresses of its ends


@dataclass(eq=False, slots=True)
class Node:
    """A namespace. `settings` are below /proc/sys/net, `tables` are nftables', `commands` are ip's."""

    name: str
    forwards: bool
    hardware: str = ""  # the address that its guests see
    balances: bool = False  # over all the shortest ways, by flow
    ends: list[End] = field(default_factory=list)
    owns: list[str] = field(default_factory=list)  # addresses beside those of its links
    commands: list[str] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)  # what a node reads of the machine


@dataclass(eq=False, slots=True)
class End:
    """One end of a link: a device of a node, and its address there."""

    node: Node
    link: Link
    device: str
    address: str
    bits: int
    hardware: str = ""


@dataclass(eq=False, slots=True)
class Link:
    """What joins its ends. Behind it are its subnet and the `bare` addresses, which are in no subnet."""

    number: int
    subnet: IPv4Network | IPv6Network
    wire: Wire = Wire.CABLE
    switch: Node | None = None
    isolated: bool = False
    ends: list[End] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)

    def leads_to(self, name: str) -> bool:
        """Whether a node is on it, or it is that LAN."""
        return name in {self.switch.name if self.switch else "", *(end.node.name for end in self.ends)}


@dataclass(slots=True)
class Member:
    """What the inventory says: an address, the node that is the way in, and a public address beside that."""

    address: str
    node: str
    public: str = ""


class Network:
    """A network under construction. Without a `seed` numbers are the usual ones, with one they vary."""

    def __init__(self, *, seed: int | None = None, six: bool = False) -> None:
        self.six = six
        self.random = None if seed is None else random.Random(seed)
        self.nodes: dict[str, Node] = {}
        self.links: list[Link] = []
        self.members: dict[str, Member] = {}
        self.hosts: dict[str, str] = {}
        self.unseen: set[Pair] = set()
        self.unfounded: set[Pair] = set()

    # Numbers

    def number(self, usual: int, least: int, most: int) -> int:
        """Return how many of something there are."""
        return self.random.randint(least, most) if self.random else usual

    def some(self, names: Sequence[str], usual: int = 1) -> list[str]:
        """Return which of them are odd: the first ones, or any half at most."""
        if not self.random:
            return list(names[:usual])
        return self.random.sample(list(names), self.random.randint(1, max(1, len(names) // 2)))

    # Who there is, and what it hangs on

    def router(self, name: str, *behind: str, hardware: str = "", balances: bool = False) -> str:
        """Add a node that forwards, linked to others or on their LANs."""
        self.nodes[name] = Node(name, forwards=True, hardware=hardware, balances=balances)
        for other in behind:
            self.join(name, other)
        return name

    def lan(self, name: str, *routers: str, isolated: bool = False) -> str:
        """Add a switch with these routers on it; where it is `isolated`, guests see nobody but routers."""
        self.nodes[name] = Node(name, forwards=False)
        link = self._link(Wire.CABLE)
        link.switch, link.isolated = self.nodes[name], isolated
        for router in routers:
            self.join(router, name)
        return name

    def guest(
        self,
        name: str,
        behind: str,
        *,
        on: str = "",
        gateway: str = "",
        address: str = "",
        hardware: str = "",
        wire: Wire = Wire.CABLE,
    ) -> str:
        """Add a member on the host `on` (`behind`): behind a router, or on a LAN.

        `gateway` is one of a LAN's routers (the first), or an address that the router has there alone; with
        that, or an `address` of its own, the guest is in no subnet. `hardware` is the gateway's address.
        """
        node = self.nodes[name] = Node(name, forwards=False)
        named = gateway in self.nodes
        link = self._between(behind, wire, "" if named else gateway)
        own = self._attach(link, node, address)
        if address or (gateway and not named):
            own.bits = link.subnet.max_prefixlen
            link.bare.append(own.address)
        routers = [end for end in link.ends if end.node.forwards and (not named or end.node.name == gateway)]
        if routers:
            routers[0].hardware = hardware or routers[0].node.hardware
            node.commands.append(f"route add default via {routers[0].address} dev {own.device} onlink")
        self.enrol(name, on=on or behind)
        return name

    def enrol(self, name: str, *, on: str) -> None:
        """Make a node a member, by its first address."""
        self.members[name] = Member(self.address(name), name)
        self.hosts[name] = on

    def join(self, name: str, other: str, *, address: str = "", wire: Wire = Wire.CABLE) -> None:
        """Link a node to another or put it on a LAN, where it may have an `address` of no subnet."""
        self._attach(self._between(other, wire), self.nodes[name], address)

    def _between(self, other: str, wire: Wire, address: str = "") -> Link:
        """Return the link of a LAN, or a new one of a node."""
        node = self.nodes[other]
        for link in self.links:
            if link.switch is node:
                return link
        link = self._link(wire)
        self._attach(link, node, address)
        return link

    def _link(self, wire: Wire) -> Link:
        number = len(self.links)
        subnet: IPv4Network | IPv6Network = IPv4Network(((10 << 24) + (number << 8), 24))
        if self.six:
            subnet = IPv6Network(((0xFD << 120) + (number << 64), 64))
        self.links.append(Link(number, subnet, wire))
        return self.links[-1]

    def _attach(self, link: Link, node: Node, address: str) -> End:
        bits = link.subnet.max_prefixlen if address else link.subnet.prefixlen
        if address.startswith("fe80"):
            bits = 64
        own = address or str(link.subnet[len(link.ends) + 1])
        end = End(node, link, f"eth{len(node.ends)}", own, bits)
        node.ends.append(end)
        link.ends.append(end)
        return end

    # What is out of the ordinary

    def steer(
        self, at: str, via: str, *, arriving: str = "", by: Sequence[str] = (), to: Sequence[str] = ()
    ) -> None:
        """Let `at` hand on to `via` what arrives from `arriving` (anywhere), sent by some nodes to others.

        `by` and `to` are these; anybody where they are empty.
        """
        node = self.nodes[at]
        ways = ((other, end) for end in node.ends for other in end.link.ends if other.node.name == via)
        hop, out = next(ways)
        table = 100 + len(node.commands)
        node.commands.append(f"route add default via {hop.address} dev {out.device} onlink table {table}")
        devices = [end.device for end in node.ends if end.link.leads_to(arriving)] if arriving else [""]
        for device in devices:
            came = f"iif {device}" if device else ""
            for source, target in product(
                map(self.address, by) if by else [self.anywhere],
                map(self.address, to) if to else [self.anywhere],
            ):
                node.commands.append(f"rule add pref 100 {came} from {source} to {target} lookup {table}")

    def own(self, name: str, address: str) -> str:
        """Give a node one more address, which others route to; return it."""
        node = self.nodes[name]
        node.owns.append(address)
        if not node.forwards:
            node.ends[0].link.bare.append(address)
        return address

    def setting(self, name: str, *lines: str) -> None:
        """Set what is below /proc/sys/net in a node: `ipv4/conf/all/proxy_arp=1`."""
        self.nodes[name].settings += lines

    def answers_for_all(self, name: str, device: str) -> None:
        """Have a router answer ARP for everybody on a LAN, at once; Linux takes up to 0.8 s if it may."""
        self.setting(name, f"ipv4/conf/{device}/proxy_arp_pvlan=1", f"ipv4/neigh/{device}/proxy_delay=0")

    def chain(self, name: str, hook: str, *rules: str) -> None:
        """Load nftables rules in a node; `hook` is as in `filter forward 0`. `ip` is `ip6` over IPv6."""
        tables = self.nodes[name].tables
        kind, place, priority = hook.split()
        text = "\n".join((f"type {kind} hook {place} priority {priority};", *rules))
        family = "ip6" if self.six else "ip"
        if self.six:
            text = text.replace("ip saddr", "ip6 saddr").replace("ip daddr", "ip6 daddr")
            text = text.replace("ip ttl", "ip6 hoplimit")
        tables.append(f"table {family} zoo{len(tables)} {{\nchain rules {{\n{text}\n}}\n}}")

    def block(self, a: str, b: str, *, both: bool = True) -> None:
        """Let nothing from a arrive at b; nor from b at a, if `both`."""
        for sender, receiver in ((a, b), (b, a))[: 1 + both]:
            self.chain(receiver, "filter input 0", f"ip saddr {self.address(sender)} drop")
        self.hide([a], [b])

    def hide(self, some: Sequence[str], others: Sequence[str] = ()) -> None:
        """Say that nothing may show what pairs of these are, or of these and the others."""
        self.unseen |= _pairs(some, others)

    def deny(self, some: Sequence[str], others: Sequence[str] = ()) -> None:
        """Say that any verdict on pairs of these, or of these and the others, is unfounded, right or not."""
        self.unfounded |= _pairs(some, others)
        self.hide(some, others)

    def address(self, name: str) -> str:
        """Return a node's first address."""
        return self.nodes[name].ends[0].address

    @property
    def anywhere(self) -> str:
        """All addresses, as a prefix."""
        return "::/0" if self.six else "0.0.0.0/0"

    # What follows

    def truth(self) -> dict[Pair, str]:
        """Return the right verdict on every pair of members."""
        return {
            frozenset((a, b)): "co-resident" if self.hosts[a] == self.hosts[b] else "separate"
            for a, b in combinations(self.members, 2)
        }

    def vary(self, *, gaps: bool) -> None:
        """List the members in another order and, if `gaps`, let nothing pass between some, half the time."""
        assert self.random
        names = self.random.sample(list(self.members), len(self.members))
        self.members = {name: self.members[name] for name in names}
        chance = self.random.choice((0.0, 0.0, 0.1, 0.4)) if gaps else 0.0
        for a, b in combinations(names, 2):
            if self.random.random() < chance:
                self.block(a, b, both=self.random.random() < 0.8)

    def ways(self, start: Node, wires: Sequence[Wire] = tuple(Wire)) -> Iterator[tuple[str, list[End]]]:
        """Yield what `start` doesn't reach by itself, and the next routers on the shortest ways there."""
        reached: dict[Node, list[End]] = {start: []}
        known = {end.link for end in start.ends}
        level = [start]
        while level:
            following: dict[Node, list[End]] = {}
            ends = [(node, end) for node in level for end in node.ends if end.link.wire in wires]
            for near, end in ends:
                for far in end.link.ends:
                    if far.node.forwards and far.node not in reached:
                        following.setdefault(far.node, []).extend(reached[near] or [far])
            for node, firsts in following.items():
                yield from ((address, firsts) for address in node.owns)
                for link in [end.link for end in node.ends if end.link not in known]:
                    known.add(link)
                    yield from ((address, firsts) for address in (str(link.subnet), *link.bare))
            reached |= following
            level = list(following)


def _pairs(some: Sequence[str], others: Sequence[str]) -> set[Pair]:
    pairs = [(a, b) for a in some for b in others if a != b] if others else combinations(some, 2)
    return {frozenset(pair) for pair in pairs}
