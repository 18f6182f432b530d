"""Clouds: where instances come from. One file each, found through an entry point.

A cloud is asked for instances and told what to do with them; it states placement as facts, by the names of
`model.Fact`, and never judges. A plug-in from outside this repository registers under the entry point group
``keepapart.clouds`` a callable ``connect(settings, instances)`` and works the same way: it returns a `Cloud`,
or a `Listing` where it launches nothing. Its keys are a `tables.Table`, so that mistakes in them are told as
all others are.
The rules that every cloud must keep are in `keepapart.testing.clouds`, to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from keepapart.clouds.user_data import UserData
from keepapart.errors import ConfigError
from keepapart.model import Instance
from keepapart.plugins import CLOUDS, installed
from keepapart.tables import nearest

__all__ = [
    "ATTEMPT_TAG",
    "BOOT",
    "CANDIDATE",
    "CLUSTER_TAG",
    "LIVE",
    "MEMBER",
    "NOTE",
    "PENDING",
    "ROLE_TAG",
    "RUNNING",
    "RUN_TAG",
    "STOPPED",
    "STOPPING",
    "TERMINATED",
    "Adopting",
    "Booting",
    "Chooser",
    "Cloud",
    "LaunchRequest",
    "Listing",
    "Located",
    "Placer",
    "Priced",
    "Staying",
    "UserData",
    "Vouching",
    "connect",
    "launching",
    "where",
]

CLUSTER_TAG = "keepapart:cluster"  # whose instance it is
RUN_TAG = "keepapart:run"  # the admission that launched it
ATTEMPT_TAG = "keepapart:attempt"  # the attempt within that run
ROLE_TAG = "keepapart:role"  # MEMBER or CANDIDATE
MEMBER, CANDIDATE = "member", "candidate"

NOTE = "note"  # among a launch's parameters: what the cloud says of its choice; part of no call
LIVE = "live"  # among a placement's parameters: `place` is called while the instance runs, with no stop

BOOT = "boot"  # of what `Located.where` tells: each time that this cloud was begun anew, another text

PENDING, RUNNING, STOPPING, STOPPED, TERMINATED = "pending", "running", "stopping", "stopped", "terminated"


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """One launch, complete: the same token with the same parameters always means the same instance.

    `token` is at most 64 ASCII characters and new for every attempt; `tags` are set in the launch call
    itself, so that an instance is never without its owner's name. `parameters` are flat texts, which are
    journalled; a platform that needs none ignores them. `sent` are the seconds since the call may last have
    been made with this token and left open what came of it; None: it never was. See `clouds.once`.
    `user_data` is handed to the instance at its first boot by a cloud that is `Booting`; nobody journals it.
    """

    token: str
    tags: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)
    sent: float | None = None
    user_data: bytes = field(default=b"", repr=False)


class Listing(Protocol):
    """What keepapart asks of a platform to audit what is there.

    Every call may raise `CloudError`, and raises nothing else where the platform can't be asked.
    """

    name: str

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        """List every instance that carries all of these tags, terminated ones left out.

        A list that can't be read to its end is a `CloudError`: what it lacks would be taken for gone.
        """

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell the present state of these; ids that the platform doesn't know are left out."""

    def close(self) -> None:
        """Close what is open to the platform. Nothing is asked afterwards, and instances stay as they are."""


