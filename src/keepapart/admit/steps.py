"""What may be done next in an admission, as values. The machine decides on one; the executor performs it."""

from __future__ import annotations

from dataclasses import dataclass

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
    """Journal the intent to launch one, or to start the stopped instance `source`."""

    attempt: int
    source: str
    replaces: str


@dataclass(frozen=True, slots=True)
class Launch(Step):
    """Wait `delay` seconds, then make the launch call; may be repeated with the same request."""

    attempt: int
    request: LaunchRequest
    delay: float


@dataclass(frozen=True, slots=True)
class StartStopped(Step):
    """Tag the stopped instance as this run's candidate, then start it."""

    attempt: int
    request: LaunchRequest
    id: str
    delay: float


@dataclass(frozen=True, slots=True)
class AwaitRunning(Step):
    """Wait until the platform says that the instance runs, or can't."""

    attempt: int
    id: str


@dataclass(frozen=True, slots=True)
class Check(Step):
    """Ask of the candidate and each of `against` and `leaving` whether they share a host.

    Unknown counts against the candidate for `against`; for `leaving` (members about to be replaced) only
    co-residence does. `witnesses` run and help the measurement.
    """

    attempt: int
    id: str
    against: tuple[str, ...]
    leaving: tuple[str, ...]
    witnesses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Join(Step):
    """Make the candidate a member, if the members are still those it was checked against."""

    attempt: int
    id: str
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Release(Step):
    """Stop or terminate an instance: one of ours by its tags, or a member that was `named` by the operator.

    `seen` says that the platform has shown it running, so that its absence now means that it is gone.
    """

    id: str
    stop: bool
    named: bool = False
    seen: bool = True


@dataclass(frozen=True, slots=True)
class AwaitGone(Step):
    """Repeat the release until the platform says that it is done."""

    release: Release


@dataclass(frozen=True, slots=True)
class Settle(Step):
    """Look for an instance of an attempt whose launch call was never answered."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Finish(Step):
    """Close the journal."""
