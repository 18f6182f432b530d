"""keepapart.toml: where it is, what it holds, and a clear error for whatever else it holds.

The types of its sections are in `settings`. Rules, beside those of `tables`:

1. An unknown section is an error that names the nearest known one.
2. `[reach] via` is one of the ways in that are installed.
3. Ids are unique; addresses are IPv4 or IPv6 literals and unique. An instance without one is asked for its
   own; where it names no way in either, its id is what `ssh` takes, or stands for `{id}` in `[reach] via`.
4. No two webhooks have one address: each is told the same news, once.
5. A relative path is taken from the folder of the file, not from where the command ran.
"""

from __future__ import annotations

import ipaddress
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from keepapart.addresses import of_a_machine
from keepapart.errors import ConfigError
from keepapart.model import Instance
from keepapart.plugins import REACH, installed
from keepapart.settings import (
    CloudSettings,
    ClusterSettings,
    ExportSettings,
    FactsSettings,
    HookSettings,
    LaunchSettings,
    NetworkSettings,
    PlacementFacts,
    ReachSettings,
    RiskSettings,
    StoreSettings,
    WatchSettings,
)
from keepapart.tables import Table, Text, checked, nearest, plain, read

__all__ = ["Config", "load", "parse"]

FILE = "keepapart.toml"
VARIABLE = "KEEPAPART_CONFIG"
HOMES = "XDG_CONFIG_HOME"


class Config(Struct, frozen=True):
    """All of keepapart.toml, checked. `path` is the file it came from."""

    path: Path
    cluster: ClusterSettings = ClusterSettings()
    network: NetworkSettings = NetworkSettings()
    reach: ReachSettings = ReachSettings()
    cloud: CloudSettings = CloudSettings()
    facts: FactsSettings = FactsSettings()
    store: StoreSettings = StoreSettings()
    launch: LaunchSettings = LaunchSettings()
    hooks: HookSettings = HookSettings()
    risk: RiskSettings = RiskSettings()
    export: ExportSettings = ExportSettings()
    watch: WatchSettings = WatchSettings()
    instances: tuple[Instance, ...] = ()


class _Entry(PlacementFacts, frozen=True, kw_only=True):
    """One `[[instances]]` table."""

    id: Text
    address: Text = ""
    public: Text = ""
    reach: Text = ""


class _File(Table, frozen=True):
    """The sections, as the file has them."""

    cluster: ClusterSettings = ClusterSettings()
    network: NetworkSettings = NetworkSettings()
    reach: ReachSettings = ReachSettings()
    cloud: Mapping[str, Any] = {}
    facts: FactsSettings = FactsSettings()
    store: StoreSettings = StoreSettings()
    launch: LaunchSettings = LaunchSettings()
    hooks: HookSettings = HookSettings()
    risk: RiskSettings = RiskSettings()
    export: ExportSettings = ExportSettings()
    watch: WatchSettings = WatchSettings()
    instances: tuple[_Entry, ...] = ()


def find(given: str | None) -> Path:
    """Say which file to read. Raises `ConfigError` where there is none."""
    path = _place(given)
    if not path.is_file():
        if path.exists():
            raise ConfigError(f"{path}: no plain file", "name one: it is read more than once")
        named = f"-c {shlex.quote(given)} " if given else ""
        mend = f"`keepapart {named}init` writes one, or name one with -c FILE"
        raise ConfigError(f"{path}: no such file", mend)
    return path


def is_there(given: str | None) -> bool:
    """Whether there is a file to read, or one is named that should be there."""
    return bool(given or os.environ.get(VARIABLE)) or _place(given).exists()


def _place(given: str | None) -> Path:
    """Say where the file is: the one given, else the one here, else the variable's, else the user's."""
    if given:
        return Path(given)
    if Path(FILE).exists():
        return Path(FILE)
    if named := os.environ.get(VARIABLE):
        return Path(named)
    users = Path(os.environ.get(HOMES) or "~/.config").expanduser() / "keepapart" / FILE
    return users if users.is_file() else Path(FILE)


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
        facts=_facts(file.facts, path),
        store=StoreSettings(_anchored(file.store.url, path.parent)),
        launch=replace(file.launch, user_data=_beside(path, file.launch.user_data)),
        hooks=file.hooks,
        risk=file.risk,
        export=replace(file.export, formats=_beside(path, file.export.formats)),
        watch=_watch(file.watch, path),
        instances=_instances(file.instances, file.reach.via, path),
    )


