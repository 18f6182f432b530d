"""Metadata: what a platform's own service tells an instance of its placement, from inside and unsigned.

1. A service is asked only where the platform is known by what the firmware shows (`signals.platform`), and of
   a machine whose kernel is the instance's own: a container's answers would be those of its node.
2. What an instance is told is a statement of its metadata (`model.Source`): strong at most, and dropped where
   the platform's API says otherwise. Equal ids of machines are one machine, whatever else is said.
3. Names of zones and hosts are used only as far as they mean the same to everybody of one project: EC2's zone
   ids and not its zone names, OCI's own names of domains and not the tenant's.
4. Azure's fault domain means something only among instances of one scale set outside zones; elsewhere 0 and 1
   may be one rack.
5. Google's two names of a host are of two kinds, by what they are made of: a virtual machine with a compact
   placement and one without show two names of one host. Nothing inside says whether they are the project's or
   an organization's, so they are compared within a project only.

Paths, headers and fields are those of cloud-init's datasources and of the platforms' own pages. OpenStack,
Hetzner, DigitalOcean, Vultr, UpCloud, Exoscale and Alibaba tell no host; their zones are told apart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from keepapart.model import Fact, Instance, Service, Source, Statement
from keepapart.signals.platform import platform_of

BY = "the metadata service"
LINK_LOCAL = "169.254.169.254"
Told = Mapping[str, str]
Facts = Mapping[Fact, str]

EC2, GOOGLE, AZURE = "/latest/meta-data/", "/computeMetadata/v1/", "/metadata/instance/compute"
ORACLE, HETZNER, ALIBABA = "/opc/v2/instance/", "/hetzner/v1/metadata/", "/latest/meta-data/"
OPENSTACK = Service(
    (LINK_LOCAL,), [("/openstack/2015-10-15/meta_data.json", ("uuid", "availability_zone", "project_id"))]
)
AZURE_VERSIONS = ("2021-12-13", "2021-02-01")  # the second where the first is not known yet
AZURE_FIELDS = (
    "vmId",
    "subscriptionId",
    "location",
    "zone",
    "physicalZone",
    "platformFaultDomain",
    "placementGroupId",
    "vmScaleSetName",
    "virtualMachineScaleSet.id",
    "host.id",
)

SERVICES: Mapping[str, Service] = {
    "ec2": Service(
        (LINK_LOCAL, "fd00:ec2::254"),
        [
            (f"{EC2}instance-id", "id"),
            (f"{EC2}placement/availability-zone-id", "zone"),
            (f"{EC2}placement/host-id", "host"),
            (f"{EC2}placement/group-name", "group"),
            (f"{EC2}placement/partition-number", "partition"),
            ("/latest/dynamic/instance-identity/document", ("accountId",)),
        ],
        token=(
            "/latest/api/token",
            (("X-aws-ec2-metadata-token-ttl-seconds", "60"),),
            "X-aws-ec2-metadata-token",
        ),
    ),
    "google": Service(
        (LINK_LOCAL,),
        [
            (f"{GOOGLE}instance/id", "id"),
            (f"{GOOGLE}instance/zone", "zone"),
            (f"{GOOGLE}project/numeric-project-id", "project"),
            (f"{GOOGLE}instance/attributes/physical_host", "host"),
            (f"{GOOGLE}instance/attributes/physical_host_topology", "topology"),
        ],
        headers=[("Metadata-Flavor", "Google")],
        shows=("Metadata-Flavor", "Google"),
    ),
    "azure": Service(
        (LINK_LOCAL,),
        [(f"{AZURE}?api-version={version}&format=json", AZURE_FIELDS) for version in AZURE_VERSIONS],
        headers=[("Metadata", "true")],
    ),
    "oracle": Service(
        (LINK_LOCAL, "fd00:c1::a9fe:a9fe"),
        [(ORACLE + name, name) for name in ("id", "tenantId", "ociAdName", "faultDomain", "shape")],
        headers=[("Authorization", "Bearer Oracle")],
    ),
    "openstack": OPENSTACK,
    "huawei": OPENSTACK,
    "otc": OPENSTACK,
    "digitalocean": Service((LINK_LOCAL,), [("/metadata/v1/id", "id"), ("/metadata/v1/region", "zone")]),
    "hetzner": Service(
        (LINK_LOCAL,), [(f"{HETZNER}instance-id", "id"), (f"{HETZNER}availability-zone", "zone")]
    ),
    "linode": Service(
        (LINK_LOCAL, "fd00:a9fe:a9fe::1"),
        [("/v1/instance", ("id", "host_uuid", "region"))],
        headers=[("Accept", "application/json")],
        token=("/v1/token", (("Metadata-Token-Expiry-Seconds", "60"),), "Metadata-Token"),
    ),
    "vultr": Service(
        (LINK_LOCAL,),
        [("/v1/instance-v2-id", "id"), ("/v1/region/regioncode", "zone")],
        headers=[("Metadata-Token", "cloudinit")],
    ),
    "scaleway": Service(
        ("169.254.42.42", "fd00:42::42"),
        [
            (
                "/conf?format=json",
                ("id", *(f"location.{part}_id" for part in ("zone", "platform", "cluster", "hypervisor"))),
            )
        ],
    ),
    "alibaba": Service(
        ("100.100.100.200",),
        [
            (f"{ALIBABA}instance-id", "id"),
            (f"{ALIBABA}zone-id", "zone"),
            (f"{ALIBABA}owner-account-id", "project"),
            (f"{ALIBABA}instance/last-host-landing-time", "landed"),  # it differs when the instance moves
        ],
        token=(
            "/latest/api/token",
            (("X-aliyun-ecs-metadata-token-ttl-seconds", "60"),),
            "X-aliyun-ecs-metadata-token",
        ),
    ),
    "exoscale": Service(
        (LINK_LOCAL,),
        [("/latest/meta-data/instance-id", "id"), ("/latest/meta-data/availability-zone", "zone")],
    ),
    "upcloud": Service((LINK_LOCAL,), [("/metadata/v1/instance_id", "id"), ("/metadata/v1/region", "zone")]),
}


def service_of(guest: Told) -> Service | None:
    """Return the service to ask of a guest, by what it tells of its machine; None where none may be asked."""
    return SERVICES.get(platform_of(guest)) if guest.get("kernel") != "shared" else None


def with_metadata(
    instances: Sequence[Instance], guests: Sequence[Told], metadata: Sequence[Told]
) -> list[Instance]:
    """Return the instances with what their metadata services told them among what is said of each."""
    return [
        instance.with_statement(statement(platform_of(guest), told)) if told else instance
        for instance, guest, told in zip(instances, guests, metadata, strict=True)
    ]


def statement(platform: str, told: Told) -> Statement:
    """Return what a platform's service told an instance, as facts."""
    facts: dict[str, str] = {name: text for name, text in FACTS[platform](told).items() if text}
    machine = told.get("id") or told.get("vmId") or told.get("uuid") or ""
    return Statement(Source.METADATA, BY, {"platform": platform, **facts}, machine=machine)


