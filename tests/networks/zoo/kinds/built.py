"""Networks as clouds and homelabs build them, and tunnels of guests' own."""

from __future__ import annotations

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.kinds.addresses import translate
from tests.networks.zoo.kinds.lifetimes import UNCOUNTED
from tests.networks.zoo.kinds.nested import kernels
from tests.networks.zoo.network import Network, Wire
from tests.networks.zoo.parts import (
    across,
    forward,
    guests,
    hidden,
    hosts,
    of_host,
    some_of,
    spread,
    tight,
)


def uncounted(net: Network, router: str, where: str) -> None:
    """Let a router take nothing away of what matches."""
    forward(net, [router], *(f"{where} {rule}" for rule in UNCOUNTED))


def uncounted_between(net: Network, names: list[str]) -> None:
    """Let nothing be taken away of what leaves one of these hosts for a guest of another."""
    peers = [net.address(name) for name in net.members if net.hosts[name] in names]
    for host in names:
        uncounted(net, host, f'oifname "eth0" ip daddr {{ {", ".join(peers)} }}')


@kind(Word.ASTRAY)
def cilium_vxlan(net: Network) -> None:
    """Cilium in tunnel mode: what leaves a node is not counted there, so all pods are two hops apart."""
    net.lan("l")
    names = [net.router(f"h{n}", "l") for n in range(net.number(3, 2, 4))]
    for host in names:
        guests(net, host, 2, least=1)
        uncounted(net, host, 'oifname "eth0"')
    net.hide(list(net.members))
    kernels(net, names, virtual=False)


@kind(Word.ASTRAY)
def cilium_vxlan_some(net: Network) -> None:
    """The same of two nodes of four (a rolling upgrade): only between these it is so."""
    net.lan("l")
    names = tight(net, "l", some_of(net, 2, 2, 2, 2))
    uncounted_between(net, names[:2])
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def cilium_vxlan_alone(net: Network) -> None:
    """The same where those two nodes have a pod each."""
    net.lan("l", net.router("r"))
    names = tight(net, "l", [1, 1, *some_of(net, 2, 2)])
    uncounted_between(net, names[:2])
    net.hide(list(net.members))


@kind(Word.SOUND)
def cilium_native(net: Network) -> None:
    """eBPF redirects what leaves a node past its own routing: the node counts for what arrives only."""
    net.router("r")
    names = tight(net, "r", some_of(net, 2, 2, 2))
    for host in names:
        uncounted(net, host, 'oifname "eth0"')
    kernels(net, names, virtual=False)


@kind(Word.SOUND)
def incus_routed(net: Network) -> None:
    """Containers with `nictype: routed`: the host is 169.254.0.1, and answers ARP for all on its link."""
    net.lan("l", net.router("r"))
    names = [net.router(f"h{n}", "l") for n in range(net.number(3, 2, 4))]
    for host in names:
        guests(net, host, gateway="169.254.0.1")
        net.setting(host, "ipv4/conf/all/proxy_arp=1")
    kernels(net, names, virtual=False)


@kind(Word.SOUND, Sign.REFUTES)
def incus_bridge_and_routed(net: Network) -> None:
    """Two containers of one host are bridged to the hosts' link, the others are routed."""
    net.lan("l", net.router("r"))
    names = tight(net, "l", [2, 2, 2])
    for n in range(2):
        net.guest(f"b{n}", "l", on=names[0])


@kind(Word.SOUND)
def vswitch_one_bridged(net: Network) -> None:
    """Hetzner vSwitch: hosts share a link behind its router and route; one guest is bridged onto it."""
    net.lan("l", net.router("r", net.router("s")))
    names = tight(net, "l", [1, *some_of(net, 2)])
    other = net.router("q", "s")
    tight(net, other, some_of(net, 2), "k")
    net.guest("bridged", "l", on=names[1])
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def vswitch_bridged_beside_one(net: Network) -> None:
    """The same, where the only other guest on that link is alone on another host."""
    net.lan("l", net.router("r", net.router("s")))
    tight(net, "l", [1])
    other = net.router("q", "s")
    tight(net, other, some_of(net, 2, 2), "k")
    net.guest("bridged", "l", on="h9")
    net.hide(list(net.members))


@kind(Word.SOUND)
def proxmox_evpn_symmetric(net: Network) -> None:
    """Proxmox SDN: symmetric IRB between hosts over VXLAN, each guest alone in its VNet."""
    racks = spread(net, 2, net.router("s"))
    names = [net.router(f"h{n}", racks[n % 2]) for n in range(net.number(3, 2, 4))]
    for n, host in enumerate(names):
        for other in names[:n]:
            net.join(host, other, wire=Wire.VXLAN)
        guests(net, host, gateway="10.100.0.1")


