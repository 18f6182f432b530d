"""Hetzner: private Networks, and public addresses behind an inner and an outer router on each host."""

from __future__ import annotations

from tests.networks.zoo.kind import Word, kind
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import across, along

GATEWAY, HARDWARE = "172.31.1.1", "d2:74:7f:6e:37:e3"
PRIVATE = "10.254.0.1"


@kind(Word.FALSE)
def hetzner_network(net: Network) -> None:
    """One private Network: everybody is two hops apart."""
    along(net, net.router("n"), 6, gateway=PRIVATE, hardware=HARDWARE)


@kind(Word.FALSE)
def hetzner_networks(net: Network) -> None:
    """Two private Networks that are joined."""
    net.router("f")
    across(net, [net.router("n", "f"), net.router("m", "f")], gateway=PRIVATE, hardware=HARDWARE)


@kind(Word.FALSE)
def hetzner_further(net: Network) -> None:
    """One private Network, and one member behind a machine that routes for it."""
    along(net, net.router("n"), 6, gateway=PRIVATE, hardware=HARDWARE)
    net.guest("far", net.router("w", "n"), on="m0")


def public(net: Network, turn: int) -> None:
    """Add hosts with an inner and an outer router; guests of one host are `turn` hops apart.

    At 2 the inner one turns packets, at 3 the outer one hands them to the guest itself, at 4 to the inner
    one again. Leaves are silent.
    """
    net.router("s")
    for n in range(net.number(3, 2, 4)):
        leaf, outer, inner = f"leaf{n}", f"out{n}", f"in{n}"
        net.router(leaf, "s")
        net.nodes[leaf].commands.append("rule add pref 1 iif lo prohibit")
        net.router(outer, leaf)
        net.own(outer, f"203.0.113.{n + 1}")
        net.router(inner, outer)
        for g in range(net.number(2, 1, 3)):
            tap = net.lan(f"tap{n}{g}")
            net.join(inner, tap, address=GATEWAY)
            if turn == 3:
                net.join(outer, tap)
            net.guest(
                f"h{n}g{g}",
                tap,
                on=f"host{n}",
                gateway=inner,
                address=f"198.51.{100 + n}.{g + 1}",
                hardware=HARDWARE,
            )
            if turn > 2:
                net.steer(inner, outer, arriving=tap)


@kind(Word.SOUND)
def hetzner_public_two(net: Network) -> None:
    """Public addresses, guests of one host two hops apart."""
    public(net, 2)


@kind(Word.ASTRAY)
def hetzner_public_three(net: Network) -> None:
    """Public addresses, guests of one host three hops apart."""
    public(net, 3)


@kind(Word.ASTRAY)
def hetzner_public_four(net: Network) -> None:
    """Public addresses, guests of one host four hops apart."""
    public(net, 4)
