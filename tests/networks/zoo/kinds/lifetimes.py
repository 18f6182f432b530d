"""Networks that rewrite the time-to-live, which is what hops are counted by."""

from __future__ import annotations

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import forward, hosts, spread

# What a router takes away is given back, to what began with 64 or 96.
UNCOUNTED = [f"ip ttl {n} ip ttl set {n + 1} accept" for n in (*range(48, 64), *range(80, 96))]


@kind(Word.SOUND, Sign.REFUTES, six=None)
def min_ttl(net: Network) -> None:
    """The router raises a low time-to-live to 64: only what began with 64 is counted less."""
    hosts(net, net.router("r"))
    forward(net, ["r"], "ip ttl < 64 ip ttl set 64")


@kind(Word.SOUND, Sign.REFUTES)
def min_ttl_of_one(net: Network) -> None:
    """One host does so, and hosts share a link: to and from it three hops become two."""
    names = hosts(net, net.lan("l"))
    forward(net, net.some(names), "ip ttl < 64 ip ttl set 64")


@kind(Word.SOUND, Sign.REFUTES)
def min_ttl_high(net: Network) -> None:
    """The router raises it to 128: everything is counted less."""
    hosts(net, net.router("r"))
    forward(net, ["r"], "ip ttl < 128 ip ttl set 128")


@kind(Word.SOUND, Sign.REFUTES, six=None)
def min_ttl_of_echoes(net: Network) -> None:
    """Hosts do so, and let no datagram pass: echoes get through in two hops to everybody."""
    forward(net, hosts(net, net.lan("l")), "meta l4proto udp drop", "ip ttl < 64 ip ttl set 64")


@kind(Word.SOUND, Sign.WARNS, six=None)
def min_ttl_low(net: Network) -> None:
    """The same, and hosts raise it to 6 only: what began with 64 never shows it."""
    forward(net, hosts(net, net.router("r")), "meta l4proto udp drop", "ip ttl < 6 ip ttl set 6")


@kind(Word.SOUND, Sign.REFUTES)
def proxied(net: Network) -> None:
    """The router sends everything anew, as a proxy does, with 64."""
    hosts(net, net.router("r"))
    forward(net, ["r"], "ip ttl set 64")


@kind(Word.SOUND, Sign.REFUTES)
def proxied_in_the_rack(net: Network) -> None:
    """One of two racks is behind such a proxy."""
    one, other = spread(net, 2, net.router("s"))
    hosts(net, one, 2)
    hosts(net, other, 2)
    forward(net, [one], "ip ttl set 64")


@kind(Word.SOUND)
def uncounted_fabric(net: Network) -> None:
    """The fabric takes nothing away (MPLS without propagation, transparent firewalls)."""
    for rack in spread(net, net.number(2, 2, 3), net.router("s")):
        hosts(net, rack, 2)
    forward(net, ["s", "r0"], *UNCOUNTED)


@kind(Word.FALSE, Sign.REFUTES)
def uncounted_hosts(net: Network) -> None:
    """Hosts take nothing away, and leaf routers do: two on a host are one hop apart, two in a rack two."""
    for leaf in spread(net, 2, net.router("s")):
        names = hosts(net, leaf, 2)
        forward(net, names, *UNCOUNTED)
