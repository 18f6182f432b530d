"""From what is stated alone to what may be said: no packets, no way in, a million instances. Pure.

1. Facts are the evidence that they are in any audit (`signals.stated`), and there is no other.
2. An instance that isn't running, of which nothing is stated, or of which two sources of now say two things,
   is unknown to all others, but for those that tell the same machine's id.
3. A host is called what it is stated to be, by the source that weighs most, of any instance on it; where two
   hosts would have one name, as two projects' might, the one with fewer instances is numbered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from keepapart.auditing.assessment import Assessment, odds
from keepapart.auditing.label_kinds import LabelKinds, label_kinds
from keepapart.domains.fault_domains import DomainPrior, domains_by_label
from keepapart.domains.naming import Names
from keepapart.domains.risk import risk
from keepapart.domains.stated_places import READ, stated_places
from keepapart.judging.by_label import judge_by_label
from keepapart.judging.label_judgement import LabelJudgement
from keepapart.model import Instance, Strength
from keepapart.settings import ClusterSettings, RiskSettings
from keepapart.signals import stated
from keepapart.signals.sources import Stated


@dataclass(frozen=True)  # without slots, for `kinds` to have a place
class StatedAudit(Assessment):
    """What is stated of a cluster; `lost` are those of which nothing is."""

    judgement: LabelJudgement

    @cached_property
    def kinds(self) -> LabelKinds:
        """What is said of every pair without the particulars; worked out when it is first asked for."""
        return label_kinds(self.judgement, np.array(self.reached, np.bool_), self.domains.down)


def assess_stated(
    instances: Sequence[Instance],
    *,
    cluster: ClusterSettings,
    rates: RiskSettings,
    at: float,
    unasked: Sequence[Instance] = (),
) -> StatedAudit:
    """Judge a cluster by what is stated of its instances. `rates` are `[risk]`, `unasked` other members."""
    ids = [instance.id for instance in instances]
    known = Stated.of(instances, at)
    lost = _lost(instances, known)
    placed = [name not in lost for name in ids]
    testimonies = stated.testimonies_of(known, ids)
    judgement = judge_by_label(ids, testimonies, Strength[cluster.assurance.upper()])
    prior = DomainPrior({"host": _host_names(ids, known)})
    down = [number for number, instance in enumerate(instances) if not instance.running]
    places = stated_places(known.foremost(READ).facts, len(instances) - len(down))
    found = domains_by_label(judgement, np.array(placed, np.bool_), prior, places, down)
    stakes = risk(ids, found, placed, cluster.survive, unasked)
    return StatedAudit(
        at=at,
        cluster=cluster.name,
        instances=instances,
        lost=lost,
        differences=known.differences,
        judgement=judgement,
        domains=found,
        risk=stakes,
        odds=odds(found, stakes, rates),
    )


def _lost(instances: Sequence[Instance], known: Stated) -> Mapping[str, str]:
    """Name those of which nothing is stated, or nothing that counts, with the reason."""
    shared = Counter(machine for machine in known.machines if machine)
    joined = [shared[machine] > 1 if machine else False for machine in known.machines]
    placed = np.any([*(stated.states_place(view) for view in known.views), joined], axis=0)
    differing = {difference.id for difference in known.differences}
    return {
        i.id: _why_lost(i, i.id in differing)
        for i, any_stated in zip(instances, placed, strict=True)
        if not any_stated
    }


def _why_lost(instance: Instance, differing: bool) -> str:
    if not instance.running:
        return f"it is {instance.state}"
    return "its sources differ, and none counts more" if differing else "nothing is stated of where it is"


def _host_names(ids: Sequence[str], known: Stated) -> Names:
    """Return what each instance's host is called, and the highest number that is taken so."""
    of: dict[str, str] = {}
    for view in reversed(known.views):
        told = zip(ids, stated.host_names(view), strict=True)
        of |= {instance_id: host for instance_id, host in told if host}
    numbered = (re.fullmatch(r"host-([0-9]{1,9})", name) for name in set(of.values()))
    return Names(of, max((int(found[1]) for found in numbered if found), default=0))
