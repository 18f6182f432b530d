"""Build networks of namespaces with iproute2, knowing nothing of the lab.

A `Network` is the truth (which guest is on which host) and an inventory of guests by namespace.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

BUILT = count()


@dataclass
class Network:
    """Namespaces under construction, all named after `prefix`."""

    prefix: str
    namespaces: list[str] = field(default_factory=list)
    guests: dict[str, str] = field(default_factory=dict)  # namespace -> address
    host_of: dict[str, str] = field(default_factory=dict)  # the truth
    links: Iterator[int] = field(default_factory=count)
    last: tuple[str, str] = ("", "")  # the two ends of the link made last

    def add(self, name: str, *, router: bool = False) -> str:
        """Make a namespace, a router's forwarding."""
        full = f"{self.prefix}{name}"
        ip(f"netns add {full}")
        self.namespaces.append(full)
        self.inside(full, "link set lo up")
        if router:
            sysctl(full, "ipv4.ip_forward", "1")
            sysctl(full, "ipv6.conf.all.forwarding", "1")
        return full

    def inside(self, namespace: str, *commands: str) -> None:
        """Run `ip` commands in a namespace."""
        ip(*commands, namespace=namespace)

    def join(self, a: str, b: str, *, bridge: str = "") -> None:
        """Connect b to a; where `bridge` names one in a, a's end is a port of it."""
        number = next(self.links)
        ip(f"link add l{number}a netns {a} type veth peer name l{number}b netns {b}")
        self.inside(a, f"link set l{number}a up" + (f" master {bridge}" if bridge else ""))
        self.inside(b, f"link set l{number}b up")
        self.last = f"l{number}a", f"l{number}b"

    def route(self, a: str, b: str, subnet: str, *, behind_b: str = "", default: bool = True) -> None:
        """Connect router a (.1) with b (.2) over a /30 of its own; b's default route is a."""
        self.join(a, b)
        up, down = self.last
        self.inside(a, f"addr add {subnet}.1/30 dev {up}")
        self.inside(b, f"addr add {subnet}.2/30 dev {down}")
        if default:
            self.inside(b, f"route add default via {subnet}.1")
        if behind_b:
            self.inside(a, f"route add {behind_b} via {subnet}.2")

    def guest(self, host: str, name: str, subnet: str) -> str:
        """Add a guest behind a host, in a /30 of its own that begins at `subnet`."""
        full = self.add(name)
        self.join(host, full)
        up, down = self.last
        base, _, last = subnet.rpartition(".")
        gateway, address = f"{base}.{int(last) + 1}", f"{base}.{int(last) + 2}"
        self.inside(host, f"addr add {gateway}/30 dev {up}")
        self.inside(full, f"addr add {address}/30 dev {down}", f"route add default via {gateway}")
        self.guests[full] = address
        self.host_of[full] = host
        return full

    def inventory(self, *, model: str = "routed-host") -> str:
        """Write keepapart.toml for it."""
        parts = [f'[cluster]\nname = "others"\n[network]\nmodel = "{model}"\n']
        for name, address in self.guests.items():
            parts.append(f'[[instances]]\nid = "{name}"\naddress = "{address}"\nreach = "netns:{name}"\n')
        return "\n".join(parts)


def routed(net: Network, racks: int, hosts: int, guests: int) -> Network:
    """Guests behind hosts behind rack routers behind a spine."""
    spine = net.add("spine", router=True)
    for r in range(racks):
        rack = net.add(f"r{r}", router=True)
        net.route(spine, rack, f"10.255.{r}", behind_b=f"10.{r}.0.0/16")
        racked(net, r, hosts, guests)
    return net


def racked(net: Network, r: int, hosts: int, guests: int) -> None:
    """Put hosts with guests behind the router of rack r."""
    for h in range(hosts):
        host = net.add(f"r{r}h{h}", router=True)
        net.route(f"{net.prefix}r{r}", host, f"10.254.{r * 16 + h}", behind_b=f"10.{r}.{h}.0/24")
        for g in range(guests):
            net.guest(host, f"r{r}h{h}g{g}", f"10.{r}.{h}.{4 * g}")


def podded(net: Network, pods: int, racks: int, hosts: int, guests: int) -> Network:
    """Guests behind hosts behind rack routers behind pod routers behind a spine; two racks a pod at most."""
    spine = net.add("spine", router=True)
    for p in range(pods):
        pod = net.add(f"p{p}", router=True)
        net.route(spine, pod, f"10.253.{p}", behind_b=f"10.{2 * p}.0.0/15")
        for r in range(2 * p, 2 * p + racks):
            rack = net.add(f"r{r}", router=True)
            net.route(pod, rack, f"10.255.{r}", behind_b=f"10.{r}.0.0/16")
            racked(net, r, hosts, guests)
    return net


def just_up(net: Network, hosts: int, guests: int) -> Network:
    """Guests behind hosts behind one router, over IPv6, with addresses that are not usable yet."""
    core = net.add("core", router=True)
    for h in range(hosts):
        host = net.add(f"h{h}", router=True)
        net.join(core, host)
        up, down = net.last
        net.inside(core, f"addr add fd00:ff:{h}::1/64 dev {up}")
        net.inside(host, f"addr add fd00:ff:{h}::2/64 dev {down}", f"route add default via fd00:ff:{h}::1")
        net.inside(core, f"route add fd00:{h}::/32 via fd00:ff:{h}::2")
        for g in range(guests):
            name = net.add(f"h{h}g{g}")
            net.join(host, name)
            up, down = net.last
            net.inside(host, f"addr add fd00:{h}:{g}::1/64 dev {up}")
            net.inside(
                name, f"addr add fd00:{h}:{g}::2/64 dev {down}", f"route add default via fd00:{h}:{g}::1"
            )
            net.guests[name] = f"fd00:{h}:{g}::2"
            net.host_of[name] = host
    return net


