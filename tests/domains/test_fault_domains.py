"""Fault domains: from verdicts and hop levels to hosts, racks, pods and sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from string import ascii_letters

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keepapart.domains.fault_domains import NOTHING, DomainPrior, Domains, domains
from keepapart.domains.naming import NO_NAMES, remember
from keepapart.judging.judge import PairJudgement, judge
from keepapart.model import LEVELS, Strength
from keepapart.probe.measured import Counts
from keepapart.signals import PairTestimony


def grouped(
    levels: list[list[int]],
    *,
    believed: bool = True,
    reached: str = "",
    before: DomainPrior = NOTHING,
    apart: bool = False,
) -> Domains:
    """Return the domains of instances at these hop counts: 2 the same host, more different, 0 unknown.

    `apart` says that those with unknown counts are known to be on different hosts all the same.
    """
    counts: Counts = np.array(levels, np.uint8).reshape(len(levels), len(levels))
    took_part = [c == "1" for c in reached or "1" * len(levels)]
    return domains(judged(counts, apart=apart), counts if believed else None, took_part, before)


def judged(counts: Counts, ids: Sequence[str] = "", *, apart: bool = False) -> PairJudgement:
    """Judge instances by their hop counts; see `grouped`."""
    weights = np.where(counts == 2, 2, np.where((counts > 2) | apart, -2, 0)).astype(np.int8)
    np.fill_diagonal(weights, 0)
    said = PairTestimony("hops", weights, lambda _i, _j: "…")
    return judge(ids or ascii_letters[: len(counts)], [said], Strength.STRONG)


def test_a_group_of_co_residents_is_a_host_and_so_is_who_is_apart_from_all() -> None:
    """a and b share a host; c, apart from both, has one of its own."""
    found = grouped([[0, 2, 4], [2, 0, 4], [4, 4, 0]])
    assert [host.members for host in found.hosts] == [(0, 1), (2,)]
    assert found.of("host") == ["host-1", "host-1", "host-2"]


def test_who_is_unknown_to_somebody_has_no_host() -> None:
    """An instance that may share a host with another is not given one; a known group keeps its own."""
    found = grouped([[0, 2, 4, 4], [2, 0, 4, 4], [4, 4, 0, 0], [4, 4, 0, 0]])
    assert found.of("host") == ["host-1", "host-1", None, None]


def test_who_took_no_part_leaves_the_others_their_hosts() -> None:
    """A member that is down has no host, and a and b, apart from each other, keep theirs."""
    found = grouped([[0, 4, 0], [4, 0, 0], [0, 0, 0]], reached="110")
    assert found.of("host") == ["host-1", "host-2", None]
    nobody = grouped([[0, 0], [0, 0]], reached="00")
    assert nobody.of("host") == [None, None]


def test_hosts_at_the_nearest_level_share_a_rack() -> None:
    """Hosts four hops apart and six from the rest are in one rack."""
    found = grouped([[0, 4, 6, 6], [4, 0, 6, 6], [6, 6, 0, 4], [6, 6, 4, 0]])
    assert found.of("rack") == ["rack-1", "rack-1", "rack-2", "rack-2"]


def test_one_level_makes_no_rack() -> None:
    """Where all hosts are equally far, nothing tells a rack from another."""
    assert grouped([[0, 4, 4], [4, 0, 4], [4, 4, 0]]).at.keys() == {"host"}


def test_levels_that_do_not_nest_make_no_rack() -> None:
    """a near b, b near c, a far from c: that is no rack."""
    assert grouped([[0, 4, 6], [4, 0, 4], [6, 4, 0]]).at.keys() == {"host"}


def test_without_levels_to_believe_there_are_no_racks() -> None:
    """Hosts known by other signals stay hosts; racks need hops that may be believed."""
    found = grouped([[0, 4, 6], [4, 0, 6], [6, 6, 0]], believed=False)
    assert found.at.keys() == {"host"}
    assert len(found.hosts) == 3


def test_nobody_makes_nothing() -> None:
    """An empty cluster has no domains."""
    found = grouped([])
    assert (found.at, found.of("host")) == ({"host": []}, [])


Spot = tuple[int, ...]  # host, rack, pod, … that an instance is in


def between(a: Spot, b: Spot) -> int:
    """Count the hops of a plain tree: two more for every level that two must climb to meet."""
    return 2 + 2 * next(up for up in range(len(a) + 1) if a[up:] == b[up:])


def counted(spots: Sequence[Spot]) -> Counts:
    """Return the counts among instances at these spots; numbers are unique within what is above."""
    counts = np.array([[between(a, b) for b in spots] for a in spots], np.uint8)
    np.fill_diagonal(counts, 0)
    return counts


def audited(
    spots: Mapping[str, Spot], before: DomainPrior = NOTHING
) -> tuple[dict[str, dict[str, str | None]], DomainPrior, Domains]:
    """Return each instance's domains, by level; what the next audit remembers; and the domains themselves."""
    ids, counts = list(spots), counted(list(spots.values()))
    found = domains(judged(counts, ids), counts, [True] * len(ids), before)
    named = {level: dict(zip(ids, found.of(level), strict=True)) for level in LEVELS}
    names = {
        level: remember(
            {d.name: [ids[i] for i in d.members] for d in made}, before.names.get(level, NO_NAMES)
        )
        for level, made in found.at.items()
    }
    return named, DomainPrior({**before.names, **names}, found.spans), found


