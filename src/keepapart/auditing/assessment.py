"""What is known of a cluster, whether it was measured or stated. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keepapart.auditing.pair_kinds import DOWN, Kinds
from keepapart.domains.fault_domains import Domains
from keepapart.domains.risk import Risk
from keepapart.domains.yearly import yearly
from keepapart.judging.judgement import Judgement
from keepapart.model import LEVELS, Instance, Pair, Verdict
from keepapart.settings import RiskSettings
from keepapart.signals.sources import Difference

ODDS_UP_TO = 10_000  # members


@dataclass(frozen=True, slots=True)
class Odds:
    """The chance, 0 to 1, that within a year fewer members are up than the cluster needs, at some moment.

    `now` is as the members are placed, None where that isn't known; `most` bounds it then, None where that
    isn't worked out; `spread` with a host each, all of them up.
    """

    now: float | None
    most: float | None
    spread: float


@dataclass(frozen=True, slots=True)
class IfVouched:
    """What would be said if the operator vouched: how many pairs of each verdict, and who is `suspected`.

    These are groups of ids that would be co-resident and aren't known to be.
    """

    suspected: Sequence[Sequence[str]]
    verdicts: dict[str, int]


@dataclass(frozen=True)  # without slots, for what is worked out once to have a place
class Assessment(ABC):
    """What is known of a cluster, at `at` seconds since the epoch; see the fields' own types.

    `lost` are the instances of which nothing is known, by id, with the reason; `differences` are where two
    sources state two things of one instance, or one states what is measured otherwise.
    """

    at: float
    cluster: str
    instances: Sequence[Instance]
    lost: Mapping[str, str]
    differences: Sequence[Difference]
    judgement: Judgement
    domains: Domains
    risk: Risk
    odds: Odds

    @property
    @abstractmethod
    def kinds(self) -> Kinds:
        """What is said of every pair without the particulars; worked out when it is first asked for."""

    @property
    def ids(self) -> Sequence[str]:
        """The ids of `instances`."""
        return self.judgement.ids

    def pair(self, a: str, b: str) -> Pair:
        """Return the verdict on two instances by id."""
        return self.judgement.pair(self.ids.index(a), self.ids.index(b))

    @property
    def if_vouched(self) -> IfVouched | None:
        """What would be said if the operator vouched for the network; None where that changes nothing."""
        return None

    @property
    def down(self) -> Mapping[str, str]:
        """The members that don't run, by id, with their state."""
        return {i.id: i.state for i in self.instances if not i.running}

    @property
    def open_pairs(self) -> int:
        """How many pairs of members that run are unknown."""
        kinds = self.kinds
        with_down = [pairs for kind, pairs in zip(kinds.kinds, kinds.pairs, strict=True) if kind == DOWN]
        return self.counts[Verdict.UNKNOWN.value] - sum(with_down)

    @property
    def reached(self) -> Sequence[bool]:
        """Of which instances anything is known, in the order of `instances`."""
        return [name not in self.lost for name in self.ids]

    def members(self, level: str) -> dict[str, list[str]]:
        """List the ids in each domain of a level, by its name."""
        ids, found = self.ids, self.domains.levels.get(level, ())
        return {domain.name: [ids[i] for i in domain.members] for domain in found}

    @property
    def missing_levels(self) -> Sequence[tuple[str, str]]:
        """The levels that can't be made of hop counts, each with the reason in words."""
        if not (torn := self.domains.torn):
            return ()
        level, zones = LEVELS[len(self.domains.at)], self.domains.of("zone")
        (a, x), (b, y) = ((self.ids[i], zones[i]) for i in torn)
        because = (
            f"hop counts put {a} and {b} in one {level}, and the platform puts them in zones {x} and {y}"
        )
        return [(level, because)]

    @property
    def counts(self) -> dict[str, int]:
        """How many pairs there are of each verdict."""
        return self.judgement.counts


def odds(domains: Domains, risk: Risk, rates: RiskSettings) -> Odds:
    """Work out the odds of the members that a risk is of.

    How it is now is known where all that run are on hosts of which no two may be one. Where they aren't,
    those on no such host count as lost already, which is worse than wherever they are; and no quorum is lost
    while no host fails, of which there are as many as members at the most. Nothing is said of more than
    `ODDS_UP_TO` members: that would take minutes, and they are no one quorum.
    """
    often, long, need = rates.host_failures_per_year, rates.hours_to_replace, risk.need
    spread = yearly([1] * risk.size, need, often, long)
    if risk.size > ODDS_UP_TO:
        return Odds(None, None, spread)
    sizes = [len(domains.hosts[number].members) for number in domains.apart]
    most, running = yearly(sizes, need, often, long), risk.running
    if sum(sizes) == running:
        return Odds(most, most, spread)
    any_host = yearly([1] * running, running, often, long) if running >= need else 1.0
    return Odds(None, min(most, any_host), spread)
