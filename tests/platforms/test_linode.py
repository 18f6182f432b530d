"""Linode, against a stub whose answers are of the shape that the API's specification has."""

from __future__ import annotations

from typing import Any

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG
from keepapart.clouds.linode import reading
from keepapart.errors import CloudError, ConfigError
from keepapart.testing.clouds import LISTING_RULES, CloudRule
from tests.platforms.conftest import Audit
from tests.platforms.linode_stub import HOSTS, OURS, WHAT, Linode
from tests.platforms.published import complaints
from tests.platforms.stub import Call, Reply


@pytest.fixture
def account(linode: Linode) -> Linode:
    """Return an empty account, whose token is in the environment."""
    return linode


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, account: Linode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linode is a listing like any other."""
    monkeypatch.setattr(reading, "PAGE", 2)
    for number in (101, 102, 103):
        account.add(number)
    account.add(104, tags=["keepapart:cluster=other"])
    with account.listing("101", "102", "103", unknown="999") as it:
        rule(it)


def test_verdicts_are_the_placement(account: Linode, audit: Audit) -> None:
    """Two with one host_uuid share a host, others don't, conclusively; without one all is unknown."""
    account.add(101, 0)
    account.add(102, 1)
    account.add(103, 0)
    account.add(104, None)
    code, verdicts, _ = audit(account.cloud)
    assert code == 1
    assert verdicts == {
        ("101", "102"): "separate",
        ("101", "103"): "co-resident",
        ("101", "104"): "unknown",
        ("102", "103"): "separate",
        ("102", "104"): "unknown",
        ("103", "104"): "unknown",
    }


@pytest.mark.parametrize(
    "status",
    ["migrating", "resizing", "rebuilding", "provisioning", "booting", "cloning", "restoring", "deleting"],
)
def test_what_is_on_its_way_is_unknown(account: Linode, audit: Audit, status: str) -> None:
    """Its host_uuid is of the host that it leaves."""
    account.add(101, 0)
    account.add(102, 1, status=status)
    assert audit(account.cloud)[1] == {("101", "102"): "unknown"}


def test_what_migrates_within_its_group_is_unknown(account: Linode, audit: Audit) -> None:
    """The group tells of a migration before the state does."""
    account.add(101, 0)
    account.add(102, 1)
    account.group(7, 102)
    account.things[1]["placement_group"]["migrating_to"] = 8
    assert audit(account.cloud)[1] == {("101", "102"): "unknown"}


def test_a_strict_group_without_migrations_is_a_promise(account: Linode, audit: Audit) -> None:
    """Members of a strict group are apart, also where no host is stated."""
    account.add(101, None)
    account.add(102, None)
    account.group(7, 101, 102)
    assert audit(account.cloud)[:2] == (0, {("101", "102"): "separate"})


@pytest.mark.parametrize(
    "group",
    [
        {"placement_group_policy": "flexible"},
        {"compliant": False},
        {"migrations": {"inbound": [{"linode_id": 102}], "outbound": None}},
        {"migrations": {"inbound": None, "outbound": [{"linode_id": 102}]}},
    ],
    ids=["flexible", "not compliant", "inbound", "outbound"],
)
def test_any_other_group_promises_nothing(account: Linode, audit: Audit, group: dict[str, Any]) -> None:
    """Flexible groups take members that don't fit, and strict ones have them after a failed migration."""
    account.add(101, None)
    account.add(102, None)
    account.group(7, 101, 102, **group)
    assert audit(account.cloud)[1] == {("101", "102"): "unknown"}


def test_another_region_is_another_building(account: Linode, audit: Audit) -> None:
    """Also where no host is stated."""
    account.add(101, None)
    account.add(102, None, region="us-east")
    assert audit(account.cloud)[:2] == (0, {("101", "102"): "separate"})


def test_without_the_right_to_groups_there_is_a_fact_less(account: Linode) -> None:
    """Linode answers 401 where a token lacks a scope: only the instances themselves are needed."""
    account.add(101)
    account.group(7, 101)
    account.faults = [lambda _: Reply({"errors": [{"reason": "Your OAuth token is not authorized"}]}, 401)]
    (one,) = account.open().instances({})
    assert dict(one.facts) == {"platform": "linode", "zone": "eu-west", "host": HOSTS[0]}


def test_a_list_that_shrinks_while_it_is_read_is_read_anew(
    account: Linode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instance that goes moves the next one to a page that was read already."""
    monkeypatch.setattr(reading, "PAGE", 2)
    for number in (101, 102, 103, 104):
        account.add(number)
    before = account.answer

    def shrinking(call: Call) -> Reply:
        reply = before(call)
        if call.path == "/linode/instances" and len(account.things) == 4:
            del account.things[0]
        return reply

    account.answer = shrinking
    assert [one.id for one in account.open().instances({})] == ["102", "103", "104"]


def test_addresses_ways_in_and_tags(account: Linode) -> None:
    """Each kind of address, and tags by the names that keepapart has for them."""
    account.add(101, tags=[*OURS, "web", "keepapart:clusters=x"])
    for kind, address in (
        ("private", "192.168.130.101"),
        ("public", "192.0.2.101"),
        ("ipv6", "2001:db8::101"),
    ):
        (one,) = account.open(address=kind, reach="ssh://root@{public}").instances({})
        assert (one.address, one.reach) == (address, "ssh://root@192.0.2.101")
    assert dict(one.tags) == {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER, "web": "", "keepapart:clusters=x": ""}


def test_what_is_no_address_is_one_line(account: Linode) -> None:
    """Answers are strict in what they hold, too."""
    account.add(101, ipv4=["192.0.2"])
    with pytest.raises(CloudError, match=r"linode answered what can't be read: '192.0.2' does not appear"):
        account.open().instances({})


def test_a_wrong_token_and_none_name_the_variable(account: Linode, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line each."""
    account.add(101)
    monkeypatch.setenv("LINODE_TOKEN", "other")
    with pytest.raises(CloudError, match=r"Linode: Invalid Token \(401\); look at LINODE_TOKEN"):
        account.open().instances({})
    monkeypatch.delenv("LINODE_TOKEN")
    with pytest.raises(ConfigError, match="there is no token: set LINODE_TOKEN or LINODE_CLI_TOKEN"):
        account.open()
    monkeypatch.setenv("LINODE_CLI_TOKEN", "t0ken\n")
    assert [one.id for one in account.open().instances({})] == ["101"]
    monkeypatch.setenv("LINODE_TOKEN", "two words")
    with pytest.raises(ConfigError, match="LINODE_TOKEN holds no token"):
        account.open()


def test_every_answer_is_of_the_published_shape(account: Linode) -> None:
    """Whatever the stub answers has only fields that the API's specification has."""
    account.add(101)
    account.group(7, 101, migrations={"inbound": [{"linode_id": 101}], "outbound": None})
    account.ask_everything(WHAT)
    strange = [("linodes list", {"data": [{"hostuuid": "x"}], "page": 1, "pages": 1, "results": 1})]
    told = complaints("linode", [*account.answered, *strange], "linode-cli==5.69.0")
    assert told == ["linodes list: hostuuid"]
