"""What is read of Hetzner Cloud: servers, placement groups, types and actions.

==============  ======================================================================================
fact            is
==============  ======================================================================================
platform        "hetzner"
zone            the location: a data centre park
group           the id of its placement group
group_strategy  that group's type: of "spread", "all virtual servers will run on different physical servers"
==============  ======================================================================================

No host is stated. A server that is locked is unsettled: it is being resized, moved or the like. Membership
holds only where server and group both say so. Source: Hetzner's API page, and hcloud 2.27.
"""

from __future__ import annotations

import ipaddress
from typing import TypeVar

from msgspec import Struct

from keepapart import clouds
from keepapart.clouds.listed import Listed
from keepapart.clouds.rest import Page, Rest
from keepapart.clouds.tags import Spelling

TAGS = Spelling("keepapart/")
PAGE = 50
STATES = {
    "initializing": clouds.PENDING,
    "starting": clouds.PENDING,
    "running": clouds.RUNNING,
    "stopping": clouds.STOPPING,
    "off": clouds.STOPPED,
    "deleting": clouds.STOPPING,
}

T = TypeVar("T")


class Ip(Struct):
    """An address; of IPv6 a network."""

    ip: str


class PublicNet(Struct):
    """The public addresses of a server."""

    ipv4: Ip | None = None
    ipv6: Ip | None = None


class Location(Struct):
    """A location."""

    name: str


class Datacenter(Struct):
    """What servers were in before locations alone were shown."""

    location: Location


class Group(Struct):
    """A placement group."""

    id: int
    type: str
    servers: list[int]
    name: str = ""


class Server(Struct):
    """A server: what is read of it."""

    id: int
    name: str
    status: str
    locked: bool = False
    labels: dict[str, str] = {}
    public_net: PublicNet | None = None
    private_net: list[Ip] = []
    location: Location | None = None
    datacenter: Datacenter | None = None
    placement_group: Group | None = None


class Pagination(Struct):
    """Where a list goes on, and how long it is where that is told."""

    next_page: int | None = None
    total_entries: int | None = None


class Meta(Struct):
    """What is said of a list."""

    pagination: Pagination


class Servers(Struct):
    """A page of servers."""

    servers: list[Server]
    meta: Meta


class OneServer(Struct):
    """The answer of /servers/ID, and of a launch."""

    server: Server


class Groups(Struct):
    """A page of placement groups."""

    placement_groups: list[Group]
    meta: Meta


class Amount(Struct):
    """A price, with value added tax and without."""

    gross: str


class Price(Struct):
    """What a server costs in one location."""

    location: str
    price_hourly: Amount


class ServerType(Struct):
    """A kind of server."""

    id: int
    name: str
    prices: list[Price]


class ServerTypes(Struct):
    """A page of types."""

    server_types: list[ServerType]
    meta: Meta


class Fault(Struct):
    """Why an action failed."""

    code: str = ""
    message: str = ""


class Action(Struct):
    """What was done with a server, or is being done."""

    id: int
    command: str
    status: str
    error: Fault | None = None


class Actions(Struct):
    """A page of actions."""

    actions: list[Action]
    meta: Meta


class OneAction(Struct):
    """The answer of a call that begins an action, and of /actions/ID."""

    action: Action


def read(rest: Rest) -> list[Listed]:
    """Ask for all servers of the project."""
    return [listed(one) for one in servers(rest)]


def servers(rest: Rest) -> list[Server]:
    """Ask for all servers of the project, as they are."""

    def fetch(page: int) -> Page[Server, int]:
        found = rest.get("/servers", Servers, {"page": page, "per_page": PAGE})
        return _page(found.servers, found.meta)

    return rest.pages(fetch, 1)


def groups(rest: Rest) -> list[Group]:
    """Ask for all placement groups of the project."""

    def fetch(page: int) -> Page[Group, int]:
        found = rest.get("/placement_groups", Groups, {"page": page, "per_page": PAGE})
        return _page(found.placement_groups, found.meta)

    return rest.pages(fetch, 1)


def types(rest: Rest) -> list[ServerType]:
    """Ask for all types of servers."""

    def fetch(page: int) -> Page[ServerType, int]:
        found = rest.get("/server_types", ServerTypes, {"page": page, "per_page": PAGE})
        return _page(found.server_types, found.meta)

    return rest.pages(fetch, 1)


def actions(rest: Rest, server: str) -> list[Action]:
    """Ask for all that was done with a server."""

    def fetch(page: int) -> Page[Action, int]:
        found = rest.get(f"/servers/{server}/actions", Actions, {"page": page, "per_page": PAGE})
        return _page(found.actions, found.meta)

    return rest.pages(fetch, 1)


def _page(items: list[T], meta: Meta) -> Page[T, int]:
    return Page(items, meta.pagination.next_page, meta.pagination.total_entries)


def listed(one: Server) -> Listed:
    """Return a server in the words of every cloud."""
    location = one.location or (one.datacenter and one.datacenter.location)
    group = one.placement_group if one.placement_group and one.id in one.placement_group.servers else None
    public = one.public_net or PublicNet()
    return Listed(
        id=str(one.id),
        name=one.name,
        state=STATES.get(one.status, one.status),
        tags=TAGS.of_labels(one.labels),
        whose={"platform": "hetzner"},
        place={
            "zone": location.name if location else "",
            "group": str(group.id) if group else "",
            "group_strategy": group.type if group else "",
        },
        settled=not one.locked,
        addresses={
            "private": one.private_net[0].ip if one.private_net else "",
            "public": public.ipv4.ip if public.ipv4 else "",
            "ipv6": _first(public.ipv6.ip) if public.ipv6 else "",
        },
    )


def _first(network: str) -> str:
    """Return the address that a server has in its network: the first after the network's own."""
    found = ipaddress.ip_network(network, strict=False)
    return str(found[1] if found.num_addresses > 1 else found[0])