def _zone_alone(told: Told) -> Facts:
    return {"zone": told.get("zone", ""), "project": told.get("project", "")}


def _ec2(told: Told) -> Facts:
    host, partition = told.get("host", ""), told.get("partition", "")
    return {
        "project": told.get("accountId", ""),
        "zone": told.get("zone", ""),
        "host": host,
        "host_kind": "dedicated" if host else "",
        "group": told.get("group", "") if partition else "",
        "group_strategy": "partition" if partition else "",
        "partition": partition,
    }


def _google(told: Told) -> Facts:
    host, kind = told.get("host", "").strip("/"), "physical_host"
    try:
        topology = json.loads(told.get("topology", ""))
    except ValueError:
        topology = None
    if isinstance(topology, dict) and isinstance(name := topology.get("host"), str) and name:
        host, kind = name, "physical_host_topology"
    if host:
        blocks = (isinstance(topology, dict) and bool(topology.get("block"))) or host.count("/") > 1
        kind += ", in a block" if blocks else ""
    return {
        "project": told.get("project", ""),
        "zone": told.get("zone", "").rpartition("/")[2],
        "host": host,
        "host_kind": f"google {kind}" if host else "",
    }


def _azure(told: Told) -> Facts:
    location, zone, host = told.get("location", ""), told.get("zone", ""), told.get("host.id", "").lower()
    scale_set = told.get("virtualMachineScaleSet.id", "")
    if not scale_set and told.get("vmScaleSetName") and told.get("placementGroupId"):
        scale_set = f"{told['vmScaleSetName']}/{told['placementGroupId']}"
    domain = told.get("platformFaultDomain", "") if scale_set and not zone else ""
    return {
        "project": told.get("subscriptionId", ""),
        "zone": told.get("physicalZone", "") or (f"{location}-{zone}" if location and zone else ""),
        "host": host,
        "host_kind": "dedicated" if host else "",
        "group": scale_set if domain else "",
        "fault_domain": domain,
    }


def _oracle(told: Told) -> Facts:
    return {
        "project": told.get("tenantId", ""),
        "zone": told.get("ociAdName", ""),
        "fault_domain": told.get("faultDomain", ""),
        "whole_host": "true" if told.get("shape", "").startswith("BM.") else "",
    }


def _openstack(told: Told) -> Facts:
    return {"project": told.get("project_id", ""), "zone": told.get("availability_zone", "")}


def _linode(told: Told) -> Facts:
    return {"zone": told.get("region", ""), "host": told.get("host_uuid", "")}


def _scaleway(told: Told) -> Facts:
    parts = [told.get(f"location.{part}_id", "") for part in ("zone", "platform", "cluster", "hypervisor")]
    host = "/".join(parts) if all(parts) else ""
    return {"zone": parts[0], "host": host, "host_kind": "scaleway" if host else ""}


FACTS: Mapping[str, Callable[[Told], Facts]] = {
    **dict.fromkeys(SERVICES, _zone_alone),
    "ec2": _ec2,
    "google": _google,
    "azure": _azure,
    "oracle": _oracle,
    "openstack": _openstack,
    "huawei": _openstack,
    "otc": _openstack,
    "linode": _linode,
    "scaleway": _scaleway,
}
