"""What may happen in an admission: the journal's events, as values and as JSON.

Events are facts in the past tense, appended and never changed. `attempt` is the number of the attempt
within its run, from 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from keepapart.errors import StoreError


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True)
class Requested(Event):
    """The run was begun: `count` new members are wanted, as stand-ins for `replaces` where any are named."""

    cluster: str
    count: int
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Excused(Event):
    """The operator excused these members: candidates needn't be separate from them."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Intended(Event):
    """An attempt was decided on; everything that its launch call will say.

    `source` is the instance that will be started (again), or empty where one is launched.
    """

    attempt: int
    token: str
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True, slots=True)
class Postponed(Event):
    """The platform had no room; the same call will be made again later."""

    attempt: int
    because: str


@dataclass(frozen=True, slots=True)
class Launched(Event):
    """The attempt's instance is known by its id."""

    attempt: int
    id: str


@dataclass(frozen=True, slots=True)
class Running(Event):
    """The platform says that the attempt's instance runs; `where`, as far as it says that, in words."""

    attempt: int
    where: str = ""


KEPT, UNDECIDED, TURNED_DOWN = "kept", "undecided", "turned down"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a round came to for one candidate.

    `verdict` is the worst over all pairs that count, as `Verdict` spells it, and empty where there was
    nothing to measure; `then` is one of `KEPT`, `UNDECIDED`, `TURNED_DOWN`. A candidate that is kept stands
    in for `replaces`, where members are to go; `unproven` names those of them that it wasn't told apart from.
    """

    attempt: int
    verdict: str
    then: str
    because: str
    replaces: str = ""
    unproven: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged(Event):
    """A round was judged: all candidates in it at once, so that those kept are apart from each other too.

    `against` names everybody whom those kept were told apart from, themselves included; `unmeasured` those
    that could not be measured although they're about to go.
    """

    rulings: tuple[Ruling, ...]
    against: tuple[str, ...] = ()
    unmeasured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Voided(Event):
    """The verdict no longer holds; the candidate is to be checked again."""

    attempt: int
    because: str


@dataclass(frozen=True, slots=True)
class Joined(Event):
    """The candidate is a member, by its tag."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Rejected(Event):
    """The candidate was turned down without a verdict, or in spite of it."""

    attempt: int
    because: str


@dataclass(frozen=True, slots=True)
class LaunchFailed(Event):
    """No instance came of the attempt, as far as can be seen."""

    attempt: int
    because: str


@dataclass(frozen=True, slots=True)
class Strayed(Event):
    """An instance carries this run's tags, and no attempt of the run owns it."""

    id: str
    because: str


@dataclass(frozen=True, slots=True)
class Releasing(Event):
    """The platform was told to stop or terminate the instance."""

    id: str


@dataclass(frozen=True, slots=True)
class Released(Event):
    """The instance is stopped or gone, by the platform's own word."""

    id: str


@dataclass(frozen=True, slots=True)
class LeftAlone(Event):
    """The instance was not released: it isn't ours any more, or it would not go (`stuck`)."""

    id: str
    because: str
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class Closing(Event):
    """No more candidates: `code` is how the run will end (the contract's table), and why."""

    code: int
    because: str


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """Everything is settled; the run is over."""


# The word by which a journal knows each: it is what is stored, whatever the class is called.
KINDS: Mapping[str, type[Event]] = {
    "asked": Requested,
    "excused": Excused,
    "intended": Intended,
    "postponed": Postponed,
    "launched": Launched,
    "running": Running,
    "judged": Judged,
    "voided": Voided,
    "joined": Joined,
    "rejected": Rejected,
    "fruitless": LaunchFailed,
    "strayed": Strayed,
    "releasing": Releasing,
    "released": Released,
    "leftalone": LeftAlone,
    "closing": Closing,
    "finished": Finished,
}
_WORDS: Mapping[type[Event], str] = {event: kind for kind, event in KINDS.items()}


def encode(event: Event) -> tuple[str, Mapping[str, Any]]:
    """Return the event as (kind, JSON-ready data)."""
    return _WORDS[type(event)], dataclasses.asdict(event)


def decode(kind: str, data: Mapping[str, Any]) -> Event:
    """Return the event that `encode` wrote. Raises `StoreError` for one that this version doesn't know."""
    try:
        return KINDS[kind](**{name: _tuples(value) for name, value in data.items()})
    except (KeyError, TypeError):
        raise StoreError(f"the journal holds an event {kind!r} that this keepapart can't read") from None


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, Mapping) and value.keys() == _RULING:
        return Ruling(**{name: _tuples(item) for name, item in value.items()})
    return value


_RULING = {f.name for f in dataclasses.fields(Ruling)}
