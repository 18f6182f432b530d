"""Stated: what the platform says of placement (`Instance.facts`), each fact in its own scope.

1. Facts are compared only between instances of one `project` (an account, a subscription; where none is
   stated, of those without): names and hashes of hosts, and in part those of zones, mean something else in
   another. An absent or empty fact says nothing, nor does any of an instance that doesn't run.
2. `host` (OpenStack hostId, GCP physicalHost, EC2 Dedicated HostId): equal is the same host, different is
   another, both conclusively. Where `host_kind` says from what the name was taken, it must be equal. Of the
   kinds in `COARSE` are names of more than a host (a cluster, a conductor): equal ones say nothing. A host
   of the kind `DEDICATED` holds nobody who doesn't state it, conclusively.
3. `zone`: different ones don't share a host, conclusively. The same zone says nothing, here and in 4 to 7.
4. `group` with `group_strategy` "spread": any two in one group are apart, conclusively. Soft groups are no
   promise, and between groups nothing is promised.
5. `partition` (within one `group` of strategy "partition") and `fault_domain` (within one `zone` and
   `group`, of which one must be stated): different ones don't share a host, conclusively.
6. `topology`, the network nodes above an instance, from the top down with commas between: where the last
   ones differ and as many are above it, the hosts do, strongly.
7. `neighbors`, the ids of all instances on its host, itself among them, with commas between: who lists the
   same is on the same host, conclusively; who lists none in common is on another, strongly. Lists that
   overlap and differ contradict each other and say nothing. Who has none lists itself.
8. `whole_host` "true" (bare metal): nothing else is on that host, conclusively. It is said only against
   instances whose placement the platform states too: a guest that the operator runs within this very
   machine is not one of the platform's.

All of it is a promise or a reading of some moment; a live migration makes it old.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

from keepapart.model import Fact, Instance, Strength
from keepapart.signals.observed import Observed, Stage
from keepapart.signals.testimony import LabelTestimony, Testimony

WEAK, STRONG, CONCLUSIVE = (int(strength) for strength in Strength)
COARSE = frozenset({"cluster", "coarse", "conductor"})  # kinds of "host" that are more than one host
DEDICATED = "dedicated"
PLACEMENT: tuple[Fact, ...] = (
    "host",
    "zone",
    "group",
    "partition",
    "fault_domain",
    "topology",
    "neighbors",
    "whole_host",
)


name = "stated"
stage = Stage.FACTS


def testify(seen: Observed) -> Sequence[Testimony]:
    """Say what the platform's facts say of every pair."""
    return testimonies(seen.instances)


def testimonies(instances: Sequence[Instance]) -> list[LabelTestimony]:
    """Say what the platform's facts say of every pair, a testimony for each kind of fact that speaks."""
    stated = {fact for instance in instances if instance.running for fact in instance.facts}
    rules = (
        ("host", _host),
        ("host_kind", _coarse),
        ("host_kind", _dedicated),
        ("zone", _zone),
        ("group_strategy", _spread),
        ("partition", _partition),
        ("fault_domain", _fault_domain),
        ("topology", _topology),
        ("neighbors", _neighbors),
        ("whole_host", _whole_host),
    )
    return [said for fact, rule in rules if fact in stated and (said := rule(instances)).speaks]


def states_place(instance: Instance) -> bool:
    """Whether anything is stated of where an instance is."""
    return any(map(instance.fact, PLACEMENT))


def host_name(instance: Instance) -> str | None:
    """Return what the platform calls the host of an instance; None where that may be more than one host."""
    return _fact(instance, "host") if instance.fact("host_kind") not in COARSE else None


def _host(instances: Sequence[Instance]) -> LabelTestimony:
    hosts = [host_name(i) for i in instances]
    scopes = [(_project(i), i.fact("host_kind")) for i in instances]

    def because(i: int, j: int) -> str:
        if hosts[i] == hosts[j]:
            return f"the platform puts both on host {hosts[i]}"
        return f"the platform puts them on hosts {hosts[i]} and {hosts[j]}"

    return LabelTestimony.of(
        "stated host", hosts, because, if_equal=CONCLUSIVE, if_different=-CONCLUSIVE, scopes=scopes
    )


def _coarse(instances: Sequence[Instance]) -> LabelTestimony:
    hosts = [_fact(i, "host") if i.fact("host_kind") in COARSE else None for i in instances]
    scopes = [(_project(i), i.fact("host_kind")) for i in instances]

    def because(i: int, j: int) -> str:
        return f"the platform puts them in {scopes[i][1]} {hosts[i]} and {hosts[j]}"

    return LabelTestimony.of("stated host group", hosts, because, if_different=-CONCLUSIVE, scopes=scopes)


def _dedicated(instances: Sequence[Instance]) -> LabelTestimony:
    hosts = [_fact(i, "host") if i.fact("host_kind") == DEDICATED else None for i in instances]
    placed = [states_place(i) and not _fact(i, "host") for i in instances]
    values = [host or ("shared" if shared else None) for host, shared in zip(hosts, placed, strict=True)]

    def because(i: int, j: int) -> str:
        return f"dedicated host {hosts[i] or hosts[j]} holds one of them, and nobody who doesn't state it"

    return LabelTestimony.of(
        "stated dedicated host",
        values,
        because,
        if_different=-CONCLUSIVE,
        scopes=[_project(i) for i in instances],
    )


