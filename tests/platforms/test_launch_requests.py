"""What a launch by REST says: keys that are checked, names that are ours, fields that the API knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, NOTE, ROLE_TAG, RUNNING, Chooser, Placer
from keepapart.errors import CloudError, ConfigError, RefusedError
from tests.platforms.azure_stub import Azure
from tests.platforms.google_stub import Google
from tests.platforms.launched import WHAT, Platform
from tests.platforms.published import complaints
from tests.platforms.stub import Call, Reply

PACKAGES = {
    "azure": ("azure-mgmt-compute==39.0.0", "azure-mgmt-network==33.1.0"),
    "google": ("google-api-python-client==2.202.0",),
    "oci": ("oci==2.189.0",),
}
SUBNET = "/subscriptions/1/resourceGroups/shop/providers/Microsoft.Network/virtualNetworks/n/subnets/s"
MORE: dict[str, dict[str, Any]] = {
    "azure": {"disk_size": 64, "security_group": SUBNET},
    "google": {
        "disk_size": 64,
        "subnetwork": "regions/us-central1/subnetworks/inside",
        "public_address": True,
        "network_tags": ["db"],
        "ssh_key": "ops:ssh-ed25519 AAAA ops",
    },
    "oci": {"disk_size": 64, "security_groups": ["ocid1.nsg.oc1..db"], "ssh_key": "ssh-ed25519 AAAA ops"},
}


def test_all_that_is_sent_and_answered_is_of_the_published_shape(platform: Platform) -> None:
    """Launching with every key, tagging, moving, no room: each body has fields that the provider knows."""
    name = platform.account.provider
    with platform.under_test(**platform.apart, **MORE[name]) as it:
        one = it.launch(it.request(**{ROLE_TAG: MEMBER})).id
        it.until(one, RUNNING)
        it.cloud.tag(one, {"purpose": "shapes"})
        it.cloud.stop(one)
        if isinstance(it.listing, Placer):
            it.listing.place(one, it.listing.placement(one, it.tags))
        with platform.account.no_room(late=True), pytest.raises(CloudError):
            it.launch(it.request())
    assert complaints(name, platform.account.answered, *PACKAGES[name]) == []


@pytest.mark.parametrize(
    ("platform", "settings", "says"),
    [
        ("google", {"zone": ""}, "[cloud] zone: none is set; name one: `gcloud compute zones list`"),
        ("google", {"zone": "us-central1"}, "a zone such as"),
        ("google", {"machine_typ": "e2"}, "did you mean 'machine_type'"),
        ("google", {"ssh_key": "ssh-ed25519 AAAA"}, "a user and a public key"),
        ("google", {"spread_policy": "no-such"}, "there is no spread policy 'no-such' in us-central1"),
        ("azure", {"size": ""}, "[cloud] size: none is set; name one: `az vm list-sizes"),
        ("azure", {"imge": "x"}, "did you mean 'image'"),
        ("azure", {"image": "debian"}, "write PUBLISHER:OFFER:SKU:VERSION"),
        ("azure", {"subnet": "inside"}, "a whole id such as /subscriptions/"),
        ("azure", {"ssh_key": ""}, "user and ssh_key go together"),
        ("azure", {"zone": "1", "scale_set": "auto"}, "[cloud] zone: a set with fault domains is in no zone"),
        ("azure", {"scale_set": "a", "availability_set": "b"}, "there is a scale_set already"),
        ("azure", {"scale_set": "no-such"}, "there is no flexible one 'no-such' in shop"),
        ("azure", {"availability_set": "no-such"}, "there is no 'no-such' in shop"),
        ("oci", {"shape": ""}, "[cloud] shape: none is set; name one: `oci compute shape list"),
        ("oci", {"ocpu": 2}, "did you mean 'ocpus'"),
        ("oci", {"ocpus": 0, "memory_gb": 0}, "VM.Standard.E5.Flex is flexible"),
        ("oci", {"memory_gb": 0}, "ocpus and memory_gb go together"),
        ("oci", {"compartments": []}, "[cloud] compartment: none is set"),
        ("oci", {"compartment": "another"}, "it is none of compartments"),
        ("oci", {"fault_domain": "2"}, '"auto" or one such as "FAULT-DOMAIN-1"'),
    ],
    indirect=["platform"],
)
def test_a_wrong_key_names_the_mend(platform: Platform, settings: dict[str, Any], says: str) -> None:
    """Each mistake in what is to be launched is one line that names the key."""
    with pytest.raises(ConfigError) as wrong:
        cloud = platform.account.open(**platform.what | settings)
        assert isinstance(cloud, Chooser)
        cloud.parameters({CLUSTER_TAG: "orders"})
    assert says in str(wrong.value)


@pytest.mark.parametrize("platform", ["azure", "google"], indirect=True)
def test_a_stranger_of_the_same_name_is_left_alone(platform: Platform) -> None:
    """Names are chosen here: the launch is refused, so that another token is tried."""
    with platform.under_test() as it:
        request = it.request()
        one = it.launch(request).id
        it.cloud.tag(one, {CLUSTER_TAG: "theirs"})
        with pytest.raises(RefusedError, match="isn't ours"):
            it.launch(request, it.connect())
        it.until(one, RUNNING)
        it.cloud.terminate(one)
        it.eventually(lambda: it.ended(one), "it doesn't end")


def notes(platform: Platform) -> Iterable[str]:
    """Launch into a fault domain, twice if need be, and yield what is said of each launch before."""
    with platform.under_test(**platform.apart) as it:
        for _ in range(2):
            request = it.request()
            yield request.parameters[NOTE]
            try:
                it.launch(request)
            except RefusedError as error:
                yield str(error)


@pytest.mark.parametrize("platform", ["azure", "google"], indirect=True)
def test_what_keeps_instances_apart_is_done_without_where_it_can_not_be_had(platform: Platform) -> None:
    """The launch's note says why; what else shows where instances are decides then."""
    platform.account.no_groups = True
    first, *_ = notes(platform)
    assert first.startswith("without s") and "keepapart-conformance" in first


