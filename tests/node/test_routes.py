"""What a node's kernel says of the ways out: in real namespaces, beside what `ip` says of the same."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.lab.transports.netns import _sockets_in
from keepapart.node.routes import Kernel, Way, surroundings
from tests.networks import build
from tests.networks.build import Network

namespaces = pytest.mark.skipif(bool(build.possible()), reason=build.possible())
CALICO = "ee:ee:ee:ee:ee:ee"
VRRP = "00:00:5e:00:01:2a"


@pytest.fixture
def net() -> Iterator[Network]:
    """Return an empty network."""
    with build.network() as made:
        yield made


@pytest.fixture
def pair(net: Network) -> tuple[str, str]:
    """Return a router and a guest that a cable joins, numbered by nobody yet."""
    router, guest = net.add("router", router=True), net.add("guest")
    net.join(router, guest)
    return router, guest


def ask(namespace: str, own: str, others: Sequence[str]) -> tuple[bool, list[Way]]:
    """Ask a namespace's kernel on a socket that was born there."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(one)) for one in _sockets_in(namespace, socket.AF_INET, 1)]
        return surroundings(sockets[-1], own, others)


def send(namespace: str, address: str) -> None:
    """Send a datagram, so that the kernel learns who is next."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(one)) for one in _sockets_in(namespace, family, 1)]
        sockets[0].sendto(b"x", (address, 9))


def answer_for_others(router: str, device: str) -> None:
    """Have a router answer on a link for whom it has a route to, at once."""
    build.sysctl(router, f"ipv4.conf.{device}.proxy_arp", "1")
    build.sysctl(router, f"ipv4.neigh.{device}.proxy_delay", "0")


def hardware_of(namespace: str, device: str) -> str:
    """Return the hardware address of a device."""
    command = ["ip", "-n", namespace, "-j", "link", "show", device]
    shown = subprocess.run(command, capture_output=True, check=True).stdout
    return str(json.loads(shown)[0]["address"])


DEVICES = {"br0": "vxlan", "br1": "bridge", "mac0": "vxlan", "mac1": "macvlan"}


@namespaces
def test_the_gateway_and_its_hardware_address_are_found(net: Network) -> None:
    """Of a routed guest: its own host, by address and hardware; an address of its own; one way for all."""
    build.routed(net, racks=2, hosts=1, guests=2)
    a, b, c, _ = net.guests
    send(a, net.guests[c])
    (host, up), device = (net.host_of[a], "l2a"), "l2b"
    found = ask(a, net.guests[a], [net.guests[b], net.guests[c]])
    assert found == (True, [("10.0.0.1", hardware_of(host, up), device, 1, "veth")])
    assert ask(a, net.guests[b], []) == (False, [])


@namespaces
def test_a_gateway_as_calico_has_it(net: Network, pair: tuple[str, str]) -> None:
    """Behind 169.254.1.1, on a link without a subnet, the hardware address is the one for all."""
    router, guest = pair
    up, down = net.last
    net.inside(router, f"link set {up} address {CALICO}", f"route add 10.0.0.2/32 dev {up}")
    net.inside(
        guest,
        f"addr add 10.0.0.2/32 dev {down}",
        f"route add 169.254.1.1 dev {down} scope link",
        f"route add default via 169.254.1.1 dev {down}",
    )
    answer_for_others(router, up)
    net.inside(router, "route add default dev lo")
    send(guest, "10.9.9.9")
    assert ask(guest, "10.0.0.2", ["10.9.9.9"]) == (True, [("169.254.1.1", CALICO, down, 1, "veth")])


@namespaces
def test_on_the_link_it_is_who_answers(net: Network, pair: tuple[str, str]) -> None:
    """Without a gateway the hardware address is that of whoever answers for the target: here a router."""
    router, guest = pair
    up, down = net.last
    net.inside(router, f"link set {up} address {VRRP}", f"addr add 10.0.0.1/24 dev {up}")
    net.inside(router, "route add 10.0.0.7/32 dev lo")
    answer_for_others(router, up)
    net.inside(guest, f"addr add 10.0.0.2/24 dev {down}")
    for address in ("10.0.0.7", "10.0.0.1"):
        send(guest, address)
    both = ask(guest, "10.0.0.2", ["10.0.0.7", "10.0.0.1", "10.0.0.9"])[1]
    assert both == [("", VRRP, down, 1, "veth"), ("", "", down, 1, "veth")]


@namespaces
@pytest.mark.parametrize("gateway", ["fe80::1", "fd00::1"])
def test_ipv6_gateways_are_found(net: Network, pair: tuple[str, str], gateway: str) -> None:
    """A link-local gateway as well as any other, with its hardware address."""
    router, guest = pair
    up, down = net.last
    net.inside(router, f"addr add fd00::1/64 dev {up} nodad", f"addr add fe80::1/64 dev {up} nodad")
    net.inside(guest, f"addr add fd00::2/64 dev {down} nodad", f"route add default via {gateway} dev {down}")
    net.inside(guest, f"neigh replace {gateway} lladdr {VRRP} dev {down}")
    found = ask(guest, "fd00::2", ["fd00:9::9", "fd00:9::8"])
    assert found == (True, [(gateway, VRRP, down, 1, "veth")])
    assert ask(guest, "fd00::3", ["fd00::5"]) == (False, [("", "", down, 1, "veth")])


@namespaces
def test_an_ipv4_way_may_have_an_ipv6_gateway(net: Network, pair: tuple[str, str]) -> None:
    """RFC 8950: the gateway is told as it is, and its hardware address is found among its own neighbours."""
    _, guest = pair
    _, down = net.last
    net.inside(
        guest,
        f"addr add 10.0.0.2/32 dev {down}",
        f"route add 10.9.0.0/16 via inet6 fe80::1 dev {down}",
        f"neigh replace fe80::1 lladdr {VRRP} dev {down}",
    )
    assert ask(guest, "10.0.0.2", ["10.9.9.9"])[1] == [("fe80::1", VRRP, down, 1, "veth")]


@namespaces
def test_a_tunnel_is_a_device_of_its_own_type(net: Network, pair: tuple[str, str]) -> None:
    """What leaves by a tunnel says so, by type and kind; and nothing is behind it."""
    _, guest = pair
    _, down = net.last
    net.inside(
        guest,
        f"addr add 10.0.0.2/24 dev {down}",
        "tuntap add mode tun name tun0",
        "link set tun0 up",
        "route add 10.1.0.0/16 dev tun0",
        "link add vx0 type vxlan id 5 dstport 4789 local 10.0.0.2",
        "link set vx0 up",
        "route add 10.2.0.0/16 dev vx0",
    )
    ways = ask(guest, "10.0.0.2", ["10.1.0.1", "10.2.0.1"])[1]
    assert ways == [("", "", "tun0", 65534, "tun"), ("", "", "vx0", 1, "vxlan")]


@namespaces
def test_what_hands_on_to_a_tunnel_is_one(net: Network, pair: tuple[str, str]) -> None:
    """A bridge that has it for a port, and what is above either; others are what they are."""
    _, guest = pair
    _, down = net.last
    net.inside(
        guest,
        f"addr add 10.0.0.2/24 dev {down}",
        "link add vx0 type vxlan id 5 dstport 4789 local 10.0.0.2",
        "link add br0 type bridge",
        "link add br1 type bridge",
        "link set vx0 master br0",
        "link add link br0 name mac0 type macvlan",
        f"link add link {down} name mac1 type macvlan",
        *[f"link set {device} up" for device in ("vx0", "br0", "br1", "mac0", "mac1")],
        *[f"route add 10.{n}.0.0/16 dev {device}" for n, device in enumerate(DEVICES, 1)],
    )
    ways = ask(guest, "10.0.0.2", [f"10.{n}.0.1" for n in range(1, 5)])[1]
    assert {way[2]: way[4] for way in ways} == DEVICES


@namespaces
def test_rules_decide_as_they_do_for_packets(net: Network, pair: tuple[str, str]) -> None:
    """A policy rule's table is looked up, and what it refuses is no way."""
    _, guest = pair
    _, down = net.last
    net.inside(
        guest,
        f"addr add 10.0.0.2/24 dev {down}",
        "route add default via 10.0.0.1",
        "route add default via 10.0.0.9 table 7",
        "rule add to 10.7.0.0/16 table 7",
        "route add prohibit 10.8.0.0/16",
        "route add blackhole 10.9.0.0/16",
    )
    ways = ask(guest, "10.0.0.2", ["10.6.0.1", "10.7.0.1", "10.8.0.1", "10.9.0.1", "10.0.0.2"])[1]
    assert [way[0] for way in ways] == ["10.0.0.1", "10.0.0.9"]


