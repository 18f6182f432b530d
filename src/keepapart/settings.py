"""The sections of keepapart.toml: each a `Table` whose fields are its keys.

So the known keys, their types and their defaults stand in one place; `config` reads a file into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, to_builtins

from keepapart.model import FACTS
from keepapart.tables import Table, Text

__all__ = [
    "CloudSettings",
    "ClusterSettings",
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
]

CandidateSource = Literal["launch", "stopped", "stopped-then-launch"]
OnReject = Literal["hold", "stop", "terminate", "restart"]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Name = Annotated[str, Meta(min_length=1, description='a name such as "orders" is wanted')]
Stated = str | bool | int
NOT_STATED = frozenset({"", "-", "?", "n/a", "nil", "none", "null", "undefined", "unknown"})


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

    source: CandidateSource = "launch"
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


class PlacementFacts(Table, frozen=True):
    """Facts of where an instance is, as keys of `[[instances]]`; what each proves, `signals.stated` says.

    A fact is text. Numbers and true or false are taken for theirs. What tools write where they know nothing
    is no fact: a host "unknown" would be another than every host with a name.
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
            if name in FACTS and str(fact).strip().lower() not in NOT_STATED
        }
