"""Stated: what is said of placement (`Instance.facts` and `said`), each fact in its own scope.

1. Facts are compared only between instances of one `project` (an account, a subscription; where none is
   stated, of those without): names and hashes of hosts, and in part those of zones, mean something else in
   another. An absent or empty fact says nothing, nor does any of an instance that doesn't run.
2. `host` (OpenStack hostId, GCP physicalHost, EC2 Dedicated HostId): equal is the same host, different is
   another, both conclusively. Names that are alike (`spelling.py`) are not different, here and in 3, 5 and 6,
   and of hosts weakly one; a host's name, its address and its id are not compared. Where `host_kind` says
   from what the name was taken, it must be equal. Of the kinds in `COARSE` are names of more than a host (a
   cluster, a conductor): equal ones say nothing. A host of the kind `DEDICATED` holds nobody who doesn't
   state it, conclusively.
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

All of it is a promise or a reading of some moment; a live migration makes it old. The strengths are those of
the platform's API; what other sources may claim at most is said in `sources.py`, and only who says the same
thing of both is believed where that is *different*. Moreover:

9. Who dwells on no dedicated host is told by the platform alone (`Instance.facts`): elsewhere what isn't
   stated may only not have been asked for, or not answered.
10. Instances of which a platform's metadata tells one machine's id are one machine, conclusively.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace

from keepapart.model import Fact, Instance, Strength, timestamp
from keepapart.signals.observed import Observed, Stage
from keepapart.signals.sources import PLATFORM, Stated, View
from keepapart.signals.spelling import alike, sorts
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
    """Say what is stated of every pair."""
    return testimonies(seen.instances, seen.at)


def testimonies(instances: Sequence[Instance], at: float = 0.0) -> list[LabelTestimony]:
    """Say what is stated of every pair by `at`, a testimony for each source and kind of fact that speaks."""
    return testimonies_of(Stated.of(instances, at), [instance.id for instance in instances])


def testimonies_of(stated: Stated, ids: Sequence[str]) -> list[LabelTestimony]:
    """Say the same of what is sorted by source already."""
    found = [said for view in stated.views for said in _of_one_source(view, ids)]
    found += _across_sources(stated)
    if any(stated.machines):
        found.append(_machines(stated.machines))
    return [said for said in found if said.speaks]


def states_place(view: View) -> list[bool]:
    """Whether anything is stated of where each instance is."""
    columns = [view.column(name) for name in PLACEMENT if name in view.states]
    return list(map(any, zip(*columns, strict=True))) if columns else [False] * len(view.facts)


def host_names(view: View) -> list[str | None]:
    """Return what each instance's host is called; None where that may be more than one host."""
    hosts = view.known("host")
    if "host_kind" not in view.states:
        return hosts
    kinds = view.column("host_kind")
    return [None if kind in COARSE else host for host, kind in zip(hosts, kinds, strict=True)]


def _of_one_source(view: View, ids: Sequence[str]) -> Iterator[LabelTestimony]:
    """Yield what one source says, as strongly as its weight allows."""
    rules = (
        ("host_kind", _coarse),
        ("host_kind", _dedicated),
        ("zone", _zone),
        ("group_strategy", _spread),
        ("partition", _partition),
        ("fault_domain", _fault_domain),
        ("topology", _topology),
        ("neighbors", lambda view: _neighbors(view, ids)),
        ("whole_host", lambda view: _whole_host(view, ids)),
    )
    told = list(_hosts(view)) if "host" in view.states else []
    told += [
        rule(view)
        for fact, rule in rules
        if fact in view.states and not (rule is _dedicated and view.by != PLATFORM)
    ]
    for said in told:
        yield replace(
            said,
            if_equal=min(said.if_equal, int(view.weight.same)),
            if_different=max(said.if_different, -int(view.weight.different)),
            because=_dated(said.because, view) if view.times else said.because,
        )


def _across_sources(stated: Stated) -> Iterator[LabelTestimony]:
    """Yield who is on one host by the word of two sources, for each strength that the weaker may have."""
    for strength in sorted({view.weight.same for view in stated.views}, reverse=True):
        views = [v for v in stated.views if v.weight.same >= strength and "host" in v.states]
        if len(views) < 2:
            continue
        hosts: list[str | None] = [None] * len(stated.machines)
        scopes = [("", "")] * len(hosts)
        by = [""] * len(hosts)
        for view in views:
            told = zip(host_names(view), view.column("project"), view.column("host_kind"), strict=True)
            for number, (host, *scope) in enumerate(told):
                if host and not hosts[number]:
                    hosts[number], scopes[number], by[number] = host, (scope[0], scope[1]), view.by
        yield _one_host(hosts, scopes, by, int(strength))


