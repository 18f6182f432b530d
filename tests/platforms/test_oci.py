"""OCI, against a stub that checks the SDK's signatures, and whose answers have the fields of its models."""

from __future__ import annotations

from pathlib import Path

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG
from keepapart.clouds.oci import reading
from keepapart.errors import CloudError, ConfigError
from keepapart.testing.clouds import LISTING_RULES, CloudRule
from tests.platforms.conftest import Audit
from tests.platforms.oci_stub import OURS, PACKAGE, SHOP, TENANCY, Oci
from tests.platforms.published import complaints
from tests.platforms.stub import Reply


@pytest.fixture
def account(oci: Oci) -> Oci:
    """Return an empty tenancy."""
    return oci


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_conformance(rule: CloudRule, account: Oci, monkeypatch: pytest.MonkeyPatch) -> None:
    """OCI is a listing like any other."""
    monkeypatch.setattr(reading, "PAGE", 2)
    for name in ("a", "b", "c"):
        account.add(name)
    account.add("d", freeformTags={"keepapart-cluster": "other"})
    with account.listing("a", "b", "c", compartments=[SHOP]) as it:
        rule(it)


def test_verdicts_are_the_placement(account: Oci, audit: Audit) -> None:
    """Fault domains of one availability domain are apart, and so are availability domains."""
    account.add("a", fd=1)
    account.add("b", fd=2)
    account.add("c", fd=1)
    account.add("d", fd=1, ad=2)
    verdicts = audit(account.cloud)[1]
    assert {"".join(pair) for pair, verdict in verdicts.items() if verdict == "unknown"} == {"ac"}
    assert sum(verdict == "separate" for verdict in verdicts.values()) == 5


def test_dedicated_hosts_hold_nobody_else(account: Oci, audit: Audit) -> None:
    """Two on one share it; who is on none is elsewhere; who is on some host of a group may be there."""
    account.add("a", dedicatedVmHostId="h1")
    account.add("b", dedicatedVmHostId="h1")
    account.add("c", dedicatedVmHostId="h2")
    account.add("d")
    account.add("e", fd=2, placementConstraintDetails={"type": "HOST_GROUP"})
    verdicts = {"".join(pair): verdict for pair, verdict in audit(account.cloud)[1].items()}
    assert verdicts.pop("ab") == "co-resident"
    assert {pair for pair, verdict in verdicts.items() if verdict == "unknown"} == {"ae", "be", "ce", "de"}


def test_bare_metal_has_its_host_to_itself(account: Oci, audit: Audit) -> None:
    """Whatever the fault domain."""
    account.add("a", shape="BM.Standard.E4.128")
    account.add("b")
    assert audit(account.cloud)[:2] == (0, {("a", "b"): "separate"})


@pytest.mark.parametrize(
    "state", ["PROVISIONING", "STARTING", "MOVING", "STOPPING", "STOPPED", "CREATING_IMAGE"]
)
def test_what_does_not_run_is_nowhere(account: Oci, audit: Audit, state: str) -> None:
    """Its fault domain is of where it was, or will be."""
    account.add("a", fd=1)
    account.add("b", fd=2, lifecycleState=state)
    assert audit(account.cloud)[1] == {("a", "b"): "unknown"}


def test_what_is_terminated_is_still_shown_and_not_listed(account: Oci) -> None:
    """OCI shows it for a while."""
    account.add("a")
    account.add("b", lifecycleState="TERMINATED")
    cloud = account.open()
    assert [one.id for one in cloud.instances({})] == ["a"]
    assert cloud.describe(["b"])["b"].state == "terminated"


def test_compartments_are_those_that_may_be_seen_or_those_named(account: Oci) -> None:
    """The tenancy is one itself."""
    account.add("a")
    account.add("b", compartmentId=TENANCY)
    assert [one.id for one in account.open().instances({})] == ["b", "a"]
    assert [one.id for one in account.open(compartments=[SHOP]).instances({})] == ["a"]


def test_facts_addresses_and_tags(account: Oci) -> None:
    """Addresses take a call each, and are asked for only where that is said."""
    account.add("a", freeformTags={**OURS, "tier": "db"})
    (one,) = account.open().instances({})
    assert one.address == ""
    assert dict(one.tags) == {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER, "tier": "db"}
    assert dict(one.facts) == {
        "platform": "oracle",
        "project": TENANCY,
        "zone": "qIZq:PHX-AD-1",
        "fault_domain": "FAULT-DOMAIN-1",
    }
    assert account.open(addresses=True).describe(["a"])["a"].address == "10.0.0.1"


def test_a_missing_right_is_what_oci_calls_not_found(account: Oci) -> None:
    """It is told in OCI's own words."""
    account.add("a")
    account.faults = [lambda _: Reply({"code": "NotAuthorizedOrNotFound", "message": "or not found"}, 404)]
    with pytest.raises(CloudError, match=r"OCI: NotAuthorizedOrNotFound: or not found \(404\)"):
        account.open().instances({})


def test_credentials_are_those_of_the_oci_command(
    account: Oci, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Profile, file and way in as its variables have them; each lack is one line."""
    account.add("a")
    with pytest.raises(CloudError, match=r"NotAuthenticated: .* \(401\); look at ~/.oci/config"):
        account.open(profile="OTHER").instances({})
    monkeypatch.setenv("OCI_CLI_PROFILE", "THIRD")
    with pytest.raises(ConfigError, match="OCI's credentials: Profile 'THIRD' not found"):
        account.open()
    assert account.open(profile="DEFAULT").instances({})
    with pytest.raises(ConfigError, match=r"is for instances of OCI, and this machine is none"):
        account.open(auth="instance_principal")
    with pytest.raises(ConfigError, match="OCI's credentials: "):
        account.open(auth="resource_principal")
    monkeypatch.setenv("OCI_CLI_AUTH", "magic")
    with pytest.raises(ConfigError, match="auth: 'magic' is not one of api_key"):
        account.open()
    monkeypatch.setenv("OCI_CLI_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="OCI's credentials: Could not find config file"):
        account.open(auth="api_key")


def test_endpoints_are_the_region_s(account: Oci) -> None:
    """By the SDK's own list, realms included."""
    from keepapart.clouds.oci.auth import found

    assert found("api_key", "", "").endpoint("compute") == "https://iaas.us-phoenix-1.oraclecloud.com"
    assert found("", "", "us-luke-1").endpoint("identity") == "https://identity.us-luke-1.oraclegovcloud.com"
    assert account.calls == []


def test_every_answer_is_of_the_published_shape(account: Oci) -> None:
    """Whatever the stub answers has only fields of the SDK's models."""
    account.add("a")
    account.open(addresses=True).instances({})
    strange = ("instances", [{"host": "x"}])
    assert complaints("oci", [*account.answered, strange], PACKAGE) == ["instances: host"]
