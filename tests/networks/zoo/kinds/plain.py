"""Hosts that are the gateways of all their guests, wired in many ways."""

from __future__ import annotations

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.machines import of_openstack
from tests.networks.zoo.network import Network, Wire
from tests.networks.zoo.parts import CALICO, guests, hosts, spread


@kind(Word.SOUND, six=None)
def routed(net: Network) -> None:
    """Hosts behind one router."""
    hosts(net, net.router("r"))


@kind(Word.SOUND, six=True)
def routed_six(net: Network) -> None:
    """The same over IPv6."""
    hosts(net, net.router("r"))


@kind(Word.SOUND, six=None)
def one_link(net: Network) -> None:
    """Hosts on one link."""
    hosts(net, net.lan("l"))


@kind(Word.SOUND, six=None)
def racks(net: Network) -> None:
    """Hosts behind rack routers behind a spine."""
    for rack in spread(net, net.number(2, 2, 3), net.router("s")):
        hosts(net, rack, 2)


@kind(Word.SOUND, six=None)
def leaf_links(net: Network) -> None:
    """Racks whose hosts share a link with the rack's router: three hops in a rack, five beyond."""
    for rack in spread(net, net.number(2, 2, 3), net.router("s")):
        hosts(net, net.lan(f"{rack}l", rack), 2)


@kind(Word.SOUND)
def uneven_racks(net: Network) -> None:
    """One rack has a router more than another."""
    net.router("s")
    hosts(net, net.router("r0", "s"), 2)
    hosts(net, net.router("r1", net.router("p", "s")), 2)


@kind(Word.SOUND)
def pods(net: Network) -> None:
    """Racks in pods behind a spine."""
    for pod in spread(net, 2, net.router("s"), "p"):
        for rack in spread(net, net.number(2, 1, 2), pod, f"{pod}r"):
            for host in spread(net, net.number(1, 1, 2), rack, f"{rack}h"):
                guests(net, host)


@kind(Word.SOUND, six=None)
def chain(net: Network) -> None:
    """Each host hands on what is for the hosts behind it."""
    before: list[str] = []
    along = []
    for n in range(net.number(4, 3, 6)):
        before = [net.router(f"h{n}", *before)]
        along.append(guests(net, f"h{n}"))
    net.hide(along[0], along[1])  # either of two at the end may be a router inside the other
    net.hide(along[-1], along[-2])


@kind(Word.SOUND, six=None)
def ring(net: Network) -> None:
    """A chain of hosts that is closed."""
    size = net.number(4, 4, 6)
    for n in range(size):
        net.router(f"h{n}", *([f"h{n - 1}"] if n else []))
        guests(net, f"h{n}")
    net.join("h0", f"h{size - 1}")


@kind(Word.SOUND)
def star_of_hosts(net: Network) -> None:
    """One host is the router of all others (a headquarters with branches)."""
    guests(net, net.router("h"))
    for host in spread(net, net.number(3, 2, 4), "h", "b"):
        guests(net, host)
    net.hide(list(net.members))


@kind(Word.SOUND, six=None)
def two_uplinks(net: Network) -> None:
    """Hosts have an uplink to each of two spines and choose by flow."""
    spines = [net.router("s0"), net.router("s1")]
    for n in range(net.number(3, 2, 5)):
        guests(net, net.router(f"h{n}", *spines, balances=True))


@kind(Word.SOUND)
def long_way_back(net: Network) -> None:
    """From every host there is one way out, and a longer one back."""
    for n, up in enumerate(spread(net, net.number(3, 2, 4), net.router("s"), "u")):
        net.router(f"d{n}", "s")
        guests(net, net.router(f"h{n}", net.router(f"e{n}", f"d{n}"), up))
        net.steer("s", f"d{n}", to=[name for name in net.members if net.hosts[name] == f"h{n}"])
        net.steer(f"d{n}", f"e{n}", to=[name for name in net.members if net.hosts[name] == f"h{n}"])


