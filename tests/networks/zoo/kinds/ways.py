"""Hosts that are gateways, where packets take other ways than straight ones, or only one way."""

from __future__ import annotations

from itertools import combinations, pairwise

from tests.networks.zoo.kind import Word, kind
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import forward, guests, hosts, of_host


def divided(net: Network, names: list[str], *, tenants: int) -> None:
    """Let what goes from a tenant to another go from its host to `fw`, on the hosts' link, and back."""
    parts: list[list[str]] = [[] for _ in range(tenants)]
    for host in names:
        for tenant, members in enumerate(parts):
            members += [net.guest(f"{host}t{tenant}g{n}", host) for n in range(net.number(2, 1, 2))]
    for members in parts:
        others = [name for part in parts if part is not members for name in part]
        for name in members:
            net.steer(net.hosts[name], "fw", arriving=name, to=others)


@kind(Word.ASTRAY, six=None)
def tenants(net: Network) -> None:
    """What goes from one tenant to the other goes by a firewall, within one host too."""
    net.lan("l", net.router("fw"))
    divided(net, [net.router(f"h{n}", "l") for n in range(net.number(3, 2, 4))], tenants=2)


@kind(Word.ASTRAY)
def tenants_three(net: Network) -> None:
    """The same with three tenants and a guest of each on a host: no pair of a host is two hops apart."""
    net.lan("l", net.router("fw"))
    names = [net.router(f"h{n}", "l") for n in range(net.number(2, 2, 3))]
    parts: list[list[str]] = [[net.guest(f"{host}t{t}", host) for host in names] for t in range(3)]
    for members in parts:
        others = [name for part in parts if part is not members for name in part]
        for name in members:
            net.steer(net.hosts[name], "fw", arriving=name, to=others)


@kind(Word.ASTRAY)
def everything_up(net: Network) -> None:
    """Hosts send all that guests send up to the router, for each other too (VEPA, micro-segmentation)."""
    for host in hosts(net, net.router("r")):
        for name in of_host(net, host):
            net.steer(host, "r", arriving=name)


@kind(Word.SOUND)
def one_way_up(net: Network) -> None:
    """Of one guest of each host all goes up to the router; what comes back to it doesn't."""
    for host in hosts(net, net.router("r")):
        own = of_host(net, host)
        net.steer(host, "r", arriving=own[0])
        net.hide(own, [name for name in net.members if name not in own])


@kind(Word.ASTRAY, six=None)
def two_gateways(net: Network) -> None:
    """Each host has two gateways (VRFs, tenants' routers, network cards that route)."""
    net.router("r")
    for n in range(net.number(3, 2, 4)):
        for gateway in (f"h{n}a", f"h{n}b"):
            guests(net, net.router(gateway, "r"), on=f"h{n}")


@kind(Word.ASTRAY)
def two_gateways_leaking(net: Network) -> None:
    """The same, and the two of a host hand on to each other directly: three hops, as on one link."""
    net.router("r")
    for n in range(net.number(3, 2, 4)):
        guests(net, net.router(f"h{n}a", "r"), on=f"h{n}")
        guests(net, net.router(f"h{n}b", "r", f"h{n}a"), on=f"h{n}")


@kind(Word.SOUND, six=None)
def one_way(net: Network) -> None:
    """From one member nothing arrives at anybody, but everything arrives at it."""
    hosts(net, net.router("r"))
    first, *others = net.members
    for other in others:
        net.block(first, other, both=False)
    net.deny([first], others)


@kind(Word.SOUND)
def one_way_pairs(net: Network) -> None:
    """Between two guests of a host packets pass one way only."""
    for host in hosts(net, net.router("r")):
        own = of_host(net, host)
        for a, b in pairwise(own[:2]):
            net.block(a, b, both=False)
            if len(own) == 2:  # a third would show them both
                net.deny([a], [b])


@kind(Word.SOUND)
def groups(net: Network) -> None:
    """Security groups: nothing passes from one to the other, and so nobody is two hops from anybody."""
    hosts(net, net.router("r"))
    net.hide(list(net.members))
    names = list(net.members)
    for a in names[::2]:
        for b in names[1::2]:
            net.block(a, b)


@kind(Word.SOUND)
def apart_within(net: Network) -> None:
    """Hosts let nothing pass between their own guests."""
    for host in hosts(net, net.router("r")):
        for a, b in combinations(of_host(net, host), 2):
            net.block(a, b)


@kind(Word.SOUND)
def apart_within_some(net: Network) -> None:
    """One host lets nothing pass between two of its guests; a third reaches both."""
    host = hosts(net, net.router("r"))[0]
    net.guest("third", host)
    net.block(*of_host(net, host)[:2])


@kind(Word.SOUND)
def gap(net: Network) -> None:
    """Nothing passes between one guest of a host and one of another."""
    names = hosts(net, net.router("r"))
    net.block(of_host(net, names[0])[0], of_host(net, names[1])[0])


@kind(Word.SOUND)
def spread_loss(net: Network) -> None:
    """The router drops one packet in five."""
    hosts(net, net.router("r"))
    forward(net, ["r"], "numgen random mod 5 == 0 drop")
