"""What many kinds of network are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.networks.zoo.network import Network, Wire

CALICO = "ee:ee:ee:ee:ee:ee"


def guests(
    net: Network,
    behind: str,
    usual: int = 2,
    *,
    least: int = 1,
    on: str = "",
    gateway: str = "",
    hardware: str = "",
) -> list[str]:
    """Add guests behind a router or on a LAN, named after it, on the host of that name or `on` another."""
    names = [f"{behind}g{n}" for n in range(net.number(usual, least, 4))]
    return [net.guest(name, behind, on=on, gateway=gateway, hardware=hardware) for name in names]


def hosts(
    net: Network, behind: str, usual: int = 3, *, least: int = 1, gateway: str = "", hardware: str = ""
) -> list[str]:
    """Add hosts with guests, `least` at the least, behind a router or on a LAN.

    In a random network all may see what Calico shows, which no audit may take for more than it is.
    """
    if not gateway and not net.six and net.random and net.random.random() < 0.3:
        gateway, hardware = "169.254.1.1", CALICO
    names = [net.router(f"{behind}h{n}", behind) for n in range(net.number(usual, 2, 5))]
    for name in names:
        guests(net, name, least=least, gateway=gateway, hardware=hardware)
    return names


def across(
    net: Network,
    behind: Sequence[str],
    usual: int = 4,
    *,
    gateway: str = "",
    hardware: str = "",
    wire: Wire = Wire.CABLE,
) -> list[str]:
    """Add hosts that are bridges, each with a guest behind every one of these; return the guests."""
    return [
        net.guest(f"{part}g{n}", part, on=f"m{n}", gateway=gateway, hardware=hardware, wire=wire)
        for n in range(net.number(usual, 2, 5))
        for part in behind
    ]


def along(
    net: Network,
    behind: str,
    usual: int = 6,
    *,
    gateway: str = "",
    hardware: str = "",
    wire: Wire = Wire.CABLE,
) -> list[str]:
    """Add hosts that are bridges with two guests each, all behind one router or on one LAN."""
    return [
        net.guest(f"g{n}", behind, on=f"m{n // 2}", gateway=gateway, hardware=hardware, wire=wire)
        for n in range(net.number(usual, 3, 8))
    ]


def hidden(net: Network, name: str, host: str, gateways: int = 1) -> str:
    """Add a guest of a host behind gateways that it shares with nobody."""
    behind = host
    for n in range(gateways):
        behind = net.router(f"{name}w{n}", behind)
    return net.guest(name, behind, on=host)


def spread(net: Network, number: int, behind: str, name: str = "r") -> list[str]:
    """Add routers behind one."""
    return [net.router(f"{name}{n}", behind) for n in range(number)]


def forward(net: Network, routers: Iterable[str], *rules: str) -> None:
    """Let routers do to all that they forward what the nftables rules say."""
    for router in routers:
        net.chain(router, "filter forward 0", *rules)


def second_card(net: Network, name: str, router: str, rule: str = "") -> str:
    """Give a guest a card on another router, and return its address there.

    What `rule` selects, as `ip rule` has it, goes out by that; "{}" stands for the address.
    """
    net.join(name, router)
    end = net.nodes[name].ends[-1]
    if rule:
        gateway = next(other for other in end.link.ends if other is not end)
        net.nodes[name].commands += [
            f"route add default via {gateway.address} dev {end.device} table 77",
            f"rule add pref 50 {rule.format(end.address)} lookup 77",
        ]
    return end.address


def of_host(net: Network, host: str) -> list[str]:
    """Return the members on a host."""
    return [name for name in net.members if net.hosts[name] == host]


def tight(net: Network, behind: str, numbers: Sequence[int], name: str = "h") -> list[str]:
    """Add hosts with so many guests each."""
    names = [net.router(f"{name}{n}", behind) for n in range(len(numbers))]
    for host, number in zip(names, numbers, strict=True):
        for g in range(number):
            net.guest(f"{host}g{g}", host)
    return names


def some_of(net: Network, *numbers: int) -> list[int]:
    """Return numbers of guests, drawn if the network is."""
    return [net.number(n, max(1, n - 1), n + 1) for n in numbers]
