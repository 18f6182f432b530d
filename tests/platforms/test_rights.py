"""The least rights of a page: those that the calls of all that keepapart does take there, and no others.

The doubles know no rights. Which ones a call takes is in the tables here, by the platforms' documentation: a
call that is in none of them, and a right that no call takes, are both found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from keepapart.clouds import MEMBER, ROLE_TAG, RUNNING, STOPPED, Placer, launching
from tests.platforms import azure_stub
from tests.platforms.azure_stub import Azure
from tests.platforms.launched import PAGES, Platform
from tests.platforms.oci_stub import Oci
from tests.platforms.stub import Call

Row = tuple[str, str, Sequence[str]]  # a method, the end of a path, the rights: the first that fits holds

GOOGLE: Sequence[Row] = (
    ("GET", r"/aggregated/instances", ["compute.instances.list"]),
    ("GET", r"/aggregated/resourcePolicies", ["compute.resourcePolicies.list"]),
    ("GET", r"/resourcePolicies/[^/]+", ["compute.resourcePolicies.get"]),
    ("POST", r"/resourcePolicies", ["compute.resourcePolicies.create"]),
    ("GET", r"/zones/[^/]+/operations/[^/]+", ["compute.zoneOperations.get"]),
    ("GET", r"/regions/[^/]+/operations/[^/]+", ["compute.regionOperations.get"]),
    ("GET", r"/instances/[^/]+", ["compute.instances.get"]),
    ("POST", r"/zones/[^/]+/instances", ["compute.instances.create", "compute.disks.create"]),
    ("DELETE", r"/instances/[^/]+", ["compute.instances.delete"]),
    *(
        ("POST", rf"/instances/[^/]+/{name}", [f"compute.instances.{name}"])
        for name in ("setLabels", "setScheduling", "start", "stop")
    ),
    (
        "POST",
        r"/addResourcePolicies",
        ["compute.instances.addResourcePolicies", "compute.resourcePolicies.use"],
    ),
    ("POST", r"/token", []),
)
GOOGLE_KEYS: Mapping[str, Sequence[str]] = {  # of what is made
    '"labels"': ["compute.instances.setLabels", "compute.disks.setLabels"],
    '"metadata"': ["compute.instances.setMetadata"],
    '"tags"': ["compute.instances.setTags"],
    '"sourceImage"': ["compute.images.useReadOnly"],
    '"networkInterfaces"': ["compute.subnetworks.use"],
    '"accessConfigs"': ["compute.subnetworks.useExternalIp"],
    '"resourcePolicies"': ["compute.resourcePolicies.use"],
}
COMPUTE, NETWORK = "Microsoft.Compute", "Microsoft.Network"
NIC = f"{NETWORK}/networkInterfaces"
AZURE: Sequence[Row] = (
    (
        "GET",
        r"/virtualMachineScaleSets/[^/]+/virtualMachines",
        [f"{COMPUTE}/virtualMachineScaleSets/virtualMachines/read"],
    ),
    *(
        ("GET", rf"/{kind}(/[^/]+)?", [f"{COMPUTE}/{kind}/read"])
        for kind in ("virtualMachines", "availabilitySets", "virtualMachineScaleSets")
    ),
    ("GET", r"/networkInterfaces", [f"{NIC}/read"]),
    ("GET", r"/operations/[^/]+", [f"{COMPUTE}/locations/operations/read"]),
    ("PUT", r"/virtualMachineScaleSets/[^/]+", [f"{COMPUTE}/virtualMachineScaleSets/write"]),
    ("PUT", r"/virtualMachines/[^/]+", [f"{COMPUTE}/virtualMachines/write"]),
    ("DELETE", r"/virtualMachines/[^/]+", [f"{COMPUTE}/virtualMachines/delete"]),
    ("POST", r"/start", [f"{COMPUTE}/virtualMachines/start/action"]),
    ("POST", r"/deallocate", [f"{COMPUTE}/virtualMachines/deallocate/action"]),
    ("PATCH", r"/Microsoft.Resources/tags/default", ["Microsoft.Resources/tags/write"]),
)
AZURE_KEYS: Mapping[str, Sequence[str]] = {
    '"osDisk"': [f"{COMPUTE}/disks/write"],
    '"networkInterfaceConfigurations"': [f"{NIC}/write", f"{NIC}/join/action"],
    '"subnet"': [f"{NETWORK}/virtualNetworks/subnets/join/action"],
    '"networkSecurityGroup"': [f"{NETWORK}/networkSecurityGroups/join/action"],
    '"deleteOption"': [f"{COMPUTE}/disks/delete", f"{NIC}/delete"],
}
OCI: Sequence[Row] = (
    ("GET", r"/compartments", ["inspect compartments"]),
    ("GET", r"/instances", ["read instances"]),
    ("GET", r"/vnicAttachments", ["read vnic-attachments"]),
    ("GET", r"/vnics/[^/]+", ["read vnics"]),
    ("GET", r"/workRequests/[^/]+", ["inspect work-requests"]),
    ("GET", r"/instances/[^/]+", ["read instances"]),
    *(
        (method, r"/instances(/[^/]+)?", ["manage instance-family", "manage volume-family"])
        for method in ("POST", "PUT", "DELETE")
    ),
)
OCI_KEYS: Mapping[str, Sequence[str]] = {'"subnetId"': ["use virtual-network-family"]}

TABLES: Mapping[str, tuple[Sequence[Row], str, Mapping[str, Sequence[str]], dict[str, Any]]] = {
    "google": (
        GOOGLE,
        r"POST .*/zones/[^/]+/instances",
        GOOGLE_KEYS,
        {"public_address": True, "network_tags": ["db"], "ssh_key": "ops:ssh-ed25519 AAAA"},
    ),
    "azure": (
        AZURE,
        r"PUT .*/virtualMachines/[^/]+",
        AZURE_KEYS,
        {"security_group": f"{azure_stub.GROUP}/{NETWORK}/networkSecurityGroups/inside"},
    ),
    "oci": (OCI, r"POST .*/instances", OCI_KEYS, {"addresses": True}),
}
NAMES = {
    "google": r"(compute\.\w+)?(\.\w+)",
    "azure": r"(Microsoft\.\w+(?:/\w+)*?)?((?:/start|/deallocate|/join)?/\w+)",
}


def taken(
    calls: Sequence[Call], rows: Sequence[Row], makes: str, keys: Mapping[str, Sequence[str]]
) -> set[str]:
    """Return the rights that calls take; those that make something take some for its parts too."""
    found = set[str]()
    for call in calls:
        fits = [
            said for method, end, said in rows if method == call.method and re.search(f"{end}$", call.path)
        ]
        assert fits, f"{call.method} {call.path}: nobody says what that takes"
        found.update(fits[0])
        if re.fullmatch(makes, f"{call.method} {call.path}"):
            found.update(
                right for key, rights in keys.items() if key in call.raw.decode() for right in rights
            )
    return found


def allowed(provider: str) -> set[str]:
    """Return the rights that a page lists; what begins with . or / is of the same kind as the one before."""
    page = (PAGES / f"{provider}.md").read_text(encoding="utf-8")
    if provider == "oci":
        return {
            f"{verb} {what}" for verb, what in re.findall(r"(manage|use|inspect|read) ([a-z-]{4,})", page)
        }
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    words = re.split(r"[,;\s]+", " ".join(text for kind, text in blocks if not kind).strip())
    found, stem = set(re.findall(r"`(compute\.\w+\.\w+)`", page)), ""
    for word in words:
        whole = re.fullmatch(NAMES[provider], word)
        assert whole, word
        stem = whole[1] or stem
        found.add(stem + whole[2])
    return found


def test_the_rights_of_a_page_are_those_that_its_calls_take(platform: Platform) -> None:
    """Launch, tag, move, stop, start, end and list: with everything in it that a key can ask for."""
    account = platform.account
    rows, makes, keys, more = TABLES[account.provider]
    if isinstance(account, Azure):
        account.set_of("uniform", "virtualMachineScaleSets", orchestrationMode="Uniform")
    with platform.under_test(**more) as it:
        (one,) = it.running()
        it.cloud.stop(one)
        it.until(one, STOPPED)
        apart = launching(account.open(**platform.what | platform.apart | more))
        if isinstance(apart, Placer):
            apart.place(one, apart.placement(one, it.tags))
        apart.close()
        it.cloud.tag(one, {ROLE_TAG: MEMBER})
        it.cloud.start(one)
        it.until(one, RUNNING)
    with platform.under_test(**platform.apart | more) as it:
        it.running()
    if isinstance(account, Oci):
        (within,) = platform.what["compartments"]
        everywhere = account.open(**platform.what | {"compartments": [], "compartment": within})
        everywhere.instances(it.tags)
        everywhere.close()
    assert taken(account.calls, rows, makes, keys) == allowed(account.provider)
