"""Vultr, against a stub of the shapes that the API's page and third parties' clients have.

The provider publishes no package with its models.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, vultr
from keepapart.testing.clouds import LISTING_RULES, CloudRule
from tests.platforms.conftest import Audit
from tests.platforms.stub import Account, Call, Reply

OURS = ["keepapart:cluster=orders", "keepapart:role=member"]


class Vultr(Account):
    """An account; `hosts` say who is on one host."""

    provider = "vultr"

    def __init__(self) -> None:
        super().__init__()
        self.hosts: list[set[str]] = []

    def add(self, name: str, **more: Any) -> None:
        """Add an instance."""
        self.things.append(
            {
                "id": name,
                "label": f"db-{name}",
                "region": "ams",
                "status": "active",
                "power_status": "running",
                "server_status": "ok",
                "date_created": "2026-01-01T10:00:00+00:00",
                "tags": OURS,
                "main_ip": "192.0.2.1",
                "internal_ip": "10.0.0.1",
                "v6_main_ip": "2001:db8::1",
            }
            | more
        )

    def reply(self, call: Call) -> Reply:
        """Answer as the API does: an empty `next` is the end of a list."""
        if call.path == "/instances":
            start, size = int(call.query.get("cursor", "0")), int(call.query["per_page"])
            following = str(start + size) if start + size < len(self.things) else ""
            meta = {"total": len(self.things), "links": {"next": following, "prev": ""}}
            return self.told("instances", {"instances": self.things[start : start + size], "meta": meta})
        name = call.path.split("/")[2]
        return Reply({"neighbors": [o for host in self.hosts if name in host for o in host if o != name]})


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vultr]:
    """Yield an empty account, whose key is in the environment."""
    monkeypatch.setenv("VULTR_API_KEY", "t0ken")
    account = Vultr()
    with account.serving():
        yield account


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, account: Vultr, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vultr is a listing like any other."""
    monkeypatch.setattr(vultr, "PAGE", 2)
    for name in ("a", "b", "c"):
        account.add(name)
    account.add("d", tags=["keepapart:cluster=other"])
    with account.listing("a", "b", "c") as it:
        rule(it)


def test_verdicts_are_the_placement(account: Vultr, audit: Audit) -> None:
    """Neighbours share a host, and who is nobody's neighbour is on another one."""
    for name in ("a", "b", "c"):
        account.add(name)
    account.hosts = [{"a", "c"}, {"b", "somebody"}]
    code, verdicts, document = audit(account.cloud)
    assert code == 1
    assert verdicts == {("a", "b"): "separate", ("a", "c"): "co-resident", ("b", "c"): "separate"}
    assert {pair["strength"] for pair in document["pairs"] if pair["verdict"] == "separate"} == {"strong"}


def test_a_region_of_neighbours_only_may_be_what_neighbours_means(account: Vultr, audit: Audit) -> None:
    """The API says "in the same location": on a host, or in the region. Other regions are apart anyway."""
    account.add("a")
    account.add("b")
    account.add("c", region="fra")
    account.hosts = [{"a", "b"}, {"c"}]
    assert audit(account.cloud)[1] == {("a", "b"): "unknown", ("a", "c"): "separate", ("b", "c"): "separate"}
    account.add("d")  # one of the same region that is no neighbour: it can't be the region
    assert audit(account.cloud)[1][("a", "b")] == "co-resident"


@pytest.mark.parametrize(
    "change",
    [
        {"server_status": "locked"},
        {"server_status": "installingbooting"},
        {"status": "resizing"},
        {"status": "pending"},
        {"status": "suspended"},
        {"power_status": "stopped"},
        {"date_created": "now"},
    ],
    ids=lambda change: " ".join(map(str, *change.items())),
)
def test_what_is_unsettled_is_unknown(account: Vultr, audit: Audit, change: dict[str, Any]) -> None:
    """It is being built, resized or installed, or too young for others to list it."""
    if change == {"date_created": "now"}:
        change = {"date_created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+00:00}"}
    for name in ("a", "b", "c"):
        account.add(name)
    account.things[1].update(change)
    _, verdicts, _ = audit(account.cloud)
    assert verdicts == {("a", "b"): "unknown", ("a", "c"): "separate", ("b", "c"): "unknown"}


def test_lists_that_contradict_each_other_say_nothing(account: Vultr, audit: Audit) -> None:
    """One moved while they were asked, one after the other."""
    for name in ("a", "b", "c"):
        account.add(name)
    account.hosts = [{"a", "b"}]
    before = account.answer
    account.answer = lambda call: Reply({"neighbors": []}) if "/b/" in call.path else before(call)
    assert audit(account.cloud)[1][("a", "b")] == "unknown"


def test_facts_addresses_and_tags(account: Vultr) -> None:
    """What isn't there yet is shown as zeros, and is no address."""
    account.add("a", tags=[*OURS, "web"])
    account.add("b", main_ip="0.0.0.0", tags=[])  # noqa: S104
    for kind, address in (("private", "10.0.0.1"), ("public", "192.0.2.1"), ("ipv6", "2001:db8::1")):
        assert account.open(address=kind).describe(["a"])["a"].address == address
    a, b = account.open(address="public").instances({})
    assert dict(a.tags) == {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER, "web": ""}
    assert dict(a.facts) == {"platform": "vultr", "zone": "ams", "neighbors": "a"}
    assert b.address == ""
