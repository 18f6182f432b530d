"""What may be done next in an admission, as values. The machine decides on one; the executor performs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keepapart.admit.events import Event
from keepapart.clouds import LaunchRequest


@dataclass(frozen=True, slots=True)
class Step:
    """Base of all steps."""


@dataclass(frozen=True, slots=True)
class Note(Step):
    """Journal what is already so."""

    event: Event


@dataclass(frozen=True, slots=True)
class Intend(Step):
    """Journal the intent to launch one, or to start the instance `source`, stopped or to be stopped first.

    `keep` says that it is a spare: only ever stopped, never terminated.
    """

    attempt: int
    source: str
    keep: bool


@dataclass(frozen=True, slots=True)
class Launch(Step):
    """Wait `delay` seconds, then make the launch call; may be repeated with the same request."""

    attempt: int
    request: LaunchRequest
    delay: float


@dataclass(frozen=True, slots=True)
class StartStopped(Step):
    """Tag the stopped instance as this attempt's candidate, then start it.

    `again` says that it is this run's own, turned down where it is: it is stopped first.
    """

    attempt: int
    request: LaunchRequest
    id: str
    delay: float
    again: bool


@dataclass(frozen=True, slots=True)
class AwaitRunning(Step):
    """Wait until the platform says that the instance runs, or can't."""

    attempt: int
    id: str


@dataclass(frozen=True, slots=True)
class Check(Step):
    """Measure the candidates (ids by attempt) and keep the largest set of at most `wanted` that are apart.

    They must be apart from each other and from all of `against`. For `leaving` (members about to be
    replaced) only co-residence counts against them; `absent` are leaving too, and can't be measured. Where
    they are `kept`, a stand-in may share a host with none of them.
    `witnesses` run and help the measurement. `booting` says by id until when this run's own may boot.
    """

    candidates: Mapping[int, str]
    wanted: int
    against: tuple[str, ...]
    leaving: tuple[str, ...]
    absent: tuple[str, ...]
    witnesses: tuple[str, ...]
    kept: bool = False
    booting: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Join(Step):
    """Make the candidate a member, if the members are still those it was checked against."""

    attempt: int
    id: str
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settle(Step):
    """Look whether a candidate, about to be tagged as a member at the time `since`, is one."""

    attempt: int
    id: str
    since: float


@dataclass(frozen=True, slots=True)
class Release(Step):
    """Stop or terminate an instance.

    `known` says that a journal has it from the platform's own answer, so that it is ours whether its tags
    show yet or not; else it is ours by its tags. `seen` says that the platform has shown it since, so that
    its absence now means that it is gone. `stand_in` names the member for which a member is released.
    """

    id: str
    stop: bool
    known: bool = False
    seen: bool = True
    stand_in: str = ""


@dataclass(frozen=True, slots=True)
class AwaitGone(Step):
    """Repeat the release until the platform says that it is done."""

    release: Release


@dataclass(frozen=True, slots=True)
class FindUnanswered(Step):
    """Look, so many seconds long, for an instance of an attempt whose launch call was never answered."""

    attempt: int
    within: float


@dataclass(frozen=True, slots=True)
class Welcome(Step):
    """Tell the operator's own command of a new member."""

    id: str


@dataclass(frozen=True, slots=True)
class Confirm(Step):
    """Look whether those that are in, and who makes up a size with them, are there still.

    Then, and only then, all that were asked for are in. Those who are `excused` needn't be shown.
    """

    ids: tuple[str, ...]
    beside: tuple[str, ...] = ()
    excused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish(Step):
    """Close the journal."""
