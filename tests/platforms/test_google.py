"""Google Cloud, against a stub of the discovery document's schemas, with google-auth's real credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, STOPPED
from keepapart.clouds.google import reading
from keepapart.errors import CloudError, ConfigError
from keepapart.testing.clouds import LISTING_RULES, CloudRule
from tests.platforms.conftest import Audit
from tests.platforms.google_stub import OURS, Google
from tests.platforms.published import complaints
from tests.platforms.stub import Call, Reply


@pytest.fixture
def account(google: Google) -> Google:
    """Return an empty project."""
    return google


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, account: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google Cloud is a listing like any other."""
    monkeypatch.setattr(reading, "PAGE", 2)
    for name in ("a", "b", "c"):
        account.add(name, "h1")
    account.add("d", labels={"keepapart-cluster": "other"})
    with account.listing(*(f"us-central1-a/{name}" for name in ("a", "b", "c"))) as it:
        rule(it)


def names(verdicts: dict[tuple[str, str], str]) -> dict[str, str]:
    """Return verdicts by the names alone."""
    return {f"{a.rpartition('/')[2]}{b.rpartition('/')[2]}": verdict for (a, b), verdict in verdicts.items()}


def test_verdicts_are_the_placement(account: Google, audit: Audit) -> None:
    """Where a host is stated it decides; where none is, only another zone says anything."""
    account.add("a", "h1")
    account.add("b", "h2")
    account.add("c", "h1")
    account.add("d")
    account.add("e", zone="us-central1-f")
    code, verdicts, _ = audit(account.cloud)
    assert code == 1
    assert names(verdicts) == {
        "ab": "separate", "ac": "co-resident", "ad": "unknown", "ae": "separate", "bc": "separate",
        "bd": "unknown", "be": "separate", "cd": "unknown", "ce": "separate", "de": "separate",
    }  # fmt: skip


def test_two_hosts_may_be_one_machine(account: Google, audit: Audit) -> None:
    """The machine comes first where it is stated; a host's id and a machine's aren't compared."""
    account.add("a", "h1", topology={"machine": "m1"})
    account.add("b", "h2", topology={"machine": "m1"})
    account.add("c", "h3", topology={"machine": "m2"})
    account.add("d", "h4")
    assert names(audit(account.cloud)[1]) == {
        "ab": "co-resident", "ac": "separate", "ad": "unknown",
        "bc": "separate", "bd": "unknown", "cd": "unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    "parts", [{"groupPlacementPolicy": {"collocation": "COLLOCATED", "vmCount": 2}}, {"workloadPolicy": {}}]
)
def test_ids_of_two_scopes_are_not_compared(account: Google, audit: Audit, parts: dict[str, Any]) -> None:
    """Under a compact or a workload policy a host's id is the project's own: one host has two names."""
    link = account.policy("compact", **parts)
    account.add("a", "of-organization")
    account.add("b", "of-project", resourcePolicies=[link])
    account.add("c", "another", resourcePolicies=[link.replace("/beta/", "/v1/")])
    account.add("d", "yet another", resourcePolicies=[account.policy("nightly", snapshotSchedulePolicy={})])
    assert names(audit(account.cloud)[1]) == {
        "ab": "unknown", "ac": "unknown", "ad": "separate",
        "bc": "separate", "bd": "unknown", "cd": "unknown",
    }  # fmt: skip


def test_where_policies_may_not_be_read_scopes_can_not_be_told(account: Google, audit: Audit) -> None:
    """An instance with any policy then states no host; one without keeps its own."""
    link = account.policy("compact", groupPlacementPolicy={"collocation": "COLLOCATED"})
    account.add("a", "h1")
    account.add("b", "h2")
    account.add("c", "h3", resourcePolicies=[link])
    before = account.answer
    denied = Reply({"error": {"code": 403, "message": "Required 'compute.resourcePolicies.list'"}}, 403)
    account.answer = lambda call: denied if call.path.endswith("resourcePolicies") else before(call)
    assert names(audit(account.cloud)[1]) == {"ab": "separate", "ac": "unknown", "bc": "unknown"}


def test_availability_domains_of_one_spread_policy_are_apart(account: Google, audit: Audit) -> None:
    """Within one policy only, and never two in one domain."""
    one, two = (
        account.policy(name, groupPlacementPolicy={"availabilityDomainCount": 3}) for name in ("one", "two")
    )
    account.add("a", resourcePolicies=[one], domain=1)
    account.add("b", resourcePolicies=[one], domain=2)
    account.add("c", resourcePolicies=[one], domain=1)
    account.add("d", resourcePolicies=[two], domain=3)
    account.add("e", resourcePolicies=[one])
    verdicts = names(audit(account.cloud)[1])
    assert {pair for pair, verdict in verdicts.items() if verdict == "separate"} == {"ab", "bc"}
    assert "co-resident" not in verdicts.values()


