"""Guests that show that OpenStack's host ids are more than a host."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from keepapart.model import Instance
from keepapart.signals.host_ids import with_coarse_hosts

FACTS = {"platform": "openstack", "project": "p", "host": "8d1f"}
FLAGS = "flags\t\t: fpu vme{}\nmodel name : x\n"


@pytest.mark.parametrize(
    "guest",
    [
        {"asset_tag": "HUAWEICLOUD", "product": "OpenStack Nova"},
        {"asset_tag": "OpenTelekomCloud"},
        {"asset_tag": "SAP CCloud VM"},
        {"maker": "VMware, Inc.", "product": "OpenStack Compute"},
        {"maker": "Dell Inc.", "cpuinfo": FLAGS.format("")},
    ],
)
def test_a_guest_behind_a_service_of_many_machines_has_a_coarse_host(guest: Mapping[str, str]) -> None:
    """Huawei's and SAP's clouds, vSphere and bare metal: equal host ids say nothing."""
    (found,) = with_coarse_hosts([Instance("a", facts=FACTS)], [guest])
    assert found.facts == {**FACTS, "host_kind": "coarse"}


@pytest.mark.parametrize(
    ("facts", "guest"),
    [
        (FACTS, {"product": "OpenStack Nova", "cpuinfo": FLAGS.format(" hypervisor")}),
        (FACTS, {"product": "OpenStack Nova"}),
        (FACTS, {}),
        ({**FACTS, "host_kind": "host"}, {"asset_tag": "HUAWEICLOUD"}),
        ({**FACTS, "host_kind": "hypervisor"}, {"maker": "VMware, Inc."}),
        ({**FACTS, "platform": "vsphere"}, {"maker": "VMware, Inc."}),
    ],
)
def test_what_is_known_to_be_a_host_stays_one(facts: Mapping[str, str], guest: Mapping[str, str]) -> None:
    """KVM's guests, the operator's word, administrators' names, and other platforms."""
    (found,) = with_coarse_hosts([Instance("a", facts=facts)], [guest])
    assert found.facts == facts