@kind(Word.SOUND)
def proxmox_exit_node(net: Network) -> None:
    """The same, one host being the exit node by which all reach one machine at the rack."""
    racks = spread(net, 2, net.router("s"))
    names = [net.router(f"h{n}", racks[n % 2]) for n in range(net.number(3, 3, 4))]
    for n, host in enumerate(names):
        for other in names[:n]:
            net.join(host, other, wire=Wire.VXLAN)
        guests(net, host)
    net.guest("metal", net.router("x", names[0]), on="metal")
    net.hide(["metal"], list(net.members))
    net.hide(of_host(net, names[0]), list(net.members))


@kind(Word.SOUND)
def thunderbolt_ring(net: Network) -> None:
    """Three hosts in a ring of cables (OpenFabric), one guest a VPN's end."""
    names: list[str] = []
    for n in range(3):
        names.append(net.router(f"h{n}", *names))
        guests(net, f"h{n}", least=2)
    net.hide([hidden(net, "x", net.some(names)[0])], list(net.members))


@kind(Word.ASTRAY)
def ring_cut_with_port(net: Network) -> None:
    """Four hosts in a ring, one cable of which is out, and a router behind one with a port."""
    for n in range(4):
        net.router(f"h{n}", *([f"h{n - 1}"] if n else []))
        guests(net, f"h{n}", least=1)
    net.router("r", "h1")
    net.guest("p", "r", on="h2")
    net.hide(list(net.members))


@kind(Word.SOUND)
def floating_and_port(net: Network) -> None:
    """A port that ends at the rack's router, listed by an address that the edge translates."""
    names = hosts(net, net.router("r", net.router("e")), least=2)
    net.guest("p", "r", on=names[0])
    translate(net, "e", ["p"])
    net.hide(list(net.members))


@kind(Word.SOUND)
def clat(net: Network) -> None:
    """Some translate on a router of their own within the host (464XLAT, a router machine with 1:1 NAT)."""
    names = hosts(net, net.router("r"), least=2)
    for n, host in enumerate(net.some(names)):
        translate(net, net.router(f"w{n}", host), [net.guest(f"x{n}", f"w{n}", on=host)], n + 1)
    net.hide(list(net.members))


@kind(Word.SOUND)
def clat_two(net: Network) -> None:
    """Two guests of one host each behind such a translator."""
    names = hosts(net, net.router("r"), least=2)
    for n in range(2):
        translate(net, net.router(f"w{n}", names[0]), [net.guest(f"x{n}", f"w{n}", on=names[0])], n + 1)
    net.hide(list(net.members))


@kind(Word.FALSE)
def incus_ovn(net: Network) -> None:
    """Incus OVN networks: a distributed router each, and an uplink's router that joins them."""
    net.router("u")
    across(net, [net.router(f"n{n}", "u") for n in range(3)], 3)


@kind(Word.FALSE)
def nsx_services(net: Network) -> None:
    """NSX: a tier-1 with a service router on an edge for one tenant, a distributed one for another."""
    net.router("t0")
    across(net, [net.router("da", net.router("sa", "t0")), net.router("db", "t0")], 4)


@kind(Word.FALSE)
def l2_extended(net: Network) -> None:
    """Guests that moved keep the gateway of the host they came from."""
    names = hosts(net, net.router("r"), least=2)
    moved = of_host(net, names[0])[0]
    net.hosts[moved] = names[1]


@kind(Word.ASTRAY)
def vpn_by_other_host(net: Network) -> None:
    """A member's only network is a tunnel (L2TP, VXLAN, a tap) to a router machine on another host."""
    names = hosts(net, net.router("r"), least=2)
    net.guest("x", net.router("v", names[0]), on=names[1])
    net.hide(list(net.members))


@kind(Word.SOUND, Sign.REFUTES)
def vpn_by_other_host_tun(net: Network) -> None:
    """The same by a tunnel that shows what it is."""
    names = hosts(net, net.router("r"), least=2)
    net.guest("x", net.router("v", names[0]), on=names[1], wire=Wire.TUNNEL)


@kind(Word.ASTRAY)
def vpn_of_a_site(net: Network) -> None:
    """A router machine tunnels all of its network to one on another host."""
    names = hosts(net, net.router("r"), least=2)
    net.router("v", names[0])
    net.router("y")
    net.join("y", "v", wire=Wire.TUNNEL)
    net.guest("x", "y", on=names[1])
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def vpn_small(net: Network) -> None:
    """Two hosts, two and one guests, and one that is reached by the other host's router machine."""
    names = tight(net, net.router("r"), [2, 1])
    net.guest("x", net.router("v", names[0]), on=names[1])
    net.hide(list(net.members))


@kind(Word.ASTRAY)
def mesh_beside_leaf(net: Network) -> None:
    """Many members, two of them listed by addresses of a tunnel between hosts' guests that ends elsewhere."""
    names = tight(net, net.router("r"), some_of(net, 2, 3, 3))
    net.router("v", names[0])
    for n in range(2):
        net.guest(f"x{n}", "v", on=names[1 + n])
    net.hide(list(net.members))
