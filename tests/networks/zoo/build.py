"""Build a declared network with `ip` and `nft`, and take it down for certain.

Namespaces are named after the process that made them. Whoever finds some of a process that is no more takes
them down: nothing stays for long, even of a process that was killed.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from tests.networks.zoo.network import End, Link, Network, Node, Wire
from tests.networks.zoo.tunnels import Tunnels

NAMED = Path("/run/netns")
PREFIX = "zoo"
BUILT = count()

ROUTER = (
    "ipv4/ip_forward=1",
    "ipv6/conf/all/forwarding=1",
    "ipv4/conf/all/send_redirects=0",
    "ipv4/conf/default/send_redirects=0",
    "ipv4/fib_multipath_hash_policy=1",
    "ipv6/fib_multipath_hash_policy=1",
)


@contextmanager
def built(net: Network) -> Iterator[str]:
    """Build a network and take it down in the end; yield what the names of its namespaces begin with."""
    prefix = f"{PREFIX}{os.getpid()}-{next(BUILT)}-"
    with ExitStack() as stack:
        stack.callback(take_down, prefix)
        _batch(_bones(net, prefix))
        tunnels = stack.enter_context(Tunnels())
        for link in net.links:
            if link.wire is Wire.TUNNEL:
                tunnels.dig(*((NAMED / f"{prefix}{end.node.name}", end.device) for end in link.ends))
        _furnish((f"{prefix}{node.name}", _script(net, node)) for node in net.nodes.values())
        tunnels.carry()
        yield prefix


def take_down(prefix: str) -> None:
    """Remove all namespaces whose names begin so."""
    _batch(f"netns del {path.name}" for path in NAMED.glob(f"{prefix}*"))


def reap() -> None:
    """Remove the namespaces of processes that are no more."""
    for path in NAMED.glob(f"{PREFIX}*"):
        found = re.match(rf"{PREFIX}(\d+)-", path.name)
        if found and not Path("/proc", found[1]).exists():
            take_down(found[0])


def _bones(net: Network, prefix: str) -> Iterator[str]:
    """Yield the commands that make namespaces and the cables between them."""
    for name in net.nodes:
        yield f"netns add {prefix}{name}"
    for link in net.links:
        ends = [(end.node.name, end.device) for end in link.ends]
        if link.switch:
            cables = [((link.switch.name, f"port{n}"), end) for n, end in enumerate(ends)]
        else:
            cables = [(ends[0], ends[1])] if link.wire is Wire.CABLE else []
        for (a, one), (b, other) in cables:
            yield f"link add {one} netns {prefix}{a} type veth peer name {other} netns {prefix}{b}"


def _furnish(scripts: Iterable[tuple[str, str]]) -> None:
    """Run a shell script in each namespace, side by side: each takes some milliseconds, mostly waiting."""
    shells = []
    for namespace, script in scripts:
        command = ["nsenter", f"--net={NAMED / namespace}", "sh", "-e"]
        shell = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
        assert shell.stdin
        shell.stdin.write(script)
        shell.stdin.close()
        shells.append((shell, script))
    for script in [script for shell, script in shells if shell.wait()]:
        raise RuntimeError(f"a namespace can't be furnished by this script:\n{script}")


def _script(net: Network, node: Node) -> str:
    """Write the script that furnishes one namespace."""
    batch = f"ip {'-6 ' if net.six else ''}-batch - <<'END'"
    lines = ["for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 >$f; done"]  # which takes a second
    lines += [batch, *_devices(net, node), "END"]
    for setting in [*(ROUTER if node.forwards else ()), *node.settings]:
        key, _, value = setting.partition("=")
        lines.append(f"echo {value} >/proc/sys/net/{key}")
    lines += [batch, *_addresses(node), *_routes(net, node), *node.commands, "END"]
    if node.tables:
        lines += ["nft -f - <<'END'", *node.tables, "END"]
    if any(link.switch is node for link in net.links):
        lines.append("while ip -d link show master br0 2>&1 | grep -q 'state disabled'; do sleep 0.02; done")
    return "\n".join(lines) + "\n"


def _devices(net: Network, node: Node) -> Iterator[str]:
    yield "link set lo up"
    for end in node.ends:
        if end.link.wire is Wire.VXLAN:
            addresses = f"local {_outer(end)} remote {_outer(_peer(end))}"
            yield f"link add {end.device} type vxlan id {end.link.number} dstport 4789 {addresses}"
        if end.hardware:
            yield f"link set dev {end.device} address {end.hardware}"
        yield f"link set dev {end.device} up"
    for link in net.links:
        if link.switch is node:
            yield from _switch(link)


def _switch(link: Link) -> Iterator[str]:
    yield "link add br0 type bridge"
    yield "link set br0 up"
    for number, end in enumerate(link.ends):
        yield f"link set dev port{number} up master br0"
        if link.isolated and not end.node.forwards:
            yield f"link set dev port{number} type bridge_slave isolated on"


def _addresses(node: Node) -> Iterator[str]:
    for end in node.ends:
        yield f"addr replace {end.address}/{end.bits} dev {end.device}"
    for address in node.owns:
        yield f"addr add {address} dev lo"


def _routes(net: Network, node: Node) -> Iterator[str]:
    if not node.forwards:
        return
    for end in node.ends:
        for address in end.link.bare:
            yield f"route add {address} dev {end.device}"
    for target, firsts in net.ways(node):
        hops = [_hop(node, first) for first in firsts]
        if node.balances and len(hops) > 1:
            yield f"route add {target} " + " ".join(f"nexthop {hop}" for hop in dict.fromkeys(hops))
        else:
            yield f"route add {target} {hops[0]}"
    under = {target: firsts[0] for target, firsts in net.ways(node, [Wire.CABLE])}
    for peer in [_peer(end) for end in node.ends if end.link.wire is Wire.VXLAN]:
        if first := under.get(str(peer.node.ends[0].link.subnet)):
            yield f"route add {_outer(peer)} {_hop(node, first)}"


def _hop(node: Node, first: End) -> str:
    (own,) = [end for end in node.ends if end.link is first.link]
    return f"via {first.address} dev {own.device} onlink"


def _peer(end: End) -> End:
    return next(other for other in end.link.ends if other is not end)


def _outer(end: End) -> str:
    return end.node.ends[0].address


def _batch(commands: Iterable[str]) -> None:
    if lines := "\n".join(commands):
        subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)
