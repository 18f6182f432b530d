"""From what was measured to what may be said: signals → judge → domains → risk. Pure.

Everything of which a wrong answer is dangerous happens below this line: no clock, no socket, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keepapart.config import ClusterSettings, RiskSettings
from keepapart.domains.fault_domains import NOTHING, DomainPrior, Domains, domains
from keepapart.domains.risk import Risk, needed, risk
from keepapart.domains.yearly import yearly
from keepapart.judging.judge import Judgement, judge
from keepapart.model import Instance, Pair, Strength
from keepapart.probe.measured import Extras, Round
from keepapart.signals import Testimony, Weights, gateway, hardware, hops, rtt
from keepapart.signals.hardware import Guest
from keepapart.signals.hops import NetworkFinding, NetworkPrior
from keepapart.signals.path_confidence import PathConfidence

RATES = RiskSettings()


@dataclass(frozen=True, slots=True)
class Odds:
    """The chance, 0 to 1, that within a year fewer members are up than the cluster needs, at some moment.

    `now` is as the members are placed, None where no verdict places some of them; `spread` with a host each.
    """

    now: float | None
    spread: float


@dataclass(frozen=True, slots=True)
class Audit:
    """What one round showed of a cluster, at `at` seconds since the epoch; see the fields' own types."""

    at: float
    cluster: str
    instances: Sequence[Instance]
    round: Round
    paths: PathConfidence
    network: NetworkFinding
    judgement: Judgement
    domains: Domains
    risk: Risk
    odds: Odds

    def pair(self, a: str, b: str) -> Pair:
        """Return the verdict on two instances by id."""
        ids = self.round.ids
        return self.judgement.pair(ids.index(a), ids.index(b))

    @property
    def reached(self) -> Sequence[bool]:
        """Which instances took part, in the order of `instances`."""
        return [name not in self.round.lost for name in self.round.ids]

    def members(self, level: str) -> dict[str, list[str]]:
        """List the ids in each domain of a level, by its name."""
        ids, found = self.round.ids, self.domains.at.get(level, ())
        return {domain.name: [ids[i] for i in domain.members] for domain in found}

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
    rates: RiskSettings = RATES,
    earlier: NetworkPrior | None = None,
    others: Sequence[Testimony] = (),
    before: DomainPrior = NOTHING,
    at: float = 0.0,
) -> Audit:
    """Judge one round of a cluster.

    `model` is `[network] model`, `rates` are `[risk]`; `earlier` is what was shown of the same network, and
    `before` what was known of domains; `others` is what the platform and the operator say. `instances` are in
    the order of `measured.ids`.
    """
    paths = PathConfidence.of(measured.tally)
    network = hops.find(model, paths, measured.ids, earlier=earlier, stated=others)
    testimonies: list[Testimony] = [hops.testify(paths, network), *others]
    assurance = Strength[cluster.assurance.upper()]
    if measured.beside:
        testimonies += hardware.testify([Guest.of(told) for told in measured.beside.guests])
    judgement = judge(measured.ids, testimonies, assurance)
    if measured.beside and (more := _learnt(measured.beside, paths, network, judgement.weights)):
        testimonies += more
        judgement = judge(measured.ids, testimonies, assurance)
    reached = [name not in measured.lost for name in measured.ids]
    found = domains(judgement, hops.levels(paths, network), reached, before)
    return Audit(
        at=at,
        cluster=cluster.name,
        instances=instances,
        round=measured,
        paths=paths,
        network=network,
        judgement=judgement,
        domains=found,
        odds=_odds(found, len(instances), needed(cluster.survive, len(instances)), rates),
        risk=risk(judgement, found, reached, cluster.survive),
    )


def _learnt(
    beside: Extras, paths: PathConfidence, network: NetworkFinding, known: Weights
) -> list[Testimony]:
    """Say what can be said only by what other signals have settled already."""
    said: list[Testimony] = []
    if any(beside.firsts) or any(beside.upstreams):
        said += gateway.testify(beside.firsts, beside.upstreams, paths.least, known, network.strength)
    if beside.times is not None:
        said += rtt.testify(beside.times, known)
    return said


def _odds(domains: Domains, size: int, need: int, rates: RiskSettings) -> Odds:
    """Work out a year's odds; who is on no known host might be on anybody's, so nothing is said then."""
    often, long = rates.host_failures_per_year, rates.hours_to_replace
    sizes = [len(host.members) for host in domains.hosts]
    now = yearly(sizes, need, often, long) if sum(sizes) == size else None
    return Odds(now, yearly([1] * size, need, often, long))
