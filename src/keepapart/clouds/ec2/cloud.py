"""EC2, behind the protocol of every cloud.

Rules:
1. Lists and descriptions ask by filter, so that an id which EC2 doesn't know (yet) is merely left out.
2. A launch says exactly what its request says: parameters, token, and tags for the instance and its volumes.
3. Start, stop and terminate may be repeated; an instance that is there already is no error.
4. Members that the configuration names by id or filter are shown with the tags that were asked for, where
   they have none of their own that says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keepapart.clouds import MEMBER, NOTE, ROLE_TAG, LaunchRequest
from keepapart.clouds.ec2 import facts, prices, request
from keepapart.clouds.ec2.client import account, open_prices
from keepapart.clouds.ec2.errors import translate
from keepapart.clouds.ec2.placement import Groups
from keepapart.clouds.ec2.settings import Settings
from keepapart.clouds.user_data import UserData
from keepapart.errors import CapacityError, CloudError, NotFoundError, RefusedError
from keepapart.model import Instance

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ec2.type_defs import InstanceTypeDef

ALIVE = ("pending", "running", "stopping", "shutting-down", "stopped")
AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")  # where AWS itself answers
MOST_IN_FILTER = 200  # values of one filter
MOST_IN_TOPOLOGY = 100  # ids of one DescribeInstanceTopology
PAGE = 500
HOST, TENANCY = "Placement.HostId", "Placement.Tenancy"

Filters = Mapping[str, Sequence[str]]


class Ec2Cloud:
    """The instances of one account and region; see `clouds.Cloud` and what a cloud may be beside it."""

    name = "ec2"
    adopts = 'member_filter = {"tag:Name" = "db-*"} (or members = ["i-…"])'
    user_data = UserData(16_384)

    def __init__(self, client: EC2Client, settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._groups = Groups(client, settings, lambda filters: [said for said, _ in self._find(filters)])
        self._where: Mapping[str, str] = {}
        self._overlay: dict[str, Mapping[str, str]] = {}
        self._in_group: dict[str, str] = {}  # which group those are in that are to be started
        host = urlsplit(client.meta.endpoint_url).hostname or ""
        self._aws = host.endswith(AWS)  # others speak EC2's API too, on networks of their own

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        """List every instance that carries all of these tags, terminated ones left out."""
        alive: Filters = {"instance-state-name": ALIVE}
        found = {s["InstanceId"]: (s, o) for s, o in self._find({**alive, **_by_tags(tags)})}
        if tags.get(ROLE_TAG, MEMBER) == MEMBER:
            for said, owner in self._named(alive):
                own = {tag["Key"]: tag["Value"] for tag in said.get("Tags", ())}
                if all(own.get(key, value) == value for key, value in {**tags, ROLE_TAG: MEMBER}.items()):
                    self._overlay[said["InstanceId"]] = {**tags, ROLE_TAG: MEMBER}
                    found[said["InstanceId"]] = said, owner
        return self._shown(list(found.values()))

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell the present state of these; ids that EC2 doesn't know are left out."""
        found = self._find_ids(list(dict.fromkeys(ids)), {})
        return {one.id: one for one in self._shown(found)}

    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Decide what the next launch says; see `request` and `placement`."""
        return {**request.parameters(self._settings), **self._groups.parameters(tags)}

    def foresee(self, tags: Mapping[str, str]) -> str:
        """Say which placement group the next launch would use, and make none."""
        return self._groups.foresee(tags)

    def launch(self, wanted: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before.

        A request without parameters says what the configuration says, without a placement group.
        """
        said = wanted.parameters or request.parameters(self._settings)
        complete = replace(wanted, parameters=said)
        try:
            with _asked("launching", wanted.token):
                answer = self._client.run_instances(**request.call(complete))
        except (CapacityError, RefusedError) as error:
            raise self._groups.refused(error, said) from error
        return self._shown([(answer["Instances"][0], answer.get("OwnerId", ""))])[0]

    def start(self, instance_id: str) -> None:
        """Start a stopped instance; it may land on another host."""
        try:
            with _asked(f"starting {instance_id}"):
                self._client.start_instances(InstanceIds=[instance_id])
        except (CapacityError, RefusedError) as error:
            raise self._groups.refused(error, {request.GROUP: self._in_group.get(instance_id, "")}) from error

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Decide on the placement group of a member that is to start, or on its Dedicated Host."""
        found = self._find_ids([instance_id], {})
        if not found:
            raise NotFoundError(f"{instance_id}: EC2 knows no such instance")
        said, _ = found[0]
        group = said.get("Placement", {}).get("GroupName", "")
        if host and not host.startswith("h-"):
            raise RefusedError(f"{host!r} is no Dedicated Host: no other can be chosen")
        if host:
            out = {request.GROUP: ""} if group else {}
            return {HOST: host, TENANCY: "host", **out, NOTE: f"on Dedicated Host {host}"}
        chosen = self._groups.of_member(said, tags, make=make)
        if make:
            self._in_group[instance_id] = chosen.get(request.GROUP, group)
        return chosen

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Have a stopped instance start in this group, or on this Dedicated Host."""
        said: dict[str, Any] = {
            name.removeprefix(request.PLACEMENT): int(text) if name in request.NUMBERS else text
            for name, text in parameters.items()
            if name != NOTE
        }
        with _asked(f"placing {instance_id}"):
            self._client.modify_instance_placement(InstanceId=instance_id, **said)

    def stop(self, instance_id: str) -> None:
        """Stop an instance: it keeps its identity and loses its host."""
        with _asked(f"stopping {instance_id}"):
            self._client.stop_instances(InstanceIds=[instance_id])

    def terminate(self, instance_id: str) -> None:
        """End an instance for good."""
        with _asked(f"terminating {instance_id}"):
            self._client.terminate_instances(InstanceIds=[instance_id])

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""
        with _asked(f"tagging {instance_id}"):
            self._client.create_tags(
                Resources=[instance_id], Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
            )

    def price_per_hour(self) -> float:
        """Ask AWS's price list what one instance costs an hour; see `prices`."""
        client = open_prices(self._settings, prices.home(self._client.meta.region_name))
        try:
            return prices.per_hour(client, self._settings, self._client.meta.region_name)
        finally:
            client.close()

    def where(self) -> Mapping[str, str]:
        """Tell the region, the endpoint, and the account where AWS says it."""
        if not self._where:
            meta = self._client.meta
            owner = account(self._settings, meta.region_name) if self._aws else ""
            endpoint = "AWS" if self._aws else meta.endpoint_url  # its own have many names
            self._where = {
                "region": meta.region_name,
                "endpoint": endpoint,
                **({"account": owner} if owner else {}),
            }
        return self._where

    def close(self) -> None:
        """Close the connections to EC2."""
        self._client.close()

    def _named(self, also: Filters) -> list[tuple[InstanceTypeDef, str]]:
        """Find the members that the configuration names by id and by filter."""
        found = self._find_ids(self._settings.members, also)
        if self._settings.member_filter:
            found += self._find({**self._settings.member_filter, **also})
        return found

    def _find_ids(self, ids: Sequence[str], also: Filters) -> list[tuple[InstanceTypeDef, str]]:
        return [
            one for part in _parts(ids, MOST_IN_FILTER) for one in self._find({"instance-id": part, **also})
        ]

    def _find(self, filters: Filters) -> list[tuple[InstanceTypeDef, str]]:
        """Find instances and their owners, page by page."""
        pages = self._client.get_paginator("describe_instances")
        asked: Any = [{"Name": name, "Values": list(values)} for name, values in filters.items()]
        with _asked("listing instances"):
            return [
                (said, reservation.get("OwnerId", ""))
                for page in pages.paginate(Filters=asked, PaginationConfig={"PageSize": PAGE})
                for reservation in page["Reservations"]
                for said in reservation["Instances"]
            ]

    def _shown(self, found: Sequence[tuple[InstanceTypeDef, str]]) -> list[Instance]:
        topology = self._topology([said["InstanceId"] for said, _ in found if facts.has_topology(said)])
        shown = []
        for said, owner in found:
            group = facts.group_of(said)
            shown.append(
                facts.instance(
                    said,
                    self._settings,
                    owner=owner,
                    strategy=self._groups.strategy(group) if group else "",
                    topology=topology.get(said["InstanceId"], ""),
                    platform="ec2" if self._aws else "",
                    overlay=self._overlay.get(said["InstanceId"]),
                )
            )
        return shown

    def _topology(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Ask for the network nodes above these; without the answer there is a fact less, and no harm."""
        try:
            with _asked("asking for the instance topology"):
                return {
                    said["InstanceId"]: ",".join(said.get("NetworkNodes", ()))
                    for part in _parts(ids, MOST_IN_TOPOLOGY)
                    for said in self._client.describe_instance_topology(InstanceIds=list(part))["Instances"]
                }
        except CloudError:
            return {}


def _by_tags(tags: Mapping[str, str]) -> Filters:
    return {f"tag:{key}": (_literal(value),) for key, value in tags.items()}


def _literal(value: str) -> str:
    """Return a filter's value that matches only itself: * and ? are wildcards in a filter."""
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def _parts(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


@contextmanager
def _asked(doing: str, token: str = "") -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise translate(error, doing, token) from error
