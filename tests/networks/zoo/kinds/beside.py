"""Ports past hosts beside something else: hidden guests, firewalls, other racks, what doesn't count."""

from __future__ import annotations

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.kinds.lifetimes import UNCOUNTED
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import (
    forward,
    guests,
    hidden,
    of_host,
    second_card,
    some_of,
    spread,
    tight,
)


@kind(Word.ASTRAY)
def port_other_rack(net: Network) -> None:
    """A host has two cards: it routes by one rack, and the other is passed through and ends at another."""
    racks = spread(net, 2, net.router("s"))
    names = tight(net, racks[0], some_of(net, 2, 2))
    tight(net, racks[1], some_of(net, 2), "k")
    net.guest("p", racks[1], on=names[0])
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def port_other_rack_empty(net: Network) -> None:
    """The same, and nobody is in the other rack."""
    racks = spread(net, 2, net.router("s"))
    names = tight(net, racks[0], some_of(net, 2, 2, 2))
    net.guest("p", racks[1], on=names[0])
    net.hide(list(net.members))


@kind(Word.SOUND)
def ports_past_firewall(net: Network) -> None:
    """One host is behind a firewall; its port and another host's end above that."""
    net.router("r")
    names = tight(net, "r", [1, 1])
    host = net.router("f", net.router("fw", "r"))
    guests(net, host)
    net.guest("p", "r", on=host)
    net.guest("q", "r", on=names[0])
    net.hide(list(net.members))


@kind(Word.SOUND)
def ports_past_firewall_more(net: Network) -> None:
    """The same with more hosts, of more guests."""
    net.router("r")
    names = tight(net, "r", some_of(net, 2, 2, 1))
    host = net.router("f", net.router("fw", "r"))
    guests(net, host)
    net.guest("p", "r", on=host)
    net.guest("q", "r", on=names[0])
    net.hide(list(net.members))


@kind(Word.SOUND)
def port_and_hidden(net: Network) -> None:
    """A host with a plain guest, one behind a gateway of its own and one with a port; another with one."""
    names = tight(net, net.router("r"), [1, 1])
    hidden(net, "x", names[1])
    net.guest("p", "r", on=names[1])
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def ports_and_hidden(net: Network) -> None:
    """Ports of two hosts, of one of which a plain and a hidden guest are measured."""
    names = tight(net, net.router("r"), [1, 0])
    hidden(net, "x", names[0])
    for n, host in enumerate(names):
        net.guest(f"p{n}", "r", on=host)
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def ports_and_machine(net: Network) -> None:
    """Ports of two hosts; one has plain guests, the other a plain guest and a machine with a container."""
    names = tight(net, net.router("r"), [net.number(2, 1, 3), 1])
    net.guest("c", net.router("v", names[1]), on=names[1])
    for n, host in enumerate(names):
        net.guest(f"p{n}", "r", on=host)
    net.hide(list(net.members))


@kind(Word.SOUND)
def port_firewall_machine(net: Network) -> None:
    """A host behind a firewall, with a plain guest, a container and a port above the firewall."""
    net.router("r")
    tight(net, "r", [1])
    host = net.router("f", net.router("fw", "r"))
    net.guest("g", host)
    net.guest("c", net.router("v", host), on=host)
    net.guest("p", "r", on=host)
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def ports_between_racks(net: Network) -> None:
    """Two racks' routers are wired to each other: ports of two hosts end at one, a plain guest below."""
    net.router("r1", net.router("r0"))
    tight(net, "r0", some_of(net, 2, 1))
    names = tight(net, "r1", [net.number(1, 1, 2), 0], "k")
    for n, host in enumerate(names):
        net.guest(f"p{n}", "r1", on=host)
    net.hide(list(net.members))


