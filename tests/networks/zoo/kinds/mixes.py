"""Packet filters, ways and routers' addresses beside something else."""

from __future__ import annotations

from tests.networks.zoo.kind import Word, kind
from tests.networks.zoo.network import Network, Wire
from tests.networks.zoo.parts import (
    forward,
    guests,
    hidden,
    of_host,
    some_of,
    spread,
    tight,
)


def silence(net: Network, mute: str) -> None:
    """Let a member hear everybody and be heard by nobody, and nobody be sure to be told of."""
    others = [name for name in net.members if name != mute]
    for name in others:
        net.block(mute, name, both=False)
    net.deny([mute], others)
    net.hide(list(net.members))


@kind(Word.SOUND)
def filter_and_machine(net: Network) -> None:
    """A host with three plain guests, one cut off from two, and containers; another host with one."""
    names = tight(net, net.router("r"), [1, 3])
    a, b, c = of_host(net, names[1])
    for n in range(net.number(2, 1, 3)):
        if not n:
            net.router("v", names[1])
        net.guest(f"x{n}", "v", on=names[1])
    net.block(c, a)
    net.block(c, b)
    net.hide(list(net.members))


@kind(Word.SOUND)
def filter_and_machine_more(net: Network) -> None:
    """The same of two plain guests that see nothing of each other, in a larger cluster."""
    names = tight(net, net.router("r"), [*some_of(net, 2, 2), 2])
    a, b = of_host(net, names[-1])
    guests(net, net.router("v", names[-1]), 2, least=1, on=names[-1])
    net.block(a, b)
    net.hide(list(net.members))


@kind(Word.SOUND)
def filter_and_port(net: Network) -> None:
    """All on one host: two plain guests that see nothing of each other, two containers, a port."""
    net.router("h", net.router("r"))
    a, b = net.guest("a", "h"), net.guest("b", "h")
    net.router("v", "h")
    for n in range(2):
        net.guest(f"x{n}", "v", on="h")
    net.guest("p", "r", on="h")
    net.block(a, b)
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def filter_between_ported(net: Network) -> None:
    """Two hosts with a plain guest and a port each; nothing passes between the plain ones."""
    names = tight(net, net.router("r"), [1, 1])
    for n, host in enumerate(names):
        net.guest(f"p{n}", "r", on=host)
    net.block(*[of_host(net, host)[0] for host in names])
    net.hide(list(net.members))


@kind(Word.SOUND)
def one_way_and_machine(net: Network) -> None:
    """A plain guest hears everybody and is heard by nobody, beside containers of its host."""
    names = tight(net, net.router("r"), [*some_of(net, 2), 2])
    guests(net, net.router("v", names[-1]), 2, on=names[-1])
    mute = of_host(net, names[-1])[0]
    silence(net, mute)


@kind(Word.SOUND)
def mute_and_machine(net: Network) -> None:
    """A host with plain guests and containers; from the only guest of another nothing arrives at anybody."""
    names = tight(net, net.lan("l"), [1, net.number(2, 2, 3)])
    guests(net, net.router("v", names[1]), 2, least=2, on=names[1])
    mute = of_host(net, names[0])[0]
    silence(net, mute)


@kind(Word.SOUND)
def mute_and_two_hidden(net: Network) -> None:
    """One host: two guests hide behind a gateway each, and from the plain one nothing arrives at anybody."""
    net.router("h", net.router("r"))
    net.guest("mute", "h")
    for n in range(net.number(2, 2, 3)):
        hidden(net, f"x{n}", "h")
    for name in list(net.members)[1:]:
        net.block("mute", name, both=False)
    net.deny(["mute"], list(net.members)[1:])
    net.hide(list(net.members))


@kind(Word.SOUND)
def deaf_to_some(net: Network) -> None:
    """Two hosts; the guest of one hears half of the other's, who have containers beside them."""
    names = tight(net, net.router("r"), [1, 3])
    guests(net, net.router("v", names[1]), 2, on=names[1])
    a, b, c = of_host(net, names[1])[:3]
    net.block(a, c, both=False)
    net.block(b, c, both=False)
    net.block(c, of_host(net, names[0])[0], both=False)
    net.hide(list(net.members))


def loopback(net: Network, router: str, address: str) -> None:
    """Let a router answer traces from an address of its own."""
    net.own(router, address)
    net.chain(router, "filter output 0", f"icmp type time-exceeded ip saddr set {address}")


@kind(Word.ASTRAY)
def gateways_reused(net: Network) -> None:
    """Old hosts have gateways of their own, new ones all 192.0.2.1; two alone on new ones are kept apart."""
    net.router("r")
    loopback(net, "r", "198.51.100.1")
    for n, number in enumerate([2, 2, 1, 1]):
        host = net.router(f"h{n}", "r")
        for g in range(number):
            net.guest(f"h{n}g{g}", host, gateway=f"10.254.0.{n + 1}" if n < 2 else "192.0.2.1")
    net.block("h2g0", "h3g0")
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def gateways_reused_groups(net: Network) -> None:
    """The same with two guests of each new host, and a security group that parts the new hosts."""
    net.router("r")
    loopback(net, "r", "198.51.100.1")
    for n in range(4):
        host = net.router(f"h{n}", "r")
        for g in range(net.number(2, 2, 3)):
            net.guest(f"h{n}g{g}", host, gateway=f"10.254.0.{n + 1}" if n < 2 else "192.0.2.1")
    for a in of_host(net, "h2"):
        for b in of_host(net, "h3"):
            net.block(a, b)
    net.hide(list(net.members))


