"""Stated audits: held against the judge of all pairs, and what they call hosts and say of who is down."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.auditing.listed_pairs import listing
from keepapart.auditing.stated import StatedAudit, assess_stated
from keepapart.domains.worst_case import most_together
from keepapart.judging.judge import judge
from keepapart.model import FACTS, Instance, Source, Statement, Strength, Verdict
from keepapart.settings import ClusterSettings, RiskSettings
from keepapart.signals import stated

Facts = dict[str, str]


def audit(instances: Sequence[Instance], assurance: str = "strong") -> StatedAudit:
    """Judge instances by what is stated of them."""
    cluster = ClusterSettings(name="orders", assurance=assurance)  # type: ignore[arg-type]  # drawn from both
    return assess_stated(instances, cluster=cluster, rates=RiskSettings(), at=0.0)


def of(*facts: Facts) -> StatedAudit:
    """Judge web-1, web-2, … with these facts."""
    return audit([Instance(f"web-{number}", facts=some) for number, some in enumerate(facts, 1)])


TEXTS: dict[str, list[str]] = {
    "host_kind": ["", "dedicated", "cluster"],
    "group_strategy": ["spread", "partition", "soft"],
    "neighbors": ["web-1,web-2", "web-3", "web-1,web-3"],
    "topology": ["n,m", "n,o", "n"],
    "whole_host": ["true", "false"],
}


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Draw some facts of one instance."""
    names = draw(st.sets(st.sampled_from(FACTS)))
    return {name: draw(st.sampled_from(TEXTS.get(name, ["p", "q"]))) for name in sorted(names)}


@st.composite
def instances(draw: st.DrawFn) -> list[Instance]:
    """Draw up to 7 instances, some of which don't run."""
    states = st.sampled_from(["running"] * 4 + ["stopped"])
    return [
        Instance(f"web-{number}", state=draw(states), facts=draw(facts()))
        for number in range(1, draw(st.integers(1, 7)) + 1)
    ]


assurances = st.sampled_from(["strong", "conclusive"])


@settings(deadline=None)
@given(instances(), assurances)
def test_facts_are_judged_as_in_any_audit(drawn: list[Instance], assurance: str) -> None:
    """Every verdict is that of the judge of all pairs by the same facts, or unknown; so is the worst case."""
    found = audit(drawn, assurance)
    dense = judge(found.ids, stated.testimonies(drawn), Strength[assurance.upper()])
    for i, j in combinations(range(len(drawn)), 2):
        ours, theirs = found.judgement.pair(i, j).verdict, dense.pair(i, j).verdict
        assert ours in (theirs, Verdict.UNKNOWN)
    down = [number for number, instance in enumerate(drawn) if not instance.running]
    assert found.risk.most >= most_together(dense, down).max()


@settings(deadline=None)
@given(instances(), assurances)
def test_every_pair_is_of_one_kind_and_counted_there(drawn: list[Instance], assurance: str) -> None:
    """The kinds hold every pair once, with the verdict and the strength that it has, and say how many."""
    found = audit(drawn, assurance)
    seen: dict[tuple[int, int], Verdict] = {}
    for number, kind in enumerate(found.kinds.kinds):
        pairs = found.kinds.first(number, 100)
        assert len(pairs) == found.kinds.pairs[number]
        assert len(found.kinds.first(number, 1)) == 1
        for i, j in pairs:
            assert i < j
            assert seen.setdefault((i, j), kind.verdict) is kind.verdict
            pair = found.judgement.pair(i, j)
            assert pair.verdict is kind.verdict
            assert (pair.strength or 0) >= (kind.strength or 0)
    assert len(seen) == sum(found.kinds.pairs) == len(drawn) * (len(drawn) - 1) // 2


