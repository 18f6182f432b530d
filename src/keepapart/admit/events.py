"""What may happen in an admission: the journal's events, as values and as JSON.

Events are facts in the past tense, appended and never changed. `attempt` is the number of the attempt
within its run, from 1. What is `UNSET` isn't stored, so that events look as they did before there was such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from keepapart.errors import StoreError


class Event(Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """Base of all events; the tag is the word by which a journal knows one, whatever the class is called."""


class Requested(Event, frozen=True, tag="asked"):
    """The run was begun: `count` new members are wanted, as stand-ins for `replaces` where any are named."""

    cluster: str
    count: int
    replaces: tuple[str, ...] = ()


class Placed(Event, frozen=True, tag="placed"):
    """Where the run takes place: what the cloud says of itself (`clouds.Located`)."""

    where: Mapping[str, str]


class Sized(Event, frozen=True, tag="sized"):
    """`size` members were asked for, which these make up with whoever comes in: for each lost, one more is.

    Without `size`, as many as were wanted when the run was begun.
    """

    ids: tuple[str, ...]
    size: int | UnsetType = UNSET


class KeptOld(Event, frozen=True, tag="keptold"):
    """The operator keeps the members that get a stand-in: none of them is released."""


class StandsIn(Event, frozen=True, tag="standsin"):
    """An earlier run admitted `by` as the stand-in for `id`, which is still there: no other is wanted."""

    id: str
    by: str


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


class OverQuota(Event, frozen=True, tag="overquota"):
    """A quota of the operator's own is used up; the same call will be made again once something went."""

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
    `shares` is whose host it shares: of one that is kept, the one that it stands in for.
    """

    attempt: int
    verdict: str
    then: Then
    because: str
    replaces: str = ""
    unproven: tuple[str, ...] = ()
    shares: str | UnsetType = UNSET


class NotApart(Struct, frozen=True, forbid_unknown_fields=True):
    """Two members that share a host, or may: `verdict` says which, as `Verdict` spells it."""

    a: str
    b: str
    verdict: str


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


class Joining(Event, frozen=True, tag="joining"):
    """The candidate is about to be tagged as a member."""

    attempt: int


class Unjoined(Event, frozen=True, tag="unjoined"):
    """The candidate was about to be tagged as a member, and that didn't come about."""

    attempt: int


class Joined(Event, frozen=True, tag="joined"):
    """The candidate is a member, by its tag."""

    attempt: int


class Welcomed(Event, frozen=True, tag="welcomed"):
    """The operator's own command was told of the new member (`[hooks] on_join`), and took it."""

    id: str


class Lost(Event, frozen=True, tag="lost"):
    """Members that are members no more, by id with the reason: gone, or relieved by hand."""

    ids: Mapping[str, str]


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
    """The instance was not released: it isn't ours to release, or it would not go (`stuck`)."""

    id: str
    because: str
    stuck: bool = False


class Closing(Event, frozen=True, tag="closing"):
    """No more candidates: `code` is how the run will end (docs/contract.md), and why."""

    code: int
    because: str


class Finished(Event, frozen=True, tag="finished"):
    """Everything is settled; the run is over. It leaves these members beside each other, or may."""

    not_apart: tuple[NotApart, ...] | UnsetType = field(default=UNSET, name="notapart")


# Of a move. What it launches to hold slots are attempts, as above.


class MoveRequested(Event, frozen=True, tag="move"):
    """A move was begun: these members are to get other hosts, in this order.

    `hold`: the slot that each leaves is held with a throwaway. `host` is where it is to go, where that can be
    chosen.
    """

    cluster: str
    ids: tuple[str, ...]
    hold: bool = False
    host: str = ""


class Looked(Event, frozen=True, tag="looked"):
    """A member was looked at before it was stopped: it is not known to be apart from all others."""

    id: str
    because: str


class Ready(Event, frozen=True, tag="ready"):
    """The operator's command found all well, so that this member may be stopped."""

    id: str


class Migrating(Event, frozen=True, tag="migrating"):
    """The platform is about to be told where the member is to go as it runs."""

    id: str
    parameters: Mapping[str, str] = {}


class NotLive(Event, frozen=True, tag="notlive"):
    """The member can't go there as it runs: it has to be stopped for that."""

    id: str
    because: str = ""


class Stopping(Event, frozen=True, tag="stopping"):
    """The member is about to be stopped."""

    id: str


class Stopped(Event, frozen=True, tag="stopped"):
    """The member is stopped, by the platform's own word."""

    id: str


class Chosen(Event, frozen=True, tag="chosen"):
    """What the platform will be told of where the stopped member is to start; nothing where it chooses."""

    id: str
    parameters: Mapping[str, str] = {}


class PlacedAnew(Event, frozen=True, tag="placedanew"):
    """The platform was told where the stopped member is to start, or refused (`because`)."""

    id: str
    because: str = ""


class Starting(Event, frozen=True, tag="starting"):
    """The member is about to be started."""

    id: str


class NoRoom(Event, frozen=True, tag="noroom"):
    """The platform couldn't start the member: there was no room (`anew`: not where it was told to)."""

    id: str
    because: str
    anew: bool = False


class Up(Event, frozen=True, tag="up"):
    """The member runs again, by the platform's own word; `where`, as far as it says that, in words."""

    id: str
    where: str = ""


class Compared(Event, frozen=True, tag="compared"):
    """The member that runs again was measured against the others: `verdict`, as `Verdict` spells it.

    `shares` is whose host it shares.
    """

    id: str
    verdict: str
    because: str
    shares: str | UnsetType = UNSET


class Moved(Event, frozen=True, tag="moved"):
    """The member is apart from all others, and the operator's command found all well."""

    id: str
    because: str = ""


class Unmoved(Event, frozen=True, tag="unmoved"):
    """No more is tried for this member, which runs: `code` is why (docs/contract.md)."""

    id: str
    code: int
    because: str


class Down(Event, frozen=True, tag="down"):
    """The member could not be started again: it is stopped."""

    id: str
    because: str


BY_WORD: Mapping[Any, type[Event]] = {each.__struct_config__.tag: each for each in Event.__subclasses__()}


def encode(event: Event) -> tuple[str, Mapping[str, Any]]:
    """Return the event as (kind, JSON-ready data)."""
    data: dict[str, Any] = msgspec.to_builtins(event, enc_hook=dict)  # a plug-in's mapping may be of any kind
    return data.pop("kind"), data


def decode(kind: str, data: Mapping[str, Any]) -> Event:
    """Return the event that `encode` wrote. Raises `StoreError` for one that this version doesn't know."""
    try:
        return msgspec.convert({**data, "kind": kind}, BY_WORD[kind])
    except (KeyError, msgspec.ValidationError):
        raise StoreError(f"the journal holds an event {kind!r} that this keepapart can't read") from None