@namespaces
def test_an_address_that_may_be_bound_is_not_an_own_one(net: Network, pair: tuple[str, str]) -> None:
    """On a machine that lets anything be bound its own addresses are its own alone, on whatever device."""
    _, guest = pair
    _, down = net.last
    net.inside(guest, f"addr add 10.0.0.2/24 dev {down}", "addr add 192.0.2.7/32 dev lo")
    net.inside(guest, "route add default via 10.0.0.1")
    build.sysctl(guest, "ipv4.ip_nonlocal_bind", "1")
    assert [ask(guest, own, [])[0] for own in ("10.0.0.2", "192.0.2.7", "192.0.2.8")] == [True, True, False]


@namespaces
def test_an_address_of_a_card_that_nothing_leaves_by_is_not_an_own_one(
    net: Network, pair: tuple[str, str]
) -> None:
    """What comes to a second card comes another way; an address that both cards have is both's."""
    router, guest = pair
    _, first = net.last
    net.join(router, guest)
    _, second = net.last
    net.inside(
        guest,
        f"addr add 10.0.0.2/24 dev {first}",
        f"addr add 10.1.0.2/24 dev {second}",
        f"addr add 10.2.0.2/32 dev {first}",
        f"addr add 10.2.0.2/32 dev {second}",
        "addr add 10.3.0.2/32 dev lo",
        "route add default via 10.0.0.1",
    )
    owned = {
        own: ask(guest, own, ["10.9.9.9"])[0] for own in ("10.0.0.2", "10.1.0.2", "10.2.0.2", "10.3.0.2")
    }
    assert owned == {"10.0.0.2": True, "10.1.0.2": False, "10.2.0.2": True, "10.3.0.2": False}
    net.inside(guest, f"link set {second} down")
    assert ask(guest, "10.3.0.2", ["10.9.9.9"])[0], "there is no other device that anything arrives by"
    net.inside(guest, f"link set {second} up")
    assert not ask(guest, "10.0.0.2", ["10.9.9.9", "10.1.0.9"])[0], "some are reached by the other card"
    assert ask(guest, "10.1.0.2", [])[0], "nothing is known of ways out"


