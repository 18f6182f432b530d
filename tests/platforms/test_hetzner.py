"""Hetzner Cloud, against a stub whose answers have the fields of the provider's own client."""

from __future__ import annotations

from typing import Any

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG
from keepapart.clouds.hetzner import reading
from keepapart.testing.clouds import LISTING_RULES, CloudRule
from tests.platforms.conftest import Audit
from tests.platforms.hetzner_stub import OURS, WHAT, Hetzner
from tests.platforms.published import complaints


@pytest.fixture
def account(hetzner: Hetzner) -> Hetzner:
    """Return an empty account, whose token is in the environment."""
    return hetzner


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, account: Hetzner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hetzner Cloud is a listing like any other."""
    monkeypatch.setattr(reading, "PAGE", 2)
    for number in (101, 102, 103):
        account.add(number)
    account.add(104, labels={"keepapart/cluster": "other"})
    with account.listing("101", "102", "103", unknown="999") as it:
        rule(it)


def test_verdicts_are_the_placement(account: Hetzner, audit: Audit) -> None:
    """Members of one spread group are apart; between groups, and outside of them, nothing is promised."""
    for number in (101, 102, 103, 104):
        account.add(number)
    account.group(7, 101, 102)
    account.group(8, 103)
    code, verdicts, _ = audit(account.cloud)
    assert code == 3
    assert {pair for pair, verdict in verdicts.items() if verdict == "separate"} == {("101", "102")}
    assert "co-resident" not in verdicts.values()


@pytest.mark.parametrize(
    "change",
    [
        {"locked": True},
        {"status": "migrating"},
        {"status": "rebuilding"},
        {"status": "unknown"},
        {"status": "off"},
        {"status": "starting"},
        {"status": "deleting"},
    ],
    ids=lambda change: " ".join(map(str, *change.items())),
)
def test_what_is_unsettled_is_unknown(account: Hetzner, audit: Audit, change: dict[str, Any]) -> None:
    """It is being moved, resized or the like, or it doesn't run."""
    account.add(101)
    account.add(102)
    account.group(7, 101, 102)
    account.things[1].update(change)
    assert audit(account.cloud)[1] == {("101", "102"): "unknown"}


def test_a_group_of_another_kind_promises_nothing(account: Hetzner, audit: Audit) -> None:
    """Whatever kinds there will be: only "spread" says that members are apart."""
    account.add(101)
    account.add(102)
    account.group(7, 101, 102, kind="pack")
    assert audit(account.cloud)[1] == {("101", "102"): "unknown"}


def test_membership_holds_where_both_say_so(account: Hetzner, audit: Audit) -> None:
    """A server that its group doesn't list is in none."""
    account.add(101)
    account.add(102)
    account.group(7, 101, 102)
    account.things[0]["placement_group"]["servers"].remove(102)
    assert audit(account.cloud)[1] == {("101", "102"): "unknown"}


@pytest.mark.parametrize("field", ["location", "datacenter"])
def test_another_location_is_another_building(account: Hetzner, audit: Audit, field: str) -> None:
    """By the location itself, or by the data centre that was shown until 2026; of data centres only that."""
    for number, location, name in ((101, "fsn1", "dc8"), (102, "fsn1", "dc14"), (103, "nbg1", "dc3")):
        where: dict[str, Any] = {"name": location}
        where = {"name": f"{location}-{name}", "location": where} if field == "datacenter" else where
        account.add(number, **{"location": None} | {field: where})
    assert audit(account.cloud)[1] == {
        ("101", "102"): "unknown",
        ("101", "103"): "separate",
        ("102", "103"): "separate",
    }


def test_facts_addresses_and_labels(account: Hetzner) -> None:
    """Of an IPv6 network the server has the first address; a server may have no public address at all."""
    account.add(101, labels={**OURS, "tier": "db"})
    account.group(7, 101)
    for kind, address in (("private", "10.0.0.101"), ("public", "192.0.2.101"), ("ipv6", "2001:db8:101::1")):
        (one,) = account.open(address=kind).instances({})
        assert one.address == address
        assert one.public == "192.0.2.101"
    assert dict(one.tags) == {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER, "tier": "db"}
    facts = {"platform": "hetzner", "zone": "fsn1", "group": "7", "group_strategy": "spread"}
    assert dict(one.facts) == facts
    account.things[0].update(public_net={"ipv4": None, "ipv6": None}, private_net=[])
    assert account.open(address="public").describe(["101"])["101"].address == ""


def test_every_answer_is_of_the_published_shape(account: Hetzner) -> None:
    """Whatever the stub answers has only fields that the provider's own client has."""
    account.add(101)
    account.group(7, 101)
    account.ask_everything(WHAT)
    strange = [("servers", {"servers": [{"host": "x"}]})]
    assert complaints("hetzner", [*account.answered, *strange], "hcloud==2.27.0") == ["server: host"]
