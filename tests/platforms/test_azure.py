"""Azure, against a stub whose answers have the fields of the provider's models, with azure-identity's tokens.

The token is az's: a program of that name that says one, as azure-identity asks for it.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, STOPPED, Priced
from keepapart.errors import CloudError, ConfigError
from keepapart.testing.clouds import LISTING_RULES, CloudRule
from tests.platforms.azure_stub import HOSTS, SUBSCRIPTION, WHAT, Azure
from tests.platforms.conftest import Audit
from tests.platforms.published import complaints


@pytest.fixture
def account(azure: Azure) -> Azure:
    """Return an empty subscription."""
    return azure


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, account: Azure) -> None:
    """Azure is a listing like any other."""
    for name in ("a", "b", "c"):
        account.add(name, zones=["1"])
    account.add("d", tags={"keepapart:cluster": "other"})
    with account.listing("shop/a", "shop/b", "shop/c") as it:
        rule(it)


def names(verdicts: dict[tuple[str, str], str]) -> dict[str, str]:
    """Return verdicts by the last parts of ids alone."""
    return {f"{a.rpartition('/')[2]}{b.rpartition('/')[2]}": verdict for (a, b), verdict in verdicts.items()}


def test_verdicts_are_the_placement(account: Azure, audit: Audit) -> None:
    """Fault domains of one set and zones are apart; the same number says nothing, nor does another set's."""
    one = account.set_of("one", platformFaultDomainCount=3)
    two = account.set_of("two", platformFaultDomainCount=3)
    account.add("a", fd=0, availabilitySet=one)
    account.add("b", fd=1, availabilitySet={"id": one["id"].upper()})
    account.add("c", fd=0, availabilitySet=one)
    account.add("d", fd=2, availabilitySet=two)
    account.add("e", zones=["1"])
    account.add("f", zones=["2"])
    verdicts = names(audit(account.cloud)[1])
    assert {pair for pair, verdict in verdicts.items() if verdict == "separate"} == {"ab", "bc", "ef"}
    assert "co-resident" not in verdicts.values()


def test_one_fault_domain_is_as_far_apart_as_it_goes_and_says_nothing(account: Azure, audit: Audit) -> None:
    """Max spreading shows one fault domain, whatever the numbers; so does a set that can't be read."""
    spread = account.set_of(
        "spread", "virtualMachineScaleSets", platformFaultDomainCount=1, orchestrationMode="Flexible"
    )
    account.add("a", fd=0, virtualMachineScaleSet=spread)
    account.add("b", fd=1, virtualMachineScaleSet=spread)
    assert names(audit(account.cloud)[1]) == {"ab": "unknown"}
    account.lists["virtualMachineScaleSets"][0]["properties"]["platformFaultDomainCount"] = 2
    assert names(audit(account.cloud)[1]) == {"ab": "separate"}
    account.denied.add("virtualMachineScaleSets")
    assert names(audit(account.cloud)[1]) == {"ab": "unknown"}


def test_uniform_scale_sets_are_listed_and_count_within_placement_groups(
    account: Azure, audit: Audit
) -> None:
    """Their machines are in no other list. Numbers of two placement groups aren't compared."""
    small = account.set_of("small", "virtualMachineScaleSets", orchestrationMode="Uniform",
                           platformFaultDomainCount=5, singlePlacementGroup=True)  # fmt: skip
    large = account.set_of("large", "virtualMachineScaleSets", orchestrationMode="Uniform",
                           platformFaultDomainCount=5, singlePlacementGroup=False)  # fmt: skip
    account.of_uniform(small, 0, fd=0)
    account.of_uniform(small, 1, fd=1)
    account.of_uniform(large, 2, fd=0, placement="p1")
    account.of_uniform(large, 3, fd=1, placement="p1")
    account.of_uniform(large, 4, fd=2, placement="p2")
    account.of_uniform(large, 5, fd=3)
    verdicts = names(audit(account.cloud)[1])
    assert {pair for pair, verdict in verdicts.items() if verdict == "separate"} == {"01", "23"}
    assert "co-resident" not in verdicts.values()


def test_dedicated_hosts_hold_nobody_else(account: Azure, audit: Audit) -> None:
    """By reference or as assigned, which differ in letters only; others in a zone are elsewhere."""
    account.add("a", host={"id": f"{HOSTS}/h1"})
    account.add("b", assignedHost=f"{HOSTS}/H1", hostGroup={"id": "hg"})
    account.add("c", host={"id": f"{HOSTS}/h2"})
    account.add("d", zones=["1"])
    account.add("e", zones=["1"], hostGroup={"id": "hg"})
    verdicts = names(audit(account.cloud)[1])
    assert {pair for pair, verdict in verdicts.items() if verdict == "co-resident"} == {"ab"}
    assert {pair for pair, verdict in verdicts.items() if verdict == "unknown"} == {"ae", "be", "ce", "de"}


@pytest.mark.parametrize("state", ["Updating", "Failed", "Creating", "Deleting", "Migrating"])
def test_what_is_not_settled_is_unknown(account: Azure, audit: Audit, state: str) -> None:
    """A resize is an update, and may move a machine; a failed one may be half done."""
    account.add("a", zones=["1"])
    account.add("b", zones=["2"], provisioningState=state)
    assert names(audit(account.cloud)[1]) == {"ab": "unknown"}


