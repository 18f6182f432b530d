"""From what was measured to what may be said: signals → judge → domains → risk. Pure.

Everything of which a wrong answer is dangerous happens below this line: no clock, no socket, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from keepapart.arrays import grown
from keepapart.auditing import drift
from keepapart.auditing.assessment import Assessment, IfVouched, odds
from keepapart.auditing.pair_kinds import PairKinds, pair_kinds
from keepapart.domains.fault_domains import NOTHING, DomainPrior, domains
from keepapart.domains.risk import risk
from keepapart.domains.stated_places import READ, stated_places
from keepapart.judging.judge import PairJudgement, judge
from keepapart.model import Controls, Instance, Strength
from keepapart.probe.measured import Round
from keepapart.settings import ClusterSettings, RiskSettings
from keepapart.signals import Observed, Signal, Stage, hops
from keepapart.signals.builtin import SIGNALS
from keepapart.signals.host_ids import with_coarse_hosts
from keepapart.signals.metadata import with_metadata
from keepapart.signals.network import NetworkFinding, NetworkPrior, find
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.sight import Sight, sights_of
from keepapart.signals.sources import Difference, Stated

MOST_JUDGED = 2_048  # instances; more show so many suspicions that nobody reads them
RATES = RiskSettings()


@dataclass(frozen=True)  # without slots, for what is worked out once to have a place
class Audit(Assessment):
    """What one round showed of a cluster; `lost` are those that weren't reached.

    `model` and `word` are what the operator and the platform's adapter say of the network.
    """

    judgement: PairJudgement
    round: Round
    paths: PathConfidence
    sights: Sequence[Sight]
    model: str
    word: str
    network: NetworkFinding

    @cached_property
    def kinds(self) -> PairKinds:
        """What is said of every pair without the particulars; worked out when it is first asked for."""
        return pair_kinds(self.judgement, self.reached, self.domains.down)

    @cached_property
    def if_vouched(self) -> IfVouched | None:
        """What would be said if the operator vouched; None where that changes nothing, or for too many."""
        strengths = self.network.strength, self.network.strength_of_two
        if Strength.WEAK not in strengths or len(self.ids) > MOST_JUDGED:
            return None
        said = hops.testimony(self.paths, self.network.if_vouched, self.sights)
        others = [t for t in self.judgement.testimonies if t.signal != hops.name]
        would = judge(self.ids, [said, *others], self.judgement.assurance)
        joined = grown(would.groups, self.judgement.groups)
        suspected = [[self.ids[i] for i in members.tolist()] for members in joined]
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
    unasked: Sequence[Instance] = (),
    at: float = 0.0,
) -> Audit:
    """Judge one round of a cluster by `signals`.

    `model` is `[network] model`, `rates` are `[risk]`; `controls` is the operator's word of pairs, `word` the
    platform's adapter's of the network; `prior` is what was known of the same network, and `before` what was
    known of domains. `instances` are in the order of `measured.ids`; `unasked` are other members.
    """
    if extras := measured.extras:
        instances = with_coarse_hosts(instances, extras.guests)
        instances = with_metadata(instances, extras.guests, extras.metadata)
    paths = PathConfidence.of(measured.tally, extras.own_address if extras else None)
    assurance = Strength[cluster.assurance.upper()]

    def judged(these: Sequence[Instance]) -> tuple[Observed, NetworkFinding, PairJudgement]:
        seen = Observed(these, measured, paths, controls, sights_of(these, extras), at)
        seen = _heard(seen, signals, Stage.FACTS)
        network = find(model, paths, seen.ids, word=word, prior=prior, said=seen.said, sights=seen.sights)
        seen = _heard(replace(seen, network=network), signals, Stage.NETWORK)
        judgement = judge(seen.ids, seen.said, assurance)
        more = _heard(replace(seen, settled=judgement.weights), signals, Stage.SETTLED)
        if len(more.said) > len(seen.said):
            judgement = judge(seen.ids, more.said, assurance)
        return seen, network, judgement

    seen, network, judgement = judged(instances)
    known = Stated.of(instances, at)
    differences: Sequence[Difference] = ()
    if drift.labels(known) and len(instances) <= MOST_JUDGED:
        _, _, bare = judged(drift.without_labels(instances, at))
        differences = drift.drifted(instances, known, judgement, bare)
    reached = [name not in measured.lost for name in measured.ids]
    counts, down = hops.levels(paths, network), [n for n, i in enumerate(instances) if not i.running]
    places = stated_places(known.foremost(READ).facts, len(instances) - len(down))
    found = domains(judgement, counts, reached, before, places, down)
    stakes = risk(seen.ids, found, reached, cluster.survive, unasked)
    return Audit(
        at=at,
        cluster=cluster.name,
        instances=instances,
        lost=measured.lost,
        differences=[*known.differences, *differences],
        round=measured,
        paths=paths,
        sights=seen.sights,
        model=model,
        word=word,
        network=network,
        judgement=judgement,
        domains=found,
        risk=stakes,
        odds=odds(found, stakes, rates),
    )


def _heard(seen: Observed, signals: Sequence[Signal], stage: Stage) -> Observed:
    """Let the signals of a stage speak, and keep what they say with the rest."""
    said = [testimony for signal in signals if signal.stage == stage for testimony in signal.testify(seen)]
    return replace(seen, said=(*seen.said, *said))