def partition(named: Mapping[str, str | None]) -> set[frozenset[str]]:
    """Return who shares a name with whom."""
    return {frozenset(i for i in named if named[i] == name) for name in named.values()}


def truly(spots: Mapping[str, Spot], level: str) -> set[frozenset[str]]:
    """Return who is truly together at a level."""
    up = LEVELS.index(level)
    return {frozenset(i for i in spots if spots[i][up:] == spot[up:]) for spot in spots.values()}


FOUR_RACKS = {  # of two hosts each, two to a pod
    f"{pod}{rack}{host}": (host, rack, pod) for pod in range(2) for rack in range(2) for host in range(2)
}


def test_racks_that_are_nearer_each_other_than_the_rest_are_a_pod() -> None:
    """Hosts four hops apart share a rack, racks six apart a pod; eight join everybody, and are no level."""
    named, past, found = audited(FOUR_RACKS)
    assert [partition(named[level]) for level in LEVELS[:3]] == [
        truly(FOUR_RACKS, level) for level in LEVELS[:3]
    ]
    assert list(found.at) == ["host", "rack", "pod"]
    assert past.spans == (4, 6)
    assert [pod.parts for pod in found.at["pod"]] == [(0, 1), (2, 3)]


def test_levels_beyond_those_with_a_name_are_left_out() -> None:
    """Of six levels hosts, racks, pods and sites are named, the innermost."""
    spots = {f"{n}": tuple(n >> up & 1 for up in range(6)) for n in range(64)}
    named, past, found = audited(spots)
    assert list(found.at) == list(LEVELS)
    assert past.spans == (4, 6, 8)
    assert partition(named["site"]) == truly(spots, "site")


def test_where_a_level_is_not_transitive_nesting_ends_below_it() -> None:
    """Racks stand; of three of them a and b, and b and c are near, a and c far: that is no pod."""
    counts = counted([(h, r) for r in range(3) for h in range(2)])
    for a, b in ((0, 4), (0, 5), (1, 4), (1, 5)):
        counts[a, b] = counts[b, a] = 8
    assert grouped(counts.tolist()).at.keys() == {"host", "rack"}


def test_a_pair_that_was_not_measured_is_settled_by_others_of_the_same_rack() -> None:
    """Nothing is measured between a and c; a is near b, and b is far from c: c is not in a's rack."""
    found = grouped([[0, 4, 0, 6], [4, 0, 6, 6], [0, 6, 0, 4], [6, 6, 4, 0]], apart=True)
    assert found.of("rack") == ["rack-1", "rack-1", "rack-2", "rack-2"]
    assert [rack.most for rack in found.at["rack"]] == [2, 2]


def test_who_may_be_in_another_s_rack_has_none() -> None:
    """Nothing is measured between c and the rack of a and b: c has no rack, and may be in theirs."""
    found = grouped([[0, 4, 0, 6], [4, 0, 0, 6], [0, 0, 0, 6], [6, 6, 6, 0]], apart=True)
    assert found.of("rack") == ["rack-1", "rack-1", None, "rack-2"]
    assert [rack.most for rack in found.at["rack"]] == [3, 1]


def test_who_took_no_part_leaves_the_others_their_racks() -> None:
    """A member that is down, its host known by what is stated, has no rack; the others keep theirs."""
    found = grouped([[0, 4, 6, 0], [4, 0, 6, 0], [6, 6, 0, 0], [0, 0, 0, 0]], apart=True, reached="1110")
    assert found.of("host")[3] is not None
    assert found.of("rack") == ["rack-1", "rack-1", "rack-2", None]
    assert [rack.most for rack in found.at["rack"]] == [3, 2]


def test_racks_stay_racks_when_the_last_two_of_each_are_gone() -> None:
    """With one host left in each rack the network shows two pods; they are not taken for racks."""
    _, past, _ = audited(FOUR_RACKS)
    left = {name: spot for name, spot in FOUR_RACKS.items() if spot[0] == 0}
    named, _, _ = audited(left, past)
    before, _, _ = audited(FOUR_RACKS)
    for level in LEVELS:
        assert named[level] == {name: before[level][name] for name in left}
    alone, _, _ = audited(left)
    assert partition(alone["rack"]) == truly(left, "pod")  # what's nearest is a rack to whoever sees no more


