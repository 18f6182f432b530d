"""Clouds: where instances come from. One file each, found through an entry point.

A cloud is asked for instances and told what to do with them; it states placement as facts, by the names of
`model.Fact`, and never judges. A plug-in from outside this repository registers under the entry point group
``keepapart.clouds`` a callable ``connect(settings, instances) -> Cloud`` and works the same way. Its keys are
a `tables.Table`, so that mistakes in them are told as all others are.
The rules that every cloud must keep are in `keepapart.testing.clouds`, to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from keepapart.errors import ConfigError
from keepapart.model import Instance
from keepapart.plugins import CLOUDS, installed

__all__ = [
    "ATTEMPT_TAG",
    "CANDIDATE",
    "CLUSTER_TAG",
    "MEMBER",
    "NOTE",
    "PENDING",
    "ROLE_TAG",
    "RUNNING",
    "RUN_TAG",
    "STOPPED",
    "STOPPING",
    "TERMINATED",
    "Chooser",
    "Cloud",
    "LaunchRequest",
    "Priced",
    "Vouching",
    "connect",
]

CLUSTER_TAG = "keepapart:cluster"  # whose instance it is
RUN_TAG = "keepapart:run"  # the admission that launched it
ATTEMPT_TAG = "keepapart:attempt"  # the attempt within that run
ROLE_TAG = "keepapart:role"  # MEMBER or CANDIDATE
MEMBER, CANDIDATE = "member", "candidate"

NOTE = "note"  # among a launch's parameters: what the cloud says of its choice; part of no call

PENDING, RUNNING, STOPPING, STOPPED, TERMINATED = "pending", "running", "stopping", "stopped", "terminated"


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """One launch, complete: the same token with the same parameters always means the same instance.

    `token` is at most 64 ASCII characters and new for every attempt; `tags` are set in the launch call
    itself, so that an instance is never without its owner's name. `parameters` are flat texts, which are
    journalled; a platform that needs none ignores them.
    """

    token: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)


class Cloud(Protocol):
    """What keepapart asks of a platform.

    Every call may raise `CloudError`, and raises nothing else where the platform can't be asked; calls that
    name an instance raise `NotFoundError` where the platform doesn't know it (yet). All of them may be
    repeated without harm: an instance that is there already is left as it is.
    """

    name: str

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        """List every instance that carries all of these tags, terminated ones left out.

        A list that can't be read to its end is a `CloudError`: what it lacks would be taken for gone.
        """

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell the present state of these; ids that the platform doesn't know are left out."""

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before.

        Raises `CapacityError` where there is no room now, `RefusedError` where other parameters are needed;
        then nothing was launched. A token that comes with other tags or parameters than before is an error.
        """

    def start(self, instance_id: str) -> None:
        """Start a stopped instance; it may land on another host."""

    def stop(self, instance_id: str) -> None:
        """Stop an instance: it keeps its identity and loses its host."""

    def terminate(self, instance_id: str) -> None:
        """End an instance for good."""

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""

    def close(self) -> None:
        """Close what is open to the platform. Nothing is asked afterwards, and instances stay as they are."""


@runtime_checkable
class Chooser(Protocol):
    """A cloud that decides what a launch call says beside its token and tags, in view of what exists."""

    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Decide for the next launch of the cluster that `tags` name.

        Admission journals the answer with the token and hands it back word for word, also after a crash.
        What `NOTE` holds is told to the operator.
        """

    def foresee(self, tags: Mapping[str, str]) -> str:
        """Say in words what `parameters` would choose now, and make nothing for it; may be empty."""


@runtime_checkable
class Priced(Protocol):
    """A cloud that knows what its instances cost."""

    def price_per_hour(self) -> float:
        """Tell what one instance of those that are launched costs an hour, in the platform's currency.

        Raises `ConfigError` or `CloudError` naming the mend where that can't be told.
        """


@runtime_checkable
class Vouching(Protocol):
    """A cloud that knows how its network routes."""

    def network(self) -> str:
        """Return "routed-host" where every host is the gateway of its guests, as one router; else nothing.

        It is believed: two hops mean one host then. See `signals.network`.
        """


def connect(provider: str, settings: Mapping[str, Any], instances: Sequence[Instance]) -> Cloud:
    """Open the cloud that `[cloud] provider` names; whoever opens it closes it.

    `settings` are the other keys of `[cloud]`, `instances` those that the configuration lists by hand.
    Raises `ConfigError` where no such provider is installed.
    """
    found = installed(CLOUDS)
    if provider not in found:
        raise ConfigError(f"[cloud] provider: no {provider!r} here", f"there is {', '.join(found)}")
    cloud: Cloud = found[provider].load()(settings, instances)
    return cloud
