"""Kinds of network whose routers are no hosts, or are passed by: real packets, the twin, and who vouches."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keepapart.lab.cloud import LabCloud
from tests.lab.audits import audit, survey, truth
from tests.lab.packets import counts_as, ids_of, measure

if TYPE_CHECKING:
    from .conftest import BringUp

FRONT, VRRP, CALICO = "172.31.1.1", "00:00:5e:00:01:0a", "ee:ee:ee:ee:ee:ee"
KINDS: list[dict[str, Any]] = [
    {"bypass": 1},
    {"bypass": 3, "family": "ipv6"},
    {"bypass": 2, "bypass_to": "spine"},
    {"bypass": 3, "bypass_to": "spine", "family": "ipv6"},
    {"floating": 3},
    {"floating": 3, "family": "ipv6"},
    {"floating": 20, "extra_gateways": 1, "detour": 1},
    {"floating": 2, "rewrite_ttl": 64},
    {"firewalled": 2},
    {"firewalled": 3, "family": "ipv6", "detour": 1},
    {"machines": 2},
    {"machines": 2, "family": "ipv6"},
    {"front": FRONT},
    {"front": FRONT, "turn": "outer"},
    {"front": FRONT, "turn": "straight"},
    {"kind": "leaves"},
    {"kind": "leaves", "leaves": 2, "family": "ipv6"},
    {"kind": "distributed", "tenants": 3},
    {"kind": "distributed", "family": "ipv6"},
    {"kind": "fabric"},
    {"kind": "fabric", "family": "ipv6"},
    {"rack": {"kind": "bridged"}},
    {"rack": {"kind": "bridged", "gateway_mac": VRRP}, "family": "ipv6"},
    {"rack": {"kind": "bridged"}, "spines": 1, "detour": 1},
    {"rack": {"bypass": 4}, "bypass_to": "spine"},
]


def world(keys: dict[str, Any]) -> dict[str, Any]:
    """Return three racks of two hosts, two of them in a pod if there may be, that share out ten instances.

    The keys are of the network, and under "rack" of the first one.
    """
    network = {key: value for key, value in keys.items() if key != "rack"}
    routed = network.get("kind", "routed-host") == "routed-host"
    racks = [
        {"name": name, "hosts": 2, "capacity": 10, **({"pod": "p"} if routed and name != "c" else {})}
        for name in "abc"
    ]
    racks[0] |= keys.get("rack", {})
    clusters = [{"name": "orders", "size": 10}]
    return {"network": network, "racks": racks, "clusters": clusters, "scheduler": {"seed": 3}}


@pytest.mark.parametrize("network", KINDS, ids=str)
def test_packets_count_what_is_computed_wherever_guests_go(
    real: BringUp, bring_up: BringUp, network: dict[str, Any]
) -> None:
    """At first, after migrations within a rack and beyond, and after a stop and a start."""
    lab, twin = real(world(network)), bring_up(world(network), name="twin", simulated=True)
    ids = ids_of(lab)
    assert counts_as(twin, lab, ids)
    home = lab.truth()["i-0001"].host
    for host in (f"{home[0]}-{3 - int(home[-1])}", "c-1" if home[0] != "c" else "a-1", home):
        for one in (lab, twin):
            one.move("i-0001", host)
        assert counts_as(twin, lab, ids)
    for one in (lab, twin):
        one.move("i-0001", "c-2" if home[0] != "c" else "a-2")
        for name in ("i-0001", "i-0002"):
            one.stop(name)
        for name in ("i-0002", "i-0001"):
            one.start(name)
    assert lab.truth() == twin.truth()
    assert counts_as(twin, lab, ids)


@pytest.mark.parametrize(
    ("network", "counts"),
    [
        ({"bypass": 2}, {2, 3, 4}),
        ({"floating": 2}, {2, 4}),
        ({"floating": 8}, {4}),
        ({"firewalled": 2}, {2, 4}),
        ({"machines": 2}, {2, 4, 6}),
        ({"front": FRONT}, {2, 6}),
        ({"front": FRONT, "turn": "outer"}, {4, 6}),
        ({"front": FRONT, "turn": "straight"}, {3, 5}),
        ({"kind": "leaves"}, {2}),
        ({"kind": "leaves", "leaves": 2}, {2, 4}),
        ({"kind": "distributed"}, {2, 4}),
        ({"kind": "fabric"}, {2}),
    ],
    ids=str,
)
def test_within_a_rack_there_are_these_distances(
    bring_up: BringUp, network: dict[str, Any], counts: set[int]
) -> None:
    """As docs/lab.md has them."""
    racks = [{"name": "a", "hosts": 2, "capacity": 4}]
    document = {"network": network, "racks": racks, "clusters": [{"name": "orders", "size": 8}]}
    lab = bring_up(document, simulated=True)
    assert set(lab.hops(ids_of(lab), 1).flatten().tolist()) - {0} == counts


@pytest.mark.parametrize("network", KINDS, ids=str)
def test_the_lab_vouches_only_where_hosts_are_gateways(bring_up: BringUp, network: dict[str, Any]) -> None:
    """A port past the host or another address is the guest's own doing; routers that are no hosts aren't."""
    lab = bring_up(world(network), simulated=True)
    assert bool(LabCloud(lab).network()) == vouched(network)


@pytest.mark.parametrize("simulated", [False, True])
@pytest.mark.parametrize("network", [one for one in KINDS if "bypass_to" not in one], ids=str)
def test_no_verdict_is_false(
    bring_up: BringUp, tmp_path: Path, network: dict[str, Any], simulated: bool
) -> None:
    """Where routers are no hosts nothing is said; of ports past hosts, only that two in a rack share one."""
    lab = bring_up(world(network), simulated=simulated)
    _, found = audit(tmp_path, lab)
    if not vouched(network):
        assert set(found.values()) == {"unknown"}
        return
    true, ports = truth(lab), network.get("bypass", 0)
    wrong = {verdict for pair, verdict in found.items() if verdict != true[pair]}
    assert wrong <= ({"unknown"} if ports < 2 else {"unknown", "co-resident"})


@pytest.mark.parametrize("simulated", [False, True])
def test_of_floating_addresses_counts_say_same_at_most(
    bring_up: BringUp, tmp_path: Path, simulated: bool
) -> None:
    """The platform vouches: they are apart from others only as those are whom they share a host with.

    Among all others every verdict is there, and right.
    """
    lab = bring_up({"network": {"floating": 2}}, simulated=simulated)
    floats = {one.id for one in lab.instances() if one.address.split(".")[2] == "255"}
    assert len(floats) in range(2, 5)
    _, found = audit(tmp_path, lab)
    true = truth(lab)
    assert "co-resident" in found.values()
    assert {verdict for pair, verdict in found.items() if verdict != true[pair]} == {"unknown"}
    with_others = {one for pair in true if true[pair] == "co-resident" and pair - floats for one in pair}
    assert all(found[pair] == "unknown" for pair in true if pair & (floats - with_others))
    assert all(found[pair] == true[pair] for pair in true if not pair & floats)
    lab = bring_up({"network": {"floating": 6}}, name="all", simulated=simulated)
    assert set(audit(tmp_path, lab)[1].values()) == {"unknown"}


@pytest.mark.parametrize("simulated", [False, True])
@pytest.mark.parametrize("kind", ["routed", "bridged"])
def test_a_rack_s_gateways_show_an_address_of_their_own(
    bring_up: BringUp, tmp_path: Path, kind: str, simulated: bool
) -> None:
    """One rack's is a virtual router's, which refutes the network whoever vouches."""
    racks = [
        {"name": "a", "hosts": 2, "capacity": 3, "kind": kind, "gateway_mac": VRRP},
        {"name": "b", "hosts": 2, "capacity": 3},
    ]
    lab = bring_up({"racks": racks, "network": {"gateway_mac": CALICO}}, simulated=simulated)
    shown = {name: way.gateway_mac for name, (way,) in zip(ids_of(lab), survey(lab).routes, strict=True)}
    assert shown == {i: VRRP if where.rack == "a" else CALICO for i, where in lab.truth().items()}
    _, found = audit(tmp_path, lab, model="routed-host")
    assert set(found.values()) == {"unknown"}


def vouched(keys: dict[str, Any]) -> bool:
    """Say whether all hosts are gateways in a world of these keys."""
    others = keys.keys() & {"kind", "machines", "front", "firewalled"}
    return not others and keys.get("rack", {}).get("kind") != "bridged"


@pytest.mark.parametrize("network", [{"machines": 2}, {"front": FRONT}, {"kind": "leaves"}], ids=str)
def test_what_is_filtered_is_dropped_behind_any_router(real: BringUp, network: dict[str, Any]) -> None:
    """Filters stand at the first router, wherever that is."""
    lab = real(world({**network, "udp": False}))
    assert not measure(lab, ids_of(lab), patience=0).any()


@pytest.mark.parametrize("simulated", [False, True])
def test_containers_tell_that_their_machine_is_virtual(
    bring_up: BringUp, tmp_path: Path, simulated: bool
) -> None:
    """Those of one machine share its boot id, and whoever vouches gets no pair called separate."""
    racks = [{"name": name, "hosts": 2, "capacity": 6} for name in "ab"]
    document = {**world({"machines": 2}), "racks": racks, "guests": {"vendor": "QEMU"}}
    lab = bring_up(document, simulated=simulated)
    counts, ids = bring_up(document, name="twin", simulated=True).hops(ids_of(lab), 1)[0], ids_of(lab)
    guests = survey(lab).guests
    assert {guest["kernel"] for guest in guests} == {"shared"}
    assert len({guest["machine"] for guest in guests}) == len(ids)
    for i, j in combinations(range(len(ids)), 2):
        assert (guests[i]["boot_id"] == guests[j]["boot_id"]) == (counts[i, j] == 2)
    _, found = audit(tmp_path, lab, model="routed-host")
    true = truth(lab)
    assert set(found.values()) == {"co-resident", "unknown"}
    assert all(true[pair] == "co-resident" for pair, verdict in found.items() if verdict == "co-resident")