@pytest.mark.parametrize("platform", ["azure", "google"], indirect=True)
def test_a_group_that_a_launch_is_refused_for_is_done_without(platform: Platform) -> None:
    """So the next launch is without it, and says so."""
    platform.account.refused_in_groups = True
    first, refused, second = notes(platform)
    assert "which has no other member" in first
    assert "the next launch is without" in refused
    assert second.startswith("without s") and "refused a launch into it" in second


def test_a_region_with_two_fault_domains_gets_a_scale_set_of_two(azure: Azure) -> None:
    """Three are asked for first."""
    azure.regions_domains = 2
    assert "fault domain" in next(iter(notes(Platform(azure, *WHAT["azure"]))))
    (group,) = azure.lists["virtualMachineScaleSets"]
    assert group["properties"]["platformFaultDomainCount"] == 2


def test_in_an_availability_set_azure_chooses_the_domain(azure: Azure) -> None:
    """The set is the operator's; what it does is told by the list."""
    azure.set_of("mine", platformFaultDomainCount=3)
    with Platform(azure, *WHAT["azure"]).under_test(availability_set="mine") as it:
        request = it.request()
        assert request.parameters[NOTE] == "in availability set mine, where Azure chooses the fault domain"
        it.launch(request)
        (made,) = (body for what, body in azure.answered if what == "virtualMachine" and "id" not in body)
        assert made["properties"]["availabilitySet"]["id"].endswith("/availabilitySets/mine")


@pytest.mark.parametrize(
    ("cluster", "says"), [("Orders", "[cluster] name"), ("two_words", "[cloud] spread_policy")]
)
def test_a_cluster_that_google_can_not_name_is_refused(google: Google, cluster: str, says: str) -> None:
    """Names aren't mangled: labels have small letters, and policies no underscores."""
    cloud = google.open(**WHAT["google"][0], spread_policy="auto")
    assert isinstance(cloud, Chooser)
    with pytest.raises(ConfigError) as wrong:
        cloud.parameters({CLUSTER_TAG: cluster})
    assert says in str(wrong.value)


def test_what_is_gone_as_soon_as_it_was_made_is_made_again(google: Google) -> None:
    """Google would answer the same call with its first success; so it is called by another id."""
    with Platform(google, *WHAT["google"]).under_test() as it:
        request, before = it.request(), google.answer
        google.steps = 0

        def vanishing(call: Call) -> Reply:
            said = before(call)
            if call.method == "POST" and call.path.endswith("/instances"):
                google.things.clear()
                google.disks.clear()
                google.answer = before
            return said

        google.answer = vanishing
        one = it.launch(request).id
        it.until(one, RUNNING)
        assert it.ids() == [one]
