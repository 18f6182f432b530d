"""World files: the hosts, racks, network and scheduler of a lab, and a clear error for whatever else.

Rules, beside those of `tables`:

1. Names are lower-case letters, digits and dashes, and unique among their kind.
2. The clusters launched at start-up fit into the slots that there are.
3. A key that says nothing in this kind of network is an error, not an ornament (see `network`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, to_builtins

from keepapart.errors import ConfigError
from keepapart.lab.world.filters import PairFilter
from keepapart.lab.world.guests import NO_GUESTS, Guests
from keepapart.lab.world.network import (
    LEAST_TTL,
    LEAVES,
    MOST_EXTRA,
    MOST_PORTS,
    NOT_WITH,
    ROUTED_HOST,
    Mac,
    Network,
)
from keepapart.lab.world.placement import Placement
from keepapart.lab.world.platform import Platform
from keepapart.simulate.habits import RANDOM, Habit
from keepapart.tables import Table, checked, read

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MAX_RACKS = 254  # a rack is the second byte of an address, 0 and 255 left out
MAX_HOSTS = 254  # of one rack: the third byte
BRIDGED = "bridged"
MAX_CAPACITY = 126  # pairs of addresses in the last byte, the host's own left out

Name = Annotated[
    str,
    Meta(
        pattern=rf"^{NAME.pattern}\Z",
        description="up to 40 lower-case letters, digits and dashes in quotes are wanted",
    ),
]


class Scheduler(Table, frozen=True):
    """How the platform places instances, and the seed of whatever it leaves to chance."""

    habit: Habit = RANDOM
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


class Rack(Table, frozen=True):
    """A rack of like hosts; `capacity` is the number of instances a host has room for.

    `zone` is the last letter of the availability zone that it stands in; racks that name the same `pod` hang
    under a router of their own. `extra_gateways` come on top of the network's; `rewrite_ttl` is what this
    rack's router sets; `bypass` of its slots are ports past the host, on top of the network's. Of a `bridged`
    rack hosts are bridges, and its router is the gateway; `gateway_mac` stands instead of the network's.
    """

    name: Name
    hosts: Annotated[int, Meta(ge=1, le=MAX_HOSTS)] = 1
    capacity: Annotated[int, Meta(ge=1, le=MAX_CAPACITY)] = 4
    extra_gateways: Annotated[int, Meta(ge=0, le=MOST_EXTRA)] = 0
    rewrite_ttl: Annotated[int, Meta(ge=0, le=255)] = 0
    bypass: Annotated[int, Meta(ge=0, le=MOST_PORTS)] = 0
    kind: Literal["routed", "bridged"] = "routed"
    gateway_mac: Mac = ""
    zone: Literal["a", "b", "c", "d", "e", "f"] = "a"
    pod: Name = ""


class Cluster(Table, frozen=True):
    """Instances launched when the lab comes up, tagged as this cluster's members."""

    name: Name
    size: Annotated[int, Meta(ge=1, le=1_000_000)]


class World(Table, frozen=True):
    """A whole world file, checked."""

    name: Name
    racks: tuple[Rack, ...] = ()
    network: Network = Network()
    scheduler: Scheduler = Scheduler()
    placement: Placement = Placement()
    platform: Platform = Platform()
    guests: Guests = NO_GUESTS
    filters: tuple[PairFilter, ...] = ()
    clusters: tuple[Cluster, ...] = ()

    @property
    def slots(self) -> int:
        """How many instances fit in at once."""
        return sum(rack.hosts * rack.capacity for rack in self.racks)

    @property
    def gateways_are_hosts(self) -> bool:
        """Whether the first router of an instance is its host, unless it has gateways or ports of its own."""
        network = self.network
        return (
            network.kind == ROUTED_HOST
            and not network.front
            and not network.machines
            and not network.firewalled
            and all(rack.kind != BRIDGED for rack in self.racks)
        )

    @property
    def tops(self) -> list[str]:
        """Name what is under the spine above each rack: the router of its pod, or its own."""
        return [f"pod {rack.pod}" if rack.pod else f"rack {rack.name}" for rack in self.racks]

    def document(self) -> dict[str, Any]:
        """Return the world as a document that `parse` reads back to an equal world."""
        document: dict[str, Any] = to_builtins(self)
        return document