@kind(Word.SOUND)
def reflected(net: Network) -> None:
    """Hosts share a link, and a route reflector there that names itself hands on everything."""
    names = hosts(net, net.lan("l", net.router("rr")))
    for host in names:
        others = [name for name in net.members if net.hosts[name] != host]
        net.steer(host, "rr", to=others)


@kind(Word.SOUND)
def over_vxlan(net: Network) -> None:
    """Hosts hand on to each other through VXLAN, over leaf routers and a spine."""
    names = [net.router(f"h{n}", leaf) for n, leaf in enumerate(spread(net, 3, net.router("s")))]
    for n, host in enumerate(names):
        for other in names[:n]:
            net.join(host, other, wire=Wire.VXLAN)
        guests(net, host)


@kind(Word.SOUND, six=None)
def over_vpn(net: Network) -> None:
    """Hosts hand on to each other through a mesh of tunnels."""
    names = [net.router(f"h{n}", "r") for n in range(net.number(3, 2, 4)) if n or net.router("r")]
    for n, host in enumerate(names):
        for other in names[:n]:
            net.join(host, other, wire=Wire.TUNNEL)
        guests(net, host)


@kind(Word.SOUND)
def proxy_arp(net: Network) -> None:
    """Every host has one gateway address on every guest's tap, and answers ARP for everybody."""
    for name in hosts(net, net.router("r"), gateway="192.0.2.1", hardware="fe:ff:ff:ff:ff:ff"):
        net.setting(name, "ipv4/conf/all/proxy_arp=1")


@kind(Word.SOUND)
def proxmox_bgp(net: Network) -> None:
    """Every node is 169.254.0.1 on the bridge of its guests, who each have an address alone."""
    for rack in spread(net, net.number(2, 2, 3), net.router("s")):
        for host in spread(net, net.number(2, 1, 2), rack, f"{rack}h"):
            guests(net, host, gateway="169.254.0.1")


@kind(Word.SOUND, Sign.VOUCHES)
def calico_machines(net: Network) -> None:
    """Calico for OpenStack's machines: computes are 169.254.1.1, with the hardware address of Calico."""
    hosts(net, net.router("r"), gateway="169.254.1.1", hardware=CALICO)
    of_openstack(net)


@kind(Word.SOUND, Sign.VOUCHES, six=True)
def calico_machines_six(net: Network) -> None:
    """The same over IPv6."""
    hosts(net, net.router("r"), gateway="fe80::ecee:eeff:feee:eeee", hardware=CALICO)
    of_openstack(net)


@kind(Word.SOUND, Sign.VOUCHES)
def calico_racks(net: Network) -> None:
    """The same in racks, with hosts of one guest."""
    for rack in spread(net, net.number(2, 2, 3), net.router("s")):
        hosts(net, rack, 2, gateway="169.254.1.1", hardware=CALICO)
        net.guest(f"{rack}alone", net.router(f"{rack}h", rack), gateway="169.254.1.1", hardware=CALICO)
    of_openstack(net)


@kind(Word.SOUND, six=True)
def link_local_gateway(net: Network) -> None:
    """Every host is fe80::1 to its guests."""
    hosts(net, net.router("r"), gateway="fe80::1")


@kind(Word.SOUND, six=None)
def mostly_alone(net: Network) -> None:
    """Most hosts have one guest, one host has two."""
    for n, host in enumerate(spread(net, net.number(5, 3, 7), net.router("r"), "h")):
        for g in range(1 if n else 2):
            net.guest(f"{host}g{g}", host)


@kind(Word.SOUND, six=None)
def all_alone(net: Network) -> None:
    """Every host has one guest."""
    for host in spread(net, net.number(4, 2, 7), net.router("r"), "h"):
        net.guest(f"{host}g", host)


@kind(Word.SOUND, six=None)
def one_host(net: Network) -> None:
    """All guests are on one host."""
    guests(net, net.router("h"), 4)


@kind(Word.SOUND)
def silent(net: Network) -> None:
    """No router says anything of its own."""
    for name in [*hosts(net, net.router("r")), "r"]:
        net.nodes[name].commands.append("rule add pref 1 iif lo prohibit")