def _zone(instances: Sequence[Instance]) -> LabelTestimony:
    zones = [_fact(i, "zone") for i in instances]
    scopes = [_project(i) for i in instances]

    def because(i: int, j: int) -> str:
        return f"the platform puts them in zones {zones[i]} and {zones[j]}"

    return LabelTestimony.of("stated zone", zones, because, if_different=-CONCLUSIVE, scopes=scopes)


def _spread(instances: Sequence[Instance]) -> LabelTestimony:
    members = [_member(i, "spread") for i in instances]
    # Each is different from every other of its group: the label is the instance itself.
    values = [number if member else None for number, member in enumerate(members)]
    scopes = [(_project(i), member) for i, member in zip(instances, members, strict=True)]

    def because(i: int, _j: int) -> str:
        return f"both are in group {members[i]}, which the platform spreads over hardware of its own"

    return LabelTestimony.of("stated group", values, because, if_different=-CONCLUSIVE, scopes=scopes)


def _partition(instances: Sequence[Instance]) -> LabelTestimony:
    groups = [_member(i, "partition") for i in instances]
    partitions = [
        _fact(i, "partition") if group else None for i, group in zip(instances, groups, strict=True)
    ]
    scopes = [(_project(i), group) for i, group in zip(instances, groups, strict=True)]

    def because(i: int, j: int) -> str:
        return (
            f"the platform puts them in partitions {partitions[i]} and {partitions[j]} of group {groups[i]}"
        )

    return LabelTestimony.of("stated partition", partitions, because, if_different=-CONCLUSIVE, scopes=scopes)


def _fault_domain(instances: Sequence[Instance]) -> LabelTestimony:
    within = [(_fact(i, "zone"), _fact(i, "group")) for i in instances]
    domains = [_fact(i, "fault_domain") if any(w) else None for i, w in zip(instances, within, strict=True)]
    scopes = [(_project(i), w) for i, w in zip(instances, within, strict=True)]

    def because(i: int, j: int) -> str:
        where = " of ".join(part for part in reversed(within[i]) if part)
        return f"the platform puts them in fault domains {domains[i]} and {domains[j]} of {where}"

    return LabelTestimony.of("stated fault domain", domains, because, if_different=-CONCLUSIVE, scopes=scopes)


def _topology(instances: Sequence[Instance]) -> LabelTestimony:
    above = [_fact(i, "topology") or "" for i in instances]
    last = [nodes.rpartition(",")[2].strip() or None for nodes in above]
    scopes = [(_project(i), nodes.count(",")) for i, nodes in zip(instances, above, strict=True)]

    def because(i: int, j: int) -> str:
        return f"the platform hangs them under network nodes {last[i]} and {last[j]}"

    return LabelTestimony.of("stated topology", last, because, if_different=-STRONG, scopes=scopes)


def _neighbors(instances: Sequence[Instance]) -> LabelTestimony:
    lists = [_listed(i) for i in instances]
    listings: defaultdict[tuple[str, str], set[frozenset[str]]] = defaultdict(set)
    for instance, listed in zip(instances, lists, strict=True):
        for name in listed or ():
            listings[_project(instance), name].add(listed or frozenset())
    clear: list[Hashable | None] = [
        listed if listed and all(len(listings[_project(i), name]) == 1 for name in listed) else None
        for i, listed in zip(instances, lists, strict=True)
    ]

    def because(i: int, j: int) -> str:
        if clear[i] == clear[j]:
            return "the platform lists them as neighbours on one host"
        return "the platform lists each one's neighbours, and neither is the other's"

    return LabelTestimony.of(
        "stated neighbours",
        clear,
        because,
        if_equal=CONCLUSIVE,
        if_different=-STRONG,
        scopes=[_project(i) for i in instances],
    )


def _whole_host(instances: Sequence[Instance]) -> LabelTestimony:
    whole = [i.fact("whole_host") == "true" for i in instances]
    values: list[Hashable | None] = [
        number if alone else ("shared" if states_place(i) else None)
        for number, (i, alone) in enumerate(zip(instances, whole, strict=True))
    ]

    def because(i: int, j: int) -> str:
        return f"{instances[i if whole[i] else j].id} has a host to itself"

    return LabelTestimony.of(
        "stated whole host",
        values,
        because,
        if_different=-CONCLUSIVE,
        scopes=[_project(i) for i in instances],
    )


def _fact(instance: Instance, key: Fact) -> str | None:
    return instance.fact(key) or None


def _project(instance: Instance) -> str:
    return instance.fact("project")


def _member(instance: Instance, strategy: str) -> str | None:
    """Return the group of an instance where it is of this strategy."""
    return _fact(instance, "group") if instance.fact("group_strategy") == strategy else None


def _listed(instance: Instance) -> frozenset[str] | None:
    """Return everybody on the host of an instance by the platform's list; None without one."""
    names = {name.strip() for name in (_fact(instance, "neighbors") or "").split(",")} - {""}
    return frozenset(names | {instance.id}) if names else None
