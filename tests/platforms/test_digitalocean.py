"""DigitalOcean, against a stub whose answers are of the shape that the provider's own client documents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG
from keepapart.clouds.digitalocean import reading
from keepapart.testing.clouds import LISTING_RULES, CloudRule
from tests.platforms.conftest import Audit
from tests.platforms.digitalocean_stub import OURS, TEAM, WHAT, DigitalOcean
from tests.platforms.published import complaints
from tests.platforms.stub import Call, Reply


@pytest.fixture
def account(digitalocean: DigitalOcean) -> DigitalOcean:
    """Return an empty account, whose token is in the environment."""
    return digitalocean


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, account: DigitalOcean, monkeypatch: pytest.MonkeyPatch) -> None:
    """DigitalOcean is a listing like any other."""
    monkeypatch.setattr(reading, "PAGE", 2)
    for number in (101, 102, 103):
        account.add(number)
    account.add(104, tags=["keepapart:cluster:other"])
    with account.listing("101", "102", "103", unknown="999") as it:
        rule(it)


def test_verdicts_are_the_placement(account: DigitalOcean, audit: Audit) -> None:
    """Those in one array share a server; whoever is in another, or in none, is on another one."""
    for number in (101, 102, 103, 104):
        account.add(number)
    account.servers = [[103, 101], [104, 999]]
    code, verdicts, document = audit(account.cloud)
    assert code == 1
    assert {pair for pair, verdict in verdicts.items() if verdict == "co-resident"} == {("101", "103")}
    assert {verdict for pair, verdict in verdicts.items() if pair != ("101", "103")} == {"separate"}
    strengths = {pair["strength"] for pair in document["pairs"] if pair["verdict"] == "separate"}
    assert strengths == {"strong"}


def test_what_two_readings_differ_on_is_unknown(account: DigitalOcean, audit: Audit) -> None:
    """A droplet that moves while it is listed has no neighbours to speak of."""
    account.add(101)
    account.add(102)
    before = account.answer

    def moving(call: Call) -> Reply:
        reply = before(call)
        if call.path == "/droplets":
            account.servers = [[101, 102]]
        return reply

    account.answer = moving
    assert audit(account.cloud)[1] == {("101", "102"): "unknown"}


def test_a_new_droplet_is_not_alone_because_the_report_lacks_it(account: DigitalOcean, audit: Audit) -> None:
    """Nobody says how fresh the report is."""
    account.add(101)
    account.add(102, created_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    assert audit(account.cloud)[1] == {("101", "102"): "unknown"}


@pytest.mark.parametrize(
    "change",
    [
        lambda account: account.things[1].update(locked=True),
        lambda account: account.things[1].update(status="new"),
        lambda account: account.things[1].update(status="off"),
        lambda account: account.servers.extend([[101, 102], [102, 103]]),
    ],
    ids=["locked", "new", "off", "in two arrays"],
)
def test_what_is_unsettled_is_unknown(
    account: DigitalOcean, audit: Audit, change: Callable[[DigitalOcean], None]
) -> None:
    """Something is being done with it, it doesn't run, or the report contradicts itself."""
    account.add(101)
    account.add(102)
    change(account)
    assert audit(account.cloud)[1] == {("101", "102"): "unknown"}


def test_droplets_with_a_gpu_are_listed_too(account: DigitalOcean, audit: Audit) -> None:
    """They are in a list of their own, and alone only where the report has them."""
    account.add(101)
    account.add(102, gpu=True)
    account.add(103, gpu=True)
    account.servers = [[103, 999]]
    assert audit(account.cloud)[1] == {
        ("101", "102"): "unknown",
        ("101", "103"): "separate",
        ("102", "103"): "unknown",
    }


def test_another_region_is_another_building(account: DigitalOcean, audit: Audit) -> None:
    """Conclusively, also where neighbours aren't told."""
    account.add(101, locked=False)
    account.add(102, region={"slug": "ams3"})
    before = account.answer
    denied = Reply({"id": "forbidden", "message": "no"}, 403)
    account.answer = lambda call: denied if call.path.startswith(("/reports", "/account")) else before(call)
    code, verdicts, document = audit(account.cloud)
    assert (code, verdicts) == (0, {("101", "102"): "separate"})
    assert document["pairs"][0]["strength"] == "conclusive"
    account.things[1]["region"] = {"slug": "fra1"}
    assert audit(account.cloud)[1] == {("101", "102"): "unknown"}


def test_facts_addresses_and_tags(account: DigitalOcean) -> None:
    """Neighbours are told within a team, which is the scope of the facts."""
    account.add(101, tags=[*OURS, "web"])
    account.servers = [[102, 101]]
    for kind, address in (("private", "10.0.0.101"), ("public", "192.0.2.101"), ("ipv6", "2001:db8::101")):
        (one,) = account.open(address=kind).instances({})
        assert one.address == address
    assert dict(one.tags) == {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER, "web": ""}
    assert dict(one.facts) == {
        "platform": "digitalocean",
        "project": TEAM,
        "zone": "fra1",
        "neighbors": "101,102",
    }


def test_every_answer_is_of_the_published_shape(account: DigitalOcean) -> None:
    """Whatever the stub answers has only fields that the provider's own client documents."""
    account.add(101)
    account.servers = [[101, 102]]
    account.ask_everything(WHAT)
    strange: list[tuple[str, dict[str, list[int]]]] = [("neighbors", {"ids": []})]
    assert complaints("digitalocean", [*account.answered, *strange], "pydo==0.44.0") == ["neighbors: ids"]
