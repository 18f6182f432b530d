"""keepapart.toml: what it may hold, and a clear error for whatever else it holds.

Each section is a `Table` whose fields are the section's keys, so that the known keys, their types and
their defaults stand in one place. Rules, beside those of `tables`:

1. An unknown section is an error that names the nearest known one.
2. `[reach] via` is one of the ways in that are installed.
3. Ids are unique; addresses are IPv4 or IPv6 literals and unique. An instance that is never measured, as with
   `audit --stated`, needs none.
4. A relative path is taken from the folder of the file, not from where the command ran.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from keepapart.errors import ConfigError
from keepapart.model import Instance
from keepapart.plugins import REACH, installed
from keepapart.tables import Table, Text, checked, nearest, plain, read

__all__ = [
    "CloudSettings",
    "ClusterSettings",
    "Config",
    "LaunchSettings",
    "NetworkSettings",
    "ReachSettings",
    "RiskSettings",
    "StoreSettings",
    "load",
    "parse",
]

FILE = "keepapart.toml"
VARIABLE = "KEEPAPART_CONFIG"

Source = Literal["launch", "stopped", "stopped-then-launch"]
OnReject = Literal["hold", "stop", "terminate", "restart"]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Stated = str | bool | int


class ClusterSettings(Table, frozen=True):
    """Whose nodes these are, what they must survive, and how sure separateness has to be."""

    name: str = "default"
    survive: Literal["majority"] | Annotated[int, Meta(ge=1, le=1_000_000)] = "majority"
    assurance: Literal["strong", "conclusive"] = "strong"


class NetworkSettings(Table, frozen=True):
    """What kind of network the instances stand in, and the ports that a round may use (0: any)."""

    model: Literal["auto", "routed-host", "opaque"] = "auto"
    port: Port = 0
    tcp_port: Port = 0


class ReachSettings(Table, frozen=True):
    """The default way in; an instance's own `reach` overrules it.

    The rest is for ssh: `ssh_config` names a file to read instead of ~/.ssh/config, `new_host_keys` says
    whether a host key that is not in known_hosts yet is refused or added there.
    """

    via: str = "ssh"
    user: str = ""
    ssh_config: str = ""
    new_host_keys: Literal["refuse", "accept"] = "refuse"


class CloudSettings(Table, frozen=True):
    """Which cloud, and its own keys as they stand (the cloud checks them)."""

    provider: str = "static"
    settings: Mapping[str, Any] = {}


class StoreSettings(Table, frozen=True):
    """Where the journal and the history are kept."""

    url: str = "sqlite:///keepapart.db"


class LaunchSettings(Table, frozen=True):
    """How new instances are obtained, and the budgets of one admission (0: no limit).

    ==============  =============================================================================
    source          where candidates come from: "launch", "stopped" (the cluster's stopped instances
                    are started: a pool of spares), "stopped-then-launch"
    on_reject       what becomes of one turned down: "hold" (until the run is done, so that its slot
                    isn't handed out again), "stop", "terminate", "restart" (it is stopped and started
                    again until it lands on a host of its own)
    at_once         how many candidates to launch together; the largest mutually separate set is kept;
                    0: as many as are missing
    max_attempts    candidates tried for each member wanted
    max_held        instances that there may be at any time besides the members
    max_minutes     how long one process may take
    max_money       what candidates may cost until they join or are gone, in the currency of
                    `price_per_hour`; each start is charged for `billed_seconds` at least
    price_per_hour  what one instance costs; where it isn't set, a cloud that knows it is asked
    ==============  =============================================================================
    """

    source: Source = "launch"
    on_reject: OnReject = "hold"
    at_once: Annotated[int, Meta(ge=0, le=64)] = 1
    max_attempts: Annotated[int, Meta(ge=1, le=10_000)] = 10
    max_held: Annotated[int, Meta(ge=0, le=10_000)] = 0
    max_minutes: Annotated[int, Meta(ge=0, le=100_000)] = 60
    max_money: Annotated[float, Meta(ge=0, le=1_000_000_000)] = 0.0
    price_per_hour: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    billed_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 60


class RiskSettings(Table, frozen=True):
    """How often a host fails and how long its members are missed, for the yearly risk.

    `host_failures_per_year`: 8 % of servers have a hardware incident within a year (Vishwanath and Nagappan,
    "Characterizing cloud computing hardware reliability", SoCC 2010). `hours_to_replace`: from a host's
    failure until its members are back elsewhere; a day is an assumption.
    """

    host_failures_per_year: Annotated[float, Meta(ge=0, le=1000)] = 0.08
    hours_to_replace: Annotated[float, Meta(ge=0, le=8766)] = 24.0


class Config(Struct, frozen=True):
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


class PlacementFacts(Table, frozen=True):
    """Facts of where an instance is, as keys of `[[instances]]`; what each proves, `signals.stated` says.

    A fact is text. Numbers and true or false are taken for theirs.
    """

    platform: Stated = ""
    project: Stated = ""
    zone: Stated = ""
    host: Stated = ""
    host_kind: Stated = ""
    group: Stated = ""
    group_strategy: Stated = ""
    partition: Stated = ""
    fault_domain: Stated = ""
    topology: Stated = ""
    neighbors: Stated = ""
    whole_host: Stated = ""


class _Entry(PlacementFacts, frozen=True, kw_only=True):
    """One `[[instances]]` table."""

    id: Text
    address: Text = ""
    reach: Text = ""

    @property
    def facts(self) -> dict[str, str]:
        """The facts that are stated."""
        stated = ((name, getattr(self, name)) for name in PlacementFacts.__struct_fields__)
        return {
            name: str(fact).lower() if isinstance(fact, bool) else str(fact)
            for name, fact in stated
            if fact != ""
        }


class _File(Table, frozen=True):
    """The sections, as the file has them."""

    cluster: ClusterSettings = ClusterSettings()
    network: NetworkSettings = NetworkSettings()
    reach: ReachSettings = ReachSettings()
    cloud: Mapping[str, Any] = {}
    store: StoreSettings = StoreSettings()
    launch: LaunchSettings = LaunchSettings()
    risk: RiskSettings = RiskSettings()
    instances: tuple[_Entry, ...] = ()


def find(given: str | None) -> Path:
    """Say which file to read: the one given, else keepapart.toml here, else $KEEPAPART_CONFIG."""
    if given:
        path = Path(given)
    elif Path(FILE).exists() or not os.environ.get(VARIABLE):
        path = Path(FILE)
    else:
        path = Path(os.environ[VARIABLE])
    if not path.is_file():
        raise ConfigError(f"{path}: no such file", "`keepapart init` writes one, or name one with -c FILE")
    return path


def load(given: str | None = None) -> Config:
    """Read and check the configuration. Raises `ConfigError` naming the file, the key and the mend."""
    path = find(given)
    return parse(read(path), path)


def parse(document: Mapping[str, Any], path: Path) -> Config:
    """Check a configuration already read from TOML."""
    for name in document:
        if name not in _File.__struct_fields__:
            raise ConfigError(
                f"{path}: [{plain(name)}]: no such section", nearest(name, _File.__struct_fields__)
            )
    file = checked(document, _File, f"{path}:")
    return Config(
        path=path,
        cluster=file.cluster,
        network=file.network,
        reach=_reach(file.reach, path),
        cloud=_cloud(file.cloud, path),
        store=StoreSettings(_anchored(file.store.url, path.parent)),
        launch=file.launch,
        risk=file.risk,
        instances=_instances(file.instances, path),
    )


def _reach(reach: ReachSettings, path: Path) -> ReachSettings:
    if reach.via not in (there := installed(REACH)):
        listed = f"the ways in are {', '.join(there)}"
        raise ConfigError(f"{path}: [reach] via: no way in {reach.via!r} is installed", listed)
    if not reach.ssh_config:
        return reach
    home = os.path.expanduser(reach.ssh_config)  # noqa: PTH111  # a Path raises where there is no such home
    ssh_config = str(path.parent.resolve() / home)
    if not os.path.isfile(ssh_config):  # noqa: PTH113  # a Path raises where the name is too long
        raise ConfigError(f"{path}: [reach] ssh_config: no such file: {plain(ssh_config)}")
    return replace(reach, ssh_config=ssh_config)


def _cloud(keys: Mapping[str, Any], path: Path) -> CloudSettings:
    own = {key: value for key, value in keys.items() if key == "provider"}
    settings = {key: value for key, value in keys.items() if key != "provider"}
    return replace(checked(own, CloudSettings, f"{path}: [cloud]"), settings=settings)


def _anchored(url: str, folder: Path) -> str:
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return prefix + str(folder.resolve() / url.removeprefix(prefix))
    return url


def _instances(entries: Sequence[_Entry], path: Path) -> tuple[Instance, ...]:
    ids: set[str] = set()
    owners: dict[str, str] = {}  # of addresses
    found = []
    for number, entry in enumerate(entries, 1):
        where = f"{path}: [[instances]] number {number}"
        if "," in entry.id or not entry.id.isprintable():
            raise ConfigError(f"{where} id: {entry.id!r}: a comma stands between ids", "choose one without")
        if entry.id in ids:
            raise ConfigError(f"{where} id: {entry.id!r} stands twice", "every instance needs its own")
        ids.add(entry.id)
        address = _address(entry.address, f"{where} address") if entry.address else ""
        if address in owners:
            raise ConfigError(f"{where} address: {address} is {owners[address]!r}'s already")
        if address:
            owners[address] = entry.id
        found.append(Instance(id=entry.id, address=address, reach=entry.reach, facts=entry.facts))
    return tuple(found)


def _address(text: str, where: str) -> str:
    if "%" in text:
        raise ConfigError(
            f"{where}: {text!r} is of one link only", "the address that other members use is wanted"
        )
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ConfigError(f"{where}: {text!r} is neither an IPv4 nor an IPv6 address") from None
