"""Addresses that are not the member's own, and ways in that lead elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import forward, hosts, of_host, spread


def translate(net: Network, router: str, names: Iterable[str], first: int = 1) -> list[str]:
    """List members by addresses that a router translates, one to one, to and from their own."""
    listed = list(names)
    for number, name in enumerate(listed, first):
        outside = f"2001:db8::{number}" if net.six else f"203.0.113.{number}"
        net.nodes[router].owns.append(outside)
        own = net.address(name)
        net.chain(router, "nat prerouting -100", f"ip daddr {outside} dnat to {own}")
        net.chain(router, "nat postrouting 100", f"ct status dnat ip saddr {own} snat to {outside}")
        net.members[name].address = outside
    return listed


@kind(Word.SOUND, six=None)
def floating(net: Network) -> None:
    """The guests of a host are listed by addresses that the router translates: packets go up and back."""
    for n, host in enumerate(net.some(hosts(net, net.router("r")))):
        net.hide(translate(net, "r", of_host(net, host), 10 * n + 1), list(net.members))


@kind(Word.SOUND, six=None)
def floating_all(net: Network) -> None:
    """Everybody is listed so."""
    hosts(net, net.router("r"))
    net.hide(translate(net, "r", list(net.members)))


@kind(Word.SOUND)
def floating_some(net: Network) -> None:
    """One of the guests of each host is listed so."""
    for n, host in enumerate(hosts(net, net.router("r"))):
        translate(net, "r", of_host(net, host)[:1], n + 1)
    net.hide(list(net.members))


@kind(Word.SOUND)
def floating_further(net: Network) -> None:
    """The edge translates, behind the rack's router."""
    for n, host in enumerate(net.some(hosts(net, net.router("r", net.router("e"))))):
        net.hide(translate(net, "e", of_host(net, host), 10 * n + 1), list(net.members))


@kind(Word.SOUND, six=True)
def nat66(net: Network) -> None:
    """Every host translates the addresses that its guests are listed by: two of them stay two hops apart."""
    for n, host in enumerate(hosts(net, net.router("r"))):
        translate(net, host, of_host(net, host), 16 * n + 1)
    net.hide(list(net.members))


@kind(Word.SOUND)
def balanced(net: Network) -> None:
    """Two members of two hosts are listed by addresses of a load balancer, which hands on to either."""
    names = hosts(net, net.router("r"))
    pair = [of_host(net, host)[0] for host in names[:2]]
    targets = ", ".join(f"{n} : {net.address(name)}" for n, name in enumerate(pair))
    for n, name in enumerate(pair):
        outside = net.own("r", f"203.0.113.{n + 1}")
        rule = f"ip daddr {outside} dnat to numgen random mod 2 map {{ {targets} }}"
        net.chain("r", "nat prerouting -100", rule)
        net.members[name].address = outside
    net.hide(list(net.members))


@kind(Word.SOUND)
def behind_nat(net: Network) -> None:
    """One member is behind a translation that lets nothing in: it sends to all, and nothing arrives at it."""
    names = hosts(net, net.router("r"))
    inside = net.guest("inside", net.router("n", names[0]), on=names[0])
    net.chain("n", "nat postrouting 100", 'oifname "eth0" masquerade')
    net.chain("n", "filter forward 0", 'iifname "eth0" ct state new drop')
    net.deny([inside], list(net.members))


@kind(Word.SOUND)
def answered_for(net: Network) -> None:
    """Datagrams are filtered, and the edge answers pings to the addresses that some are listed by."""
    net.router("r", net.router("e"))
    for host in spread(net, 2, "r", "h"):
        for n in range(2):
            net.guest(f"{host}g{n}", host)
        forward(net, [host], "meta l4proto udp drop")
    some = of_host(net, "h0")
    for n, name in enumerate(some):
        net.members[name].address = net.own("e", f"203.0.113.{n + 1}")
    net.deny(some, list(net.members))
    net.hide(list(net.members))


@kind(Word.SOUND)
def answered_by_another(net: Network) -> None:
    """The same, and it is a member on another host that answers."""
    net.router("r")
    for host in spread(net, 2, "r", "h"):
        net.guest(f"{host}g", host)
    liar = net.guest("liar", "h0")
    net.members[liar].address = net.own("h1g", "203.0.113.1")
    forward(net, ["h0", "h1"], "meta l4proto udp drop")
    net.deny([liar], list(net.members))
    net.hide(list(net.members))


@kind(Word.SOUND, six=None)
def wrong_machine(net: Network) -> None:
    """The way in to one member leads to a machine that is none, on another host."""
    hosts(net, net.router("r"))
    first, *_, last = net.members
    net.members[first].node = net.members.pop(last).node
    net.deny([first], list(net.members))


@kind(Word.SOUND)
def wrong_machines(net: Network) -> None:
    """The ways in to two members are swapped."""
    hosts(net, net.router("r"))
    first, *_, last = net.members
    one, other = net.members[first], net.members[last]
    one.node, other.node = other.node, one.node
    net.deny([first, last], list(net.members))
    net.hide(list(net.members))  # each is asked for the other and answers itself: that looks like one hop


@kind(Word.SOUND)
def same_machine_twice(net: Network) -> None:
    """The ways in to two members lead to one machine."""
    hosts(net, net.router("r"))
    first, *_, last = net.members
    net.members[first].node = net.members[last].node
    net.deny([first], list(net.members))


@kind(Word.SOUND)
def moved_address(net: Network) -> None:
    """A member is listed by an address that has moved on to another member."""
    names = hosts(net, net.router("r"))
    old, new = of_host(net, names[0])[0], of_host(net, names[1])[0]
    net.members[old].address = net.own(new, "203.0.113.1")
    net.deny([old], list(net.members))


@kind(Word.SOUND)
def second_address(net: Network) -> None:
    """Members are listed by an address of their own loopback."""
    hosts(net, net.router("r"))
    for n, name in enumerate(net.members):
        net.members[name].address = net.own(name, f"203.0.113.{n + 1}")


@kind(Word.SOUND, Sign.REFUTES)
def second_network(net: Network) -> None:
    """All have a second card on one flat network, and one is listed by its address there."""
    hosts(net, net.router("r"))
    net.lan("flat")
    for name in net.members:
        net.join(name, "flat")
    first = next(iter(net.members))
    net.members[first].address = net.nodes[first].ends[1].address
