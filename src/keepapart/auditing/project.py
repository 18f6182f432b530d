"""A whole project, group by group: who shares a host with whom in each, by what is stated. Pure.

1. A group is a server group that a platform states, whatever it promises; or who carries one tag with one
   value. One instance may be in several, and who is in none is counted.
2. Each is judged by itself, as a cluster of its own, of which a majority must outlive any one host.
3. What is worst comes first: where too few run now, then who shares a host, then what is unknown, each with
   the largest group first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from keepapart.auditing.stated import assess_stated
from keepapart.model import Instance
from keepapart.settings import ClusterSettings, RiskSettings
from keepapart.signals.sources import Difference, statements_of

GROUP = "group"


@dataclass(frozen=True, slots=True)
class GroupFinding:
    """What is stated of one group: how many pairs there are of each verdict, and what the worst host takes.

    `shared` are the hosts that more than one is on, by name, with their ids. `survives` is None where unknown
    pairs leave it open whether the majority outlives any one host. `down` are the states of those that don't
    run, by id; `quorate` says whether a majority runs.
    """

    name: str
    ids: Sequence[str]
    verdicts: dict[str, int]
    shared: Sequence[tuple[str, Sequence[str]]]
    survives: bool | None
    most: int
    down: Mapping[str, str]
    quorate: bool


@dataclass(frozen=True, slots=True)
class ProjectFinding:
    """All groups of a project at `at` seconds since the epoch, `by` what they were made.

    `ungrouped` is how many of its `size` instances are in no group; `differences` are between sources.
    """

    name: str
    at: float
    by: str
    size: int
    ungrouped: int
    groups: Sequence[GroupFinding]
    differences: Sequence[Difference]


def assess_groups(
    instances: Sequence[Instance], by: str, *, cluster: ClusterSettings, rates: RiskSettings, at: float
) -> ProjectFinding:
    """Judge every group: `by` is "group", "tag" for every tag, or "tag:KEY" for every value of one."""
    groups: defaultdict[tuple[str, str], list[Instance]] = defaultdict(list)
    ungrouped = 0
    for instance in instances:
        names = _groups_of(instance, by)
        ungrouped += not names
        for group in names:
            groups[group].append(instance)
    found, differences = [], {}
    each = replace(cluster, survive="majority")
    alike = Counter(named for named, _ in groups)
    for (named, project), members in groups.items():
        name = f"{named} of {project}" if project and alike[named] > 1 else named
        audit = assess_stated(members, cluster=each, rates=rates, at=at)
        differences.update({(one.id, one.fact, one.second.by): one for one in audit.differences})
        shared = [(host, ids) for host, ids in audit.members("host").items() if len(ids) > 1]
        risk = audit.risk
        quorum = (risk.survives, risk.most, audit.down, risk.quorate)
        found.append(GroupFinding(name, audit.ids, audit.counts, shared, *quorum))
    found.sort(key=lambda group: (_trouble(group), -len(group.ids), group.name))
    return ProjectFinding(cluster.name, at, by, len(instances), ungrouped, found, list(differences.values()))


def _groups_of(instance: Instance, by: str) -> list[tuple[str, str]]:
    """Name the groups of an instance, each with the project that its name belongs to.

    The server group is the platform's word, also of one that doesn't run, else that of another source.
    """
    if by == GROUP:
        told = [instance.facts, *(said.facts for said in statements_of(instance))]
        names = ((facts.get("group", "").strip(), facts.get("project", "").strip()) for facts in told)
        return [name for name in names if name[0]][:1]
    _, _, wanted = by.partition(":")
    tags = sorted(instance.tags.items())
    return [(f"{key}={value}" if value else key, "") for key, value in tags if wanted in ("", key)]


def _trouble(group: GroupFinding) -> int:
    if not group.quorate:
        return 0
    return 1 if group.shared else 2 if group.verdicts["unknown"] else 3
