"""Routers that are no hosts: fabrics, virtual routers, hubs."""

from __future__ import annotations

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.network import Network, Wire
from tests.networks.zoo.parts import across, along, spread


def isolated(net: Network, name: str, *behind: str) -> str:
    """Add a private VLAN: its router answers ARP for everybody, and nobody sees anybody else."""
    router = net.router(f"{name}r", *behind)
    net.lan(name, router, isolated=True)
    net.answers_for_all(router, f"eth{len(behind)}")
    return name


def two(net: Network, a: str = "a", b: str = "b") -> list[str]:
    """Add two routers that are linked."""
    return [net.router(a), net.router(b, a)]


@kind(Word.FALSE)
def pvlan(net: Network) -> None:
    """Two private VLANs: everybody is two hops from everybody in the same."""
    net.router("s")
    across(net, [isolated(net, "v", "s"), isolated(net, "w", "s")])


@kind(Word.FALSE)
def pvlan_one(net: Network) -> None:
    """One private VLAN."""
    along(net, isolated(net, "v"), 8)


@kind(Word.FALSE, six=None)
def hubs(net: Network) -> None:
    """Two hubs of a VPN, and each member a spoke of one."""
    across(net, two(net), wire=Wire.TUNNEL)


@kind(Word.FALSE)
def hub(net: Network) -> None:
    """One hub."""
    along(net, net.router("a"), 8, wire=Wire.TUNNEL)


@kind(Word.FALSE, Sign.REFUTES)
def vpn_mesh(net: Network) -> None:
    """A VPN in which everybody sends to everybody: one hop."""
    net.lan("vpn")
    along(net, "vpn", 6)


@kind(Word.FALSE, six=None)
def evpn(net: Network) -> None:
    """Leaf switches route, hosts are bridges with one uplink, everybody has a subnet alone."""
    leaves = two(net)
    for n in range(net.number(4, 2, 5)):
        for g in range(net.number(2, 1, 3)):
            net.guest(f"h{n}g{g}", leaves[n % 2], on=f"h{n}")


@kind(Word.FALSE, six=None)
def evpn_two_uplinks(net: Network) -> None:
    """The same with two uplinks a host, each guest by one of them."""
    across(net, two(net))


@kind(Word.FALSE)
def evpn_asymmetric(net: Network) -> None:
    """The leaf that a packet enters by routes, and the rest is bridged: everybody is two hops apart."""
    along(net, net.router("leaf"), 8)


@kind(Word.FALSE, Sign.REFUTES)
def evpn_shared(net: Network) -> None:
    """Some share a subnet on a leaf, and are one hop apart."""
    leaves = two(net)
    for leaf in leaves:
        net.lan(f"{leaf}l", leaf)
    for n in range(net.number(4, 3, 6)):
        leaf = leaves[n % 2]
        net.guest(f"h{n}g0", f"{leaf}l" if n < 3 else leaf, on=f"h{n}")
        net.guest(f"h{n}g1", leaf, on=f"h{n}")


@kind(Word.SOUND, Sign.REFUTES)
def evpn_on_hosts(net: Network) -> None:
    """Every host is the gateway of every subnet, and subnets are bridged across hosts (Proxmox's EVPN)."""
    names = [net.router(f"h{n}") for n in range(net.number(3, 2, 4))]
    for subnet in range(2):
        net.lan(f"v{subnet}", *names)
        for host in names:
            net.guest(f"{host}v{subnet}", f"v{subnet}", on=host, gateway=host)


@kind(Word.FALSE)
def leaves(net: Network) -> None:
    """Four members: leaf switches route, and each host is wired to both."""
    across(net, two(net), 2)


@kind(Word.FALSE)
def leaves_and_spine(net: Network) -> None:
    """Every leaf is two racks' gateway: what looks like a host is two racks."""
    for r, leaf in enumerate(spread(net, 2, net.router("s"), "leaf")):
        for h in range(net.number(2, 2, 3)):
            for g in range(net.number(2, 1, 3)):
                net.guest(f"r{r}h{h}g{g}", leaf, on=f"r{r}h{h}")


@kind(Word.FALSE)
def sites(net: Network) -> None:
    """A branch router at each site, a router between them."""
    across(net, spread(net, 2, net.router("wan"), "site"), 3)


@kind(Word.FALSE, six=None)
def distributed(net: Network) -> None:
    """A router for each tenant that is spread over all hosts (NSX, OVN, DVR), and one above them."""
    net.router("t0")
    across(net, [net.router("ta", "t0"), net.router("tb", "t0")])


@kind(Word.FALSE)
def distributed_tiers(net: Network) -> None:
    """Tenants' routers in two tiers."""
    net.router("t0")
    across(net, [net.router("ta", net.router("ua", "t0")), net.router("tb", net.router("ub", "t0"))], 3)


@kind(Word.FALSE)
def tenant_router(net: Network) -> None:
    """A router on a network node for each tenant."""
    net.router("x")
    across(net, [net.router("ta", "x"), net.router("tb", "x")], 3)


@kind(Word.FALSE)
def ovn(net: Network) -> None:
    """Routers that answer traces from the address that the packet was for."""
    routers = two(net)
    names = across(net, routers, 3)
    for router in routers:
        for name in names:  # an ICMP error quotes the packet: its target is 24 bytes into it
            address = net.address(name)
            rule = f"icmp type time-exceeded @th,192,32 {_number(address)} ip saddr set {address}"
            net.chain(router, "filter output 0", rule)


@kind(Word.FALSE, Sign.REFUTES)
def vlans(net: Network) -> None:
    """Two VLANs of several members behind one router."""
    net.router("r")
    across(net, [net.lan("v", "r"), net.lan("w", "r")], 3)


@kind(Word.FALSE)
def vlans_alone(net: Network) -> None:
    """A VLAN for each member, behind one of two routers by turns."""
    routers = two(net)
    for n in range(net.number(6, 3, 8)):
        net.guest(f"g{n}", net.lan(f"v{n}", routers[n % 2]), on=f"m{n // 3}")


@kind(Word.FALSE, Sign.REFUTES)
def flat(net: Network) -> None:
    """One link for all."""
    along(net, net.lan("l"))


@kind(Word.FALSE, Sign.REFUTES)
def peered(net: Network) -> None:
    """Clouds whose routers aren't counted, joined by one that is."""
    net.router("tgw")
    across(net, [net.lan("vpc0", "tgw"), net.lan("vpc1", "tgw")], 3)


def _number(address: str) -> int:
    a, b, c, d = map(int, address.split("."))
    return (a << 24) + (b << 16) + (c << 8) + d
