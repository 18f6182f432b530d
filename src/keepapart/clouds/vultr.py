"""Vultr: `provider = "vultr"`, by its REST API. docs/platforms/vultr.md is the operator's guide.

=========  ===========================================================================================
fact       is
=========  ===========================================================================================
platform   "vultr"
zone       the region: a data centre
neighbors  what /instances/ID/neighbors lists, and the instance itself
=========  ===========================================================================================

Neighbours are, by the words of the API's first version, the account's instances "on the same physical host",
and by those of the second "in the same location". So they are believed only where they can't be the region's:
where two running instances of one region aren't neighbours. Where all of them are, one host and one region
look alike, and nothing is said of neighbours at all. Nothing is said either of an instance that is younger
than `SETTLED`, locked, being resized or installed. Source: pyvultr 0.1, and the API's page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from keepapart import clouds
from keepapart.clouds import Listing
from keepapart.clouds.by_token import TokenSettings, by_token
from keepapart.clouds.listed import Listed, parse
from keepapart.clouds.tags import Spelling
from keepapart.model import Instance

if TYPE_CHECKING:
    from keepapart.clouds.rest import Rest

ENDPOINT = "https://api.vultr.com/v2"
TOKENS = ("VULTR_API_KEY",)
TAGS = Spelling("keepapart:", "=")
PAGE = 500
SETTLED = 300.0  # seconds since an instance was made, before others have to know of it
NO_ADDRESS = frozenset({"", "0.0.0.0"})  # noqa: S104  # what is shown before there is one


class Settings(TokenSettings, frozen=True):
    """The keys of `[cloud]` for Vultr: those of every platform with a token."""


class Server(Struct):
    """An instance: what is read of it."""

    id: str
    region: str
    status: str
    power_status: str
    server_status: str
    date_created: datetime
    label: str = ""
    tags: list[str] = []
    main_ip: str = ""
    internal_ip: str = ""
    v6_main_ip: str = ""

    @property
    def state(self) -> str:
        """The state in the protocol's words; its own where that is neither here nor there."""
        if self.status == "pending":
            return clouds.PENDING
        if self.status != "active":
            return self.status
        return {"running": clouds.RUNNING, "stopped": clouds.STOPPED}.get(
            self.power_status, self.power_status
        )

    @property
    def settled(self) -> bool:
        """Whether it runs and nothing is being done with it."""
        return self.state == clouds.RUNNING and self.server_status == "ok"


class Links(Struct):
    """Where a list goes on."""

    next: str = ""


class Meta(Struct):
    """What is said of a list."""

    links: Links
    total: int | None = None


class Servers(Struct):
    """A page of instances."""

    instances: list[Server]
    meta: Meta


class Neighbors(Struct):
    """The ids of an instance's neighbours."""

    neighbors: list[str]


def connect(settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open Vultr as `[cloud]` says. Raises `ConfigError`."""
    chosen = parse(settings, Settings, instances)
    return by_token("vultr", "Vultr", chosen, read, endpoint=ENDPOINT, variables=TOKENS)


def read(rest: Rest, clock: Callable[[], float] = time.time) -> list[Listed]:
    """Ask for all instances, and for the neighbours of each that runs: a call each."""
    from keepapart.clouds.rest import Page, permitted

    def servers(cursor: str) -> Page[Server, str]:
        query: dict[str, str | int] = {"per_page": PAGE}
        found = rest.get("/instances", Servers, query | {"cursor": cursor} if cursor else query)
        return Page(found.instances, found.meta.links.next or None, found.meta.total)

    def neighbors(number: str) -> Neighbors:
        return rest.get(f"/instances/{number}/neighbors", Neighbors)

    there, now = rest.pages(servers, ""), clock()
    lists: dict[str, frozenset[str]] = {}
    for one in there:
        if one.settled and now - one.date_created.timestamp() >= SETTLED:
            said = permitted(lambda number=one.id: neighbors(number))  # type: ignore[misc]
            if said is not None:
                lists[one.id] = frozenset({*said.neighbors, one.id})
    if not _are_hosts(there, lists):
        lists = {}
    return [_listed(one, ",".join(sorted(lists.get(one.id, ())))) for one in there]


def _are_hosts(there: Sequence[Server], lists: Mapping[str, frozenset[str]]) -> bool:
    """Say whether neighbours can't be whatever is in one region: two of one region are none."""
    by_region: dict[str, list[str]] = {}
    for one in there:
        if one.id in lists:
            by_region.setdefault(one.region, []).append(one.id)
    return any(
        b not in lists[a] and a not in lists[b] for ids in by_region.values() for a, b in combinations(ids, 2)
    )


def _listed(one: Server, neighbors: str) -> Listed:
    def address(text: str) -> str:
        return "" if text in NO_ADDRESS else text

    return Listed(
        id=one.id,
        name=one.label,
        state=one.state,
        tags=TAGS.of_flat(one.tags),
        whose={"platform": "vultr"},
        place={"zone": one.region, "neighbors": neighbors},
        settled=one.settled,
        addresses={
            "private": address(one.internal_ip),
            "public": address(one.main_ip),
            "ipv6": address(one.v6_main_ip),
        },
    )