def test_a_rack_stays_a_rack_when_there_is_nothing_beyond_it_any_more() -> None:
    """Where the last instances left are all in one rack, its loss takes them all, and it keeps its name."""
    before, past, _ = audited(FOUR_RACKS)
    left = {name: spot for name, spot in FOUR_RACKS.items() if spot[1:] == (1, 0)}
    named, after, _ = audited(left, past)
    assert set(named["rack"].values()) == {before["rack"]["010"]} == {"rack-2"}
    assert set(named["pod"].values()) == {"pod-1"}
    assert after.spans == past.spans
    one, _, _ = audited({"010": (0, 1, 0)}, after)
    assert [one[level]["010"] for level in LEVELS] == ["host-3", "rack-2", "pod-1", None]


trees = st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=1, max_size=14)


def spots_of(tree: list[Spot]) -> dict[str, Spot]:
    """Name the instances of a drawn tree."""
    return dict(zip(ascii_letters, tree, strict=False))


def with_gaps(tree: list[Spot], data: st.DataObject, most: int) -> Counts:
    """Count the hops of a drawn tree, up to so many pairs of it not measured."""
    counts = counted(tree)
    pairs = st.tuples(*[st.integers(0, len(tree) - 1)] * 2)
    for a, b in data.draw(st.lists(pairs, max_size=most)):
        counts[a, b] = counts[b, a] = 0
    return counts


@given(trees, st.data())
def test_domains_nest_as_a_tree_whatever_is_not_measured(tree: list[Spot], data: st.DataObject) -> None:
    """Each domain consists of whole domains of the level below, none of which is in two."""
    counts = with_gaps(tree, data, 6)
    reached = data.draw(st.lists(st.booleans(), min_size=len(tree), max_size=len(tree)))
    found = domains(judged(counts, apart=data.draw(st.booleans())), counts, reached)
    assert list(found.at) == list(LEVELS[: len(found.at)])
    for below, level in pairwise(found.at):
        inside = [part for domain in found.at[level] for part in domain.parts]
        assert len(inside) == len(set(inside))
        for domain in found.at[level]:
            parts = [found.at[below][part] for part in domain.parts]
            assert sorted(domain.members) == sorted(i for part in parts for i in part.members)
            assert len(domain.members) <= domain.most <= len(tree)


@given(trees)
def test_where_all_is_measured_domains_are_the_true_ones(tree: list[Spot]) -> None:
    """Every level that can be told apart is right, the innermost being racks."""
    spots = spots_of(tree)
    named, _, found = audited(spots)
    true = [truly(spots, level) for level in LEVELS]
    told = [one for n, one in enumerate(true) if n == 0 or (one != true[n - 1] and len(one) > 1)]
    assert [partition(named[level]) for level in found.at] == told
    assert all(domain.most == len(domain.members) for made in found.at.values() for domain in made)


@given(trees, st.randoms())
def test_relabelling_instances_relabels_their_domains(tree: list[Spot], chance: Random) -> None:
    """In another order, instances are grouped as before."""
    spots = spots_of(tree)
    order = list(spots)
    chance.shuffle(order)
    one, past, _ = audited(spots)
    other, other_past, _ = audited({name: spots[name] for name in order})
    assert past.spans == other_past.spans
    for level in LEVELS:
        assert partition(one[level]) == partition(other[level])


@given(trees, st.lists(st.sets(st.sampled_from(ascii_letters[:14]), min_size=1), min_size=1, max_size=5))
def test_names_stay_as_instances_come_and_go(tree: list[Spot], series: list[set[str]]) -> None:
    """Once all levels were seen, whoever is there has the names of before, however few there are."""
    spots = spots_of(tree)
    first, past, _ = audited(spots)
    for present in series:
        here = {name: spot for name, spot in spots.items() if name in present}
        if not here:
            continue
        named, past, _ = audited(here, past)
        for level in LEVELS:
            assert named[level] == {name: first[level][name] for name in here}


@given(trees, st.data())
def test_no_domain_is_ever_called_smaller_than_it_may_be(tree: list[Spot], data: st.DataObject) -> None:
    """Whatever is not measured, at most `most` instances fail with a host, rack or pod in truth."""
    counts = with_gaps(tree, data, 8)
    found = domains(judged(counts), counts, [True] * len(tree), DomainPrior(spans=(4, 6, 8)))
    for level, made in found.at.items():
        up = LEVELS.index(level)
        for domain in made:
            fails = [spot for spot in tree if spot[up:] == tree[domain.members[0]][up:]]
            assert len(domain.members) <= len(fails) <= domain.most
