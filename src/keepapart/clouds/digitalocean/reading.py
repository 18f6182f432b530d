"""What is read of DigitalOcean: droplets, who is beside whom, sizes and actions.

=========  ===========================================================================================
fact       is
=========  ===========================================================================================
platform   "digitalocean"
project    the team's UUID, where the token may read it: neighbours are told within one team only
zone       the region's slug: a data centre
neighbors  of the report of droplets that share a physical server, the array that a droplet is in; a
           droplet in no array is alone there, and lists itself
=========  ===========================================================================================

How fresh the report is isn't documented. So it is read before the list and after it, and nothing of it is
taken of a droplet of which the two differ, which is younger than `SETTLED`, or which is in several arrays;
nor of a GPU droplet in none, since nobody says that the report has those. A droplet that is locked is
unsettled: something is being done with it. Source: the API's specification of 2026-08, and pydo 0.44.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from keepapart import clouds
from keepapart.clouds.listed import Listed
from keepapart.clouds.rest import Page, Rest, permitted
from keepapart.clouds.tags import Spelling

TAGS = Spelling("keepapart:", ":")
PAGE = 200
SETTLED = 300.0  # seconds since a droplet was made, before its absence from the report means anything
STATES = {
    "new": clouds.PENDING,
    "active": clouds.RUNNING,
    "off": clouds.STOPPED,
    "archive": clouds.STOPPED,
}

Report = Mapping[int, frozenset[int]]


class Address(Struct):
    """An address of a droplet."""

    ip_address: str
    type: str


class Networks(Struct, frozen=True):
    """The addresses of a droplet."""

    v4: list[Address] = []
    v6: list[Address] = []


class Region(Struct):
    """A data centre."""

    slug: str


class Droplet(Struct):
    """A droplet: what is read of it."""

    id: int
    name: str
    status: str
    created_at: datetime
    region: Region
    locked: bool = False
    networks: Networks = Networks()
    tags: list[str] | None = None


class Pages(Struct, frozen=True):
    """Where a list goes on."""

    next: str = ""


class Links(Struct, frozen=True):
    """The links of a page."""

    pages: Pages = Pages()


class Meta(Struct):
    """How many droplets a list has."""

    total: int | None = None


class Droplets(Struct):
    """A page of droplets."""

    droplets: list[Droplet]
    meta: Meta
    links: Links = Links()


class OneDroplet(Struct):
    """The answer of /droplets/ID, and of a launch."""

    droplet: Droplet


class Size(Struct):
    """A kind of droplet; `regions` are those where it is to be had now."""

    slug: str
    regions: list[str]
    price_hourly: float


class Sizes(Struct):
    """A page of sizes."""

    sizes: list[Size]
    meta: Meta
    links: Links = Links()


class Action(Struct):
    """What was done with a droplet, or is being done."""

    type: str
    status: str


class Actions(Struct):
    """A page of actions, the newest first."""

    actions: list[Action]
    meta: Meta
    links: Links = Links()


class Neighbors(Struct):
    """The report: each array is of the droplets on one physical server."""

    neighbor_ids: list[list[int]]


class Team(Struct):
    """A team."""

    uuid: str = ""


class Account(Struct):
    """Whose token it is."""

    uuid: str
    team: Team | None = None


class AccountAnswer(Struct):
    """The answer of /account."""

    account: Account


def read(rest: Rest, clock: Callable[[], float] = time.time) -> list[Listed]:
    """Ask for all droplets, and for the report before and after them."""
    whose = team(rest)
    before = _report(rest)
    found = [(one, gpu) for gpu in (False, True) for one in _droplets(rest, gpu)]
    after, now = _report(rest), clock()

    def neighbors(one: Droplet, gpu: bool) -> str:
        if before is None or after is None or now - one.created_at.timestamp() < SETTLED:
            return ""
        alone = frozenset() if gpu else frozenset({one.id})
        those = after.get(one.id, alone)
        return ",".join(map(str, sorted(those))) if before.get(one.id, alone) == those else ""

    return [listed(one, whose, neighbors(one, gpu)) for one, gpu in found]


def team(rest: Rest) -> str:
    """Return whose token it is: the team's UUID, or a person's; empty where it may not be read."""
    said = permitted(lambda: rest.get("/account", AccountAnswer))
    return (said.account.team and said.account.team.uuid) or said.account.uuid if said else ""


def droplets(rest: Rest) -> list[Droplet]:
    """Ask for all droplets, as they are."""
    return [*_droplets(rest, gpu=False), *_droplets(rest, gpu=True)]


def sizes(rest: Rest) -> list[Size]:
    """Ask for all sizes."""

    def fetch(page: int) -> Page[Size, int]:
        found = rest.get("/sizes", Sizes, {"page": page, "per_page": PAGE})
        return Page(found.sizes, page + 1 if found.links.pages.next else None, found.meta.total)

    return rest.pages(fetch, 1)


def actions(rest: Rest, droplet: str) -> list[Action]:
    """Ask for all that was done with a droplet."""

    def fetch(page: int) -> Page[Action, int]:
        found = rest.get(f"/droplets/{droplet}/actions", Actions, {"page": page, "per_page": PAGE})
        return Page(found.actions, page + 1 if found.links.pages.next else None, found.meta.total)

    return rest.pages(fetch, 1)


def _droplets(rest: Rest, gpu: bool) -> list[Droplet]:
    """Ask for one of the two lists: without `type`, droplets with a GPU are left out."""

    def fetch(page: int) -> Page[Droplet, int]:
        query: dict[str, str | int] = {"page": page, "per_page": PAGE}
        found = rest.get("/droplets", Droplets, query | {"type": "gpus"} if gpu else query)
        # nobody says whether the total of one list counts what is in the other
        return Page(found.droplets, page + 1 if found.links.pages.next else None, mark=found.meta.total)

    return rest.pages(fetch, 1)


def _report(rest: Rest) -> Report | None:
    """Return who is on a droplet's server, by droplet; None where the token may not read it."""
    said = permitted(lambda: rest.get("/reports/droplet_neighbors_ids", Neighbors))
    if said is None:
        return None
    times = Counter(number for array in said.neighbor_ids for number in set(array))
    return {
        number: frozenset(array) if times[number] == 1 else frozenset()
        for array in said.neighbor_ids
        for number in array
    }


def listed(one: Droplet, team: str = "", neighbors: str = "") -> Listed:
    """Return a droplet in the words of every cloud.

    Of two tags that are one of ours with different words, which a droplet has for the moment of a change, the
    later in the alphabet counts: a member is one as soon as it is tagged so.
    """

    def address(kind: str) -> str:
        return next((each.ip_address for each in one.networks.v4 if each.type == kind), "")

    return Listed(
        id=str(one.id),
        name=one.name,
        state=STATES.get(one.status, one.status),
        tags=TAGS.of_flat(sorted(one.tags or ())),
        whose={"platform": "digitalocean", "project": team},
        place={"zone": one.region.slug, "neighbors": neighbors},
        settled=not one.locked,
        addresses={
            "private": address("private"),
            "public": address("public"),
            "ipv6": next((each.ip_address for each in one.networks.v6), ""),
        },
    )
