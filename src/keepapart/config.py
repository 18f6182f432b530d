"""keepapart.toml: what it may hold, and a clear error for whatever else it holds.

Each section is a dataclass whose fields are the section's keys, so that the known keys, their types and
their defaults stand in one place. Rules:

1. An unknown section or key is an error that names the nearest known one.
2. A value of the wrong type or outside its choices is an error that says what would be right.
3. Ids are unique; addresses are IPv4 or IPv6 literals and unique.
4. A relative path is taken from the folder of the file, not from where the command ran.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from keepapart.errors import ConfigError
from keepapart.model import Instance

FILE = "keepapart.toml"
VARIABLE = "KEEPAPART_CONFIG"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Whose nodes these are, what they must survive, and how sure separateness has to be."""

    name: str = "default"
    survive: str | int = field(default="majority", metadata={"choices": ("majority",)})
    assurance: str = field(default="strong", metadata={"choices": ("strong", "conclusive")})


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What kind of network the instances stand in, and the ports that a round may use (0: any)."""

    model: str = field(default="auto", metadata={"choices": ("auto", "routed-host", "opaque")})
    port: int = field(default=0, metadata={"range": (0, 65535)})
    tcp_port: int = field(default=0, metadata={"range": (0, 65535)})


@dataclass(frozen=True, slots=True)
class ReachSettings:
    """The default way in; an instance's own `reach` overrules it.

    The rest is for ssh: `ssh_config` names a file to read instead of ~/.ssh/config, `new_host_keys` says
    whether a host key that is not in known_hosts yet is refused or added there.
    """

    via: str = field(default="ssh", metadata={"choices": ("ssh", "local", "netns", "nats")})
    user: str = ""
    ssh_config: str = ""
    new_host_keys: str = field(default="refuse", metadata={"choices": ("refuse", "accept")})


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """Which cloud, and its own keys as they stand (the cloud checks them)."""

    provider: str = "static"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the journal and the history are kept."""

    url: str = "sqlite:///keepapart.db"


@dataclass(frozen=True, slots=True)
class LaunchSettings:
    """How new instances are come by, and the budgets of one admission (0: no limit).

    ==============  =============================================================================
    source          where candidates come from: "launch", "stopped" (the cluster's stopped instances
                    are started: a pool of spares), "stopped-then-launch"
    on_reject       what becomes of one turned down: "hold" (until done, so that its slot isn't
                    handed out again), "stop", "terminate", "restart" (stopped and started again,
                    until it lands apart)
    at_once         how many are come by together, the best set of them kept; 0: as many as are missing
    max_attempts    candidates tried for each member wanted
    max_held        instances beside the members at any time
    max_minutes     of one process
    max_money       what candidates may cost until they join or are gone, in the currency of
                    `price_per_hour`; each start is charged for `billed_seconds` at least
    price_per_hour  what one instance costs; a cloud that knows is asked where it isn't said
    ==============  =============================================================================
    """

    source: str = field(default="launch", metadata={"choices": ("launch", "stopped", "stopped-then-launch")})
    on_reject: str = field(default="hold", metadata={"choices": ("hold", "stop", "terminate", "restart")})
    at_once: int = field(default=1, metadata={"range": (0, 64)})
    max_attempts: int = field(default=10, metadata={"range": (1, 10_000)})
    max_held: int = field(default=0, metadata={"range": (0, 10_000)})
    max_minutes: int = field(default=60, metadata={"range": (0, 100_000)})
    max_money: float = field(default=0.0, metadata={"range": (0, 1e9)})
    price_per_hour: float = field(default=0.0, metadata={"range": (0, 1e6)})
    billed_seconds: int = field(default=60, metadata={"range": (1, 86_400)})


@dataclass(frozen=True, slots=True)
class RiskSettings:
    """How often a host fails and how long its members are missed, for the yearly risk.

    `host_failures_per_year`: 8 % of servers have a hardware incident within a year (Vishwanath and Nagappan,
    "Characterizing cloud computing hardware reliability", SoCC 2010). `hours_to_replace`: from a host's
    failure until its members are back elsewhere; a day is an assumption.
    """

    host_failures_per_year: float = field(default=0.08, metadata={"range": (0, 1000)})
    hours_to_replace: float = field(default=24.0, metadata={"range": (0, 8766)})


@dataclass(frozen=True, slots=True)
class Config:
    """All of keepapart.toml, checked. `path` is the file it came from."""

    path: Path
    cluster: ClusterSettings = ClusterSettings()
    network: NetworkSettings = NetworkSettings()
    reach: ReachSettings = ReachSettings()
    cloud: CloudSettings = CloudSettings()
    store: StoreSettings = StoreSettings()
    launch: LaunchSettings = LaunchSettings()
    risk: RiskSettings = RiskSettings()
    instances: tuple[Instance, ...] = ()


SECTIONS: Mapping[str, type] = {
    "cluster": ClusterSettings,
    "network": NetworkSettings,
    "reach": ReachSettings,
    "store": StoreSettings,
    "launch": LaunchSettings,
    "risk": RiskSettings,
}


def find(given: str | None) -> Path:
    """Say which file to read: the one given, else keepapart.toml here, else $KEEPAPART_CONFIG."""
    if given:
        path = Path(given)
    elif Path(FILE).exists() or not os.environ.get(VARIABLE):
        path = Path(FILE)
    else:
        path = Path(os.environ[VARIABLE])
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; `keepapart init` writes one, or name one with -c FILE")
    return path


