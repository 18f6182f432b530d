"""World files: the hosts, racks, network and scheduler of a lab, and a clear error for whatever else.

Rules:

1. An unknown section or key is an error that names the nearest known one.
2. Names are lower-case letters, digits and dashes, and unique among their kind.
3. The clusters launched at start-up fit into the slots that there are.
4. A key that says nothing in this kind of network is an error, not an ornament (see `network`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from keepapart.config import nearest, section, table
from keepapart.errors import ConfigError
from keepapart.lab.world.network import LEAST_TTL, MOST_EXTRA, ROUTED_HOST, Network
from keepapart.lab.world.placement import Placement
from keepapart.simulate.habits import HABITS, RANDOM

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MAX_RACKS = 254  # a rack is the second byte of an address, 0 and 255 left out
MAX_HOSTS = 254  # of one rack: the third byte
MAX_CAPACITY = 126  # pairs of addresses in the last byte, the host's own left out

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scheduler:
    """How the platform places instances, and the seed of whatever it leaves to chance."""

    habit: str = field(default=RANDOM, metadata={"choices": HABITS})
    seed: int = field(default=0, metadata={"range": (0, 2**31 - 1)})


@dataclass(frozen=True, slots=True)
class Rack:
    """A rack of like hosts; `capacity` is the number of instances a host has room for.

    `zone` is the last letter of the availability zone that it stands in; racks that name the same `pod` hang
    under a router of their own. `extra_gateways` come on top of the network's; `rewrite_ttl` is what this
    rack's router sets.
    """

    name: str = ""
    hosts: int = field(default=1, metadata={"range": (1, MAX_HOSTS)})
    capacity: int = field(default=4, metadata={"range": (1, MAX_CAPACITY)})
    extra_gateways: int = field(default=0, metadata={"range": (0, MOST_EXTRA)})
    rewrite_ttl: int = field(default=0, metadata={"range": (0, 255)})
    zone: str = field(default="a", metadata={"choices": tuple("abcdef")})
    pod: str = ""


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
    network: Network = field(default_factory=Network)
    scheduler: Scheduler = Scheduler()
    placement: Placement = field(default_factory=Placement)
    clusters: tuple[Cluster, ...] = ()

    @property
    def slots(self) -> int:
        """How many instances fit in at once."""
        return sum(rack.hosts * rack.capacity for rack in self.racks)

    @property
    def tops(self) -> list[str]:
        """Name what is under the spine above each rack: the router of its pod, or its own."""
        return [f"pod {rack.pod}" if rack.pod else f"rack {rack.name}" for rack in self.racks]

    def document(self) -> dict[str, Any]:
        """Return the world as a document that `parse` reads back to an equal world."""
        return {
            "name": self.name,
            "network": _said(self.network),
            "scheduler": _said(self.scheduler),
            "placement": _said(self.placement),
            "racks": [_said(rack) for rack in self.racks],
            "clusters": [_said(cluster) for cluster in self.clusters],
        }


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
    known = ("name", "network", "scheduler", "placement", "racks", "clusters")
    for key in document:
        if key not in known:
            raise ConfigError(f"{where}: {key}: no such key{nearest(key, known)}")
    world = World(
        name=_name(document.get("name"), f"{where}: name"),
        racks=_tables(Rack, document, "racks", where),
        network=_section(Network, document, "network", where),
        scheduler=_section(Scheduler, document, "scheduler", where),
        placement=_section(Placement, document, "placement", where),
        clusters=_tables(Cluster, document, "clusters", where),
    )
    if not world.racks:
        raise ConfigError(f"{where}: racks: a world needs at least one [[racks]] table")
    if len(world.racks) > MAX_RACKS:
        raise ConfigError(f"{where}: racks: {len(world.racks)} are more than the {MAX_RACKS} there can be")
    extra = any(rack.extra_gateways for rack in world.racks)
    if wrong := world.network.complaint(document.get("network", {}), len(set(world.tops)), extra=extra):
        raise ConfigError(f"{where}: [network] {wrong}")
    if wrong := world.placement.complaint(document.get("placement", {})):
        raise ConfigError(f"{where}: [placement] {wrong}")
    asked = sum(cluster.size for cluster in world.clusters)
    if asked > world.slots:
        raise ConfigError(f"{where}: clusters: {asked} instances don't fit into {world.slots} slots")
    return world


def _said(value: Any) -> dict[str, Any]:
    """List the keys of a section that are not as they would be anyway."""
    said = {key.name: getattr(value, key.name) for key in fields(value)}
    return {
        key.name: list(said[key.name]) if isinstance(said[key.name], tuple) else said[key.name]
        for key in fields(value)
        if said[key.name] != key.default
    }


def _section(kind: type[T], document: Mapping[str, Any], name: str, where: str) -> T:
    return _keys(kind, table(document.get(name, {}), f"{where}: [{name}]"), f"{where}: [{name}]")


def _keys(kind: type[T], given: Mapping[str, Any], where: str) -> T:
    """Build a section; lists of words are the lab's own, the rest is as in any configuration."""
    own: dict[str, Any] = {}
    for key in fields(kind):  # type: ignore[arg-type]  # kind is a dataclass
        if key.type == "tuple[str, ...]" and key.name in given:
            own[key.name] = _words(given[key.name], key.metadata["choices"], f"{where} {key.name}")
    rest = {name: value for name, value in given.items() if name not in own}
    return replace(section(kind, rest, where), **own)  # type: ignore[type-var]  # a dataclass again


def _words(value: object, choices: Sequence[str], where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ConfigError(f"{where}: a list of texts in quotes is wanted, not {value!r}")
    for number, word in enumerate(value):
        if word not in choices:
            raise ConfigError(f"{where}: {word!r} is none of them{nearest(word, choices)}")
        if word in value[:number]:
            raise ConfigError(f"{where}: {word!r} stands twice")
    return tuple(value)


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
        one = _keys(kind, keys, here)
        if isinstance(one, Rack):
            _rack(one, keys, document, here)
        found.append(one)
    return tuple(found)


def _rack(rack: Rack, given: Mapping[str, Any], document: Mapping[str, Any], where: str) -> None:
    network = document.get("network", {})
    for key in ("extra_gateways", "rewrite_ttl", "pod"):
        if key in given and network.get("kind", ROUTED_HOST) != ROUTED_HOST:
            raise ConfigError(f"{where} {key}: says nothing unless kind = {ROUTED_HOST!r}")
    if "pod" in given:
        _name(given["pod"], f"{where} pod")
    if 0 < rack.rewrite_ttl < LEAST_TTL:
        raise ConfigError(f"{where} rewrite_ttl: {LEAST_TTL} to 255, lest packets end on the way")
    if (both := rack.extra_gateways + network.get("extra_gateways", 0)) > MOST_EXTRA:
        raise ConfigError(f"{where} extra_gateways: with the network's {both}, more than {MOST_EXTRA}")


def _name(value: object, where: str) -> str:
    if value is None:
        raise ConfigError(f"{where} is missing")
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise ConfigError(
            f"{where}: up to 40 lower-case letters, digits and dashes in quotes are wanted, not {value!r}"
        )
    return value
