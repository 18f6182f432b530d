"""Guests behind gateways of their own beside guests that are right behind their hosts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from tests.networks.zoo.kind import Word, kind
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import guests, hidden, hosts, of_host, some_of, tight


def gapped(net: Network, *gap: str) -> None:
    """Declare three hosts on one link, with guests a to f: e and f hide, between two is a gap."""
    net.lan("l")
    for host, names in (("h0", "ab"), ("h1", "cd"), ("h2", "ef")):
        net.router(host, "l")
        for name in names:
            hidden(net, name, host, gateways=host == "h2")
    net.hide(["e"], ["f"])
    if gap:
        net.block(*gap)


@kind(Word.SOUND, six=None)
def gap_none(net: Network) -> None:
    """Two hosts show themselves, on the third two guests hide."""
    gapped(net)


@kind(Word.SOUND, six=None)
def gap_first(net: Network) -> None:
    """The same, and nothing passes between the first of either host."""
    gapped(net, "a", "c")


@kind(Word.SOUND)
def gap_last(net: Network) -> None:
    """The same, and nothing passes between the last of either host."""
    gapped(net, "b", "d")


@kind(Word.SOUND, six=None)
def gaps_hidden(net: Network) -> None:
    """One host: a security group splits its plain guests, and one more hides."""
    net.router("h")
    split = [net.guest(name, "h") for name in "abcd"]
    hidden(net, "e", "h")
    for a in split[:2]:
        for b in split[2:]:
            net.block(a, b)
    net.hide([*split, "e"])


@kind(Word.SOUND, six=None)
def hides_one(net: Network) -> None:
    """One guest of a host with others hides behind a gateway of its own."""
    for host in net.some(hosts(net, net.router("r"), least=2)):
        net.hide([hidden(net, f"{host}x", host)], list(net.members))


@kind(Word.SOUND)
def hides_two(net: Network) -> None:
    """Two guests of a host hide behind a gateway each, beside others of hosts that show themselves."""
    for host in net.some(hosts(net, net.router("r"), least=2)):
        for name in "xy":
            net.hide([hidden(net, f"{host}{name}", host)], list(net.members))
        net.hide(of_host(net, host))  # they might be ports of a router that has x's and y's hosts behind it


@kind(Word.SOUND)
def hides_all_of_one(net: Network) -> None:
    """All guests of one host hide, and two hosts show themselves."""
    hosts(net, net.router("r"), 2, least=2)
    net.router("h", "r")
    net.hide([hidden(net, name, "h") for name in "xyz"], list(net.members))


def detoured(net: Network, hidden_on: int, numbers: Sequence[int]) -> None:
    """Let what guests that hide on the first hosts and one alone on its host exchange go by a firewall."""
    names = tight(net, net.router("r"), numbers)
    net.router("fw", "r")
    (alone,) = of_host(net, names[-1])
    for host in names[:hidden_on]:
        name = hidden(net, f"{host}x", host)
        net.hide([name], list(net.members))
        net.steer("r", "fw", arriving=host, by=[name], to=[alone])
        net.steer("r", "fw", arriving=names[-1], by=[alone], to=[name])


@kind(Word.SOUND, six=None)
def hides_and_detour(net: Network) -> None:
    """One guest hides; a firewall is between it and a database alone on its host."""
    detoured(net, 1, [*some_of(net, 2, 2, 2), 1])


@kind(Word.SOUND)
def hides_and_detours(net: Network) -> None:
    """The same of a guest of each of two hosts."""
    detoured(net, 2, [*some_of(net, 2, 2, 2, 2), 1])


def meshed(net: Network, machines: Sequence[str]) -> None:
    """Let guests `x…` of machines reach each other by tunnels between these, as a Kubernetes' nodes do."""
    for (i, a), (j, b) in combinations(enumerate(machines), 2):
        number = 10 * i + j
        for near, far, last in ((a, b, 1), (b, a, 2)):
            net.nodes[near].commands += [
                f"link add t{number} type vxlan id {number} dstport {4789 + number}"
                f" local {net.address(near)} remote {net.address(far)}",
                f"link set t{number} up",
                f"addr add 172.31.{number}.{last}/24 dev t{number}",
                f"route replace {net.address('x' + far)} via 172.31.{number}.{3 - last} dev t{number} onlink",
            ]
    net.hide([f"x{machine}" for machine in machines], list(net.members))


@kind(Word.SOUND)
def hides_in_a_mesh(net: Network) -> None:
    """Machines with a guest each on hosts with plain ones: what these guests exchange is tunnelled."""
    names = tight(net, net.router("r"), [*some_of(net, 2, 2, 2), 2])
    machines = [net.router(f"v{n}", host) for n, host in enumerate(names[:3])]
    for machine, host in zip(machines, names, strict=False):
        net.guest(f"x{machine}", machine, on=host)
    meshed(net, machines)


@kind(Word.ASTRAY)
def hides_any(net: Network) -> None:
    """Any guests hide behind any number of gateways."""
    net.lan("l")
    for host in [net.router(f"h{n}", "l") for n in range(net.number(3, 1, 4))]:
        for n in range(net.number(3, 1, 3)):
            hidden(net, f"{host}g{n}", host, net.number(n // 2, 0, 3))


@kind(Word.ASTRAY)
def own_two(net: Network) -> None:
    """All guests are on one host, and one is behind two gateways of its own."""
    guests(net, net.router("h"))
    hidden(net, "x", "h", gateways=2)


@kind(Word.ASTRAY)
def own_two_more(net: Network) -> None:
    """The same with more guests."""
    guests(net, net.router("h"), 4)
    hidden(net, "x", "h", gateways=2)


@kind(Word.ASTRAY)
def own_two_twice(net: Network) -> None:
    """The same with two such guests."""
    guests(net, net.router("h"), 3)
    hidden(net, "x", "h", gateways=2)
    hidden(net, "y", "h", gateways=2)


@kind(Word.ASTRAY)
def wired_racks(net: Network) -> None:
    """Racks are wired to each other: one host shows itself, in the other rack two guests of a host hide."""
    net.router("r1", net.router("r0"))
    guests(net, net.router("h0", "r0"))
    net.guest("c", net.router("h1", "r0"))
    net.router("h2", "r1")
    hidden(net, "x", "h2")
    hidden(net, "y", "h2")
