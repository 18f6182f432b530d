"""What is read of Linode: instances, placement groups, regions and types.

==============  ======================================================================================
fact            is
==============  ======================================================================================
platform        "linode"
zone            `region`
host            `host_uuid`, "the Linode's host machine": of every instance and account, the same for all
group           the id of its placement group
group_strategy  "spread" where the group is strict, nothing migrates into it or out of it, and this member
                is compliant; else the group's own policy, which is no promise
==============  ======================================================================================

An instance is unsettled in every state but running and rebooting, and while its placement group shows that it
migrates (`migrating_to`). Source: the API's specification 4.229, and linode-api4 5.48.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from keepapart import clouds
from keepapart.clouds.listed import Listed
from keepapart.clouds.rest import Page, Rest, permitted
from keepapart.clouds.tags import Spelling

TAGS = Spelling("keepapart:", "=")
PAGE = 500
PRIVATE = ipaddress.ip_network("192.168.128.0/17")  # of each data centre
STATES = {
    "provisioning": clouds.PENDING,
    "booting": clouds.PENDING,
    "cloning": clouds.PENDING,
    "restoring": clouds.PENDING,
    "running": clouds.RUNNING,
    "rebooting": clouds.RUNNING,
    "shutting_down": clouds.STOPPING,
    "offline": clouds.STOPPED,
    "stopped": clouds.STOPPED,
    "deleting": clouds.STOPPING,
}

T = TypeVar("T")


class InGroup(Struct):
    """What an instance says of its placement group."""

    id: int
    migrating_to: int | None = None


class Linode(Struct):
    """An instance: what is read of it."""

    id: int
    label: str
    status: str
    region: str
    host_uuid: str | None = None
    tags: list[str] = []
    ipv4: list[str] = []
    ipv6: str | None = None
    placement_group: InGroup | None = None


class Linodes(Struct):
    """A page of instances."""

    data: list[Linode]
    page: int
    pages: int
    results: int


class Member(Struct):
    """A member of a placement group."""

    linode_id: int
    is_compliant: bool


class Migrations(Struct):
    """Who migrates into a placement group, and out of it."""

    inbound: list[dict[str, Any]] | None = None
    outbound: list[dict[str, Any]] | None = None


class Group(Struct):
    """A placement group."""

    id: int
    placement_group_type: str
    placement_group_policy: str
    members: list[Member]
    label: str = ""
    region: str = ""
    migrations: Migrations | None = None

    @property
    def apart(self) -> bool:
        """Whether it promises hosts of their own."""
        anti = self.placement_group_type.startswith("anti_affinity")
        return anti and self.placement_group_policy == "strict"


class Groups(Struct):
    """A page of placement groups."""

    data: list[Group]
    page: int
    pages: int
    results: int


class Limits(Struct):
    """How many members a strict placement group may have in a region."""

    maximum_linodes_per_pg: int | None = None


class Region(Struct):
    """A region, and what there is in it."""

    id: str
    capabilities: list[str]
    placement_group_limits: Limits | None = None


class Regions(Struct):
    """A page of regions."""

    data: list[Region]
    page: int
    pages: int
    results: int


class Price(Struct):
    """What a type costs, in US dollars."""

    hourly: float | None


class RegionPrice(Price):
    """What a type costs in one region, where that is another price."""

    id: str


class Type(Struct):
    """A kind of instance."""

    id: str
    price: Price
    region_prices: list[RegionPrice] = []


class Types(Struct):
    """A page of types."""

    data: list[Type]
    page: int
    pages: int
    results: int


def read(rest: Rest) -> list[Listed]:
    """Ask for all instances, and before them for the groups: what migrates since then shows it."""
    grouped = permitted(lambda: groups(rest)) or []
    strategies = {
        (group.id, member.linode_id): _strategy(group, member)
        for group in grouped
        for member in group.members
    }
    return [listed(one, strategies) for one in linodes(rest)]


def linodes(rest: Rest) -> list[Linode]:
    """Ask for all instances, as they are."""
    return _all(rest, "/linode/instances", Linodes)


def groups(rest: Rest) -> list[Group]:
    """Ask for all placement groups."""
    return _all(rest, "/placement/groups", Groups)


def regions(rest: Rest) -> list[Region]:
    """Ask for all regions."""
    return _all(rest, "/regions", Regions)


def types(rest: Rest) -> list[Type]:
    """Ask for all types."""
    return _all(rest, "/linode/types", Types)


class _Part(Protocol[T]):
    """A page of any list."""

    data: list[T]
    page: int
    pages: int
    results: int


def _all(rest: Rest, path: str, kind: type[_Part[T]]) -> list[T]:
    def fetch(page: int) -> Page[T, int]:
        found = rest.get(path, kind, {"page": page, "page_size": PAGE})
        return Page(found.data, page + 1 if page < found.pages else None, found.results)

    return rest.pages(fetch, 1)


def _strategy(group: Group, member: Member) -> str:
    moving = group.migrations and (group.migrations.inbound or group.migrations.outbound)
    return "spread" if group.apart and member.is_compliant and not moving else group.placement_group_policy


NO_STRATEGIES: Mapping[tuple[int, int], str] = {}


def listed(one: Linode, strategies: Mapping[tuple[int, int], str] = NO_STRATEGIES) -> Listed:
    """Return an instance in the words of every cloud; `strategies` are by group and member."""
    group = one.placement_group
    strategy = strategies.get((group.id, one.id), "") if group else ""
    addresses = [ipaddress.ip_address(text) for text in one.ipv4]
    return Listed(
        id=str(one.id),
        name=one.label,
        state=STATES.get(one.status, one.status),
        tags=TAGS.of_flat(one.tags),
        whose={"platform": "linode"},
        place={
            "zone": one.region,
            "host": one.host_uuid or "",
            "group": str(group.id) if group and strategy else "",
            "group_strategy": "" if strategy == "strict" else strategy,
        },
        settled=not (group and group.migrating_to),
        addresses={
            "private": next((str(address) for address in addresses if address in PRIVATE), ""),
            "public": next((str(address) for address in addresses if address not in PRIVATE), ""),
            "ipv6": (one.ipv6 or "").partition("/")[0],
        },
    )
