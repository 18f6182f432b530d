"""Scaleway: `provider = "scaleway"`, by its REST API. docs/platforms/scaleway.md is the operator's guide.

=========  ===========================================================================================
fact       is
=========  ===========================================================================================
platform   "scaleway"
zone       `location.zone_id`: a data centre
host       `location`'s zone, platform, cluster and hypervisor, with slashes between. `node_id` is left
           out: it counts what is on one hypervisor, and two of those share it
host_kind  "scaleway"
=========  ===========================================================================================

`location` is null unless an instance runs. Whether a hypervisor is always one machine isn't documented; that
two hypervisors aren't one is what the names say. Source: scaleway 2.12, and its metadata service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from keepapart import clouds
from keepapart.clouds import Listing
from keepapart.clouds.by_token import TokenSettings, by_token
from keepapart.clouds.listed import Listed, Texts, parse
from keepapart.clouds.tags import Spelling
from keepapart.model import Instance

if TYPE_CHECKING:
    from keepapart.clouds.rest import Page, Rest

ENDPOINT = "https://api.scaleway.com"
TOKENS = ("SCW_SECRET_KEY",)
TAGS = Spelling("keepapart:", "=")
PAGE = 100
ZONES = tuple(f"{place}-{number}" for place in ("fr-par", "nl-ams", "pl-waw") for number in (1, 2, 3))
STATES = {
    "starting": clouds.PENDING,
    "running": clouds.RUNNING,
    "stopping": clouds.STOPPING,
    "stopped": clouds.STOPPED,
    "stopped in place": clouds.STOPPED,
    "stopped_in_place": clouds.STOPPED,  # as the SDK spells it
}


class Settings(TokenSettings, frozen=True):
    """The keys of `[cloud]` for Scaleway; `zones` are all that are asked."""

    zones: Texts = ZONES


class Location(Struct):
    """Where an instance runs."""

    zone_id: str
    platform_id: str
    cluster_id: str
    hypervisor_id: str


class Ip(Struct):
    """A public address."""

    address: str
    family: str = "inet"


class Server(Struct):
    """An instance: what is read of it."""

    id: str
    name: str
    state: str
    tags: list[str] = []
    private_ip: str | None = None
    public_ips: list[Ip] = []
    location: Location | None = None


class Servers(Struct):
    """A page of instances."""

    servers: list[Server]


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open Scaleway as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances)
    return by_token(
        "scaleway",
        "Scaleway",
        chosen,
        partial(read, zones=chosen.zones),
        endpoint=ENDPOINT,
        variables=TOKENS,
        header="X-Auth-Token",
    )


def read(rest: Rest, zones: Sequence[str]) -> list[Listed]:
    """Ask for all instances, zone after zone."""
    return [_listed(one) for zone in zones for one in rest.pages(partial(_page, rest, zone), 1)]


def _page(rest: Rest, zone: str, page: int) -> Page[Server, int]:
    from keepapart.clouds.rest import Page

    answer = rest.ask("GET", f"/instance/v1/zones/{zone}/servers", {"page": page, "per_page": PAGE})
    servers = rest.read(answer, Servers).servers
    counted = answer.headers.get("X-Total-Count", "")
    total = int(counted) if counted.isdecimal() else None
    more = len(servers) == PAGE if total is None else page * PAGE < total
    return Page(servers, page + 1 if more else None, total)


def _listed(one: Server) -> Listed:
    where = one.location
    host = (where.zone_id, where.platform_id, where.cluster_id, where.hypervisor_id) if where else ()
    stated = bool(where and all(host))
    return Listed(
        id=one.id,
        name=one.name,
        state=STATES.get(one.state, one.state),
        tags=TAGS.of_flat(one.tags),
        whose={"platform": "scaleway"},
        place={
            "zone": where.zone_id if where else "",
            "host": "/".join(host) if stated else "",
            "host_kind": "scaleway" if stated else "",
        },
        addresses={
            "private": one.private_ip or "",
            "public": next((each.address for each in one.public_ips if each.family == "inet"), ""),
            "ipv6": next((each.address for each in one.public_ips if each.family == "inet6"), ""),
        },
    )
