"""What EC2 says of an instance, as an `Instance` with the facts of its placement.

===============  ======================================================================================
fact             is
===============  ======================================================================================
platform         "ec2", where AWS itself answers
project          the account's number: what facts are compared within
zone             Placement.AvailabilityZone
host, host_kind  Placement.HostId, "dedicated": Dedicated Hosts only
group            Placement.GroupId, else GroupName
group_strategy   that group's Strategy: spread, partition, cluster
partition        Placement.PartitionNumber
topology         DescribeInstanceTopology's NetworkNodes, from the top down with commas between
whole_host       "true" for bare-metal types: the host is the instance's alone; not of Graviton3, three of
                 whose sockets share a board and its Nitro card
===============  ======================================================================================

What EC2 doesn't state is left out, never guessed. An instance that doesn't run is nowhere: only its platform,
project and group are stated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from keepapart import clouds
from keepapart.clouds.ec2.settings import Settings
from keepapart.clouds.reach import way_in
from keepapart.model import Instance

if TYPE_CHECKING:
    from types_boto3_ec2.type_defs import InstanceTypeDef

# shutting-down is on its way out as stopping is, and isn't gone before it is terminated
STATES = {
    "pending": clouds.PENDING,
    "running": clouds.RUNNING,
    "stopping": clouds.STOPPING,
    "shutting-down": clouds.STOPPING,
    "stopped": clouds.STOPPED,
    "terminated": clouds.TERMINATED,
}

# Families of accelerated and HPC types, wider than the user guide's list so as to follow it as it grows: for
# a type too many EC2 answers nothing or refuses, and a fact is left out.
HAS_TOPOLOGY = re.compile(r"(hpc\d|p3dn|p[4-9]|trn\d|g[6-9]|inf[2-9]|u-|u7)")
SHARED_BOARD = re.compile(r"[a-z]+7g[a-z]*\.metal")


def instance(
    said: InstanceTypeDef,
    settings: Settings,
    *,
    owner: str = "",
    strategy: str = "",
    topology: str = "",
    platform: str = "",
    overlay: Mapping[str, str] | None = None,
) -> Instance:
    """Return what EC2 `said` of an instance; `overlay` are tags that it is to be shown with."""
    tags = {tag["Key"]: tag["Value"] for tag in said.get("Tags", ())}
    addresses = {
        "private": said.get("PrivateIpAddress", ""),
        "public": said.get("PublicIpAddress", ""),
        "ipv6": said.get("Ipv6Address", "") or _ipv6(said),
    }
    names = {**addresses, "id": said["InstanceId"], "address": addresses[settings.address]}
    return Instance(
        id=said["InstanceId"],
        address=addresses[settings.address],
        reach=way_in(settings.reach, settings.reach_tag, tags, names),
        state=STATES.get(said["State"]["Name"], said["State"]["Name"]),
        tags={**(overlay or {}), **tags},
        facts=_facts(said, owner, strategy, topology, platform),
        public=addresses["public"],
    )


def group_of(said: InstanceTypeDef) -> str:
    """Name the placement group that an instance is in; empty where it is in none."""
    placement = said.get("Placement", {})
    return placement.get("GroupId", "") or placement.get("GroupName", "")


def has_topology(said: InstanceTypeDef) -> bool:
    """Say whether EC2 states the network nodes above instances of this one's type, while it runs."""
    return said["State"]["Name"] == "running" and bool(HAS_TOPOLOGY.match(said.get("InstanceType", "")))


def _facts(said: InstanceTypeDef, owner: str, strategy: str, topology: str, platform: str) -> dict[str, str]:
    placement = said.get("Placement", {})
    placed = said["State"]["Name"] in ("running", "pending")
    kind = said.get("InstanceType", "")
    facts = {"platform": platform, "project": owner, "group": group_of(said)}
    if placed:
        facts |= {
            "zone": placement.get("AvailabilityZone", ""),
            "host": placement.get("HostId", ""),
            "host_kind": "dedicated" if placement.get("HostId") else "",
            "group_strategy": strategy,
            "partition": str(placement.get("PartitionNumber") or ""),
            "topology": topology,
            "whole_host": "true" if ".metal" in kind and not SHARED_BOARD.match(kind) else "",
        }
    return {name: value for name, value in facts.items() if value}


def _ipv6(said: InstanceTypeDef) -> str:
    interfaces = said.get("NetworkInterfaces", ())
    found = [a["Ipv6Address"] for each in interfaces for a in each.get("Ipv6Addresses", ())]
    return found[0] if found else ""
