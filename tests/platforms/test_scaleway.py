"""Scaleway, against a stub whose answers the provider's own SDK reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, STOPPED, scaleway
from keepapart.errors import CloudError
from keepapart.testing.clouds import LISTING_RULES, CloudRule
from tests.platforms.conftest import Audit
from tests.platforms.published import complaints
from tests.platforms.stub import Account, Call, Reply

OURS = ["keepapart:cluster=orders", "keepapart:role=member"]
WHERE = {"zone_id": "par1", "platform_id": "14", "cluster_id": "40", "hypervisor_id": "1601", "node_id": "5"}


class Scaleway(Account):
    """An organization, whose instances are listed zone by zone."""

    provider = "scaleway"

    def add(self, name: str, zone: str = "fr-par-1", **more: Any) -> None:
        """Add an instance; `hypervisor` and the other parts of its location may be said."""
        location = WHERE | {key: more.pop(key) for key in [key for key in more if key in WHERE]}
        self.things.append(
            {
                "id": name,
                "name": f"db-{name}",
                "organization": "org",
                "project": "project",
                "zone": zone,
                "state": "running",
                "tags": OURS,
                "private_ip": "10.0.0.1",
                "public_ips": [
                    {"id": "1", "address": "192.0.2.1", "family": "inet"},
                    {"id": "2", "address": "2001:db8::1", "family": "inet6"},
                ],
                "location": location,
            }
            | more
        )

    def reply(self, call: Call) -> Reply:
        """Answer as the API does."""
        if call.headers.get("X-Auth-Token") != "t0ken":
            return Reply({"message": "authentication is denied", "type": "denied_authentication"}, 401)
        zone = call.path.removeprefix("/instance/v1/zones/").removesuffix("/servers")
        there = [one for one in self.things if one["zone"] == zone]
        page, size = int(call.query["page"]), int(call.query["per_page"])
        body = {"servers": there[(page - 1) * size : page * size]}
        return self.told("servers", body, X_Total_Count=str(len(there)))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scaleway]:
    """Yield an empty organization, whose key is in the environment."""
    monkeypatch.setenv("SCW_SECRET_KEY", "t0ken")
    account = Scaleway()
    with account.serving():
        yield account


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, account: Scaleway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scaleway is a listing like any other."""
    monkeypatch.setattr(scaleway, "PAGE", 2)
    for name in ("a", "b", "c"):
        account.add(name)
    account.add("d", tags=["keepapart:cluster=other"])
    with account.listing("a", "b", "c") as it:
        rule(it)


def test_verdicts_are_the_placement(account: Scaleway, audit: Audit) -> None:
    """One hypervisor is one host, whatever the node's number; its number counts within its cluster only."""
    account.add("a")
    account.add("b", node_id="6")
    account.add("c", hypervisor_id="1602")
    account.add("d", cluster_id="41")
    account.add("e", zone="nl-ams-1", zone_id="ams1")
    code, verdicts, _ = audit(account.cloud)
    assert code == 1
    assert {pair for pair, verdict in verdicts.items() if verdict == "co-resident"} == {("a", "b")}
    assert sum(verdict == "separate" for verdict in verdicts.values()) == 9


@pytest.mark.parametrize(
    "change",
    [{"location": None}, {"state": "starting"}, {"state": "stopped"}, {"state": "locked"}],
    ids=lambda change: " ".join(map(str, *change.items())),
)
def test_what_does_not_run_is_nowhere(account: Scaleway, audit: Audit, change: dict[str, Any]) -> None:
    """Its location is null, or of some earlier time."""
    account.add("a")
    account.add("b", hypervisor_id="1602")
    account.things[1].update(change)
    assert audit(account.cloud)[1] == {("a", "b"): "unknown"}


def test_half_a_location_is_no_host(account: Scaleway, audit: Audit) -> None:
    """An empty part would make two hosts of one."""
    account.add("a")
    account.add("b", hypervisor_id="")
    assert audit(account.cloud)[1] == {("a", "b"): "unknown"}


def test_a_zone_that_fails_makes_no_shorter_list(account: Scaleway) -> None:
    """Every zone is asked, and all have to answer; fewer can be named."""
    account.add("a")
    account.add("b", zone="pl-waw-3")
    assert [one.id for one in account.open().instances({})] == ["a", "b"]
    before = account.answer
    account.answer = lambda call: Reply({"message": "down"}, 503) if "nl-ams-2" in call.path else before(call)
    with pytest.raises(CloudError, match=r"down \(503\)"):
        account.open().instances({})
    assert [one.id for one in account.open(zones=["pl-waw-3"]).instances({})] == ["b"]


def test_facts_addresses_and_tags(account: Scaleway) -> None:
    """A host's name is all that is above the hypervisor, and itself."""
    account.add("a", tags=[*OURS, "web"])
    for kind, address in (("private", "10.0.0.1"), ("public", "192.0.2.1"), ("ipv6", "2001:db8::1")):
        (one,) = account.open(address=kind).instances({})
        assert one.address == address
    assert dict(one.tags) == {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER, "web": ""}
    host = {"host": "par1/14/40/1601", "host_kind": "scaleway"}
    assert dict(one.facts) == {"platform": "scaleway", "zone": "par1", **host}
    account.things[0]["state"] = "stopped in place"
    assert account.open().describe(["a"])["a"].state == STOPPED


def test_every_answer_is_of_the_published_shape(account: Scaleway) -> None:
    """The provider's own SDK reads whatever the stub answers, and knows every field."""
    account.add("a")
    account.open().instances({})
    assert complaints("scaleway", account.answered, "scaleway==2.12.0") == []
    strange = [("servers", {"servers": [{"id": "a", "host": "x"}]})]
    assert complaints("scaleway", strange, "scaleway==2.12.0") == ["servers: host"]
