"""Live migration: an instance goes on at another host, under its id and its address."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from keepapart.clouds import LaunchRequest
from keepapart.errors import CapacityError, CloudError, NotFoundError
from keepapart.lab.client import Lab
from tests.lab.packets import PORT, arrivals, counts_as, ids_of, measure, seen

if TYPE_CHECKING:
    from .conftest import BringUp

ROOM = 5
RACKS = [{"name": name, "hosts": 2, "capacity": ROOM} for name in ("a", "b", "c")]
CLUSTERS = [{"name": "orders", "size": 8}]


def world(network: dict[str, Any]) -> dict[str, Any]:
    """Return three racks of two hosts that share out eight instances."""
    return {"network": network, "racks": RACKS, "clusters": CLUSTERS, "scheduler": {"seed": 1}}


@pytest.mark.parametrize(
    "network",
    [
        {},
        {"family": "ipv6"},
        {"kind": "flat"},
        {"kind": "vlans"},
        {"extra_gateways": 1, "detour": 1},
        {"extra_gateways": 1, "reordered": 0.1, "family": "ipv6"},
        {"nat": "rack", "rewrite_ttl": 64, "rewrite_at": "spine"},
    ],
    ids=str,
)
def test_a_migrated_instance_is_where_it_went(
    real: BringUp, bring_up: BringUp, network: dict[str, Any]
) -> None:
    """To another rack, within one, and home again: real packets count what the twin computes."""
    lab, twin = real(world(network)), bring_up(world(network), name="twin", simulated=True)
    ids = ids_of(lab)
    home = lab.truth()["i-0001"].host
    rack = home[0]
    others = [name for name in ("a", "b", "c") if name != rack]
    before = lab.describe(["i-0001"])["i-0001"]
    for host in (f"{others[0]}-1", f"{others[0]}-2", f"{others[1]}-1", other_of(home), home):
        for one in (lab, twin):
            moved = one.move("i-0001", host)
            assert (moved.id, moved.address, moved.state) == (before.id, before.address, before.state)
            assert one.truth()["i-0001"].host == host
        assert counts_as(twin, lab, ids)


@pytest.mark.parametrize("network", [{}, {"family": "ipv6", "detour": 1}, {"extra_gateways": 1}], ids=str)
def test_a_migrated_instance_is_found_through_its_pods(
    real: BringUp, bring_up: BringUp, network: dict[str, Any]
) -> None:
    """To a rack of the same pod, of another, of none, and home: real packets count what the twin computes."""
    pods = {"a": "p", "b": "p", "c": "q", "d": "", "e": "q"}
    racks = [
        {"name": name, "hosts": 2, "capacity": ROOM, **({"pod": pod} if pod else {})}
        for name, pod in pods.items()
    ]
    document = {**world(network), "racks": racks, "clusters": [{"name": "orders", "size": 12}]}
    lab, twin = real(document), bring_up(document, name="twin", simulated=True)
    ids = ids_of(lab)
    for instance in ids[:2]:
        home = lab.truth()[instance].host
        for host in ("b-2", "a-2", "d-1", "c-1", "e-2", home):
            for one in (lab, twin):
                one.move(instance, host)
            assert counts_as(twin, lab, ids)


@pytest.mark.parametrize(
    "network", [{"spines": 2, "family": "ipv6"}, {"extra_gateways": 2, "extra_by": "packet"}], ids=str
)
def test_a_migrated_instance_meets_what_chance_there_is(
    real: BringUp, bring_up: BringUp, network: dict[str, Any]
) -> None:
    """Where paths differ by flow or packet, a migrated instance's are among those that the twin computes."""
    lab, twin = real(world(network)), bring_up(world(network), name="twin", simulated=True)
    ids = ids_of(lab)
    host = next(one for one in ("a-1", "b-1") if one != lab.truth()["i-0001"].host)
    for one in (lab, twin):
        one.move("i-0001", host)
    found, computed = seen(arrivals(lab, ids, flows=4), ids), twin.hops(ids, 64)
    for at, row in enumerate(found):
        for to, counts in enumerate(row):
            assert counts <= set(computed[:, at, to].tolist())
            assert bool(counts) == (at != to)


def other_of(host: str) -> str:
    """Name the other host of a rack."""
    return f"{host[:-1]}{3 - int(host[-1])}"


def test_sockets_live_through_a_migration(real: BringUp) -> None:
    """A socket made before goes on receiving and sending after, as an instance's own would."""
    lab = real(world({}))
    ids = ["i-0001", "i-0002"]
    addresses = {one.id: one.address for one in lab.describe(ids).values()}
    with ExitStack() as stack:
        a, b = (stack.enter_context(lab.sockets([one], 1)[one][0]) for one in ids)
        for each in (a, b):
            each.bind(("", PORT))
            each.settimeout(5)
        for host in ("c-1", "c-2"):
            lab.move("i-0001", host)
            for sender, receiver, to in ((a, b, ids[1]), (b, a, ids[0])):
                sender.sendto(b"there", (addresses[to], PORT))
                assert received(receiver) == b"there"


def received(one: socket.socket) -> bytes:
    """Return the next datagram."""
    return one.recv(64)


@pytest.mark.parametrize("network", [{}, {"extra_gateways": 1}, {"reordered": 0.1}], ids=str)
def test_a_migrated_instance_s_address_is_free_after_its_end(real: BringUp, network: dict[str, Any]) -> None:
    """No route of a migrated instance outlives it: whoever gets its address next is reached."""
    document = {
        **world(network),
        "scheduler": {"habit": "sticky"},
        "racks": [{"name": name, "hosts": 1, "capacity": 2} for name in ("a", "b", "c", "d")],
        "clusters": [{"name": "orders", "size": 3}],
    }
    lab = real(document)
    before = lab.describe(["i-0001"])["i-0001"].address
    here = lab.truth()
    free = next(host for host in ("a-1", "b-1", "c-1") if host not in {one.host for one in here.values()})
    lab.move("i-0001", free)
    lab.terminate("i-0001")
    addresses = {lab.launch(LaunchRequest(f"t{number}", {})).address for number in range(5)}
    assert before in addresses
    counts = measure(lab, ids_of(lab))
    assert sorted(set(counts.flatten().tolist()) - {0})[0] in (2, 4)
    assert (counts > 0).sum() == 7 * 6


def test_what_can_t_be_migrated_is_refused_and_stays(bring_up: BringUp) -> None:
    """A full, failed or unknown host, and an instance that doesn't run, are errors of their own."""
    lab = bring_up(world({}), simulated=True)
    truth = lab.truth()
    home = truth["i-0001"].host
    with pytest.raises(NotFoundError, match="nowhere"):
        lab.move("i-0001", "nowhere")
    with pytest.raises(NotFoundError, match="i-9999"):
        lab.move("i-9999", home)
    assert lab.move("i-0001", home).address
    lab.stop("i-0002")
    with pytest.raises(CloudError, match="stopped"):
        lab.move("i-0002", home)
    full = fill(lab, "c-1" if home != "c-1" else "b-1")
    with pytest.raises(CapacityError, match="full"):
        lab.move("i-0001", full)
    failed = other_of(home)
    lab.fail(failed)
    with pytest.raises(CloudError, match="failed"):
        lab.move("i-0001", failed)
    assert lab.truth()["i-0001"].host == home


def fill(lab: Lab, host: str) -> str:
    """Migrate instances to a host until it is full."""
    for one in ids_of(lab):
        if one not in ("i-0001", "i-0002") and sum(w.host == host for w in lab.truth().values()) < ROOM:
            lab.move(one, host)
    return host