def load(given: str | None = None) -> Config:
    """Read and check the configuration. Raises `ConfigError` naming the file, the key and the mend."""
    path = find(given)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from None
    return parse(document, path)


def parse(document: Mapping[str, Any], path: Path) -> Config:
    """Check a configuration already read from TOML."""
    known = (*SECTIONS, "cloud", "instances")
    for name in document:
        if name not in known:
            raise ConfigError(f"{path}: [{name}]: no such section{nearest(name, known)}")
    sections: dict[str, Any] = {
        name: section(kind, table(document.get(name, {}), f"{path}: [{name}]"), f"{path}: [{name}]")
        for name, kind in SECTIONS.items()
    }
    cloud = dict(table(document.get("cloud", {}), f"{path}: [cloud]"))
    provider = cloud.pop("provider", "static")
    if not isinstance(provider, str):
        raise ConfigError(f"{path}: [cloud] provider: a name in quotes is wanted, not {provider!r}")
    store, reach = sections.pop("store"), sections.pop("reach")
    if reach.ssh_config:
        ssh_config = path.parent.resolve() / Path(reach.ssh_config).expanduser()
        if not ssh_config.is_file():
            raise ConfigError(f"{path}: [reach] ssh_config: no such file: {ssh_config}")
        reach = dataclasses.replace(reach, ssh_config=str(ssh_config))
    return Config(
        path=path,
        cloud=CloudSettings(provider, cloud),
        reach=reach,
        store=StoreSettings(_anchored(store.url, path.parent)),
        instances=_instances(document.get("instances", []), path),
        **sections,
    )


def table(value: object, where: str) -> Mapping[str, Any]:
    """Return `value` where it is a TOML table; raise `ConfigError` where it isn't."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: a table of keys is wanted, not {value!r}")
    return value


def section(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build the dataclass `kind` from a TOML table by its fields: names, types, choices and ranges."""
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]  # kind is a dataclass
    for key, value in values.items():
        if key not in fields:
            raise ConfigError(f"{where} {key}: no such key{nearest(key, tuple(fields))}")
        _check(value, fields[key], f"{where} {key}")
    return kind(**values)


def nearest(word: str, known: Sequence[str]) -> str:
    """Say which known word was probably meant, as the end of a sentence."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there is {', '.join(known)}"


def _check(value: object, key: dataclasses.Field[Any], where: str) -> None:
    choices = key.metadata.get("choices")
    kinds = str(key.type).split(" | ")
    if isinstance(value, str) and "str" in kinds:
        if choices and value not in choices:
            raise ConfigError(f"{where}: {value!r} is not one of {', '.join(map(repr, choices))}")
    elif (isinstance(value, int) and not isinstance(value, bool) and {"int", "float"} & set(kinds)) or (
        isinstance(value, float) and "float" in kinds
    ):
        low, high = key.metadata.get("range", (1, 1_000_000))
        if not low <= value <= high:
            raise ConfigError(f"{where}: {value} is not within {low} to {high}")
    elif not (isinstance(value, bool) and "bool" in kinds):
        wanted = {
            "str": "text in quotes",
            "int": "a whole number",
            "float": "a number",
            "bool": "true or false",
        }
        raise ConfigError(f"{where}: {' or '.join(wanted[k] for k in kinds)} is wanted, not {value!r}")


def _anchored(url: str, folder: Path) -> str:
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return prefix + str(folder.resolve() / url.removeprefix(prefix))
    return url


def _instances(entries: object, path: Path) -> tuple[Instance, ...]:
    if not isinstance(entries, list):
        raise ConfigError(f"{path}: instances: write each as its own [[instances]] table")
    found: list[Instance] = []
    ids: set[str] = set()
    addresses: dict[str, str] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{path}: [[instances]] number {number}"
        keys = table(entry, where)
        for key, value in keys.items():
            if key not in ("id", "address", "reach"):
                raise ConfigError(f"{where} {key}: no such key{nearest(key, ('id', 'address', 'reach'))}")
            if not isinstance(value, str) or not value:
                raise ConfigError(f"{where} {key}: text in quotes is wanted, not {value!r}")
        for key in ("id", "address"):
            if key not in keys:
                raise ConfigError(f"{where}: {key} is missing")
        if "," in keys["id"] or not keys["id"].isprintable():
            raise ConfigError(f"{where} id: {keys['id']!r}: a comma stands between ids; choose one without")
        if keys["id"] in ids:
            raise ConfigError(f"{where} id: {keys['id']!r} stands twice; every instance needs its own")
        address = _address(keys["address"], f"{where} address")
        if address in addresses:
            raise ConfigError(f"{where} address: {address} is {addresses[address]!r}'s already")
        ids.add(keys["id"])
        addresses[address] = keys["id"]
        found.append(Instance(id=keys["id"], address=address, reach=keys.get("reach", "")))
    return tuple(found)


def _address(text: str, where: str) -> str:
    if "%" in text:
        raise ConfigError(
            f"{where}: {text!r} is of one link only; the address that other members use is wanted"
        )
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ConfigError(f"{where}: {text!r} is neither an IPv4 nor an IPv6 address") from None
