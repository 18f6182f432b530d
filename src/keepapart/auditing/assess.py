"""From what was measured to what may be said: signals → judge → domains → risk. Pure.

Everything of which a wrong answer is dangerous happens below this line: no clock, no socket, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from keepapart.auditing.pair_kinds import PairKinds, pair_kinds
from keepapart.config import ClusterSettings, RiskSettings
from keepapart.domains.fault_domains import LEVELS, NOTHING, DomainPrior, Domains, domains
from keepapart.domains.risk import Risk, needed, risk
from keepapart.domains.stated_places import stated_places
from keepapart.domains.yearly import yearly
from keepapart.judging.judge import PairJudgement, judge
from keepapart.model import Controls, Instance, Pair, Strength
from keepapart.probe.measured import Round
from keepapart.signals import Observed, Signal, Stage, hops
from keepapart.signals.builtin import SIGNALS
from keepapart.signals.network import NetworkFinding, NetworkPrior, NetworkStatus, find
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.sight import Sight, sights_of

MOST_JUDGED = 2_048  # instances; more show so many suspicions that nobody reads them
RATES = RiskSettings()


@dataclass(frozen=True, slots=True)
class Odds:
    """The chance, 0 to 1, that within a year fewer members are up than the cluster needs, at some moment.

    `now` is as the members are placed, None where no verdict places some of them; `spread` with a host each.
    """

    now: float | None
    spread: float


@dataclass(frozen=True, slots=True)
class IfVouched:
    """What would be said if the operator vouched: how many pairs of each verdict, and who is `suspected`.

    These are groups of ids that would be co-resident and aren't known to be.
    """

    suspected: Sequence[Sequence[str]]
    verdicts: dict[str, int]


@dataclass(frozen=True)  # without slots, for what is worked out once to have a place
class Audit:
    """What one round showed of a cluster, at `at` seconds since the epoch; see the fields' own types."""

    at: float
    cluster: str
    instances: Sequence[Instance]
    round: Round
    paths: PathConfidence
    sights: Sequence[Sight]
    network: NetworkFinding
    judgement: PairJudgement
    domains: Domains
    risk: Risk
    odds: Odds

    def pair(self, a: str, b: str) -> Pair:
        """Return the verdict on two instances by id."""
        ids = self.round.ids
        return self.judgement.pair(ids.index(a), ids.index(b))

    @cached_property
    def if_vouched(self) -> IfVouched | None:
        """What would be said if the operator vouched; None where that changes nothing, or for too many."""
        if self.network.standing is not NetworkStatus.UNVOUCHED or len(self.round.ids) > MOST_JUDGED:
            return None
        said = hops.testimony(self.paths, self.network.if_vouched, self.sights)
        others = [t for t in self.judgement.testimonies if t.signal != hops.name]
        would = judge(self.round.ids, [said, *others], self.judgement.assurance)
        groups: dict[int, list[int]] = {}
        for i, group in enumerate(would.groups.tolist()):
            groups.setdefault(group, []).append(i)
        known = self.judgement.groups
        suspected = [
            [self.round.ids[i] for i in members]
            for members in groups.values()
            if len({int(known[i]) for i in members}) > 1
        ]
        return IfVouched(suspected, would.counts)

    @property
    def reached(self) -> Sequence[bool]:
        """Which instances took part, in the order of `instances`."""
        return [name not in self.round.lost for name in self.round.ids]

    def members(self, level: str) -> dict[str, list[str]]:
        """List the ids in each domain of a level, by its name."""
        ids, found = self.round.ids, self.domains.levels.get(level, ())
        return {domain.name: [ids[i] for i in domain.members] for domain in found}

    @property
    def missing_levels(self) -> Sequence[tuple[str, str]]:
        """The levels that can't be made of hop counts, each with the reason in words."""
        if not (torn := self.domains.torn):
            return ()
        level, zones = LEVELS[len(self.domains.at)], self.domains.of("zone")
        (a, x), (b, y) = ((self.round.ids[i], zones[i]) for i in torn)
        because = (
            f"hop counts put {a} and {b} in one {level}, and the platform puts them in zones {x} and {y}"
        )
        return [(level, because)]

    @cached_property
    def kinds(self) -> PairKinds:
        """What is said of every pair without the particulars; worked out when it is first asked for."""
        return pair_kinds(self.judgement, self.reached)

    @property
    def counts(self) -> dict[str, int]:
        """How many pairs there are of each verdict."""
        return self.judgement.counts


def assess(
    instances: Sequence[Instance],
    measured: Round,
    *,
    cluster: ClusterSettings,
    model: str,
    signals: Sequence[Signal] = SIGNALS,
    controls: Controls = Controls(),  # noqa: B008  # a frozen value
    word: str = "",
    rates: RiskSettings = RATES,
    prior: NetworkPrior | None = None,
    before: DomainPrior = NOTHING,
    at: float = 0.0,
) -> Audit:
    """Judge one round of a cluster by `signals`.

    `model` is `[network] model`, `rates` are `[risk]`; `controls` is the operator's word of pairs, `word` the
    platform's adapter's of the network; `prior` is what was known of the same network, and `before` what was
    known of domains. `instances` are in the order of `measured.ids`.
    """
    paths = PathConfidence.of(measured.tally, measured.extras.own_address if measured.extras else None)
    seen = Observed(instances, measured, paths, controls, sights_of(instances, measured.extras))
    seen = _heard(seen, signals, Stage.FACTS)
    network = find(model, paths, seen.ids, word=word, prior=prior, said=seen.said, sights=seen.sights)
    seen = _heard(replace(seen, network=network), signals, Stage.NETWORK)
    assurance = Strength[cluster.assurance.upper()]
    judgement = judge(seen.ids, seen.said, assurance)
    more = _heard(replace(seen, settled=judgement.weights), signals, Stage.SETTLED)
    if len(more.said) > len(seen.said):
        judgement = judge(seen.ids, more.said, assurance)
    reached = [name not in measured.lost for name in measured.ids]
    places = stated_places(instances)
    found = domains(judgement, hops.levels(paths, network), reached, before, places)
    return Audit(
        at=at,
        cluster=cluster.name,
        instances=instances,
        round=measured,
        paths=paths,
        sights=seen.sights,
        network=network,
        judgement=judgement,
        domains=found,
        odds=_odds(found, len(instances), needed(cluster.survive, len(instances)), rates),
        risk=risk(seen.ids, found, reached, cluster.survive),
    )


def _heard(seen: Observed, signals: Sequence[Signal], stage: Stage) -> Observed:
    """Let the signals of a stage speak, and keep what they say with the rest."""
    said = [testimony for signal in signals if signal.stage == stage for testimony in signal.testify(seen)]
    return replace(seen, said=(*seen.said, *said))


def _odds(domains: Domains, size: int, need: int, rates: RiskSettings) -> Odds:
    """Work out a year's odds; who is on no known host might be on anybody's, so nothing is said then."""
    often, long = rates.host_failures_per_year, rates.hours_to_replace
    sizes = [len(host.members) for host in domains.hosts]
    now = yearly(sizes, need, often, long) if sum(sizes) == size else None
    return Odds(now, yearly([1] * size, need, often, long))
