"""Networks of which first routers vouch, Calico's, and what happens beside."""

from __future__ import annotations

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.kinds.addresses import translate
from tests.networks.zoo.kinds.built import cilium_vxlan
from tests.networks.zoo.kinds.mixes import filter_and_machine, loopback
from tests.networks.zoo.kinds.ways import tenants
from tests.networks.zoo.machines import kernel, of_openstack
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import (
    CALICO,
    guests,
    hidden,
    hosts,
    of_host,
    second_card,
)


@kind(Word.FALSE)
def calico_in_machines(net: Network) -> None:
    """KubeVirt or Kata on nodes that are machines: kernels of their own behind Calico's router."""
    net.lan("l")
    for m in range(net.number(3, 2, 4)):
        for v in range(2):
            guests(net, net.router(f"m{m}v{v}", "l"), on=f"m{m}", gateway="169.254.1.1", hardware=CALICO)
    kernel(net, net.members, own=True)


def beside_leaves(net: Network, rule: str = "") -> None:
    """Calico's machines, listed by the address of a second card, which leaf switches route (Multus)."""
    net.router("r")
    leaves = [net.router("la", "r"), net.router("lb", "r")]
    for h in range(net.number(3, 2, 4)):
        host = net.router(f"h{h}", "r")
        for g in range(net.number(2, 1, 3)):
            name = net.guest(f"h{h}g{g}", host, gateway="169.254.1.1", hardware=CALICO)
            net.members[name].address = second_card(net, name, leaves[g % 2], rule)


@kind(Word.FALSE)
def calico_beside_leaves(net: Network) -> None:
    """Calico's machines, listed by the address of a second card, which leaf switches route (Multus)."""
    beside_leaves(net, "from {}")
    kernel(net, net.members, own=True)


@kind(Word.FALSE)
def openstack_beside_leaves(net: Network) -> None:
    """The same of OpenStack's: what they send of themselves goes out by their hosts, and answers don't."""
    beside_leaves(net, "from {}")
    of_openstack(net)


@kind(Word.FALSE)
def openstack_listed_by_leaves(net: Network) -> None:
    """The same, and all that they send goes out by their hosts."""
    beside_leaves(net)
    of_openstack(net)


@kind(Word.FALSE)
def openstack_out_by_leaves(net: Network) -> None:
    """The same, and all that they send goes out by the leaves."""
    beside_leaves(net, "from all")
    of_openstack(net)


@kind(Word.FALSE)
def openstack_loopback_by_leaf(net: Network) -> None:
    """Guests route: they are listed by a loopback's address, which leaf switches reach by a second card."""
    beside_leaves(net)
    for number, name in enumerate(net.members):
        node, address = net.nodes[name], f"203.0.113.{number + 1}"
        node.owns.append(address)
        node.ends[-1].link.bare.append(address)
        net.members[name].address = address
    of_openstack(net)


def with_ports(net: Network, rule: str = "") -> None:
    """Calico's machines, one of them with a port at the rack's router that it is listed by."""
    names = hosts(net, net.router("r"), gateway="169.254.1.1", hardware=CALICO, least=2)
    for host in net.some(names):
        name = of_host(net, host)[0]
        net.members[name].address = second_card(net, name, "r", rule)
    net.hide(list(net.members))


@kind(Word.SOUND)
def calico_and_port(net: Network) -> None:
    """Calico's machines, one of them with a port at the rack's router that it is listed by."""
    with_ports(net, "from {}")
    kernel(net, net.members, own=True)


@kind(Word.SOUND)
def calico_port_out_by_host(net: Network) -> None:
    """The same, and what it sends goes out by its host whatever it is from."""
    with_ports(net)
    kernel(net, net.members, own=True)


@kind(Word.SOUND, Sign.VOUCHES)
def openstack_and_port(net: Network) -> None:
    """The same of OpenStack's machines, whose hosts vouch."""
    with_ports(net)
    of_openstack(net)


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


def answering(net: Network) -> None:
    """Let OpenStack's machines be behind hosts that answer by one address: Calico's devices have none."""
    calico(net)
    of_openstack(net)
    routers = [node.name for node in net.nodes.values() if CALICO in {end.hardware for end in node.ends}]
    for number, name in enumerate(routers, 1):
        loopback(net, name, f"198.51.100.{number}")
        net.setting(name, "ipv4/icmp_ratelimit=0")


@kind(Word.SOUND, Sign.VOUCHES)
def openstack_named(net: Network) -> None:
    """Calico for OpenStack's machines, whose hosts name themselves."""
    hosts(net, net.router("r"), gateway="169.254.1.1", hardware=CALICO)
    answering(net)


@kind(Word.ASTRAY)
def openstack_tenants_named(net: Network) -> None:
    """The same, and between tenants is a firewall: one router answers two that are far from each other."""
    tenants(net)
    answering(net)


@kind(Word.ASTRAY)
def openstack_uncounted_named(net: Network) -> None:
    """The same, and what leaves a host isn't counted: routers of two that are two hops apart are two."""
    cilium_vxlan(net)
    answering(net)