def _one_host(
    hosts: Sequence[str | None], scopes: Sequence[tuple[str, str]], by: Sequence[str], strength: int
) -> LabelTestimony:
    def because(i: int, j: int) -> str:
        return f"{by[i]} and {by[j]} put them on one host, {hosts[i]}"

    return LabelTestimony.of("stated by two", hosts, because, if_equal=strength, scopes=scopes)


def _machines(machines: Sequence[tuple[str, str] | None]) -> LabelTestimony:
    def because(i: int, _j: int) -> str:
        return f"both are told that they are {(machines[i] or ('', ''))[1]}: they are one machine"

    return LabelTestimony.of("stated machine", machines, because, if_equal=CONCLUSIVE)


def _dated(because: Callable[[int, int], str], view: View) -> Callable[[int, int], str]:
    def dated(i: int, j: int) -> str:
        times = [view.times[number] for number in (i, j) if number in view.times]
        return because(i, j) + (f", as read {timestamp(min(times))}" if times else "")

    return dated


def _hosts(view: View) -> Iterator[LabelTestimony]:
    """Yield what hosts say by their names; where some are alike, who is apart by what these share."""
    hosts = host_names(view)
    common, scopes = alike(hosts), _scopes_of_hosts(view, hosts)
    some_alike = len(set(common)) < len(set(hosts))

    def because(i: int, j: int) -> str:
        if hosts[i] == hosts[j]:
            return f"{view.by} puts both on host {hosts[i]}"
        may_be = ", which may be one" if common[i] == common[j] else ""
        return f"{view.by} puts them on hosts {hosts[i]} and {hosts[j]}{may_be}"

    apart = 0 if some_alike else -CONCLUSIVE
    yield LabelTestimony.of(
        "stated host", hosts, because, if_equal=CONCLUSIVE, if_different=apart, scopes=scopes
    )
    if some_alike:
        yield LabelTestimony.of(
            "stated host's name", common, because, if_equal=WEAK, if_different=-CONCLUSIVE, scopes=scopes
        )


def _coarse(view: View) -> LabelTestimony:
    kinds = view.column("host_kind")
    hosts = [host if k in COARSE else None for host, k in zip(view.known("host"), kinds, strict=True)]

    def because(i: int, j: int) -> str:
        return f"{view.by} puts them in {kinds[i]} {hosts[i]} and {hosts[j]}"

    scopes = _scopes(view, "project", "host_kind")
    values = alike(hosts)
    return LabelTestimony.of("stated host group", values, because, if_different=-CONCLUSIVE, scopes=scopes)


def _dedicated(view: View) -> LabelTestimony:
    stated, kinds = view.known("host"), view.column("host_kind")
    hosts = [host if kind == DEDICATED else None for host, kind in zip(stated, kinds, strict=True)]
    shared = [placed and not host for placed, host in zip(states_place(view), stated, strict=True)]
    named = zip(alike(hosts), shared, strict=True)
    values = [host or ("shared" if other else None) for host, other in named]

    def because(i: int, j: int) -> str:
        return f"dedicated host {hosts[i] or hosts[j]} holds one of them, and nobody who doesn't state it"

    scopes = _scopes(view, "project")
    return LabelTestimony.of(
        "stated dedicated host", values, because, if_different=-CONCLUSIVE, scopes=scopes
    )


def _zone(view: View) -> LabelTestimony:
    zones = view.known("zone")

    def because(i: int, j: int) -> str:
        return f"{view.by} puts them in zones {zones[i]} and {zones[j]}"

    scopes = _scopes(view, "project")
    return LabelTestimony.of("stated zone", alike(zones), because, if_different=-CONCLUSIVE, scopes=scopes)


def _spread(view: View) -> LabelTestimony:
    groups = _groups(view, "spread")
    # Each is different from every other of its group: the label is the instance itself.
    values = [number if group else None for number, group in enumerate(groups)]
    scopes = list(zip(view.column("project"), groups, strict=True))

    def because(i: int, _j: int) -> str:
        return f"both are in group {groups[i]}, which the platform spreads over hardware of its own"

    return LabelTestimony.of("stated group", values, because, if_different=-CONCLUSIVE, scopes=scopes)


