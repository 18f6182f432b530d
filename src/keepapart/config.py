"""keepapart.toml: what it may hold, and a clear error for whatever else it holds.

Each section is a `Table` whose fields are the section's keys, so that the known keys, their types and
their defaults stand in one place. Rules, beside those of `tables`:

1. An unknown section is an error that names the nearest known one.
2. `[reach] via` is one of the ways in that are installed.
3. Ids are unique; addresses are IPv4 or IPv6 literals and unique. An instance without one is asked for its
   own; where it names no way in either, its id is what `ssh` takes, or stands for `{id}` in `[reach] via`.
4. A relative path is taken from the folder of the file, not from where the command ran.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, to_builtins
from msgspec.structs import replace

from keepapart.errors import ConfigError
from keepapart.model import FACTS, Instance
from keepapart.plugins import REACH, installed
from keepapart.tables import Table, Text, checked, nearest, plain, read

__all__ = [
    "CloudSettings",
    "ClusterSettings",
    "Config",
    "ExportSettings",
    "FactsSettings",
    "HookSettings",
    "LaunchSettings",
    "NetworkSettings",
    "ReachSettings",
    "RiskSettings",
    "StoreSettings",
    "WatchSettings",
    "WebhookSettings",
    "load",
    "parse",
]

FILE = "keepapart.toml"
VARIABLE = "KEEPAPART_CONFIG"
HOMES = "XDG_CONFIG_HOME"

Source = Literal["launch", "stopped", "stopped-then-launch"]
OnReject = Literal["hold", "stop", "terminate", "restart"]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Name = Annotated[str, Meta(min_length=1, description='a name such as "orders" is wanted')]
Stated = str | bool | int


class ClusterSettings(Table, frozen=True):
    """Whose nodes these are, what they must survive, and how sure separateness has to be."""

    name: Name = "default"
    survive: Literal["majority"] | Annotated[int, Meta(ge=1, le=1_000_000)] = "majority"
    assurance: Literal["strong", "conclusive"] = "strong"


class NetworkSettings(Table, frozen=True):
    """What kind of network the instances stand in, and the ports that a round may use (0: any)."""

    model: Literal["auto", "routed-host", "opaque"] = "auto"
    port: Port = 0
    tcp_port: Port = 0


class ReachSettings(Table, frozen=True):
    """The default way in; an instance's own `reach` overrules it.

    `via` is a way in as an instance's own is written, with `{id}` in it for that, or the word for one.
    `metadata` says whether instances may ask their platform's metadata service where the platform is known to
    have one. The rest is for ssh: `ssh_config` names a file to read instead of ~/.ssh/config, `new_host_keys`
    says whether a host key that is not in known_hosts yet is refused, or added there, or whatever ssh's
    configuration has.
    """

    via: str = "ssh"
    metadata: bool = True
    user: str = ""
    ssh_config: str = ""
    new_host_keys: Literal["as-ssh", "refuse", "accept"] = "as-ssh"


class CloudSettings(Table, frozen=True):
    """Which cloud, and its own keys as they stand (the cloud checks them)."""

    provider: str = "static"
    settings: Mapping[str, Any] = {}


class FactsSettings(Table, frozen=True):
    """Who states where instances are beside the cloud: a `file`, or a `command` for `sh` that prints it.

    The command may take `seconds`. What they hold is said in `clouds/by_hand.py`.
    """

    file: str = ""
    command: str = ""
    seconds: Annotated[float, Meta(gt=0, le=3600)] = 60.0


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
    boot_minutes    how long after it runs a candidate may have no way in, before it is unknown; it is tried
                    again all that time
    max_money       what candidates may cost until they join or are gone, in the currency of
                    `price_per_hour`; each start is charged for `billed_seconds` at least
    price_per_hour  what one instance costs; where it isn't set, a cloud that knows it is asked
    stopped_price_per_hour
                    what one costs on while it is stopped: its disks, or as much as before
    user_data       a file that each launched instance is handed at its first boot, as cloud-init reads it
    ==============  =============================================================================
    """

    source: Source = "launch"
    on_reject: OnReject = "hold"
    at_once: Annotated[int, Meta(ge=0, le=64)] = 1
    max_attempts: Annotated[int, Meta(ge=1, le=10_000)] = 10
    max_held: Annotated[int, Meta(ge=0, le=10_000)] = 0
    max_minutes: Annotated[int, Meta(ge=0, le=100_000)] = 60
    boot_minutes: Annotated[float, Meta(ge=0, le=1_440)] = 5.0
    max_money: Annotated[float, Meta(ge=0, le=1_000_000_000)] = 0.0
    price_per_hour: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    stopped_price_per_hour: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    billed_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 60
    user_data: str = ""