def test_terminated_means_stopped(account: Google, audit: Audit) -> None:
    """It is listed, and is nowhere: its disks and addresses are still there, and so is what it costs."""
    account.add("a", "h1")
    account.add("b", "h2", status="TERMINATED")
    found = {one.id.rpartition("/")[2]: one for one in account.open().instances({})}
    assert found["b"].state == STOPPED
    assert names(audit(account.cloud)[1]) == {"ab": "unknown"}


@pytest.mark.parametrize("status", ["PROVISIONING", "STAGING", "REPAIRING", "SUSPENDING", "STOPPING"])
def test_what_does_not_run_is_nowhere(account: Google, audit: Audit, status: str) -> None:
    """Whatever its topology still says."""
    account.add("a", "h1")
    account.add("b", "h2", status=status)
    assert names(audit(account.cloud)[1]) == {"ab": "unknown"}


def test_a_zone_that_can_not_be_reached_makes_the_list_incomplete(account: Google) -> None:
    """It is no empty zone; a zone with nothing on this page is one."""
    account.add("a", "h1")
    assert len(account.open().instances({})) == 1
    account.warnings["zones/us-central1-c"] = {"code": "UNREACHABLE", "message": "no"}
    with pytest.raises(CloudError, match="the list is incomplete: zones/us-central1-c can't be reached"):
        account.open().instances({})
    account.warnings.clear()
    account.unreachables = ["zones/us-central1-f"]
    with pytest.raises(CloudError, match="the list is incomplete: zones/us-central1-f can't be reached"):
        account.open().instances({})


def test_a_rate_limit_is_waited_out_though_it_is_a_403(
    account: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google says "forbidden" where it means "not so fast"."""
    monkeypatch.setattr("keepapart.clouds.rest.time.sleep", lambda _: None)
    account.add("a")
    limited = {"error": {"code": 403, "message": "Quota", "errors": [{"reason": "rateLimitExceeded"}]}}
    account.open().close()
    cloud = account.open(tries=2)
    before, calls = account.answer, list[Call]()

    def once(call: Call) -> Reply:
        calls.append(call)
        return Reply(limited, 403, {"Retry-After": "0"}) if len(calls) == 2 else before(call)

    account.answer = once
    assert [one.id for one in cloud.instances({})] == ["us-central1-a/a"]
    cloud.close()


def test_facts_addresses_and_labels(account: Google) -> None:
    """One token serves all calls."""
    account.add("a", "h1", labels={**OURS, "tier": "db"})
    (one,) = account.open(address="public").instances({})
    assert (one.id, one.address) == ("us-central1-a/a", "192.0.2.1")
    assert dict(one.tags) == {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER, "tier": "db"}
    assert dict(one.facts) == {
        "platform": "google",
        "project": "shop",
        "zone": "us-central1-a",
        "host": "h1",
        "host_kind": "organization-host",
    }
    assert account.tokens == 1


def test_credentials_are_google_s_own(
    account: Google, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """None, unreadable ones, refused ones: a line each. Elsewhere than on Google no metadata is asked."""
    refused = Reply({"error": "invalid_grant", "error_description": "no such account"}, 400)
    account.faults = [lambda _: refused]
    with pytest.raises(CloudError, match=r"Google gives no token: .*invalid_grant.*; `gcloud auth"):
        account.open().instances({})
    (tmp_path / "broken.json").write_text("{}")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "broken.json"))
    with pytest.raises(ConfigError, match="Google's credentials: "):
        account.open()
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    with pytest.raises(ConfigError, match="no credentials; `gcloud auth application-default login`"):
        account.open()


def test_the_project_is_found_where_google_s_tools_find_it(
    account: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configuration, the environment, the key file, in that order."""
    account.add("a")
    assert account.open(project="").instances({})
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "other")
    with pytest.raises(CloudError, match="not found"):
        account.open(project="").instances({})
    assert account.open().instances({})


def test_every_answer_is_of_the_published_shape(account: Google) -> None:
    """Whatever the stub answers is of the discovery document's schemas."""
    link = account.policy("spread", groupPlacementPolicy={"availabilityDomainCount": 3})
    account.policy("compact", groupPlacementPolicy={"collocation": "COLLOCATED", "vmCount": 2})
    account.add("a", "h1", topology={"machine": "m1"}, resourcePolicies=[link], domain=1)
    account.open().instances({})
    strange = ("Instance", {"host": "x"})
    answers = [*account.answered, strange]
    assert complaints("google", answers, "google-api-python-client==2.202.0") == ["Instance.host"]
