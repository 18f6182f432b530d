"""What is asked of an admission while it is killed: each strategy, on a cloud that fills host after host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from keepapart.admit import Site, admit, collect, replace
from keepapart.clouds import CANDIDATE, STOPPED
from keepapart.config import Launch
from keepapart.errors import UsageError
from tests.admit.cloud import FileCloud, Truth

Ask = Callable[[Site, Truth], None]


def two(site: Site, truth: Truth) -> None:
    """Ask for two more members."""
    admit(site, truth, count=2)


def one(site: Site, truth: Truth) -> None:
    """Ask for one more member."""
    admit(site, truth, count=1)


def stand_in(site: Site, truth: Truth) -> None:
    """Replace one; where that was done already, the name means nothing any more."""
    try:
        replace(site, truth, ["m-2"])
    except UsageError:
        if "m-2" in truth.cloud.alive() or site.store.unfinished(site.cluster):
            raise


def collected(site: Site, _: Truth) -> None:
    """Clean up instead of going on."""
    collect(site)


def peopled(cloud: FileCloud) -> None:
    """Two members on hosts of their own and room for one beside each: the packing habit does the rest."""
    cloud.add("m-1", 0)
    cloud.add("m-2", 1)


def slow(cloud: FileCloud) -> None:
    """The same, on a platform whose lists lag."""
    peopled(cloud)
    cloud.set_lag(3)


def spares(cloud: FileCloud) -> None:
    """The same, and eleven stopped instances."""
    peopled(cloud)
    for number in range(1, 12):
        cloud.add(f"s-{number}", 0, state=STOPPED, role="" if number % 2 else CANDIDATE)


def nobody(_: FileCloud) -> None:
    """Leave the cluster empty."""


@dataclass(frozen=True)
class Scenario:
    """What is there, the policy, what is asked and killed, what resumes it, and how many members then."""

    setup: Callable[[FileCloud], None]
    policy: Launch
    asked: Ask
    resumed: Ask
    members: int | None
    hosts: int = 4
    habit: str = "packing"
    auto: bool = False
    leaving: int = 0  # members that may stay beside their stand-ins where the fault lasts

    @property
    def most_launches(self) -> int:
        """How many launches the attempts of the request allow, and of the other one where there are two."""
        return self.policy.max_attempts * (2 if self.asked is self.resumed else 3)


SCENARIOS = {
    "hold": Scenario(peopled, Launch(max_held=4), two, two, 4),
    "terminate": Scenario(peopled, Launch(on_reject="terminate", max_attempts=3), one, one, None),
    "stop": Scenario(peopled, Launch(on_reject="stop", max_attempts=3, max_held=1), one, one, None),
    "restart": Scenario(
        peopled,
        Launch(on_reject="restart", max_held=1, max_attempts=20),
        one,
        one,
        3,
        hosts=3,
        habit="random",
    ),
    "batch": Scenario(peopled, Launch(at_once=3, max_held=4), two, two, 4),
    "spares": Scenario(spares, Launch(source="stopped"), two, two, 4),
    "unknown": Scenario(nobody, Launch(at_once=0), two, two, 2, auto=True),
    "replace": Scenario(peopled, Launch(), stand_in, stand_in, 2, leaving=1),
    "lag": Scenario(slow, Launch(), one, one, 3),
    "other": Scenario(peopled, Launch(), one, two, None),
    "gc": Scenario(peopled, Launch(), one, collected, None),
}
