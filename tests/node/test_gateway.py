"""First routers, as routers themselves name them in real networks."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from keepapart.lab.transports.netns import _sockets_in
from keepapart.node.gateway import PROBE, Tracer, trace
from keepapart.node.node import Node, open_socket
from tests.networks import build
from tests.networks.build import Network

pytestmark = pytest.mark.skipif(bool(build.possible()), reason=build.possible())

PORT = 45454


@pytest.fixture
def net() -> Iterator[Network]:
    """Return an empty network."""
    with build.network() as made:
        yield made


def traced(net: Network, **targets: list[str]) -> dict[str, tuple[str, str]]:
    """Let guests (by the end of their names) probe others; return their first and second routers."""
    full = {name.removeprefix(net.prefix): name for name in net.guests}
    tracers = {}
    for name, others in targets.items():
        steps = [(net.guests[full[other]], PORT, distance) for distance in (1, 2) for other in others]
        family = socket.AF_INET6 if ":" in steps[0][0] else socket.AF_INET
        *sockets, kernel = _sockets_in(full[name], family, 3)
        kernel.close()
        for sock in sockets:
            open_socket(sock)
        tracers[name] = Tracer(sockets, steps)
    trace(list(tracers.values()), again=True)
    found = {}
    for name, tracer in tracers.items():
        seen = [(tracer.steps[step][2], address, times) for step, address, times in tracer.sightings()]
        first, second = ([one for one in seen if one[0] == distance] for distance in (1, 2))
        found[name] = steady(first), steady(second)
        for ended in tracer.sockets:
            ended.close()
    return found


def steady(seen: list[tuple[int, str, int]]) -> str:
    """Return the one that answered, and more than once."""
    (address,) = {address for _, address, _ in seen} or {""}
    assert not seen or sum(times for _, _, times in seen) > 1
    return address


def test_gateway_and_rack_are_found(net: Network) -> None:
    """The first router is the host, the second the rack's, as each is numbered towards the guest."""
    build.routed(net, racks=2, hosts=2, guests=2)
    found = traced(net, r0h0g0=["r1h0g0", "r1h1g0"], r0h0g1=["r1h0g0", "r1h1g0"], r0h1g0=["r1h0g0"])
    assert found == {
        "r0h0g0": ("10.0.0.1", "10.254.0.1"),
        "r0h0g1": ("10.0.0.5", "10.254.0.1"),
        "r0h1g0": ("10.0.1.1", "10.254.1.1"),
    }


def test_a_target_on_the_same_host_shows_no_second_router(net: Network) -> None:
    """Where the second step arrives, there is no router to name."""
    build.routed(net, racks=1, hosts=1, guests=2)
    assert traced(net, r0h0g0=["r0h0g1"]) == {"r0h0g0": ("10.0.0.1", "")}


def test_rate_limited_routers_are_asked_once_more(net: Network) -> None:
    """A router that has one answer left gives another a second later, and both together are enough."""
    build.routed(net, racks=1, hosts=3, guests=1)
    expected = {"r0h0g0": ("10.0.0.1", "10.254.0.1")}
    assert traced(net, r0h0g0=["r0h1g0", "r0h2g0"]) == expected
    time.sleep(1.1)
    assert traced(net, r0h0g0=["r0h1g0", "r0h2g0"]) == expected


def test_silent_routers_are_unknown(net: Network) -> None:
    """Where nobody answers there is nothing to say."""
    build.silenced(build.routed(net, racks=1, hosts=2, guests=1))
    assert traced(net, r0h0g0=["r0h1g0"]) == {"r0h0g0": ("", "")}


def test_a_shared_link_has_no_router(net: Network) -> None:
    """On a flat segment nobody answers for anybody."""
    build.flat(net, guests=2)
    assert traced(net, g0=["g1"]) == {"g0": ("", "")}


def test_ipv6_routers_are_found(net: Network) -> None:
    """The error queue of IPv6 names the host just as well."""
    host = net.add("host", router=True)
    build.sysctl(host, "ipv6.conf.all.forwarding", "1")
    for number in (0, 1):
        guest = net.add(f"g{number}")
        net.join(host, guest)
        up, down = net.last
        net.inside(host, f"addr add fd00:{number}::1/64 dev {up} nodad")
        net.inside(
            guest, f"addr add fd00:{number}::2/64 dev {down} nodad", f"route add default via fd00:{number}::1"
        )
        net.guests[guest] = f"fd00:{number}::2"
    routers = {"g0": ("fd00::1", ""), "g1": ("fd00:1::1", "")}
    assert any(traced(net, g0=["g1"], g1=["g0"]) == routers for _ in range(3))  # a busy one isn't waited for


def test_a_probe_that_arrives_counts_for_nothing() -> None:
    """A node takes a probe in and counts nothing, and its socket stays as it was for a round after."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for sock in sockets:
        open_socket(sock)
    node = Node(sockets[:1], 1)
    node.join(0, bytes(32), [("127.0.0.1", node.ports)] * 2)
    node.begin(0, 1)
    tracer = Tracer(sockets[1:], [("127.0.0.1", node.ports[0], 1), ("127.0.0.1", node.ports[0], 2)])
    trace([tracer], again=True)
    assert node.receive() >= 2
    assert not any(node.least)
    assert tracer.sightings() == []
    assert PROBE.size < 28
    for sock in sockets:
        sock.close()