class HookSettings(Table, frozen=True):
    """Commands that an admission calls, each with an id as its last argument; empty: none.

    ==============  =============================================================================
    on_join         for each new member, once it has joined
    before_release  for each member that is about to be released for its stand-in
    ==============  =============================================================================

    One that fails stops what would follow: nothing more is launched, and no member is released.
    """

    on_join: str = ""
    before_release: str = ""


class RiskSettings(Table, frozen=True):
    """How often a host fails and how long its members are missed, for the yearly risk.

    `host_failures_per_year`: 8 % of servers have a hardware incident within a year (Vishwanath and Nagappan,
    "Characterizing cloud computing hardware reliability", SoCC 2010). `hours_to_replace`: from a host's
    failure until its members are back elsewhere; a day is an assumption.
    """

    host_failures_per_year: Annotated[float, Meta(ge=0, le=1000)] = 0.08
    hours_to_replace: Annotated[float, Meta(ge=0, le=8766)] = 24.0


class ExportSettings(Table, frozen=True):
    """The operator's own formats: `formats` names a file with rows as `keepapart.exports.Row` has them."""

    formats: str = ""


class WebhookSettings(Table, frozen=True):
    """Who is told what changed: an `http://` or `https://` address, and a file with the key that signs.

    The file holds `whsec_` and base64, as Standard Webhooks writes keys.
    """

    url: Annotated[str, Meta(pattern="^https?://[^/]", description="https://… is wanted")]
    secret_file: Text


class WatchSettings(Table, frozen=True):
    """How often `keepapart watch` audits, and where it answers.

    ===========  ================================================================================
    minutes      from the end of an audit to the start of the next
    jitter       how much of that it may be more or less, by chance: 0.1 is a tenth
    listen       ADDRESS:PORT; beyond this machine only with a token
    token_file   a file with the token that whoever asks must show; a credential of systemd called
                 `token` is taken where this is empty
    webhooks     who is told what changed
    ===========  ================================================================================
    """

    minutes: Annotated[float, Meta(ge=0.05, le=10_080)] = 60.0
    jitter: Annotated[float, Meta(ge=0, le=0.9)] = 0.1
    listen: str = "127.0.0.1:9797"
    token_file: str = ""
    webhooks: tuple[WebhookSettings, ...] = ()


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

    @property
    def facts(self) -> dict[str, str]:
        """The facts that are stated, as text."""
        stated: Mapping[str, Stated] = to_builtins(self)  # those alone that have a value
        return {
            name: fact if isinstance(fact, str) else str(fact).lower()
            for name, fact in stated.items()
            if name in FACTS
        }


class _Entry(PlacementFacts, frozen=True, kw_only=True):
    """One `[[instances]]` table."""

    id: Text
    address: Text = ""
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
        raise ConfigError(f"{path}: no such file", "`keepapart init` writes one, or name one with -c FILE")
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
    if own.get("provider") == "command":  # rule 4: the only provider whose keys have paths of the operator's
        settings = {"folder": "", **settings}
        settings["folder"] = str(path.parent.resolve() / settings["folder"])
    return replace(checked(own, CloudSettings, f"{path}: [cloud]"), settings=settings)


def _facts(facts: FactsSettings, path: Path) -> FactsSettings:
    if facts.file and facts.command:
        raise ConfigError(f"{path}: [facts] command: there is a file already", "leave out one of the two")
    return replace(facts, file=_beside(path, facts.file))


def _watch(watch: WatchSettings, path: Path) -> WatchSettings:
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
        if entry.id in ids:
            raise ConfigError(f"{where} id: {entry.id!r} stands twice", "every instance needs its own")
        ids.add(entry.id)
        address = _address(entry.address, f"{where} address") if entry.address else ""
        if address in owners:
            raise ConfigError(f"{where} address: {address} is {owners[address]!r}'s already")
        if address:
            owners[address] = entry.id
        reach = entry.reach or ("" if address else way_to(entry.id, via))
        found.append(Instance(id=entry.id, address=address, reach=reach, facts=entry.facts))
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
