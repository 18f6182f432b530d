"""Placement groups and instance topology: the actions that moto lacks."""

from __future__ import annotations

import fnmatch
import hashlib
import re
import secrets
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError, InvalidParameterCombination
from moto.ec2.responses._base_response import EC2BaseResponse

from keepapart.lab.ec2.backend import LabBackend, unknown_group
from keepapart.lab.ec2.groups import CLUSTER, MAX_PARTITIONS, PARTITION, SPREAD, PlacementGroup
from keepapart.lab.ec2.instance import LabInstance

HAS_TOPOLOGY = re.compile(r"(hpc\d|p3dn|p[4-9]|trn\d)")
MAX_TOPOLOGY_IDS = 100
CHANGED = {"GroupName", "GroupId", "PartitionNumber", "Tenancy", "HostId", "Affinity"}


class PlacementActions(EC2BaseResponse):
    """The actions on placement groups, and DescribeInstanceTopology."""

    lab_backend: LabBackend  # the one of this process, set when it starts

    def create_placement_group(self) -> ActionResult:
        """Make a placement group."""
        name = self._get_param("GroupName", "")
        strategy = self._get_param("Strategy", CLUSTER)
        count = self._get_int_param("PartitionCount") or (2 if strategy == PARTITION else 0)
        groups = self.lab_backend.groups_of(self.ec2_backend)
        if name in groups:
            raise EC2ClientError(
                "InvalidPlacementGroup.Duplicate", f"The Placement Group '{name}' already exists."
            )
        if strategy not in (SPREAD, PARTITION, CLUSTER) or not name:
            raise _invalid(f"Invalid value '{strategy}' for strategy.")
        if strategy == PARTITION and not 1 <= count <= MAX_PARTITIONS:
            raise _invalid(f"Invalid value '{count}' for partitionCount: 1 to {MAX_PARTITIONS}.")
        if self._get_param("SpreadLevel", "rack") != "rack":
            raise _invalid("The spread level 'host' is only supported on Outposts.")
        self.error_on_dryrun()
        tags = self._parse_tag_specification().get("placement-group", {})
        groups[name] = group = PlacementGroup(
            name, f"pg-0{secrets.token_hex(8)}", strategy, count, dict(tags)
        )
        return ActionResult({"PlacementGroup": self._group(group)})

    def describe_placement_groups(self) -> ActionResult:
        """List placement groups."""
        self.error_on_dryrun()
        groups = list(self.lab_backend.groups_of(self.ec2_backend).values())
        names, ids = self._get_param("GroupNames", []), self._get_param("GroupIds", [])
        for name in {*names, *ids} - {g.name for g in groups} - {g.id for g in groups}:
            raise unknown_group(name)
        filters = self._filters_from_querystring()
        shown = [
            self._group(group)
            for group in groups
            if (not names or group.name in names)
            and (not ids or group.id in ids)
            and _matches(group, filters)
        ]
        return ActionResult({"PlacementGroups": shown})

    def delete_placement_group(self) -> ActionResult:
        """Remove a placement group that nothing is in any more."""
        name, groups = self._get_param("GroupName", ""), self.lab_backend.groups_of(self.ec2_backend)
        if name not in groups:
            raise unknown_group(name)
        if any(i.placement.group_name == name for i in self._alive()):
            raise EC2ClientError(
                "InvalidPlacementGroup.InUse",
                f"The placement group '{name}' is in use and may not be deleted.",
            )
        self.error_on_dryrun()
        del groups[name]
        return EmptyResult()

    def modify_instance_placement(self) -> ActionResult:
        """Put a stopped instance into a group, another partition or no group, or on a Dedicated Host."""
        asked = self.params.keys() & CHANGED
        if not asked:
            raise InvalidParameterCombination("At least one attribute of the placement must be specified.")
        (one,) = self.lab_backend.named(self.ec2_backend, [self._get_param("InstanceId")])
        if one.guest.state != "stopped":
            raise EC2ClientError(
                "IncorrectInstanceState", f"The instance '{one.id}' is not in the 'stopped' state."
            )
        placement: Any = one.placement
        group, tenancy, host = self._group_of(placement), placement.tenancy, placement.host_id
        number = placement.partition_number if group and group.strategy == PARTITION else None
        if asked & {"GroupName", "GroupId"}:
            group, number = self._named_group(), None
        if "PartitionNumber" in asked:
            number = self._get_int_param("PartitionNumber")
            if not (group and group.strategy == PARTITION and 1 <= (number or 0) <= group.partitions):
                raise _invalid(f"Invalid value '{number}' for partitionNumber.")
        if "Tenancy" in asked:
            tenancy, host = str(self._get_param("Tenancy")), None
            if tenancy not in ("default", "dedicated", "host"):
                raise _invalid(f"Invalid value '{tenancy}' for tenancy.")
        if "HostId" in asked:
            host = self._get_param("HostId") or None
            if host and host not in self.ec2_backend.hosts:
                raise EC2ClientError("InvalidHostID.NotFound", f"The host ID '{host}' does not exist.")
        if host and tenancy != "host":
            raise InvalidParameterCombination("A host ID can only be specified with the tenancy 'host'.")
        if tenancy == "host" and group and group.strategy == SPREAD:
            raise InvalidParameterCombination("Spread placement groups don't support the tenancy 'host'.")
        placement.group_name, placement.group_id = (group.name, group.id) if group else ("", None)
        placement.partition_number, placement.tenancy, placement.host_id = number, tenancy, host
        return ActionResult({"Return": True})

    def _group_of(self, placement: Any) -> PlacementGroup | None:
        return self.lab_backend.groups_of(self.ec2_backend).get(placement.group_name)

    def _named_group(self) -> PlacementGroup | None:
        """Return the group that the call names by name or id; None where it names none."""
        named = self._get_param("GroupName", "") or self._get_param("GroupId", "")
        groups = self.lab_backend.groups_of(self.ec2_backend).values()
        found = next((group for group in groups if named in (group.name, group.id)), None)
        if named and not found:
            raise unknown_group(named)
        return found

    def describe_instance_topology(self) -> ActionResult:
        """Say which network nodes are above each instance, from the top down; the last is its rack's."""
        ids, size = self._get_param("InstanceIds", []), self._get_int_param("MaxResults")
        if ids and size:
            raise InvalidParameterCombination(
                "The parameter instanceIds cannot be used with the parameter maxResults"
            )
        if len(ids) > MAX_TOPOLOGY_IDS:
            raise _invalid(f"You can specify up to {MAX_TOPOLOGY_IDS} instance IDs.")
        self.error_on_dryrun()
        named = self.lab_backend.named(self.ec2_backend, ids) if ids else self._alive()
        names, truth = self._get_param("GroupNames", []), self.lab_backend.lab.truth()
        found = [
            self._topology(one, truth[one.id].rack)
            for one in named
            if one.id in truth
            and HAS_TOPOLOGY.match(one.instance_type)
            and (not names or one.placement.group_name in names)
        ]
        start = int(self._get_param("NextToken", "0"))
        page = found[start : start + (size or 100)]
        following = start + len(page)
        token = str(following) if following < len(found) else None
        return ActionResult({"Instances": page, "NextToken": token})

    def _alive(self) -> list[LabInstance]:
        return [one for one in self.lab_backend.of(self.ec2_backend) if one.guest.state != "terminated"]

    def _group(self, group: PlacementGroup) -> dict[str, Any]:
        where = f"{self.ec2_backend.region_name}:{self.ec2_backend.account_id}"
        return {
            "GroupName": group.name,
            "GroupId": group.id,
            "GroupArn": f"arn:aws:ec2:{where}:placement-group/{group.name}",
            "State": "available",
            "Strategy": group.strategy,
            "PartitionCount": group.partitions or None,
            "SpreadLevel": "rack" if group.strategy == SPREAD else None,
            "Tags": [{"Key": key, "Value": value} for key, value in group.tags.items()],
        }

    def _topology(self, one: LabInstance, rack: str) -> dict[str, Any]:
        placement: Any = one.placement
        return {
            "InstanceId": one.id,
            "InstanceType": one.instance_type,
            "GroupName": placement.group_name or None,
            "NetworkNodes": [self._node("spine"), self._node(placement.zone), self._node(f"rack {rack}")],
            "AvailabilityZone": placement.zone,
            "ZoneId": placement.availability_zone_id,
        }

    def _node(self, what: str) -> str:
        hashed = hashlib.sha256(f"{self.ec2_backend.account_id} {what}".encode()).hexdigest()
        return f"nn-{hashed[:17]}"


def _matches(group: PlacementGroup, filters: dict[str, Any]) -> bool:
    values = {
        "group-name": group.name,
        "strategy": group.strategy,
        "state": "available",
        **{f"tag:{key}": value for key, value in group.tags.items()},
    }
    return all(
        any(fnmatch.fnmatchcase(values.get(name, ""), pattern) for pattern in patterns)
        for name, patterns in filters.items()
    )


def _invalid(message: str) -> EC2ClientError:
    return EC2ClientError("InvalidParameterValue", message)
