"""What may be done next in a move, as values, beside what an admission does (`admit.steps`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keepapart.admit.events import Event
from keepapart.admit.steps import Check, Step


@dataclass(frozen=True, slots=True)
class Look(Step):
    """Measure a member that runs, as candidate 1 of `check`, before it is stopped."""

    id: str
    check: Check


@dataclass(frozen=True, slots=True)
class AskHealth(Step):
    """Ask the operator's command, once or until the time `until`; where it agrees `then` is so."""

    id: str
    until: float
    then: Event


@dataclass(frozen=True, slots=True)
class Foresee(Step):
    """Ask where the member would be placed, and so whether it has to be stopped, as `Stop` does, for that."""

    id: str
    host: str
    need: int


@dataclass(frozen=True, slots=True)
class Migrate(Step):
    """Tell the platform where the member is to go as it runs, and wait until it is there."""

    id: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stop(Step):
    """Stop a member, if at least `need` others run, and wait until it is stopped."""

    id: str
    need: int


@dataclass(frozen=True, slots=True)
class Choose(Step):
    """Choose where the stopped member is to start."""

    id: str
    host: str


@dataclass(frozen=True, slots=True)
class Place(Step):
    """Tell the platform where the stopped member is to start."""

    id: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Start(Step):
    """Wait `delay` seconds, start the member, and wait until it runs."""

    id: str
    delay: float


@dataclass(frozen=True, slots=True)
class Compare(Step):
    """Measure the member that runs again, as candidate 1 of `check`."""

    id: str
    check: Check


@dataclass(frozen=True, slots=True)
class BringUp(Step):
    """Start the member, wherever that is, if it doesn't run.

    That it runs may be what was so before it was stopped, until the time `settled`.
    """

    id: str
    settled: float
