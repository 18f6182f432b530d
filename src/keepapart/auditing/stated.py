"""From what is stated alone to what may be said: no packets, no way in, a million instances. Pure.

1. Facts are the evidence that they are in any audit (`signals.stated`), and there is no other.
2. An instance that isn't running, or of which nothing is stated, is unknown to all others.
3. A host is called what the platform calls it, where that is stated of any instance on it; where two hosts
   would have one name, as two projects' might, the one with fewer instances is numbered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from keepapart.auditing.assessment import Assessment, odds
from keepapart.auditing.label_kinds import LabelKinds, label_kinds
from keepapart.config import ClusterSettings, RiskSettings
from keepapart.domains.fault_domains import DomainPrior, domains_by_label
from keepapart.domains.naming import Names
from keepapart.domains.risk import needed, risk
from keepapart.domains.stated_places import stated_places
from keepapart.judging.by_label import judge_by_label
from keepapart.judging.label_judgement import LabelJudgement
from keepapart.model import Instance, Strength
from keepapart.signals import stated


@dataclass(frozen=True)  # without slots, for `kinds` to have a place
class StatedAudit(Assessment):
    """What is stated of a cluster; `lost` are those of which nothing is."""

    judgement: LabelJudgement

    @cached_property
    def kinds(self) -> LabelKinds:
        """What is said of every pair without the particulars; worked out when it is first asked for."""
        return label_kinds(self.judgement, np.array(self.reached, np.bool_))


def assess_stated(
    instances: Sequence[Instance], *, cluster: ClusterSettings, rates: RiskSettings, at: float
) -> StatedAudit:
    """Judge a cluster by what is stated of its instances. `rates` are `[risk]`."""
    ids = [instance.id for instance in instances]
    lost = _lost(instances)
    placed = [name not in lost for name in ids]
    judgement = judge_by_label(ids, stated.testimonies(instances), Strength[cluster.assurance.upper()])
    prior = DomainPrior({"host": _host_names(instances)})
    found = domains_by_label(judgement, np.array(placed, np.bool_), prior, stated_places(instances))
    return StatedAudit(
        at=at,
        cluster=cluster.name,
        instances=instances,
        lost=lost,
        judgement=judgement,
        domains=found,
        risk=risk(ids, found, placed, cluster.survive),
        odds=odds(found, len(ids), needed(cluster.survive, len(ids)), rates),
    )


def _lost(instances: Sequence[Instance]) -> Mapping[str, str]:
    """Name those of which nothing is stated, with the reason."""
    return {
        i.id: "nothing is stated of where it is" if i.running else f"it is {i.state}"
        for i in instances
        if not stated.states_place(i)
    }


def _host_names(instances: Sequence[Instance]) -> Names:
    """Return what the platform calls each instance's host, and the highest number that is taken so."""
    of = {i.id: name for i in instances if (name := stated.host_name(i))}
    numbered = (re.fullmatch(r"host-([0-9]{1,9})", name) for name in set(of.values()))
    return Names(of, max((int(found[1]) for found in numbered if found), default=0))
