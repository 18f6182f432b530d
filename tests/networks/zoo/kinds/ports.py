"""Members that pass their host: a port of the network card of their own, or the host's own network."""

from __future__ import annotations

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import guests, hosts, spread


def ported(net: Network, name: str, host: str, end: str) -> None:
    """Add a member on a host whose own port ends at a router or LAN beyond it; nothing shows where it is.

    It might be the only plain guest of one host, inside which all that is behind that router is.
    """
    behind = [guest for guest in net.members if net.hosts[guest].startswith(end)]
    net.guest(name, end, on=host)
    net.hide([name, *behind])


@kind(Word.SOUND, six=None)
def sriov(net: Network) -> None:
    """One member has a port (SR-IOV, passthrough, macvtap) that ends at the rack's router."""
    for n, host in enumerate(net.some(hosts(net, net.router("r"), least=2))):
        ported(net, f"p{n}", host, "r")


@kind(Word.SOUND)
def sriov_two(net: Network) -> None:
    """Two members on two hosts have such ports: they are two hops apart."""
    for n, host in enumerate(net.some(hosts(net, net.router("r"), least=2), 2)):
        ported(net, f"p{n}", host, "r")


@kind(Word.SOUND)
def sriov_pair(net: Network) -> None:
    """Two members on one host have such ports."""
    for n, host in enumerate(net.some(hosts(net, net.router("r"), least=2))):
        ported(net, f"p{n}", host, "r")
        ported(net, f"q{n}", host, "r")


@kind(Word.SOUND)
def sriov_alone(net: Network) -> None:
    """The members with such ports are alone on their hosts."""
    hosts(net, net.router("r"), least=2)
    ported(net, "p", "m0", "r")


@kind(Word.SOUND, six=None)
def sriov_racks(net: Network) -> None:
    """Such ports in racks."""
    for rack in spread(net, net.number(2, 2, 3), net.router("s")):
        for n, host in enumerate(net.some(hosts(net, rack, 2, least=2))):
            ported(net, f"{rack}p{n}", host, rack)
    ports = [name for name in net.members if "p" in name]
    net.hide(ports, list(net.members))


@kind(Word.SOUND)
def sriov_spine(net: Network) -> None:
    """The port's network card is wired to the spine and not to the rack."""
    racks = spread(net, net.number(2, 2, 3), net.router("s"))
    names = [host for rack in racks for host in hosts(net, rack, 2, least=2)]
    for n, host in enumerate(net.some(names)):
        ported(net, f"p{n}", host, "s")
    net.hide(list(net.members))


@kind(Word.SOUND)
def sriov_one_host(net: Network) -> None:
    """All members are on one host, one of them by a port that ends at the rack's router."""
    net.router("h", net.router("r"))
    guests(net, "h", 3, least=2)
    ported(net, "p", "h", "r")
    net.hide(list(net.members))


@kind(Word.SOUND, Sign.REFUTES)
def sriov_link(net: Network) -> None:
    """Hosts share a link, and so does a member with a port: it is two hops from everybody."""
    net.lan("l", net.router("r"))
    for n, host in enumerate(net.some(hosts(net, "l", least=2))):
        ported(net, f"p{n}", host, "l")


@kind(Word.FALSE)
def brownfield(net: Network) -> None:
    """Some hosts are gateways; others are bridges, whose guests the rack's router routes."""
    hosts(net, net.router("r"), 2, least=2)
    for n in range(net.number(2, 1, 3)):
        for g in range(net.number(2, 1, 3)):
            net.guest(f"b{n}g{g}", "r", on=f"b{n}")


@kind(Word.SOUND)
def bare_metal(net: Network) -> None:
    """One member is a machine of its own on the rack's router."""
    hosts(net, net.router("r"), least=2)
    ported(net, "metal", "metal", "r")


@kind(Word.SOUND, Sign.REFUTES)
def hostnet(net: Network) -> None:
    """One member is the host itself: it is one hop from its guests."""
    for host in net.some(hosts(net, net.router("r"), least=2)):
        net.enrol(host, on=host)


@kind(Word.SOUND, Sign.REFUTES)
def macvtap_bridge(net: Network) -> None:
    """Guests of one host share a link that their host doesn't route."""
    names = hosts(net, net.router("r"), least=2)
    for host in net.some(names):
        net.lan(f"{host}l", "r")
        for n in range(2):
            net.guest(f"{host}p{n}", f"{host}l", on=host)