@namespaces
def test_of_a_crowd_of_neighbours_the_right_one_is_found(net: Network, pair: tuple[str, str]) -> None:
    """A neighbour table of several answers' length is read to its end, for each device by itself."""
    router, guest = pair
    _, down = net.last
    net.join(router, guest)
    _, other = net.last
    net.inside(guest, f"addr add 10.0.0.2/16 dev {down}", f"addr add 10.1.0.2/16 dev {other}")
    crowd = [
        f"neigh add 10.{device}.{n >> 8}.{n & 255} dev {name}"
        f" lladdr 02:00:0{device}:00:{n >> 8:02x}:{n & 255:02x}"
        for device, name in enumerate((down, other))
        for n in range(10, 910)
    ]
    net.inside(guest, *crowd)
    ways = ask(guest, "10.0.0.2", ["10.0.3.1", "10.1.3.2"])[1]
    assert [way[1:3] for way in ways] == [
        ("02:00:00:00:03:01", down),
        ("02:00:01:00:03:02", other),
    ]


class Said:
    """A kernel that says what a test makes up."""

    def __init__(self, said: list[bytes]) -> None:
        self._said = said

    def setblocking(self, _: bool) -> None:
        """Nothing blocks here."""

    def send(self, _: bytes) -> None:
        """Take any request."""

    def recv(self, _: int) -> bytes:
        if not self._said:
            raise BlockingIOError
        return self._said.pop(0)


@given(st.lists(st.binary(max_size=120), max_size=6))
def test_a_kernel_that_says_anything_ends_in_an_error_or_an_answer(said: list[bytes]) -> None:
    """Cut, empty and senseless messages end, and are never more than an `OSError`."""
    kernel = Kernel(Said(said))  # type: ignore[arg-type]  # all that asking needs
    try:
        way = kernel.way("10.0.0.1")
    except OSError:
        return
    assert way is None or len(way) == 5
