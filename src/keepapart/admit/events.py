"""What may happen in an admission: the journal's events, as values and as JSON.

Events are facts in the past tense, appended and never changed. `attempt` is the number of the attempt
within its run, from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, Union

import msgspec
from msgspec import Struct, field

from keepapart.errors import StoreError


class Event(Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """Base of all events; the tag is the word by which a journal knows one, whatever the class is called."""


class Requested(Event, frozen=True, tag="asked"):
    """The run was begun: `count` new members are wanted, as stand-ins for `replaces` where any are named."""

    cluster: str
    count: int
    replaces: tuple[str, ...] = ()


class Excused(Event, frozen=True, tag="excused"):
    """The operator excused these members: candidates needn't be separate from them."""

    ids: tuple[str, ...]


class Intended(Event, frozen=True, tag="intended"):
    """An attempt was decided on; everything that its launch call will say.

    `source` is the instance that will be started (again), or empty where one is launched.
    """

    attempt: int
    token: str
    tags: Mapping[str, str] = {}
    parameters: Mapping[str, str] = {}
    source: str = ""


class Postponed(Event, frozen=True, tag="postponed"):
    """The platform had no room; the same call will be made again later."""

    attempt: int
    because: str


class Launched(Event, frozen=True, tag="launched"):
    """The attempt's instance is known by its id."""

    attempt: int
    id: str


class Running(Event, frozen=True, tag="running"):
    """The platform says that the attempt's instance runs; `where`, as far as it says that, in words."""

    attempt: int
    where: str = ""


Then = Literal["kept", "undecided", "turned down"]
KEPT: Final = "kept"
UNDECIDED: Final = "undecided"
TURNED_DOWN: Final = "turned down"


class Ruling(Struct, frozen=True, forbid_unknown_fields=True):
    """What a round came to for one candidate.

    `verdict` is the worst over all pairs that count, as `Verdict` spells it, and empty where there was
    nothing to measure; `then` is one of `KEPT`, `UNDECIDED`, `TURNED_DOWN`. A candidate that is kept stands
    in for `replaces`, where members are to go; `unproven` names those of them that it wasn't told apart from.
    """

    attempt: int
    verdict: str
    then: Then
    because: str
    replaces: str = ""
    unproven: tuple[str, ...] = ()


class Judged(Event, frozen=True, tag="judged"):
    """A round was judged: all candidates in it at once, so that those kept are apart from each other too.

    `against` names everybody whom those kept were told apart from, themselves included; `unmeasured` those
    that could not be measured although they're about to go.
    """

    rulings: tuple[Ruling, ...]
    against: tuple[str, ...] = ()
    unmeasured: tuple[str, ...] = field(default=(), name="mute")  # the word that is stored


class Voided(Event, frozen=True, tag="voided"):
    """The verdict no longer holds; the candidate is to be checked again."""

    attempt: int
    because: str


class Joined(Event, frozen=True, tag="joined"):
    """The candidate is a member, by its tag."""

    attempt: int


class Rejected(Event, frozen=True, tag="rejected"):
    """The candidate was turned down without a verdict, or in spite of it."""

    attempt: int
    because: str


class LaunchFailed(Event, frozen=True, tag="fruitless"):
    """No instance came of the attempt, as far as can be seen."""

    attempt: int
    because: str


class Strayed(Event, frozen=True, tag="strayed"):
    """An instance carries this run's tags, and no attempt of the run owns it."""

    id: str
    because: str


class Releasing(Event, frozen=True, tag="releasing"):
    """The platform was told to stop or terminate the instance."""

    id: str


class Released(Event, frozen=True, tag="released"):
    """The instance is stopped or gone, by the platform's own word."""

    id: str


class LeftAlone(Event, frozen=True, tag="leftalone"):
    """The instance was not released: it isn't ours any more, or it would not go (`stuck`)."""

    id: str
    because: str
    stuck: bool = False


class Closing(Event, frozen=True, tag="closing"):
    """No more candidates: `code` is how the run will end (docs/contract.md), and why."""

    code: int
    because: str


class Finished(Event, frozen=True, tag="finished"):
    """Everything is settled; the run is over."""


ANY: Any = Union[tuple(Event.__subclasses__())]  # noqa: UP007  # the classes are counted, not written out


def encode(event: Event) -> tuple[str, Mapping[str, Any]]:
    """Return the event as (kind, JSON-ready data)."""
    data: dict[str, Any] = msgspec.to_builtins(event, enc_hook=dict)  # a plug-in's mapping may be of any kind
    return data.pop("kind"), data


def decode(kind: str, data: Mapping[str, Any]) -> Event:
    """Return the event that `encode` wrote. Raises `StoreError` for one that this version doesn't know."""
    try:
        event: Event = msgspec.convert({**data, "kind": kind}, ANY)
    except msgspec.ValidationError:
        raise StoreError(f"the journal holds an event {kind!r} that this keepapart can't read") from None
    return event
