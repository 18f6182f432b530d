"""Networks that mislead: real packets meet what the world file says, and the twin counts the same."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.lab.packets import arrivals, counts_as, ids_of, measure, seen

if TYPE_CHECKING:
    from .conftest import BringUp

FLOWS = 12


def world(network: dict[str, Any], a: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return two racks of two hosts that share out nine instances, the first with keys of its own."""
    racks = [{"name": "a", "hosts": 2, "capacity": 3, **(a or {})}, {"name": "b", "hosts": 2, "capacity": 3}]
    return {"network": network, "racks": racks, "scheduler": {"seed": 5}}


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize(
    ("network", "a"),
    [
        ({"extra_gateways": 1}, {}),
        ({"extra_gateways": 1, "silent": True}, {"extra_gateways": 2}),
        ({}, {"extra_gateways": 1}),
        ({"extra_gateways": 2, "reordered": 0.3}, {}),
        ({"detour": 2}, {}),
        ({"nat": "rack"}, {}),
        ({"nat": "host"}, {}),
        ({"rewrite_ttl": 64}, {}),
        ({"rewrite_ttl": 64, "rewrite_at": "host"}, {}),
        ({"rewrite_ttl": 64, "rewrite_at": "spine"}, {}),
        ({"rewrite_ttl": 65}, {}),
        ({"rewrite_ttl": 255}, {}),
        ({"rewrite_at": "spine", "rewrite_ttl": 70, "detour": 1}, {"rewrite_ttl": 60, "extra_gateways": 1}),
        ({"initial_ttl": 128}, {}),
        ({"udp": False}, {}),
    ],
    ids=str,
)
def test_what_is_certain_is_counted_as_computed(
    real: BringUp, bring_up: BringUp, network: dict[str, Any], a: dict[str, Any], family: str
) -> None:
    """Where nothing is left to chance, real packets count exactly the hops that the twin computes."""
    document = world({**network, "family": family}, a)
    lab, twin = real(document), bring_up(document, name="twin", simulated=True)
    ids = ids_of(lab)
    expected = twin.hops(ids, 1)[0]
    patience = 5.0 if (expected > 0).sum() == 72 else 0.0  # of those that come too near, nothing is awaited
    assert any(measure(lab, ids, patience).tolist() == expected.tolist() for _ in range(3))


def podded(network: dict[str, Any], *pods: str) -> dict[str, Any]:
    """Return a rack of two hosts in each of these pods ("": in none), that share out fourteen instances."""
    racks = [
        {"name": f"r{number}", "hosts": 2, "capacity": 3, **({"pod": pod} if pod else {})}
        for number, pod in enumerate(pods, 1)
    ]
    return {
        "network": network,
        "racks": racks,
        "clusters": [{"name": "orders", "size": min(14, 6 * len(pods))}],
        "scheduler": {"seed": 2},
    }


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize(
    ("network", "pods"),
    [
        ({}, ["p", "p", "q", "q"]),
        ({"silent": True}, ["p", "p"]),
        ({}, ["p", "q", "", "p", ""]),
        ({"detour": 2}, ["p", "q", "", "p"]),
        ({"nat": "rack"}, ["p", "p", "q"]),
        ({"rewrite_ttl": 64}, ["p", "p", "q", ""]),
        ({"rewrite_ttl": 64, "rewrite_at": "spine"}, ["p", "p", "q", ""]),
        ({"extra_gateways": 1, "rewrite_ttl": 64, "rewrite_at": "host"}, ["p", "p", "q"]),
    ],
    ids=str,
)
def test_pods_are_counted_as_computed(
    real: BringUp, bring_up: BringUp, network: dict[str, Any], pods: list[str], family: str
) -> None:
    """Racks in pods, in none, pods alone, and whatever the network does besides: the twin counts it too."""
    document = podded({**network, "family": family}, *pods)
    lab, twin = real(document), bring_up(document, name="twin", simulated=True)
    ids = ids_of(lab)
    assert lab.truth() == twin.truth()
    assert {where.pod for where in lab.truth().values()} == set(pods)
    assert counts_as(twin, lab, ids)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize(
    ("network", "a"),
    [
        ({"extra_gateways": 2, "extra_by": "flow"}, {}),
        ({"extra_gateways": 3, "extra_by": "packet"}, {}),
        ({"extra_by": "packet", "silent": True}, {"extra_gateways": 2}),
        ({"spines": 3}, {}),
        ({"spines": 2, "detour": 3, "extra_gateways": 1, "extra_by": "flow"}, {}),
    ],
    ids=str,
)
def test_what_is_left_to_chance_stays_within_what_is_computed(
    real: BringUp, bring_up: BringUp, network: dict[str, Any], a: dict[str, Any], family: str
) -> None:
    """Real packets take the lengths that the twin computes: no other, and all of them by some pair."""
    document = world({**network, "family": family}, a)
    lab, twin = real(document), bring_up(document, name="twin", simulated=True)
    ids = ids_of(lab)
    counts = twin.hops(ids, 64)
    found = seen(arrivals(lab, ids, flows=FLOWS), ids)
    for at, to in np.ndindex(len(ids), len(ids)):
        if at != to:
            assert found[at][to] <= set(counts[:, at, to].tolist())
    kinds: dict[frozenset[int], set[int]] = {}
    for at, to in np.ndindex(len(ids), len(ids)):
        kinds.setdefault(frozenset(counts[:, at, to].tolist()), set()).update(found[at][to])
    assert all(expected - {0} == met for expected, met in kinds.items())


