"""Hosts of an inner and an outer router, as Hetzner Cloud has them: the outer one names the host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keepapart.signals.named_host import FRONT, names_of
from keepapart.signals.sight import sights_of
from tests.lab.audits import audit, survey, truth

if TYPE_CHECKING:
    from .conftest import BringUp


def world(turn: str, **guests: str) -> dict[str, Any]:
    """Return two racks of two such hosts that share out eight instances."""
    racks = [{"name": name, "hosts": 2, "capacity": 3} for name in "ab"]
    return {
        "network": {"front": FRONT, "turn": turn, "gateway_mac": "d2:74:7f:6e:37:e3"},
        "racks": racks,
        "clusters": [{"name": "orders", "size": 8}],
        "scheduler": {"seed": 2},
        **({"guests": guests} if guests else {}),
    }


@pytest.mark.parametrize("turn", ["inner", "outer", "straight"])
def test_the_second_router_names_the_host(real: BringUp, turn: str) -> None:
    """One name for each host, whoever turns packets between its guests; leaves are silent."""
    lab = real(world(turn, vendor="Hetzner"))
    instances, extras, where = lab.instances(), survey(lab), lab.truth()
    names = names_of(sights_of(instances, extras), extras.traces)
    assert all(names)
    hosts = [where[one.id].host for one in instances]
    assert len(set(names)) == len(set(hosts)) == len(set(zip(names, hosts, strict=True)))
    seen = {router for trace in extras.traces for router in (trace.first, trace.second, trace.last)}
    assert not {"5.1.0.1", "5.2.0.1"} & seen


@pytest.mark.parametrize("turn", ["inner", "outer", "straight"])
def test_names_of_hosts_decide_where_counts_may_not(real: BringUp, tmp_path: Path, turn: str) -> None:
    """Nobody vouches for the network, and co-residents are two hops apart to four: all verdicts are right."""
    lab = real(world(turn, vendor="Hetzner"))
    document, found = audit(tmp_path, lab)
    assert document["network"]["standing"] != "vouched"
    assert found == truth(lab)
    assert {"separate", "co-resident"} == set(found.values())


@pytest.mark.parametrize("turn", ["inner", "outer", "straight"])
@pytest.mark.parametrize("vendor", ["", "QEMU"])
def test_without_the_vendor_no_router_names_a_host(
    real: BringUp, tmp_path: Path, turn: str, vendor: str
) -> None:
    """The same network under another vendor's name, or none: nothing is said of any pair."""
    lab = real(world(turn, **({"vendor": vendor} if vendor else {})))
    _, found = audit(tmp_path, lab)
    assert set(found.values()) == {"unknown"}


def test_another_front_names_no_host(real: BringUp, tmp_path: Path) -> None:
    """A first router of another address is not the one that hosts have there, whatever the vendor."""
    document = world("inner", vendor="Hetzner")
    lab = real({**document, "network": {**document["network"], "front": "172.16.0.1"}})
    _, found = audit(tmp_path, lab)
    assert set(found.values()) == {"unknown"}


def test_gateways_of_hosts_have_the_hardware_address_of_the_world(real: BringUp) -> None:
    """Guests see what the platform shows all of its guests."""
    ways = [way for routes in survey(real(world("inner"))).routes for way in routes]
    assert {(way.gateway, way.gateway_mac) for way in ways} == {(FRONT, "d2:74:7f:6e:37:e3")}
