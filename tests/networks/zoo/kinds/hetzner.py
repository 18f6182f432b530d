"""Hetzner: private Networks, and public addresses behind an inner and an outer router on each host."""

from __future__ import annotations

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.machines import made_by
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import across, along, second_card, spread

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
    one again. The outer one says an address of its own in every error. Leaves are silent.
    """
    net.router("s")
    for n in range(net.number(3, 2, 4)):
        leaf, outer, inner = f"leaf{n}", f"out{n}", f"in{n}"
        net.router(leaf, "s")
        net.nodes[leaf].commands.append("rule add pref 1 iif lo prohibit")
        net.router(outer, leaf)
        name = net.own(outer, f"88.99.159.{n + 1}")
        net.chain(outer, "filter output 0", f"icmp type time-exceeded ip saddr set {name}")
        net.router(inner, outer)
        for router in (inner, outer):  # or a second audit within seconds would find them silent
            net.setting(router, "ipv4/icmp_ratelimit=0")
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
                address=f"65.108.{n}.{g + 1}",
                hardware=HARDWARE,
            )
            if turn > 2:
                net.steer(inner, outer, arriving=tap)


def privately(net: Network, *, out: bool = False) -> None:
    """List members by cards on a router of the fabric, which all go `out` by or only to each other."""
    net.router("fabric")
    for name, member in net.members.items():
        member.public, member.address = (
            member.address,
            second_card(net, name, "fabric", "from all" if out else ""),
        )
    for name, member in net.members.items():
        end = net.nodes[name].ends[-1]
        via = f"via {next(e.address for e in end.link.ends if e is not end)} dev {end.device}"
        others = (other.address for other in net.members.values() if other is not member)
        net.nodes[name].commands += [f"route add {address} {via}" for address in others]


for hops in (2, 3, 4):

    @kind(Word.SOUND, Sign.VOUCHES, name=f"hetzner-public-{hops}")
    def hetzner_public(net: Network, turn: int = hops) -> None:
        """Public addresses, and machines that Hetzner made: the outer router's address names the host."""
        public(net, turn)
        made_by(net, net.members, sys_vendor="Hetzner", product_name="vServer")

    @kind(Word.FALSE, Sign.VOUCHES, name=f"hetzner-listed-privately-{hops}")
    def hetzner_listed_privately(net: Network, turn: int = hops) -> None:
        """The same, listed by addresses of a private Network: hosts are seen on the way to public ones."""
        public(net, turn)
        privately(net)
        made_by(net, net.members, sys_vendor="Hetzner", product_name="vServer")


@kind(Word.FALSE, Sign.REFUTES)
def hetzner_without_public(net: Network) -> None:
    """The same, with default ways out by the private Network, as machines without a public address have."""
    public(net, 2)
    privately(net, out=True)
    made_by(net, net.members, sys_vendor="Hetzner", product_name="vServer")


@kind(Word.SOUND, Sign.VOUCHES)
def hetzner_public_alone(net: Network) -> None:
    """Everybody is alone on a host."""
    public(net, 2)
    for name in [name for name in net.members if not name.endswith("g0")]:
        del net.members[name]
    made_by(net, net.members, sys_vendor="Hetzner", product_name="vServer")


@kind(Word.FALSE, Sign.REFUTES)
def hetzner_networks_named(net: Network) -> None:
    """Private Networks, and machines that Hetzner made: no router there names a host."""
    net.router("f")
    names = across(net, [net.router("n", "f"), net.router("m", "f")], gateway=PRIVATE, hardware=HARDWARE)
    made_by(net, names, sys_vendor="Hetzner", product_name="vServer")


@kind(Word.ASTRAY)
def same_front_elsewhere(net: Network) -> None:
    """Networks of the same shape that nobody's firmware says are Hetzner's."""
    public(net, 3)


@kind(Word.FALSE)
def front_of_racks(net: Network) -> None:
    """The first router is 172.31.1.1 to everybody, the second one the rack's, and hosts are no gateways."""
    for rack in spread(net, 2, net.router("s")):
        own = f"88.99.159.{rack[1:]}"
        net.chain(rack, "filter output 0", f"icmp type time-exceeded ip saddr set {own}")
        for n in range(net.number(4, 2, 5)):
            front = net.router(f"{rack}f{n}", rack)
            net.guest(
                f"{rack}g{n}",
                front,
                on=f"{rack}m{n // 2}",
                gateway=GATEWAY,
                address=f"65.108.{rack[1:]}.{n + 1}",
            )
