"""Which placement group serves the next launch: what the platform offers is used before retrying.

Rules:
1. `placement_group = "auto"`: a spread group of the cluster's own, `keepapart-NAME`, made and tagged where it
   is missing. A named group is used as it is and never made.
2. A spread group serves while fewer than `SPREAD_LIMIT` of its instances run in the zone. Where the zone
   isn't said, EC2 itself says no, and 4 follows.
3. In a partition group, the partition is asked for that holds the fewest running instances of the group;
   among equals, the one asked for least so far, since several may be launched at once.
4. A spread or partition group that is full, can't be had, or was refused once is done without until the
   process ends: launch, check, release then decide alone, and the launch's note says why. A cluster group was
   asked for to be close together: it is never done without.
5. A member that is moved goes into the named group; else it stays in the group that it is in; else it goes
   into the cluster's own spread group. A spread or partition group where EC2 has no room for it is done
   without, as for launches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from keepapart.clouds import CLUSTER_TAG, NOTE
from keepapart.clouds.ec2.errors import code_of, translate
from keepapart.clouds.ec2.request import GROUP, PARTITION
from keepapart.clouds.ec2.settings import AUTO, Settings
from keepapart.errors import CapacityError, CloudError, RefusedError

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ec2.type_defs import InstanceTypeDef, PlacementGroupTypeDef

SPREAD_LIMIT = 7
APART = ("spread", "partition")
Find = Callable[[Mapping[str, Sequence[str]]], Sequence["InstanceTypeDef"]]


class Groups:
    """The placement groups of one account and region, as the next launch may use them."""

    def __init__(self, client: EC2Client, settings: Settings, find: Find) -> None:
        self._client = client
        self._settings = settings
        self._find = find
        self._strategies: dict[str, str] = {}
        self._without: dict[str, str] = {}
        self._asked: Counter[tuple[str, int]] = Counter()

    def strategy(self, group: str) -> str:
        """Say which strategy a group has, by id or name; empty where that can't be learnt."""
        if group not in self._strategies:
            try:
                found = self._described(group)
            except CloudError:
                return ""  # a fact less, which can only make a verdict unknown
            self._strategies[group] = found.get("Strategy", "") if found else ""
        return self._strategies[group]

    def parameters(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return what the next launch of the cluster that `tags` name says of its group, and a note on it."""
        return self._chosen(self._settings.placement_group, tags, make=True)

    def of_member(self, said: InstanceTypeDef, tags: Mapping[str, str], *, make: bool) -> dict[str, str]:
        """Return what a stopped member, as EC2 `said` it is, is to be told of its group, and a note on it.

        Without `make`, a group that is missing is only spoken of, and nothing is decided.
        """
        now = said.get("Placement", {}).get("GroupName", "")
        named = self._settings.placement_group not in ("", AUTO)
        if make:
            return self._of_member(now, now if now and not named else self._wanted, tags, make=True)
        with self._only_looking():
            return self._of_member(now, now if now and not named else self._wanted, tags, make=False)

    @property
    def _wanted(self) -> str:
        return self._settings.placement_group or AUTO

    def _of_member(self, now: str, wanted: str, tags: Mapping[str, str], *, make: bool) -> dict[str, str]:
        chosen = self._chosen(wanted, tags, make=make)
        if GROUP not in chosen and now and make:
            return {**chosen, GROUP: ""}  # out of it
        if chosen.get(GROUP) == now and PARTITION not in chosen:
            return {NOTE: chosen[NOTE]} if now else chosen
        return chosen

    def _chosen(self, wanted: str, tags: Mapping[str, str], *, make: bool) -> dict[str, str]:
        cluster = tags.get(CLUSTER_TAG, "")
        if not wanted:
            return {}
        name = f"keepapart-{cluster}" if wanted == AUTO else wanted
        if name in self._without:
            return {NOTE: f"without placement group {name}: {self._without[name]}"}
        try:
            group = self._described(name, by_name=True)
            if group is None and wanted == AUTO:
                if not make:
                    return {GROUP: name, NOTE: f"in spread group {name}, to be made"}
                group = self._made(name, cluster)
        except CloudError as error:
            if wanted != AUTO:
                raise
            return self._do_without(name, str(error))
        if group is None:
            raise CloudError(
                f"[cloud] placement_group: there is no group {name!r} in this account and region"
            )
        return self._use(name, group)

    def foresee(self, tags: Mapping[str, str]) -> str:
        """Say in words what `parameters` would choose; nothing is made, and nothing decided by it."""
        with self._only_looking():
            try:
                return self._chosen(self._settings.placement_group, tags, make=False).get(NOTE, "")
            except CloudError as error:
                return str(error)

    @contextmanager
    def _only_looking(self) -> Iterator[None]:
        before = dict(self._without), self._asked.copy()
        try:
            yield
        finally:
            self._without, self._asked = before

    def refused(self, error: CapacityError | RefusedError, request: Mapping[str, str]) -> CloudError:
        """Say what a launch or a start that was refused means, where its group may be the reason."""
        name = request.get(GROUP, "")
        if not name or self.strategy(name) not in APART:
            return error
        self._do_without(name, "EC2 had no room in it")
        return RefusedError(f"{str(error).rstrip('.')}; the next try is without placement group {name}")

    def _use(self, name: str, group: PlacementGroupTypeDef) -> dict[str, str]:
        strategy = group.get("Strategy", "")
        if strategy not in APART:
            return {GROUP: name, NOTE: f"in {strategy} group {name}"}
        states = ("pending", "running")
        inside = self._find({"placement-group-name": (name,), "instance-state-name": states})
        if strategy == "spread":
            running = self._in_zone(inside)
            if running >= SPREAD_LIMIT:
                return self._do_without(name, f"{running} of at most {SPREAD_LIMIT} run in the zone already")
            return {GROUP: name, NOTE: f"in spread group {name}"}
        taken = Counter(i.get("Placement", {}).get("PartitionNumber", 0) for i in inside)
        partitions = range(1, group.get("PartitionCount", 1) + 1)
        number = min(partitions, key=lambda n: (taken[n], self._asked[name, n], n))
        self._asked[name, number] += 1
        return {GROUP: name, PARTITION: str(number), NOTE: f"in partition {number} of group {name}"}

    def _in_zone(self, inside: Sequence[InstanceTypeDef]) -> int:
        """Count those in the zone that the launch would be in; 0 where that can't be told."""
        subnet, zone = self._settings.subnet_id, self._settings.zone
        zones = {i.get("Placement", {}).get("AvailabilityZone", "") for i in inside}
        if subnet:
            zones = {
                i.get("Placement", {}).get("AvailabilityZone", "")
                for i in inside
                if i.get("SubnetId") == subnet
            }
        elif zone:
            zones &= {zone}
        else:
            return 0
        return sum(1 for i in inside if i.get("Placement", {}).get("AvailabilityZone", "") in zones)

    def _do_without(self, name: str, because: str) -> dict[str, str]:
        self._without[name] = because
        return {NOTE: f"without placement group {name}: {because}"}

    def _described(self, group: str, *, by_name: bool = False) -> PlacementGroupTypeDef | None:
        key = "group-id" if group.startswith("pg-") and not by_name else "group-name"
        try:
            if key == "group-id":
                found = self._client.describe_placement_groups(GroupIds=[group])
            else:
                found = self._client.describe_placement_groups(GroupNames=[group])
        except ClientError as error:
            if code_of(error) == "InvalidPlacementGroup.Unknown":
                return None
            raise translate(error, f"looking for placement group {group}") from error
        except Exception as error:
            raise translate(error, f"looking for placement group {group}") from error
        return next(iter(found["PlacementGroups"]), None)

    def _made(self, name: str, cluster: str) -> PlacementGroupTypeDef | None:
        try:
            made = self._client.create_placement_group(
                GroupName=name,
                Strategy="spread",
                TagSpecifications=[
                    {"ResourceType": "placement-group", "Tags": [{"Key": CLUSTER_TAG, "Value": cluster}]}
                ],
            )
        except ClientError as error:
            if code_of(error) == "InvalidPlacementGroup.Duplicate":  # made meanwhile, or the answer was lost
                return self._described(name, by_name=True)
            raise translate(error, f"making placement group {name}") from error
        except Exception as error:
            raise translate(error, f"making placement group {name}") from error
        return made["PlacementGroup"]
