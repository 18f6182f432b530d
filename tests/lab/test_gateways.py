"""Gateways' hardware addresses, and the machines that guests take themselves to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keepapart.clouds import LaunchRequest
from keepapart.lab.client import Lab
from keepapart.lab.protocol import guests_folder
from keepapart.signals.platform import platform_of
from tests.lab.audits import audit, keepapart, survey, truth
from tests.lab.packets import ids_of

if TYPE_CHECKING:
    from .conftest import BringUp

CALICO, VRRP = "ee:ee:ee:ee:ee:ee", "00:00:5e:00:01:0a"


def told(lab: Lab) -> dict[str, dict[str, str]]:
    """Return what each guest tells of its machine."""
    return {i: dict(guest) for i, guest in zip(ids_of(lab), survey(lab).guests, strict=True)}


@pytest.mark.parametrize(
    "network",
    [
        {},
        {"family": "ipv6"},
        {"kind": "vlans"},
        {"extra_gateways": 1},
        {"reordered": 0.2},
        {"extra_gateways": 1, "extra_by": "flow"},
    ],
    ids=str,
)
@pytest.mark.parametrize("simulated", [False, True])
def test_guests_see_the_address_that_gateways_are_to_show(
    bring_up: BringUp, network: dict[str, Any], simulated: bool
) -> None:
    """By whatever a guest is joined to its gateway, and also where there is nothing but the world file."""
    lab = bring_up({"network": {**network, "gateway_mac": CALICO}}, simulated=simulated)
    ways = [way for routes in survey(lab).routes for way in routes]
    assert len(ways) == 9
    assert {way.gateway_mac for way in ways} == {CALICO}
    assert all(way.gateway and way.device == "eth0" for way in ways)


@pytest.mark.parametrize("model", ["auto", "routed-host"])
@pytest.mark.parametrize("simulated", [False, True])
def test_a_virtual_router_s_address_refutes_whoever_vouches(
    bring_up: BringUp, tmp_path: Path, model: str, simulated: bool
) -> None:
    """The lab vouches, the operator too; with VRRP's address to every guest nothing is said of any pair."""
    lab = bring_up({"network": {"gateway_mac": VRRP}}, simulated=simulated)
    document, found = audit(tmp_path, lab, model=model)
    assert document["network"]["standing"] == "refuted"
    assert set(found.values()) == {"unknown"}
    _, report = keepapart(tmp_path, lab, "network", model=model)
    assert any("VRRP" in against["because"] for against in report["against"])


@pytest.mark.parametrize("simulated", [False, True])
def test_addresses_that_say_nothing_leave_the_network_vouched_for(
    bring_up: BringUp, tmp_path: Path, simulated: bool
) -> None:
    """With Calico's address every verdict is the true one, as without any."""
    lab = bring_up({"network": {"gateway_mac": CALICO}, "guests": {"vendor": "QEMU"}}, simulated=simulated)
    document, found = audit(tmp_path, lab)
    assert document["network"]["standing"] == "vouched"
    assert found == truth(lab)


@pytest.mark.parametrize("simulated", [False, True])
def test_guests_are_machines_of_the_vendor_that_the_world_names(bring_up: BringUp, simulated: bool) -> None:
    """Each tells the vendor's texts, a machine id and a boot id of its own, and a kernel of its own."""
    texts = {"vendor": "Hetzner", "product_name": "vServer", "bios_version": "20171111"}
    found = told(bring_up({"guests": texts}, simulated=simulated))
    assert len(found) == 9
    for guest in found.values():
        assert platform_of(guest) == "hetzner"
        assert (guest["product"], guest["bios_version"], guest["kernel"]) == ("vServer", "20171111", "own")
    for name in ("boot_id", "machine"):
        assert len({guest[name] for guest in found.values()}) == 9


@pytest.mark.parametrize("simulated", [False, True])
def test_a_machine_lives_as_long_as_its_instance(bring_up: BringUp, simulated: bool) -> None:
    """A migration changes nothing, a start the boot id; a terminated instance's files go with it."""
    lab = bring_up({"guests": {"vendor": "QEMU"}, "clusters": []}, simulated=simulated)
    for number in range(2):
        lab.launch(LaunchRequest(f"t{number}", {}))
    before = told(lab)
    home = lab.truth()["i-0001"].host
    lab.move("i-0001", "a-1" if home != "a-1" else "b-1")
    assert told(lab) == before
    lab.stop("i-0001")
    lab.start("i-0001")
    after = told(lab)
    assert after["i-0001"]["machine"] == before["i-0001"]["machine"]
    assert after["i-0001"]["boot_id"] != before["i-0001"]["boot_id"]
    assert after["i-0002"] == before["i-0002"]
    lab.terminate("i-0001")
    assert [path.name for path in guests_folder(lab.name).iterdir()] == ["i-0002"]
    lab.down()
    assert not guests_folder(lab.name).exists()