def _reach(reach: ReachSettings, path: Path) -> ReachSettings:
    if (word := reach.via.partition(":")[0]) not in (there := installed(REACH)):
        listed = f"the ways in are {', '.join(there)}"
        raise ConfigError(f"{path}: [reach] via: no way in {word!r} is installed", listed)
    if not reach.ssh_config:
        return reach
    home = os.path.expanduser(reach.ssh_config)  # noqa: PTH111  # a Path raises where there is no such home
    ssh_config = _beside(path, home)
    if not os.path.isfile(ssh_config):  # noqa: PTH113  # a Path raises where the name is too long
        raise ConfigError(f"{path}: [reach] ssh_config: no such file: {plain(ssh_config)}")
    return replace(reach, ssh_config=ssh_config)


def _cloud(keys: Mapping[str, Any], path: Path) -> CloudSettings:
    own = {key: value for key, value in keys.items() if key == "provider"}
    settings = {key: value for key, value in keys.items() if key != "provider"}
    if own.get("provider") == "command":  # rule 5: the only provider whose keys have paths of the operator's
        settings = {"folder": "", **settings}
        settings["folder"] = str(path.parent.resolve() / settings["folder"])
    return replace(checked(own, CloudSettings, f"{path}: [cloud]"), settings=settings)


def _facts(facts: FactsSettings, path: Path) -> FactsSettings:
    if facts.file and facts.command:
        raise ConfigError(f"{path}: [facts] command: there is a file already", "leave out one of the two")
    return replace(facts, file=_beside(path, facts.file))


def _watch(watch: WatchSettings, path: Path) -> WatchSettings:
    numbers: dict[str, int] = {}
    for number, hook in enumerate(watch.webhooks, 1):
        if (first := numbers.setdefault(hook.url, number)) != number:  # an address is a secret, mostly
            where = f"{path}: [[watch.webhooks]] number {number} url"
            raise ConfigError(f"{where}: it is that of number {first} already", "leave out one of the two")
    hooks = tuple(replace(hook, secret_file=_beside(path, hook.secret_file)) for hook in watch.webhooks)
    return replace(watch, token_file=_beside(path, watch.token_file), webhooks=hooks)


def _beside(path: Path, name: str) -> str:
    """Return a file that a configuration names, from that one's folder; empty where it names none."""
    return str(path.parent.resolve() / name) if name else ""


def _anchored(url: str, folder: Path) -> str:
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return prefix + str(folder.resolve() / url.removeprefix(prefix))
    return url


def way_to(instance_id: str, via: str) -> str:
    """Return the way in to an instance of which only the id is known."""
    return f"ssh:{instance_id}" if via == "ssh" else via


def _instances(entries: Sequence[_Entry], via: str, path: Path) -> tuple[Instance, ...]:
    ids: set[str] = set()
    owners: dict[str, str] = {}  # of addresses
    found = []
    for number, entry in enumerate(entries, 1):
        where = f"{path}: [[instances]] number {number}"
        if "," in entry.id or not entry.id.isprintable():
            raise ConfigError(f"{where} id: {entry.id!r}: a comma stands between ids", "choose one without")
        if entry.id != entry.id.strip():
            raise ConfigError(f"{where} id: {entry.id!r}: a blank at its edge", "leave it out")
        if entry.id in ids:
            raise ConfigError(f"{where} id: {entry.id!r} stands twice", "every instance needs its own")
        ids.add(entry.id)
        address = _address(entry.address, f"{where} address") if entry.address else ""
        if address in owners:
            raise ConfigError(f"{where} address: {address} is {owners[address]!r}'s already")
        if address:
            owners[address] = entry.id
        reach = entry.reach or ("" if address else way_to(entry.id, via))
        public = _public(entry.public, f"{where} public") if entry.public else ""
        found.append(Instance(id=entry.id, address=address, reach=reach, facts=entry.facts, public=public))
    return tuple(found)


def _public(text: str, where: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise ConfigError(f"{where}: {text!r} is no IPv4 address") from None


def _address(text: str, where: str) -> str:
    try:
        return of_a_machine(text)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}", "the address that other members use is wanted") from None
