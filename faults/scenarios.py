"""What is asked of an admission while it is killed: each strategy, on a stage that fills host after host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from keepapart.admit import AdmissionContext, Checker, admit, collect, move, replace
from keepapart.clouds import CANDIDATE, MEMBER, RUNNING, STOPPED
from keepapart.errors import UsageError
from keepapart.model import Instance
from keepapart.settings import LaunchSettings

CLUSTER = "orders"


class Stage(Protocol):
    """A platform as a scenario sets it up, and as what became of it is looked at, past the admission."""

    def add(self, instance_id: str, host: int, *, state: str = RUNNING, role: str = MEMBER) -> None:
        """Put an instance there that no admission launched; names and numbers are the scenario's."""

    def id(self, name: str) -> str:
        """Return the platform's id of what `add` put there by this name."""

    def alive(self) -> Mapping[str, Instance]:
        """Return every instance that is not terminated, by id."""

    def host(self, instance_id: str) -> object:
        """Tell the host that an instance is on, or was on last."""

    def tokens(self) -> Sequence[str]:
        """List the tokens of all launches, where they are counted."""

    def most_candidates(self) -> int:
        """Tell how many candidates ran at the same time, at most; 0 where nobody counts."""


Ask = Callable[[AdmissionContext, Checker, Stage], None]


def two(context: AdmissionContext, checker: Checker, _: Stage) -> None:
    """Ask for two more members."""
    admit(context, checker, count=2)


def one(context: AdmissionContext, checker: Checker, _: Stage) -> None:
    """Ask for one more member."""
    admit(context, checker, count=1)


def stand_in(context: AdmissionContext, checker: Checker, stage: Stage) -> None:
    """Replace one; where that was done already, the name means nothing any more."""
    old = stage.id("m-2")
    try:
        replace(context, checker, [old])
    except UsageError:
        if old in stage.alive() or context.store.journals.unfinished(context.cluster):
            raise


def moved(context: AdmissionContext, checker: Checker, stage: Stage) -> None:
    """Give one another host, with throwaways in the slots that it leaves, unless it is dead."""
    one = stage.id("m-3")
    try:
        move(context, checker, [one], hold=True)
    except UsageError:
        if one in stage.alive():
            raise


def collected(context: AdmissionContext, _: Checker, __: Stage) -> None:
    """Clean up instead of going on."""
    collect(context)


def peopled(stage: Stage) -> None:
    """Two members on hosts of their own and room for one beside each: the packing habit does the rest."""
    stage.add("m-1", 0)
    stage.add("m-2", 1)


def packed(stage: Stage) -> None:
    """The same, and a third beside the first."""
    peopled(stage)
    stage.add("m-3", 0)


def spares(stage: Stage) -> None:
    """The same, and eleven stopped instances."""
    peopled(stage)
    for number in range(1, 12):
        stage.add(f"s-{number}", 0, state=STOPPED, role="" if number % 2 else CANDIDATE)


def nobody(_: Stage) -> None:
    """Leave the cluster empty."""


@dataclass(frozen=True)
class Scenario:
    """What is there, the policy, what is asked and killed, what resumes it, and how many members then."""

    setup: Callable[[Stage], None]
    policy: LaunchSettings
    asked: Ask
    resumed: Ask
    members: int | None
    hosts: int = 4
    habit: str = "packing"
    auto: bool = False
    lag: int = 0  # how many lists leave out what was just launched
    packed: bool = False  # members share a host at the beginning, and where the fault lasts
    leaving: int = 0  # members that may stay beside their stand-ins where the fault lasts

    @property
    def seed(self) -> str:
        """A text of its own, the same in every process."""
        return f"{self.setup.__name__} {self.policy} {self.asked.__name__} {self.resumed.__name__}"

    @property
    def most_launches(self) -> int:
        """How many launches the attempts of the request allow, and of the other one where there are two."""
        return self.policy.max_attempts * (2 if self.asked is self.resumed else 3)


SCENARIOS = {
    "hold": Scenario(peopled, LaunchSettings(max_held=4), two, two, 4),
    "terminate": Scenario(peopled, LaunchSettings(on_reject="terminate", max_attempts=3), one, one, None),
    "stop": Scenario(peopled, LaunchSettings(on_reject="stop", max_attempts=3, max_held=1), one, one, None),
    "restart": Scenario(
        peopled,
        LaunchSettings(on_reject="restart", max_held=1, max_attempts=40),
        one,
        one,
        3,
        hosts=3,
        habit="random",
    ),
    "batch": Scenario(peopled, LaunchSettings(at_once=3, max_held=4), two, two, 4),
    "spares": Scenario(spares, LaunchSettings(source="stopped"), two, two, 4),
    "unknown": Scenario(nobody, LaunchSettings(at_once=0), two, two, 2, auto=True),
    "replace": Scenario(peopled, LaunchSettings(), stand_in, stand_in, 2, leaving=1),
    "lag": Scenario(peopled, LaunchSettings(), one, one, 3, lag=3),
    "other": Scenario(peopled, LaunchSettings(), one, two, None),
    "move": Scenario(packed, LaunchSettings(), moved, moved, None, packed=True),
    "gc": Scenario(peopled, LaunchSettings(), one, collected, None),
}