@runtime_checkable
class Cloud(Listing, Protocol):
    """What keepapart asks of a platform to launch and release instances as well.

    Calls that name an instance raise `NotFoundError` where the platform doesn't know it (yet). All of them
    may be repeated without harm: an instance that is there already is left as it is.
    """

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before.

        Raises `CapacityError` where there is no room now, `RefusedError` where other parameters are needed;
        then nothing was launched. Raises `UnsettledError` where that can't be told yet: the same call is to
        be made again. A token that comes with other tags or parameters than before is an error.
        """

    def start(self, instance_id: str) -> None:
        """Start a stopped instance; it may land on another host.

        Raises `UnsettledError` where it isn't sure yet that it will start: the same call is to be made again.
        """

    def stop(self, instance_id: str) -> None:
        """Stop an instance: it keeps its identity and loses its host."""

    def terminate(self, instance_id: str) -> None:
        """End an instance for good, with all that was made for it; to be repeated until it is gone."""

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""


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
class Placer(Protocol):
    """A cloud that can be told where an instance is to be: in a group, on a host, or just elsewhere."""

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Decide where a member of the cluster that `tags` name had best be: on `host`, if that is named.

        Flat texts to journal and to hand to `place`; none where there is nothing to say, so that the platform
        chooses. What `NOTE` holds is told to the operator: "on host h", "in group g". Without `make`, a group
        that is missing is only spoken of. It is asked so before the member is stopped: where `LIVE` is among
        the texts then, the member is placed as it runs and never stopped, and where this raises, it isn't
        touched. Raises `RefusedError` for a host that can't be chosen here.
        """

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Have a stopped instance start there from now on, or, with `LIVE`, one that runs go there.

        Raises `UnsettledError` while the platform is at it: the same call is to be made again; one that is
        there already is left as it is. Raises `RefusedError` where that can't be: a member that was to go as
        it runs is then stopped and placed once more.
        """


@runtime_checkable
class Staying(Protocol):
    """A cloud whose instances keep their host when they are stopped and started: only `place` moves them."""

    stays: str  # that it is so, in the platform's words


@runtime_checkable
class Priced(Protocol):
    """A cloud that knows what its instances cost."""

    def price_per_hour(self) -> float:
        """Tell what one instance of those that are launched costs an hour, in the platform's currency.

        Raises `ConfigError` or `CloudError` naming the mend where that can't be told.
        """


@runtime_checkable
class Booting(Protocol):
    """A cloud that hands instances the user data of their launch, at their first boot."""

    user_data: UserData  # what of it the platform takes


@runtime_checkable
class Located(Protocol):
    """A cloud that knows which one it is: an id means an instance only there."""

    def where(self) -> Mapping[str, str]:
        """Tell account, region, endpoint and the like, by name, as far as they can be told.

        Admission journals the answer and refuses to go on where one of them is another one. What `BOOT` names
        may be another one: a cloud that began anew, in which nothing of the one before is left.
        Raises `CloudError`.
        """


@runtime_checkable
class Vouching(Protocol):
    """A cloud that knows how its network routes."""

    def network(self) -> str:
        """Return "routed-host" where every host is the gateway of its guests, as one router; else nothing.

        It is believed: two hops mean one host then. See `signals.network`.
        """


@runtime_checkable
class Adopting(Protocol):
    """A cloud that can be told of members which keepapart didn't launch."""

    adopts: str  # the keys of `[cloud]` that name them, as an operator would write them


def where(cloud: Cloud) -> dict[str, str]:
    """Tell which cloud this is: its provider, and what it says itself. Raises `CloudError`."""
    return {"provider": cloud.name, **(cloud.where() if isinstance(cloud, Located) else {})}


def connect(provider: str, settings: Mapping[str, Any], instances: Sequence[Instance]) -> Listing:
    """Open the cloud that `[cloud] provider` names; whoever opens it closes it.

    `settings` are the other keys of `[cloud]`, `instances` those that the configuration lists by hand.
    Raises `ConfigError` where no such provider is installed.
    """
    found = installed(CLOUDS)
    if provider not in found:
        raise ConfigError(f"[cloud] provider: no {provider!r} here", nearest(provider, list(found)))
    opened: Listing = found[provider].load()(settings, instances)
    return opened


def launching(opened: Listing) -> Cloud:
    """Return a cloud that launches. Raises `ConfigError` where this one only lists what others launch."""
    if not isinstance(opened, Cloud):
        raise ConfigError(
            f'[cloud] provider: "{opened.name}" only lists instances: it launches and releases nothing',
            "name a cloud that can",
        )
    return opened