def _partition(view: View) -> LabelTestimony:
    groups = _groups(view, "partition")
    partitions = [p if group else None for p, group in zip(view.known("partition"), groups, strict=True)]
    scopes = list(zip(view.column("project"), groups, strict=True))

    def because(i: int, j: int) -> str:
        return f"{view.by} puts them in partitions {partitions[i]} and {partitions[j]} of group {groups[i]}"

    values = alike(partitions)
    return LabelTestimony.of("stated partition", values, because, if_different=-CONCLUSIVE, scopes=scopes)


def _fault_domain(view: View) -> LabelTestimony:
    within = list(zip(view.column("zone"), view.column("group"), strict=True))
    domains = [d if any(w) else None for d, w in zip(view.known("fault_domain"), within, strict=True)]
    scopes = list(zip(view.column("project"), within, strict=True))

    def because(i: int, j: int) -> str:
        where = " of ".join(part for part in reversed(within[i]) if part)
        return f"{view.by} puts them in fault domains {domains[i]} and {domains[j]} of {where}"

    values = alike(domains)
    return LabelTestimony.of("stated fault domain", values, because, if_different=-CONCLUSIVE, scopes=scopes)


def _topology(view: View) -> LabelTestimony:
    above = view.column("topology")
    last = [nodes.rpartition(",")[2].strip() or None for nodes in above]
    scopes = [(p, nodes.count(",")) for p, nodes in zip(view.column("project"), above, strict=True)]

    def because(i: int, j: int) -> str:
        return f"{view.by} hangs them under network nodes {last[i]} and {last[j]}"

    return LabelTestimony.of("stated topology", alike(last), because, if_different=-STRONG, scopes=scopes)


def _neighbors(view: View, ids: Sequence[str]) -> LabelTestimony:
    projects = view.column("project")
    lists = [_listed(*each) for each in zip(ids, view.column("neighbors"), strict=True)]
    listings: defaultdict[tuple[str, str], set[frozenset[str]]] = defaultdict(set)
    for project, listed in zip(projects, lists, strict=True):
        for listed_id in listed or ():
            listings[project, listed_id].add(listed or frozenset())
    clear: list[Hashable | None] = [
        listed if listed and all(len(listings[project, each]) == 1 for each in listed) else None
        for project, listed in zip(projects, lists, strict=True)
    ]

    def because(i: int, j: int) -> str:
        if clear[i] == clear[j]:
            return f"{view.by} lists them as neighbours on one host"
        return f"{view.by} lists each one's neighbours, and neither is the other's"

    return LabelTestimony.of(
        "stated neighbours",
        clear,
        because,
        if_equal=CONCLUSIVE,
        if_different=-STRONG,
        scopes=_scopes(view, "project"),
    )


def _whole_host(view: View, ids: Sequence[str]) -> LabelTestimony:
    whole = [told == "true" for told in view.column("whole_host")]
    values: list[Hashable | None] = [
        number if alone else ("shared" if placed else None)
        for number, (alone, placed) in enumerate(zip(whole, states_place(view), strict=True))
    ]

    def because(i: int, j: int) -> str:
        return f"{ids[i if whole[i] else j]} has a host to itself"

    scopes = _scopes(view, "project")
    return LabelTestimony.of("stated whole host", values, because, if_different=-CONCLUSIVE, scopes=scopes)


def _scopes(view: View, *names: Fact) -> Sequence[Hashable] | None:
    """Return within what names are compared; None where nobody states any of that."""
    columns = [view.column(name) for name in names if name in view.states]
    return list(zip(*columns, strict=True)) if len(columns) > 1 else next(iter(columns), None)


def _scopes_of_hosts(view: View, hosts: Sequence[str | None]) -> Sequence[Hashable] | None:
    """Return within what hosts are compared: one project and kind, and one sort of name."""
    scopes, sort = _scopes(view, "project", "host_kind"), sorts(hosts)
    if len({*sort} - {""}) < 2:
        return scopes
    return list(zip(scopes, sort, strict=True)) if scopes else sort


def _groups(view: View, strategy: str) -> list[str | None]:
    """Return the group of each instance where it is of this strategy."""
    strategies = view.column("group_strategy")
    return [g if s == strategy else None for g, s in zip(view.known("group"), strategies, strict=True)]


def _listed(instance_id: str, neighbors: str) -> frozenset[str] | None:
    """Return everybody on the host of an instance by the list of its neighbours; None without one."""
    names = {name.strip() for name in neighbors.split(",")} - {""}
    return frozenset(names | {instance_id}) if names else None
