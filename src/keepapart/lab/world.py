"""World files: the hosts, racks, network and scheduler of a lab, and a clear error for whatever else.

Rules:

1. An unknown section or key is an error that names the nearest known one.
2. Names are lower-case letters, digits and dashes, and unique among their kind.
3. The clusters launched at start-up fit into the slots that there are.
4. A key that says nothing in this kind of network is an error, not an ornament.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from keepapart.config import nearest, section, table
from keepapart.errors import ConfigError

ROUTED_HOST, FLAT, VLANS = "routed-host", "flat", "vlans"
RANDOM, PACKING, STICKY = "random", "packing", "sticky"

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MAX_RACKS = 254  # a rack is the second byte of an address, 0 and 255 left out
MAX_HOSTS = 254  # of one rack: the third byte
MAX_CAPACITY = 126  # pairs of addresses in the last byte, the host's own left out

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Network:
    """What joins the instances. `vlans` counts the segments of the kind that has them."""

    kind: str = field(default=ROUTED_HOST, metadata={"choices": (ROUTED_HOST, FLAT, VLANS)})
    family: str = field(default="ipv4", metadata={"choices": ("ipv4", "ipv6")})
    silent: bool = False  # routers never send a packet of their own, ICMP least of all
    vlans: int = field(default=2, metadata={"range": (1, 200)})


@dataclass(frozen=True, slots=True)
class Scheduler:
    """How the platform places instances, and the seed of whatever it leaves to chance."""

    habit: str = field(default=RANDOM, metadata={"choices": (RANDOM, PACKING, STICKY)})
    seed: int = field(default=0, metadata={"range": (0, 2**31 - 1)})


@dataclass(frozen=True, slots=True)
class Rack:
    """A rack of like hosts; `capacity` is the number of instances a host has room for.

    `zone` is the last letter of the availability zone that it stands in.
    """

    name: str = ""
    hosts: int = field(default=1, metadata={"range": (1, MAX_HOSTS)})
    capacity: int = field(default=4, metadata={"range": (1, MAX_CAPACITY)})
    zone: str = field(default="a", metadata={"choices": tuple("abcdef")})


@dataclass(frozen=True, slots=True)
class Cluster:
    """Instances launched when the lab comes up, tagged as this cluster's members."""

    name: str = ""
    size: int = field(default=0, metadata={"range": (1, 1_000_000)})


@dataclass(frozen=True, slots=True)
class World:
    """A whole world file, checked."""

    name: str
    racks: tuple[Rack, ...]
    network: Network = Network()
    scheduler: Scheduler = Scheduler()
    clusters: tuple[Cluster, ...] = ()

    @property
    def slots(self) -> int:
        """How many instances fit in at once."""
        return sum(rack.hosts * rack.capacity for rack in self.racks)

    def document(self) -> dict[str, Any]:
        """Return the world as a document that `parse` reads back to an equal world."""
        document = asdict(self)
        document["racks"] = list(document["racks"])
        document["clusters"] = list(document["clusters"])
        if self.network.kind != VLANS:
            del document["network"]["vlans"]
        return document


def load(path: Path) -> World:
    """Read and check a world file. Raises `ConfigError` naming the file, the key and the mend."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from None
    return parse(document, str(path))


def parse(document: Mapping[str, Any], where: str) -> World:
    """Check a world already read from TOML; `where` names its origin in errors."""
    known = ("name", "network", "scheduler", "racks", "clusters")
    for key in document:
        if key not in known:
            raise ConfigError(f"{where}: {key}: no such key{nearest(key, known)}")
    world = World(
        name=_name(document.get("name"), f"{where}: name"),
        racks=_tables(Rack, document, "racks", where),
        network=_section(Network, document, "network", where),
        scheduler=_section(Scheduler, document, "scheduler", where),
        clusters=_tables(Cluster, document, "clusters", where),
    )
    if not world.racks:
        raise ConfigError(f"{where}: racks: a world needs at least one [[racks]] table")
    if len(world.racks) > MAX_RACKS:
        raise ConfigError(f"{where}: racks: {len(world.racks)} are more than the {MAX_RACKS} there can be")
    if world.network.kind != VLANS and "vlans" in document.get("network", {}):
        raise ConfigError(f"{where}: [network] vlans: says nothing unless kind = {VLANS!r}")
    asked = sum(cluster.size for cluster in world.clusters)
    if asked > world.slots:
        raise ConfigError(f"{where}: clusters: {asked} instances don't fit into {world.slots} slots")
    return world


def _section(kind: type[T], document: Mapping[str, Any], name: str, where: str) -> T:
    return section(kind, table(document.get(name, {}), f"{where}: [{name}]"), f"{where}: [{name}]")


def _tables(kind: type[T], document: Mapping[str, Any], name: str, where: str) -> tuple[T, ...]:
    entries = document.get(name, [])
    if not isinstance(entries, list):
        raise ConfigError(f"{where}: {name}: write each as its own [[{name}]] table")
    found: list[T] = []
    names: set[str] = set()
    for number, entry in enumerate(entries, 1):
        here = f"{where}: [[{name}]] number {number}"
        keys = table(entry, here)
        own = _name(keys.get("name"), f"{here} name")
        if own in names:
            raise ConfigError(f"{here} name: {own!r} stands twice; every one needs its own")
        if kind is Cluster and "size" not in keys:
            raise ConfigError(f"{here}: size is missing")
        names.add(own)
        found.append(section(kind, keys, here))
    return tuple(found)


def _name(value: object, where: str) -> str:
    if value is None:
        raise ConfigError(f"{where} is missing")
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ConfigError(
            f"{where}: up to 40 lower-case letters, digits and dashes in quotes are wanted, not {value!r}"
        )
    return value
