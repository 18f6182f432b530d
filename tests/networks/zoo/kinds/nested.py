"""Routers inside a host that several members share: machines with containers, pods."""

from __future__ import annotations

from collections.abc import Sequence

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.machines import kernel
from tests.networks.zoo.network import Network, Wire
from tests.networks.zoo.parts import CALICO, guests, hidden, hosts, of_host, spread


def machine(net: Network, name: str, host: str, usual: int = 2) -> list[str]:
    """Add a guest of a host that isn't a member and routes for containers, which are; nothing shows them."""
    behind = host if host in net.nodes else "r"
    inside = guests(net, net.router(name, behind), usual, on=host)
    net.hide(inside, list(net.members))
    return inside


@kind(Word.SOUND, six=None)
def nested(net: Network) -> None:
    """One host has plain guests and a machine with containers."""
    for host in net.some(hosts(net, net.router("r"), least=2)):
        machine(net, f"{host}v", host)


@kind(Word.SOUND)
def nested_two_vms(net: Network) -> None:
    """One host has plain guests and two machines with containers."""
    for host in net.some(hosts(net, net.router("r"), least=2)):
        machine(net, f"{host}v", host)
        machine(net, f"{host}w", host)
        net.hide(of_host(net, host))  # they might be ports of a router that has two hosts behind it


@kind(Word.SOUND)
def nested_racks(net: Network) -> None:
    """Such hosts among racks."""
    for rack in spread(net, net.number(2, 2, 3), net.router("s")):
        for host in net.some(hosts(net, rack, 2, least=2)):
            machine(net, f"{host}v", host)


@kind(Word.SOUND, six=None)
def nested_one(net: Network) -> None:
    """There is one container only."""
    for host in net.some(hosts(net, net.router("r"), least=2)):
        machine(net, f"{host}v", host, 1)


@kind(Word.SOUND)
def nested_link(net: Network) -> None:
    """Hosts share a link, and one has a machine with containers."""
    for host in net.some(hosts(net, net.lan("l"), least=2)):
        machine(net, f"{host}v", host)


@kind(Word.SOUND)
def nested_everywhere(net: Network) -> None:
    """Every host has plain guests and a machine with containers."""
    for host in hosts(net, net.router("r"), least=2):
        machine(net, f"{host}v", host)


@kind(Word.SOUND)
def nested_deep(net: Network) -> None:
    """Containers in a machine in a machine."""
    for host in net.some(hosts(net, net.router("r"), least=2)):
        net.router(f"{host}v", host)
        net.hide(guests(net, net.router(f"{host}w", f"{host}v"), on=host), list(net.members))
        net.hide(of_host(net, host), list(net.members))  # they might be ports at a router above two racks


@kind(Word.SOUND)
def nested_and_hidden(net: Network) -> None:
    """A host with plain guests, a machine with containers, and a guest behind a gateway of its own."""
    for host in net.some(hosts(net, net.router("r"), least=2)):
        machine(net, f"{host}v", host)
        net.hide([hidden(net, f"{host}x", host)], list(net.members))
        net.hide(of_host(net, host))


@kind(Word.SOUND)
def vms_and_one(net: Network) -> None:
    """One host has a machine with containers and one plain guest."""
    hosts(net, net.router("r"), 2, least=2)
    machine(net, "hv", net.router("h", "r"))
    net.hide([net.guest("one", "h")], list(net.members))


@kind(Word.ASTRAY)
def vms_alone(net: Network) -> None:
    """One host has nothing but two machines with containers, others are plain."""
    hosts(net, net.router("r"), 2, least=2)
    net.router("h", "r")
    machine(net, "hv", "h")
    machine(net, "hw", "h")


def pods(net: Network, behind: Sequence[str], *, gateway: str = "", hardware: str = "") -> list[str]:
    """Add physical hosts that are bridges, with machines in them that route for pods; return the machines."""
    machines = [(f"m{n}v{v}", f"m{n}", part) for n, part in enumerate(behind) for v in range(2)]
    for name, host, part in machines:
        guests(net, net.router(name, part), on=host, gateway=gateway, hardware=hardware)
    return [name for name, _, _ in machines]


@kind(Word.FALSE, six=None)
def k8s_lan(net: Network) -> None:
    """Machines on one link route for pods, two machines to a physical host."""
    pods(net, [net.lan("l")] * net.number(3, 2, 4))


@kind(Word.FALSE, six=None)
def k8s_routed(net: Network) -> None:
    """The same, each physical host with a subnet of its own."""
    pods(net, spread(net, net.number(3, 2, 4), net.router("s")))


@kind(Word.FALSE)
def k8s_vxlan(net: Network) -> None:
    """The same, with the pods' packets in VXLAN between the machines."""
    machines = pods(net, spread(net, net.number(3, 2, 4), net.router("s")))
    for n, name in enumerate(machines):
        for other in machines[:n]:
            net.join(name, other, wire=Wire.VXLAN)


@kind(Word.FALSE)
def k8s_one_pod(net: Network) -> None:
    """Every machine has one pod."""
    net.lan("l")
    for n in range(net.number(6, 3, 8)):
        net.guest(f"p{n}", net.router(f"v{n}", "l"), on=f"m{n // 2}")


@kind(Word.FALSE, Sign.REFUTES)
def k8s_node_network(net: Network) -> None:
    """A pod on its node's own network."""
    machines = pods(net, [net.lan("l")] * net.number(3, 2, 4))
    net.enrol(machines[0], on="m0")


def kernels(net: Network, machines: Sequence[str], *, virtual: bool = True) -> None:
    """Let the pods of each machine show its kernel."""
    for name in machines:
        own = [guest for guest in net.members if guest.startswith(f"{name}g")]
        kernel(net, own, own=False, virtual=virtual)


@kind(Word.FALSE)
def k8s_calico(net: Network) -> None:
    """Pods see what Calico shows, though their nodes are machines; of kernels they tell nothing."""
    pods(net, [net.lan("l")] * net.number(3, 2, 4), gateway="169.254.1.1", hardware=CALICO)


@kind(Word.FALSE, Sign.WARNS)
def k8s_calico_kernels(net: Network) -> None:
    """The same, and pods tell that they share a kernel, which sees a hypervisor."""
    kernels(net, pods(net, [net.lan("l")] * 3, gateway="169.254.1.1", hardware=CALICO))


@kind(Word.FALSE, Sign.WARNS)
def k8s_kernels(net: Network) -> None:
    """Pods tell so, whatever their gateways show."""
    kernels(net, pods(net, spread(net, net.number(3, 2, 4), net.router("s"))))


@kind(Word.SOUND)
def k8s_metal(net: Network) -> None:
    """Pods on nodes that are hosts: their kernels see no hypervisor."""
    names = hosts(net, net.router("r"), gateway="169.254.1.1", hardware=CALICO)
    kernels(net, names, virtual=False)


@kind(Word.SOUND, Sign.WARNS)
def firewall_between_pods(net: Network) -> None:
    """Pods of one host that a firewall parts tell one boot id, and other hosts seem to lie between them."""
    net.lan("l", net.router("fw"))
    names = [net.router(f"h{n}", "l") for n in range(3)]
    for host in names:
        a, b = guests(net, host, 2, least=2)[:2]
        net.steer(host, "fw", arriving=a, to=[b])
        net.steer(host, "fw", arriving=b, to=[a])
        net.hide([a], [b])
    kernels(net, names, virtual=False)