@pytest.mark.parametrize(("extra_by", "steady"), [("flow", True), ("packet", False)])
def test_a_flow_keeps_its_way_or_not(real: BringUp, extra_by: str, steady: bool) -> None:
    """By flow, every packet of a flow meets the same gateways; by packet, each meets its own."""
    lab = real(world({"extra_gateways": 3, "extra_by": extra_by}))
    met: dict[tuple[str, str, int], set[int]] = {}
    for sender, receiver, flow, _, count, _ in arrivals(lab, ids_of(lab), flows=2, each=6):
        met.setdefault((sender, receiver, flow), set()).add(count)
    assert all(len(counts) == 1 for counts in met.values()) == steady


@pytest.mark.parametrize(
    "network",
    [{}, {"family": "ipv6"}, {"kind": "flat"}, {"kind": "vlans"}, {"kind": "vlans", "family": "ipv6"}],
    ids=str,
)
def test_the_share_that_is_lost_is_the_one_asked_for(real: BringUp, network: dict[str, Any]) -> None:
    """Of 2,880 packets the asked share is lost, give or take five standard deviations."""
    lab = real(world({**network, "loss": 0.3}))
    found = arrivals(lab, ids_of(lab), each=40, patience=0)
    assert abs(1 - len(found) / 2880 - 0.3) < 5 * (0.3 * 0.7 / 2880) ** 0.5


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_the_share_that_comes_twice_is_the_one_asked_for(real: BringUp, family: str) -> None:
    """Of 2,880 packets the asked share arrives twice, the copy by as many hops as the packet."""
    lab = real(world({"family": family, "duplicates": 0.4}))
    found = Counter(arrivals(lab, ids_of(lab), each=40))
    assert len(found) == 2880
    assert set(found.values()) == {1, 2}
    assert abs(found.total() / 2880 - 1.4) < 5 * (0.4 * 0.6 / 2880) ** 0.5


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_what_is_held_up_is_overtaken(real: BringUp, family: str) -> None:
    """With a share held up packets of a flow arrive behind later ones, next to none without; none is lost."""
    overtaken = []
    for share in (0.0, 0.3):
        lab = real(world({"family": family, "reordered": share}))
        found = arrivals(
            lab, ids_of(lab)[:3], each=40, size=1000, quiet=0.5
        )  # more than the slow cable takes
        order: dict[tuple[str, str], list[int]] = {}
        for sender, receiver, _, number, _, _ in found:
            order.setdefault((sender, receiver), []).append(number)
        assert len(found) == 6 * 40
        overtaken.append(sum(a > b for numbers in order.values() for a, b in pairwise(numbers)))
        lab.down()
    assert overtaken[1] > 10 * overtaken[0]


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("nat", ["host", "rack"])
def test_translated_senders_are_seen_as_their_host_or_rack(real: BringUp, nat: str, family: str) -> None:
    """Behind NAT the receiver sees the translator's address; on this side of it, the sender's own."""
    lab = real(world({"nat": nat, "family": family}))
    truth, own = lab.truth(), {one.id: one.address for one in lab.instances()}
    by_place: dict[str, set[str]] = {}
    for sender, receiver, _, _, _, address in arrivals(lab, ids_of(lab)):
        if nat == "rack" and truth[sender].rack == truth[receiver].rack:
            assert address == own[sender]
        else:
            assert address not in own.values()
            by_place.setdefault(getattr(truth[sender], nat), set()).add(address)
    assert all(len(addresses) == 1 for addresses in by_place.values())
    assert len(set.union(*by_place.values())) == len(by_place)


CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=float(sys.argv[3])).close()
except ConnectionRefusedError:
    sys.exit(3)
except TimeoutError:
    sys.exit(4)
"""
PING = """
import socket, sys
v6 = ":" in sys.argv[1]
family, protocol = (socket.AF_INET6, 58) if v6 else (socket.AF_INET, 1)
ping = socket.socket(family, socket.SOCK_DGRAM, protocol)
ping.settimeout(5)
ping.setsockopt(socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP, 51 if v6 else 12, 1)
ping.sendto(bytes([128 if v6 else 8, 0, 0, 0, 0, 1, 0, 1]), (sys.argv[1], 0))
_, ancillary, _, _ = ping.recvmsg(64, 64)
sys.exit(int.from_bytes(ancillary[0][2], sys.byteorder))
"""


@pytest.mark.parametrize(
    ("network", "passes"),
    [
        ({"tcp_port": 80}, {80}),
        ({"tcp_port": 80, "family": "ipv6"}, {80}),
        ({"tcp_port": 80, "kind": "flat", "family": "ipv6"}, {80}),
        ({"tcp_port": 80, "kind": "vlans"}, {80}),
        ({}, {80, 81}),
        ({"kind": "flat"}, {80, 81}),
        ({"tcp": False}, set()),
        ({"tcp": False, "family": "ipv6"}, set()),
        ({"tcp": False, "kind": "vlans", "family": "ipv6"}, set()),
    ],
    ids=str,
)
def test_what_is_filtered_is_dropped_and_the_rest_passes(
    real: BringUp, network: dict[str, Any], passes: set[int]
) -> None:
    """Filtered UDP and TCP vanish without a word; ICMP passes, and TCP to the ports that are left."""
    lab = real(world({**network, "udp": False}))
    address = lab.describe(["i-0002"])["i-0002"].address
    assert arrivals(lab, ["i-0001", "i-0002"], patience=0) == []
    assert lab.exec("i-0001", [sys.executable, "-c", PING, address]) in range(58, 65)
    for port in (80, 81):
        wait = "5" if port in passes else "0.2"
        done = lab.exec("i-0001", [sys.executable, "-c", CONNECT, address, str(port), wait])
        assert done == (3 if port in passes else 4)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_instances_answer_with_the_initial_time_to_live_asked_for(real: BringUp, family: str) -> None:
    """An answer sets out with the instance's own time-to-live, whatever the packet's that it answers."""
    lab = real(world({"initial_ttl": 128, "family": family}))
    truth = lab.truth()
    other = next(one for one in ids_of(lab) if truth[one].rack != truth["i-0001"].rack)
    address = lab.describe([other])[other].address
    assert lab.exec("i-0001", [sys.executable, "-c", PING, address]) == 128 - 5
