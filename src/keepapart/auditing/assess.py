"""From what was measured to what may be said: signals → judge → domains → risk. Pure.

Everything of which a wrong answer is dangerous happens below this line: no clock, no socket, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from keepapart.auditing.assessment import Assessment, IfVouched, odds
from keepapart.auditing.pair_kinds import PairKinds, pair_kinds
from keepapart.config import ClusterSettings, RiskSettings
from keepapart.domains.fault_domains import NOTHING, DomainPrior, domains
from keepapart.domains.risk import needed, risk
from keepapart.domains.stated_places import stated_places
from keepapart.judging.judge import PairJudgement, judge
from keepapart.model import Controls, Instance, Strength
from keepapart.probe.measured import Round
from keepapart.signals import Observed, Signal, Stage, hops
from keepapart.signals.builtin import SIGNALS
from keepapart.signals.network import NetworkFinding, NetworkPrior, NetworkStatus, find
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.sight import Sight, sights_of

MOST_JUDGED = 2_048  # instances; more show so many suspicions that nobody reads them
RATES = RiskSettings()


@dataclass(frozen=True)  # without slots, for what is worked out once to have a place
class Audit(Assessment):
    """What one round showed of a cluster; `lost` are those that weren't reached."""

    judgement: PairJudgement
    round: Round
    paths: PathConfidence
    sights: Sequence[Sight]
    network: NetworkFinding

    @cached_property
    def kinds(self) -> PairKinds:
        """What is said of every pair without the particulars; worked out when it is first asked for."""
        return pair_kinds(self.judgement, self.reached)

    @cached_property
    def if_vouched(self) -> IfVouched | None:
        """What would be said if the operator vouched; None where that changes nothing, or for too many."""
        if self.network.standing is not NetworkStatus.UNVOUCHED or len(self.ids) > MOST_JUDGED:
            return None
        said = hops.testimony(self.paths, self.network.if_vouched, self.sights)
        others = [t for t in self.judgement.testimonies if t.signal != hops.name]
        would = judge(self.ids, [said, *others], self.judgement.assurance)
        groups: dict[int, list[int]] = {}
        for i, group in enumerate(would.groups.tolist()):
            groups.setdefault(group, []).append(i)
        known = self.judgement.groups
        suspected = [
            [self.ids[i] for i in members]
            for members in groups.values()
            if len({int(known[i]) for i in members}) > 1
        ]
        return IfVouched(suspected, would.counts)


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
        lost=measured.lost,
        round=measured,
        paths=paths,
        sights=seen.sights,
        network=network,
        judgement=judgement,
        domains=found,
        odds=odds(found, len(instances), needed(cluster.survive, len(instances)), rates),
        risk=risk(seen.ids, found, reached, cluster.survive),
    )


def _heard(seen: Observed, signals: Sequence[Signal], stage: Stage) -> Observed:
    """Let the signals of a stage speak, and keep what they say with the rest."""
    said = [testimony for signal in signals if signal.stage == stage for testimony in signal.testify(seen)]
    return replace(seen, said=(*seen.said, *said))