def test_stopped_and_deallocated_are_nowhere(account: Azure, audit: Audit) -> None:
    """The first is still billed, the second may start elsewhere."""
    account.add("a", zones=["1"])
    account.add("b", "stopped", zones=["2"])
    account.add("c", "deallocated", zones=["3"])
    found = {one.id: one.state for one in account.open().instances({})}
    assert (found["shop/b"], found["shop/c"]) == (STOPPED, STOPPED)
    assert set(names(audit(account.cloud)[1]).values()) == {"unknown"}


def test_a_region_alone_is_no_zone(account: Azure, audit: Audit) -> None:
    """A machine that is in no zone may be on any host of its region, also one in zone 1."""
    account.add("a", zones=["1"])
    account.add("b")
    assert names(audit(account.cloud)[1]) == {"ab": "unknown"}


def test_a_machine_without_a_view_is_unknown(account: Azure, audit: Audit) -> None:
    """It was made or deleted between the two lists."""
    account.add("a", zones=["1"])
    del account.views[account.add("b", zones=["2"])["id"]]
    assert names(audit(account.cloud)[1]) == {"ab": "unknown"}


def test_members_are_found_by_resource_group_name_and_tag(account: Azure) -> None:
    """Names of tags are in whatever letters they were first written in."""
    account.add("Db-1", tags={"KeepApart:Cluster": "orders", "keepapart:role": "member"})
    account.add("db-2", tags={})
    asked = {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER}
    assert [one.id for one in account.open().instances(asked)] == ["shop/db-1"]
    found = account.open(member_filter={"group": "shop", "name": "db-*"}, members=["Db-1"]).instances(asked)
    assert [(one.id, one.address) for one in found] == [("shop/db-1", "10.0.0.1"), ("shop/db-2", "10.0.0.2")]


def test_without_the_right_to_interfaces_there_are_no_addresses(account: Azure) -> None:
    """And the facts are as they were."""
    account.add("a", zones=["1"])
    account.denied.add("networkInterfaces")
    (one,) = account.open().instances({})
    assert one.address == ""
    assert dict(one.facts) == {"platform": "azure", "project": SUBSCRIPTION, "zone": "westeurope-1"}


def test_a_token_is_asked_for_once_and_its_lack_is_one_line(
    account: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """az is a program to start, and isn't started for every call."""
    account.add("a")
    cloud = account.open()
    cloud.instances({})
    cloud.describe(["shop/a"])
    assert (tmp_path / "asked").read_text() == "asked\n"
    monkeypatch.setenv("PATH", "/nowhere")
    assert logging.getLogger("azure").handlers, "what azure-identity logs would be told twice"
    with pytest.raises(
        CloudError, match=r"Azure gives no token: .*; `az login`, or look at AZURE_CLIENT_ID"
    ) as told:
        account.open().instances({})
    assert "\n" not in str(told.value)


def test_the_subscription_is_found_where_azure_s_tools_find_it(
    account: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration, then the environment."""
    account.add("a")
    with pytest.raises(ConfigError, match="subscription: none is set; write it there, or set AZURE_SUBSCR"):
        account.open(subscription="")
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", SUBSCRIPTION)
    assert [one.id for one in account.open(subscription="").instances({})] == ["shop/a"]
    with pytest.raises(CloudError, match="no such subscription"):
        account.open(subscription="22222222-2222-3333-4444-555555555555").instances({})


def test_every_answer_is_of_the_published_shape(account: Azure) -> None:
    """Whatever the stub answers has only fields of the provider's own models."""
    one = account.set_of("one", platformFaultDomainCount=3)
    account.add("a", fd=0, availabilitySet=one, host={"id": "h"}, hostGroup={"id": "g"}, assignedHost="h")
    small = account.set_of("small", "virtualMachineScaleSets", orchestrationMode="Uniform",
                           platformFaultDomainCount=5, singlePlacementGroup=True)  # fmt: skip
    account.of_uniform(small, 0, fd=0, placement="p1")
    account.open().instances({})
    packages = ("azure-mgmt-compute==39.0.0", "azure-mgmt-network==33.1.0")
    strange = ("virtualMachines", {"value": [{"properties": {"physicalHost": "x"}}]})
    found = complaints("azure", [*account.answered, strange], *packages)
    assert found == ["virtualMachines.properties.physicalHost"]


@pytest.mark.parametrize(("user", "price"), [("ops", 0.115), ("", 0.207)])
def test_the_price_is_that_of_azures_public_list(account: Azure, user: str, price: float) -> None:
    """As it is used, without what may be ended at any time; with Windows where nothing says Linux."""
    key = WHAT["ssh_key"] if user else ""
    cloud = account.open(**WHAT | {"user": user, "ssh_key": key})
    assert isinstance(cloud, Priced)
    assert cloud.price_per_hour() == price
    assert {call.headers.get("Authorization") for call in account.calls} == {None}


@pytest.mark.parametrize("key", ["size", "location"])
def test_a_price_that_is_not_listed_has_to_be_said(account: Azure, key: str) -> None:
    """No price is guessed: another size or location isn't in the list."""
    cloud = account.open(**WHAT | {key: "nowhere"})
    assert isinstance(cloud, Priced)
    with pytest.raises(ConfigError, match=r"has no .*set \[launch\] price_per_hour"):
        cloud.price_per_hour()