@settings(deadline=None)
@given(instances())
def test_who_is_down_or_has_no_facts_is_unknown_to_all(drawn: list[Instance]) -> None:
    """No verdict places one that isn't running or of which nothing is stated, and the reason is told."""
    found = audit(drawn)
    for i, instance in enumerate(drawn):
        if instance.running and any(instance.fact(name) for name in stated.PLACEMENT):
            assert instance.id not in found.lost
            continue
        assert found.lost[instance.id]
        for j in range(len(drawn)):
            if i != j:
                assert found.judgement.pair(i, j).verdict is Verdict.UNKNOWN


@settings(deadline=None)
@given(instances())
def test_hosts_have_different_names(drawn: list[Instance]) -> None:
    """Whatever the platform calls hosts, no two have one name."""
    names = [host.name for host in audit(drawn).domains.hosts]
    assert len(set(names)) == len(names)


def test_a_host_is_called_what_the_platform_calls_it() -> None:
    """A stated name is the host's; one that isn't stated is numbered, past every number that a name has."""
    found = of({"host": "host-3"}, {"host": "host-3"}, {"host": "pve-1"})
    assert found.members("host") == {"host-3": ["web-1", "web-2"], "pve-1": ["web-3"]}
    found = of({"host": "host-3", "neighbors": "web-1"}, {"neighbors": "web-2"})
    assert found.members("host") == {"host-3": ["web-1"], "host-4": ["web-2"]}


def test_two_projects_may_have_one_name_for_two_hosts() -> None:
    """The host with more instances keeps the name, and the pairs of two projects stay unknown."""
    one, other = {"project": "a", "host": "x"}, {"project": "b", "host": "x"}
    found = of(one, other, other, other, one)
    assert found.members("host") == {"x": ["web-2", "web-3", "web-4"], "host-1": ["web-1", "web-5"]}
    assert found.counts["unknown"] == 6


def test_a_coarse_name_is_no_host_s() -> None:
    """The name of a cluster of machines joins nobody and names no host."""
    coarse = {"host": "x", "host_kind": "cluster"}
    assert of(coarse, coarse).members("host") == {}


def test_one_without_facts_leaves_the_others_where_they_are() -> None:
    """It may be on any of their hosts, and counts in the worst case of each."""
    found = of({"host": "x"}, {"host": "y"}, {"host": "z"}, {})
    assert set(found.members("host")) == {"x", "y", "z"}
    assert (found.risk.most, found.risk.survives) == (2, None)
    assert of({"host": "x"}, {"host": "y"}, {"host": "z"}, {"host": "w"}).risk.survives is True


def test_instances_of_one_machine_are_known_to_each_other_without_a_fact() -> None:
    """A machine's id that two tell joins them; one that nobody else tells says nothing of anybody."""
    there = [
        Instance(name, said=[Statement(Source.METADATA, "the kubelet", {}, machine=machine)])
        for name, machine in (("a", "x"), ("b", "x"), ("c", "y"))
    ]
    found = audit(there)
    assert list(found.lost) == ["c"]
    assert found.counts == {"separate": 0, "co-resident": 1, "unknown": 2}
    assert [
        (kind.verdict, count) for kind, count in zip(found.kinds.kinds, found.kinds.pairs, strict=True)
    ] == [
        (Verdict.CO_RESIDENT, 1),
        (Verdict.UNKNOWN, 2),
    ]


@pytest.mark.parametrize("size", [64, 65])
def test_few_pairs_are_listed_and_the_others_counted(size: int) -> None:
    """All pairs of up to 64 instances are listed; of more, all are listed or counted by kind."""
    found = of(*[{"host": f"h-{number // 2}"} for number in range(size - 1)], {})
    listed = listing(found)
    places = list(listed.places)
    assert len(set(places)) == len(places)
    assert len(places) + sum(pairs for _, pairs in listed.left_out) == size * (size - 1) // 2
    assert (len(places) == size * (size - 1) // 2) == (size == 64)
    verdicts = {found.judgement.pair(i, j).verdict for i, j in places}
    assert verdicts >= {Verdict.CO_RESIDENT, Verdict.UNKNOWN}