def silenced(net: Network) -> Network:
    """Keep every router from sending anything of its own, ICMP least of all."""
    for namespace in net.namespaces:
        if namespace not in net.guests:
            net.inside(namespace, "rule add pref 1 iif lo prohibit")
    return net


def flat(net: Network, guests: int) -> Network:
    """All guests on one segment; two to a host, which shows in nothing."""
    switch = net.add("switch")
    net.inside(switch, "link add br0 type bridge", "link set br0 up")
    for g in range(guests):
        name = net.add(f"g{g}")
        net.join(switch, name, bridge="br0")
        net.inside(name, f"addr add 10.0.0.{g + 1}/24 dev {net.last[1]}")
        net.guests[name] = f"10.0.0.{g + 1}"
        net.host_of[name] = f"host-{g // 2}"
    return net


def vlans(net: Network, segments: int, guests: int) -> Network:
    """Segments behind one router; the hosts cut across them."""
    router = net.add("router", router=True)
    for s in range(segments):
        net.inside(
            router, f"link add br{s} type bridge", f"link set br{s} up", f"addr add 10.0.{s}.254/24 dev br{s}"
        )
        for g in range(guests):
            name = net.add(f"s{s}g{g}")
            net.join(router, name, bridge=f"br{s}")
            net.inside(
                name, f"addr add 10.0.{s}.{g + 1}/24 dev {net.last[1]}", f"route add default via 10.0.{s}.254"
            )
            net.guests[name] = f"10.0.{s}.{g + 1}"
            net.host_of[name] = f"host-{g}"
    return net


def nft(namespace: str, rules: str) -> None:
    """Load nftables rules in a namespace."""
    subprocess.run(["ip", "netns", "exec", namespace, "nft", "-f", "-"], input=rules, text=True, check=True)


def detoured(net: Network, most: int, chooser: str) -> Network:
    """Let every host send what comes from its guests through 0 to `most` further gateways and back.

    `chooser` is what nftables chooses by: a hash of the flow, or a random number for each packet. Gateway
    n + 1 hands on to n, and the first back to the host, which so counts once more.
    """
    for host in sorted(set(net.host_of.values())):
        entries, before = [], host
        for number in range(1, most + 1):
            gateway = net.add(f"{host.removeprefix(net.prefix)}x{number}", router=True)
            net.join(host, gateway)
            (up, down), subnet = net.last, f"172.16.{number}"
            net.inside(host, f"addr add {subnet}.1/30 dev {up}")
            net.inside(gateway, f"addr add {subnet}.2/30 dev {down}")
            back = f"{subnet}.1"
            if number > 1:
                net.join(gateway, before)
                (towards, away), back = net.last, f"172.17.{number}.2"
                net.inside(gateway, f"addr add 172.17.{number}.1/30 dev {towards}")
                net.inside(before, f"addr add {back}/30 dev {away}")
            net.inside(gateway, f"route add default via {back}")
            net.inside(
                host,
                f"route add default via {subnet}.2 table {number}",
                f"rule add fwmark {number} table {number}",
            )
            sysctl(host, f"ipv4.conf.{up}.rp_filter", "0")
            entries.append(up)
            before = gateway
        interfaces = ", ".join(f'"{name}"' for name in entries)
        nft(
            host,
            f"""table ip detour {{
                chain choose {{
                    type filter hook prerouting priority mangle;
                    iifname != {{ {interfaces} }} meta mark set {chooser} mod {most + 1}
                }}
            }}""",
        )
    return net


def filtered(net: Network, rule: str) -> Network:
    """Let no router forward what the nftables `rule` matches."""
    for name in net.namespaces:
        if name not in net.guests:
            nft(
                name,
                f"""table inet filter {{
                chain forward {{
                    type filter hook forward priority 0;
                    {rule}
                }}
            }}""",
            )
    return net


BY_FLOW = "jhash ip saddr . ip daddr . udp sport . udp dport"
BY_PACKET = "numgen random"


@contextmanager
def network() -> Iterator[Network]:
    """Return an empty network that is taken down in the end, whatever happens."""
    net = Network(f"ka{os.getpid() % 10000}-{next(BUILT)}-")
    try:
        yield net
    finally:
        ip(*(f"netns del {name}" for name in net.namespaces))


def possible() -> str:
    """Say why such networks can't be built here; empty where they can."""
    if not shutil.which("ip"):
        return "iproute2 is not installed"
    if os.geteuid() != 0 or subprocess.run(["unshare", "-n", "true"], check=False).returncode:
        return "named namespaces need root"
    return ""


def ip(*commands: str, namespace: str = "") -> None:
    """Run `ip` commands in one batch."""
    where = ["-n", namespace] if namespace else []
    subprocess.run(["ip", *where, "-batch", "-"], input="\n".join(commands), text=True, check=True)


def sysctl(namespace: str, key: str, value: str) -> None:
    """Set net.KEY in a namespace."""
    path = Path("/proc/sys/net", *key.split("."))
    subprocess.run(["ip", "netns", "exec", namespace, "sh", "-c", f"echo {value} >{path}"], check=True)


def pairs(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield every unordered pair."""
    listed = list(names)
    return ((a, b) for i, a in enumerate(listed) for b in listed[i + 1 :])
