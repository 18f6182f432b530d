"""Which metadata service is asked, and what its answers state."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keepapart.model import FACTS, Source
from keepapart.signals.metadata import SERVICES, service_of, statement

# The platforms' own words, as cloud-init's tests and the platforms' pages have them.
TOLD = {
    "ec2": (
        {"id": "i-1", "zone": "use1-az6", "host": "h-1", "group": "g", "partition": "2", "accountId": "12"},
        {
            "project": "12",
            "zone": "use1-az6",
            "host": "h-1",
            "host_kind": "dedicated",
            "group": "g",
            "group_strategy": "partition",
            "partition": "2",
        },
    ),
    "google": (
        {"id": "1", "zone": "projects/123/zones/us-central1-a", "project": "123", "host": "/c1/r2/h3"},
        {
            "project": "123",
            "zone": "us-central1-a",
            "host": "c1/r2/h3",
            "host_kind": "google physical_host, in a block",
        },
    ),
    "azure": (
        {"vmId": "1", "subscriptionId": "s", "location": "westus", "zone": "2", "physicalZone": "westus-az3"},
        {"project": "s", "zone": "westus-az3"},
    ),
    "oracle": (
        {
            "id": "o1",
            "tenantId": "t",
            "ociAdName": "phx-ad-3",
            "faultDomain": "FD-2",
            "shape": "BM.Standard3",
        },
        {"project": "t", "zone": "phx-ad-3", "fault_domain": "FD-2", "whole_host": "true"},
    ),
    "openstack": (
        {"uuid": "u", "availability_zone": "nova", "project_id": "p"},
        {"project": "p", "zone": "nova"},
    ),
    "digitalocean": ({"id": "1", "zone": "nyc3"}, {"zone": "nyc3"}),
    "hetzner": ({"id": "1", "zone": "hel1-dc2"}, {"zone": "hel1-dc2"}),
    "linode": ({"id": "1", "host_uuid": "3a3d", "region": "us-ord"}, {"zone": "us-ord", "host": "3a3d"}),
    "vultr": ({"id": "1", "zone": "EWR"}, {"zone": "EWR"}),
    "scaleway": (
        {
            "id": "1",
            "location.zone_id": "par1",
            "location.platform_id": "10",
            "location.cluster_id": "11",
            "location.hypervisor_id": "201",
        },
        {"zone": "par1", "host": "par1/10/11/201", "host_kind": "scaleway"},
    ),
    "alibaba": ({"id": "i", "zone": "cn-a", "project": "9", "landed": "1"}, {"zone": "cn-a", "project": "9"}),
    "exoscale": ({"id": "1", "zone": "ch-gva-2"}, {"zone": "ch-gva-2"}),
    "upcloud": ({"id": "1", "zone": "fi-hel1"}, {"zone": "fi-hel1"}),
}


@pytest.mark.parametrize("platform", TOLD)
def test_a_platform_s_answers_are_facts_of_the_vocabulary(platform: str) -> None:
    """What each service says becomes facts by their names, with the machine's own id and the source."""
    told, facts = TOLD[platform]
    said = statement(platform, told)
    assert said.facts == {"platform": platform, **facts}
    assert set(said.facts) <= set(FACTS)
    assert said.source is Source.METADATA
    assert said.machine == next(iter(told.values()))


@pytest.mark.parametrize("platform", SERVICES)
def test_what_a_service_leaves_out_is_no_fact(platform: str) -> None:
    """An empty answer states the platform and nothing else."""
    assert statement(platform, {}).facts == {"platform": platform}


def test_azure_s_fault_domains_mean_something_within_a_scale_set_outside_zones_only() -> None:
    """A lone machine shows 0 too, and two sets' 0 and 1 may be one rack."""
    alone = {"vmId": "1", "location": "westus", "platformFaultDomain": "0"}
    assert "fault_domain" not in statement("azure", alone).facts
    zoned = {**alone, "zone": "1", "virtualMachineScaleSet.id": "/sets/a"}
    assert statement("azure", zoned).facts == {"platform": "azure", "zone": "westus-1"}
    within = statement("azure", {**alone, "virtualMachineScaleSet.id": "/sets/a"}).facts
    assert (within["group"], within["fault_domain"]) == ("/sets/a", "0")


def test_google_s_two_names_of_a_host_are_of_two_kinds() -> None:
    """A machine with a compact placement shows a topology, one without a name: of one host, two names."""
    topology = '{"cluster": "c", "block": "b", "subblock": "s", "host": "h"}'
    kinds = {
        statement("google", told).facts["host_kind"]
        for told in ({"host": "h"}, {"host": "/c/b/h"}, {"topology": topology}, {"topology": '{"host": "h"}'})
    }
    assert len(kinds) == 4
    assert "host" not in statement("google", {"topology": "[1, 2]"}).facts


def test_only_a_known_platform_is_asked() -> None:
    """By its firmware's marks alone; a hypervisor's are none, nor are two clouds' together."""
    assert service_of({"maker": "Linode"}) is SERVICES["linode"]
    for guest in (
        {},
        {"maker": "QEMU"},
        {"maker": "Google"},
        {"maker": "Hetzner", "asset_tag": "OracleCloud.com"},
    ):
        assert service_of(guest) is None


def test_a_container_is_not_asked() -> None:
    """What it would be told is its node's."""
    assert service_of({"maker": "Linode", "kernel": "own"}) is not None
    assert service_of({"maker": "Linode", "kernel": "shared"}) is None


@pytest.mark.parametrize("platform", SERVICES)
def test_nothing_is_asked_but_what_is_read(platform: str) -> None:
    """No recursive dump, no user data, no keys, no roles: a path that isn't read is not asked for."""
    asked = [path for path, _ in SERVICES[platform].asks]
    for word in ("user-data", "userdata", "iam", "identity/", "service-accounts", "recursive", "v1.json"):
        assert not [path for path in asked if word in path and "instance-identity/document" not in path]


def test_the_documentation_lists_all_that_is_asked() -> None:
    """docs/metadata.md has every path, and no other."""
    page = (Path(__file__).parents[2] / "docs" / "metadata.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\w+) \| `([^`]+)` \| `(/[^`]+)` \|", page, re.M)
    asked = [(name, s.addresses[0], path) for name, s in SERVICES.items() for path, _ in s.asks]
    assert listed == asked
