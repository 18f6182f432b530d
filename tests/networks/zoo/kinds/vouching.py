"""Networks of which first routers vouch, Calico's, and what happens beside."""

from __future__ import annotations

from tests.networks.zoo.kind import Word, kind
from tests.networks.zoo.kinds.addresses import translate
from tests.networks.zoo.kinds.built import cilium_vxlan
from tests.networks.zoo.kinds.mixes import filter_and_machine
from tests.networks.zoo.kinds.ways import tenants
from tests.networks.zoo.machines import kernel
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import (
    CALICO,
    guests,
    hidden,
    hosts,
    of_host,
)


@kind(Word.FALSE)
def calico_in_machines(net: Network) -> None:
    """KubeVirt or Kata on nodes that are machines: kernels of their own behind Calico's router."""
    net.lan("l")
    for m in range(net.number(3, 2, 4)):
        for v in range(2):
            guests(net, net.router(f"m{m}v{v}", "l"), on=f"m{m}", gateway="169.254.1.1", hardware=CALICO)
    kernel(net, net.members, own=True)


@kind(Word.FALSE)
def calico_beside_leaves(net: Network) -> None:
    """Calico's machines are listed by the address of a second card, which leaf switches route (Multus)."""
    net.router("r")
    leaves = [net.router("la", "r"), net.router("lb", "r")]
    for h in range(net.number(3, 2, 4)):
        host = net.router(f"h{h}", "r")
        for g in range(net.number(2, 1, 3)):
            name = net.guest(f"h{h}g{g}", host, gateway="169.254.1.1", hardware=CALICO)
            net.join(name, leaves[g % 2])
            end = net.nodes[name].ends[1]
            leaf = next(other for other in end.link.ends if other is not end)
            net.nodes[name].commands += [
                f"route add default via {leaf.address} dev {end.device} table 77",
                f"rule add pref 50 from {end.address} lookup 77",
            ]
            net.members[name].address = end.address
    kernel(net, net.members, own=True)


@kind(Word.SOUND)
def calico_and_port(net: Network) -> None:
    """Calico's machines, one of them with a port at the rack's router that it is listed by."""
    names = hosts(net, net.router("r"), gateway="169.254.1.1", hardware=CALICO, least=2)
    for host in net.some(names):
        name = of_host(net, host)[0]
        net.join(name, "r")
        end = net.nodes[name].ends[1]
        rack = next(other for other in end.link.ends if other is not end)
        net.nodes[name].commands += [
            f"route add default via {rack.address} dev {end.device} table 77",
            f"rule add pref 50 from {end.address} lookup 77",
        ]
        net.members[name].address = end.address
    net.hide(list(net.members))
    kernel(net, net.members, own=True)


@kind(Word.SOUND)
def calico_port_out_by_host(net: Network) -> None:
    """The same, and what it sends goes out by its host whatever it is from."""
    names = hosts(net, net.router("r"), gateway="169.254.1.1", hardware=CALICO, least=2)
    for host in net.some(names):
        name = of_host(net, host)[0]
        net.join(name, "r")
        net.members[name].address = net.nodes[name].ends[1].address
    net.hide(list(net.members))
    kernel(net, net.members, own=True)


@kind(Word.SOUND)
def openstack_calico_floating(net: Network) -> None:
    """networking-calico: some have floating addresses of the edge, and one a VPN of its own."""
    names = hosts(net, net.router("r", net.router("e")), gateway="169.254.1.1", hardware=CALICO, least=2)
    for n, host in enumerate(net.some(names)):
        translate(net, "e", of_host(net, host)[:1], 10 * n + 1)
    net.hide([hidden(net, "x", names[-1])], list(net.members))
    net.hide(list(net.members))


def calico(net: Network) -> None:
    """Let everybody have a kernel of its own behind Calico's hardware address."""
    for name in net.members:
        link = net.nodes[name].ends[0].link
        for end in link.ends:
            if end.node.forwards:
                end.hardware = CALICO
    kernel(net, net.members, own=True)


@kind(Word.ASTRAY)
def calico_not_counted(net: Network) -> None:
    """Calico's machines, and what leaves a host isn't counted there (eBPF into a tunnel): all at two hops."""
    cilium_vxlan(net)
    calico(net)


@kind(Word.SOUND)
def calico_filter_and_microvms(net: Network) -> None:
    """Machines and, within one, microVMs behind a Calico of its own; a policy parts plain machines."""
    filter_and_machine(net)
    calico(net)


@kind(Word.ASTRAY)
def calico_tenants(net: Network) -> None:
    """Calico's machines of two tenants, between whom a firewall is."""
    tenants(net)
    calico(net)


@kind(Word.ASTRAY)
def calico_router_machines(net: Network) -> None:
    """Calico's machines that run Calico for microVMs, alone on their hosts' measured part."""
    net.router("r")
    for n in range(net.number(2, 2, 3)):
        guests(net, net.router(f"h{n}", "r"), least=2)
    net.router("h", "r")
    for v in range(2):
        guests(net, net.router(f"hv{v}", "h"), 2, least=2, on="h")
    net.hide(list(net.members))
    calico(net)