def load(path: Path) -> World:
    """Read and check a world file. Raises `ConfigError` naming the file, the key and the mend."""
    return parse(read(path), str(path))


def parse(document: Mapping[str, Any], where: str) -> World:
    """Check a world already read from TOML; `where` names its origin in errors."""
    world = checked(document, World, f"{where}:")
    _names("racks", world.racks, where)
    _names("clusters", world.clusters, where)
    if not world.racks:
        raise ConfigError(f"{where}: racks: a world needs at least one [[racks]] table")
    if len(world.racks) > MAX_RACKS:
        raise ConfigError(f"{where}: racks: {len(world.racks)} are more than the {MAX_RACKS} there can be")
    for number, rack in enumerate(world.racks):
        given = document["racks"][number]
        _rack(rack, given, world.network, f"{where}: [[racks]] number {number + 1}")
    of_racks = set(chain.from_iterable(document["racks"]))
    if wrong := world.network.complaint(document.get("network", {}), len(set(world.tops)), of_racks):
        raise ConfigError(f"{where}: [network] {wrong}")
    keys = {*document.get("network", {}), *of_racks}
    if any(rack.kind == BRIDGED for rack in world.racks):
        keys.add(BRIDGED)
    for key, others in NOT_WITH.items():
        if key in keys and (both := sorted(keys & set(others))):
            raise ConfigError(f"{where}: {key}: not together with {both[0]}")
    hides = "nat" if world.network.nat != "none" else "floating" if world.network.floating else ""
    if world.filters and hides:
        raise ConfigError(f"{where}: filters: not together with {hides}, which hides senders' addresses")
    for number, one in enumerate(world.filters, 1):
        if one.from_ == one.to:
            raise ConfigError(f"{where}: [[filters]] number {number} to: {one.to!r} is the sender itself")
    if wrong := world.placement.complaint(document.get("placement", {})):
        raise ConfigError(f"{where}: [placement] {wrong}")
    if wrong := world.platform.complaint(document.get("platform", {})):
        raise ConfigError(f"{where}: [platform] {wrong}")
    asked = sum(cluster.size for cluster in world.clusters)
    if asked > world.slots:
        raise ConfigError(f"{where}: clusters: {asked} instances don't fit into {world.slots} slots")
    return world


def _names(key: str, tables: Sequence[Rack | Cluster], where: str) -> None:
    names = [table.name for table in tables]
    for number, name in enumerate(names):
        if name in names[:number]:
            here = f"{where}: [[{key}]] number {number + 1} name"
            raise ConfigError(f"{here}: {name!r} stands twice", "every one needs its own")


def _rack(rack: Rack, given: Mapping[str, Any], network: Network, where: str) -> None:
    for key in ("extra_gateways", "rewrite_ttl", "pod", "bypass", "kind"):
        if key in given and network.kind != ROUTED_HOST:
            raise ConfigError(f"{where} {key}: says nothing unless the network's kind = {ROUTED_HOST!r}")
    if "gateway_mac" in given and network.kind not in (ROUTED_HOST, LEAVES):
        raise ConfigError(f"{where} gateway_mac: says nothing unless a rack has gateways of its own")
    if 0 < rack.rewrite_ttl < LEAST_TTL:
        raise ConfigError(f"{where} rewrite_ttl: {LEAST_TTL} to 255, so that packets don't end on the way")
    if (both := rack.extra_gateways + network.extra_gateways) > MOST_EXTRA:
        raise ConfigError(f"{where} extra_gateways: with the network's {both}, more than {MOST_EXTRA}")