@kind(Word.SOUND)
def vrrp_in_front(net: Network) -> None:
    """Racks have a pair of routers: one is on the way there, another on the way back, one farther."""
    net.router("s")
    for n in range(2):
        up = net.router(f"u{n}", "s")
        far = net.router(f"d{n}", net.router(f"e{n}", "s"))
        for host in [net.router(f"r{n}h{h}", up, far) for h in range(net.number(2, 1, 3))]:
            guests(net, host)
            for name in of_host(net, host):
                others = [other for other in net.members if net.hosts[other][:2] != f"r{n}"]
                if others:
                    net.steer(host, f"d{n}", arriving=name, to=others)
    net.hide(list(net.members))


@kind(Word.SOUND)
def ecmp_by_address(net: Network) -> None:
    """Hosts choose one of two spines of unlike depth by the addresses alone."""
    net.router("s0")
    net.router("s1")
    net.router("deep", "s1")
    for n in range(net.number(4, 3, 5)):
        host = net.router(f"h{n}", "s0", "s1", balances=True)
        net.setting(host, "ipv4/fib_multipath_hash_policy=0")
        guests(net, host)


@kind(Word.SOUND)
def ecmp_in_front_of_one(net: Network) -> None:
    """One host is behind two firewalls of which flows take one, one of them behind another router."""
    net.router("r", balances=True)
    tight(net, "r", some_of(net, 2, 2))
    host = net.router("f", net.router("fa", "r"), net.router("fb", "r"), balances=True)
    guests(net, host, least=2)
    hidden(net, "x", host)
    net.hide(list(net.members))


@kind(Word.SOUND, six=True)
def six_detour(net: Network) -> None:
    """IPv6 is routed by other spines than IPv4, deeper for one rack."""
    net.router("s")
    tight(net, net.router("r0", "s"), some_of(net, 2, 2))
    tight(net, net.router("r1", net.router("t", net.router("q", "s"))), some_of(net, 2, 1), "k")


@kind(Word.SOUND)
def deep_mix(net: Network) -> None:
    """Fifteen to twenty: racks, a port in each, a machine with containers, a VPN of one's own, a firewall."""
    racks = spread(net, 3, net.router("s"))
    names = [host for n, rack in enumerate(racks) for host in tight(net, rack, some_of(net, 2, 2), f"r{n}h")]
    for n, rack in enumerate(racks[:2]):
        net.guest(f"p{n}", rack, on=names[2 * n])
    guests(net, net.router("v", names[1]), 2, on=names[1])
    hidden(net, "x", names[3])
    net.hide(list(net.members))


@kind(Word.SOUND)
def loss_mix(net: Network) -> None:
    """The same in small, and one packet of four is lost at the rack's router."""
    names = tight(net, net.router("r"), some_of(net, 2, 2, 2))
    net.guest("p", "r", on=names[0])
    hidden(net, "x", names[1])
    forward(net, ["r"], "numgen random mod 4 == 0 drop")
    net.hide(list(net.members))


@kind(Word.SOUND)
def headquarters_and_machine(net: Network) -> None:
    """A host that is the router of all others, with plain guests and a machine with containers."""
    guests(net, net.router("h"), least=2)
    for host in spread(net, net.number(3, 2, 4), "h", "b"):
        guests(net, host)
    guests(net, net.router("v", "h"), 2, on="h")
    net.hide(list(net.members))


@kind(Word.SOUND)
def relay(net: Network) -> None:
    """A mesh of hosts by VPN, one of which is reached by another alone; a guest of it hides."""
    net.router("r")
    names = [net.router(f"h{n}", "r") for n in range(3)]
    for n, host in enumerate(names):
        for other in names[:n]:
            net.join(host, other, wire=Wire.TUNNEL)
        guests(net, host, least=2)
    far = net.router("far", names[0])
    guests(net, far, least=2)
    hidden(net, "x", far)
    net.hide(list(net.members))


@kind(Word.SOUND)
def fourth_by_pods(net: Network) -> None:
    """Pods of racks with firewalls before some racks and a hidden guest in another."""
    for p, pod in enumerate(spread(net, 2, net.router("s"), "p")):
        rack = net.router(f"fw{p}", pod) if p else pod
        for r in spread(net, 2, rack, f"{pod}r"):
            tight(net, r, some_of(net, 2, 1), f"{r}h")
    host = next(iter(net.hosts.values()))
    net.hide([hidden(net, "x", host)], list(net.members))