@kind(Word.SOUND)
def backdoor_and_port(net: Network) -> None:
    """Two hosts of unlike racks share a cable, and one guest has a port at its rack's router."""
    racks = spread(net, 3, net.router("s"))
    names = [net.router(f"h{n}", rack) for n, rack in enumerate(racks)]
    for host in names:
        net.guest(f"{host}g", host)
    net.join(names[0], names[1])
    net.guest("p", racks[0], on=names[0])
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def backdoor_and_ports(net: Network) -> None:
    """Two hosts behind one router share a cable as well, and each has a guest with a port."""
    names = tight(net, net.router("r"), [1, 1])
    net.join(*names)
    for n, host in enumerate(names):
        net.guest(f"p{n}", "r", on=host)
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def uplinks_and_port(net: Network) -> None:
    """A host with uplinks to two racks' routers, and a guest of it with a port at one."""
    net.router("r1", net.router("r0"))
    tight(net, "r0", some_of(net, 2))
    tight(net, "r1", some_of(net, 2), "k")
    host = net.router("b", "r0", "r1")
    net.guest("g", host)
    net.guest("p", "r1", on=host)
    net.hide(list(net.members))


@kind(Word.SOUND)
def mlag_and_port(net: Network) -> None:
    """Hosts are wired to a pair of leaves and choose by flow; a port ends at one of them."""
    leaves = [net.router("l0"), net.router("l1")]
    for n in range(net.number(3, 2, 4)):
        guests(net, net.router(f"h{n}", *leaves, balances=True), least=2)
    net.guest("p", "l0", on="h0")
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def rack_not_counted(net: Network) -> None:
    """One rack's router takes nothing away (MPLS): a port there is two hops from whoever is alone in it."""
    racks = spread(net, 2, net.router("s"))
    tight(net, racks[0], some_of(net, 2, 2))
    names = tight(net, racks[1], [1, 0], "k")
    forward(net, [racks[1]], *UNCOUNTED)
    net.guest("p", racks[1], on=names[1])
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def host_not_counted(net: Network) -> None:
    """One host, of one guest, takes nothing away: it is two hops from who is alone on the same link."""
    racks = spread(net, 2, net.router("s"))
    net.lan("l", racks[1])
    tight(net, racks[0], some_of(net, 2, 2))
    names = tight(net, "l", [1, 1], "k")
    forward(net, names[:1], *UNCOUNTED)
    net.hide(list(net.members))


@kind(Word.SOUND)
def ipvlan_alone(net: Network) -> None:
    """IPVLAN L3 on one host in a ring, its only guest: nothing is counted there."""
    for n in range(4):
        net.router(f"h{n}", *([f"h{n - 1}"] if n else []))
        for g in range(1 if n < 2 else net.number(2, 1, 3)):
            net.guest(f"h{n}g{g}", f"h{n}")
    net.join("h0", "h3")
    forward(net, ["h0"], *UNCOUNTED)
    net.hide(list(net.members))


@kind(Word.SOUND, Sign.REFUTES)
def ipvlan_l3(net: Network) -> None:
    """IPVLAN L3 with two guests on each host: one hop."""
    names = tight(net, net.router("r"), [2, 2, 2])
    forward(net, names, *UNCOUNTED)


@kind(Word.SOUND)
def silent_port(net: Network) -> None:
    """No router answers, ports of three hosts, plain guests of two."""
    net.router("r")
    names = tight(net, "r", [net.number(2, 1, 3), net.number(1, 1, 2), 0])
    for n, host in enumerate(names):
        net.guest(f"p{n}", "r", on=host)
    for name in [*names, "r"]:
        net.nodes[name].commands.append("rule add pref 1 iif lo prohibit")
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def port_and_nested_port(net: Network) -> None:
    """A port passed through to a machine that routes for containers: they sit behind the rack's router."""
    names = tight(net, net.router("r"), some_of(net, 2, 2))
    guests(net, net.router("v", "r"), 2, on=names[0])
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def port_and_nested_port_one(net: Network) -> None:
    """The same with one container."""
    names = tight(net, net.router("r"), some_of(net, 2, 2))
    net.guest("c", net.router("v", "r"), on=names[0])
    net.hide(list(net.members))


@kind(Word.SOUND)
def out_by_port(net: Network) -> None:
    """Guests of two hosts are listed by their hosts' address and send by a port at the rack's router."""
    names = tight(net, net.router("r"), some_of(net, 2, 2, 2))
    for host in names[:2]:
        second_card(net, of_host(net, host)[0], "r", "from all")
    net.hide(list(net.members))
