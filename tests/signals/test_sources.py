"""Sources of facts: how much each may claim, for how long, and what becomes of those that differ."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.model import Evidence, Instance, Says, Source, Statement, Strength
from keepapart.signals import stated
from keepapart.signals.sources import FRESH, OLD, Difference, Stated

WEAK, STRONG, CONCLUSIVE = Strength
API, METADATA, LABEL, OWN = Source.API, Source.METADATA, Source.LABEL, Source.OWN
NAMES = {API: "facts.json", METADATA: "the metadata service", LABEL: "the label", OWN: "keepapart's label"}
NOW = 1_800_000_000.0
Facts = dict[str, str]


def said(source: Source, facts: Facts, age: float | None = None, machine: str = "") -> Statement:
    """Return what a source says, so many seconds ago."""
    return Statement(source, NAMES[source], facts, None if age is None else NOW - age, machine)


def of(name: str, *statements: Statement, facts: Facts | None = None, state: str = "running") -> Instance:
    """Return an instance of which this is said, beside what the platform's API states."""
    return Instance(name, state=state, facts=facts or {}, said=statements)


def evidence(*instances: Instance) -> list[Evidence]:
    """Return what is said of the first two."""
    found = (one.evidence(0, 1) for one in stated.testimonies(instances, NOW))
    return [one for one in found if one]


def strengths(*instances: Instance) -> set[tuple[str, Strength]]:
    """Return what is said of the first two, and how strongly."""
    return {(one.says.value, one.strength) for one in evidence(*instances)}


def differences(instances: Sequence[Instance]) -> Sequence[Difference]:
    """Return where sources differ."""
    return Stated.of(instances, NOW).differences


@pytest.mark.parametrize(
    ("source", "age", "same", "different"),
    [
        (API, None, CONCLUSIVE, CONCLUSIVE),
        (API, FRESH, CONCLUSIVE, CONCLUSIVE),
        (API, FRESH + 1, STRONG, WEAK),
        (API, OLD + 1, WEAK, WEAK),
        (METADATA, None, STRONG, STRONG),
        (METADATA, FRESH + 1, STRONG, WEAK),
        (LABEL, None, STRONG, WEAK),
        (LABEL, 0.0, STRONG, WEAK),
        (LABEL, OLD + 1, WEAK, WEAK),
        (API, -OLD - 1, WEAK, WEAK),
    ],
)
def test_a_source_claims_so_much(
    source: Source, age: float | None, same: Strength, different: Strength
) -> None:
    """Strength follows the source and falls with age; a time in the future is no better than an old one."""
    x, y = ([said(source, {"host": host}, age)] for host in "xy")
    assert strengths(of("a", *x), of("b", *x)) == {("same", same)}
    assert strengths(of("a", *x), of("b", *y)) == {("different", different)}


def test_who_says_it_and_when_is_told() -> None:
    """The reason names the source, and of what isn't of now the time."""
    x, y = (said(API, {"host": host}, OLD + 60) for host in "xy")
    (found,) = evidence(of("a", x), of("b", y))
    assert found.because == "facts.json puts them on hosts x and y, as read 2027-01-14T07:59:00Z"
    (found,) = evidence(of("a", said(METADATA, {"zone": "1"})), of("b", said(METADATA, {"zone": "2"})))
    assert found.because == "the metadata service puts them in zones 1 and 2"


def test_only_one_source_of_both_says_different() -> None:
    """What two sources call x and y may be one host of two names; what both call x is one host."""
    assert evidence(of("a", facts={"host": "x"}), of("b", said(METADATA, {"host": "y"}))) == []
    (found,) = evidence(of("a", facts={"host": "x"}), of("b", said(METADATA, {"host": "x"})))
    assert (found.says, found.strength) == (Says.SAME, STRONG)
    assert found.because == "the platform and the metadata service put them on one host, x"
    assert evidence(of("a", facts={"host": "x", "project": "p"}), of("b", said(LABEL, {"host": "x"}))) == []


def test_a_label_that_differs_from_what_is_said_now_counts_for_nothing() -> None:
    """The label outlived a migration: the platform's word counts, and that they differ is told."""
    moved = of("a", said(LABEL, {"host": "x"}, 3600.0), facts={"host": "y"})
    assert strengths(moved, of("b", said(LABEL, {"host": "x"}))) == set()
    assert strengths(moved, of("b", facts={"host": "x"})) == {("different", CONCLUSIVE)}
    (found,) = differences([moved])
    assert (found.id, found.fact) == ("a", "host")
    assert (found.first.by, found.first.value, found.first.counts) == ("the platform", "y", True)
    assert (found.second.by, found.second.value, found.second.counts) == ("the label", "x", False)
    assert (found.first.at, found.second.at) == (None, NOW - 3600)


@pytest.mark.parametrize("other", [said(METADATA, {"host": "x"}), said(API, {"host": "x"}, 5.0)])
def test_of_two_sources_of_now_that_differ_neither_counts(other: Statement) -> None:
    """One of them is wrong, nobody knows which: the instance is unknown to all others."""
    torn = of("a", other, facts={"host": "y", "zone": "1", "whole_host": "true"})
    for place in ({"host": "z", "zone": "2"}, {"host": "d", "host_kind": "dedicated"}):
        assert evidence(torn, of("b", said(other.source, place, other.at and 5.0), facts=place)) == []
    assert [side.counts for one in differences([torn]) for side in (one.first, one.second)] == [False] * 2


@pytest.mark.parametrize(
    ("facts", "other"),
    [
        ({"host": "x", "project": "p"}, {"host": "y", "project": "q"}),
        ({"host": "x", "host_kind": "node"}, {"host": "y", "host_kind": "chassis"}),
        ({"partition": "1", "group": "g"}, {"partition": "2", "group": "h"}),
        ({"zone": "us-east-1a"}, {"zone": "use1-az6"}),
        ({"host": "x"}, {"zone": "y"}),
    ],
)
def test_what_is_said_in_other_terms_does_not_differ(facts: Facts, other: Facts) -> None:
    """Another project, kind or group means something else; metadata's zones are spelt in two ways."""
    assert differences([of("a", said(METADATA, other), facts=facts)]) == []


def test_nothing_said_of_what_does_not_run_is_a_fact() -> None:
    """A stopped instance's label, however new, says nothing."""
    label = said(API, {"host": "x"}, machine="m")
    stopped = of("a", label, facts={"host": "y"}, state="stopped")
    assert strengths(stopped, of("b", label)) == set()
    assert differences([stopped]) == []


def test_who_tells_one_machine_s_id_is_one_machine() -> None:
    """A container and its node ask one metadata service: conclusively one machine, whatever else is said."""
    node, other = (said(METADATA, {"platform": "ec2", "zone": zone}, machine="i-1") for zone in "xy")
    assert ("same", CONCLUSIVE) in strengths(of("a", node), of("b", other))
    torn = of("a", said(METADATA, {"platform": "ec2", "host": "x"}, machine="i-1"), facts={"host": "y"})
    assert strengths(torn, of("b", node)) == {("same", CONCLUSIVE)}
    assert strengths(of("a", node), of("b", said(METADATA, {"platform": "ec2"}, machine="i-2"))) == set()


def test_what_is_not_stated_of_dedicated_hosts_is_told_by_the_platform_alone() -> None:
    """A metadata service that didn't answer for the host, or a file that lacks it, puts nobody on another."""
    host = {"zone": "1", "host": "d", "host_kind": "dedicated"}
    for source in Source:
        assert evidence(of("a", said(source, host)), of("b", said(source, {"zone": "1"}))) == []
    assert strengths(of("a", facts=host), of("b", facts={"zone": "1"})) == {("different", CONCLUSIVE)}


def test_what_keepapart_wrote_is_no_evidence() -> None:
    """Neither of one host nor of two; it differs from nobody, and is at hand for whoever compares it."""
    a, b, c = (of(name, said(OWN, {"host": host}), facts={"zone": "1"}) for name, host in ("ax", "bx", "cy"))
    assert evidence(a, b) == evidence(a, c) == []
    assert differences([of("a", said(OWN, {"host": "x"}), said(LABEL, {"host": "z"}))]) == []
    (own,) = Stated.of([a, b, c], NOW).own
    assert own.column("host") == ["x", "x", "y"]


hosts = st.sampled_from("xy")
statements = st.builds(
    said,
    st.sampled_from(Source),
    st.fixed_dictionaries({"host": hosts}),
    st.sampled_from([None, 5.0, 1e4, 1e6]),
)
instances = st.builds(
    lambda statements, host: of("a", *statements, facts={"host": host} if host else {}),
    st.lists(statements, max_size=3),
    st.sampled_from(["", "x", "y"]),
)


@settings(deadline=None)
@given(instances, instances)
def test_no_two_are_apart_of_whom_sources_of_now_agree_that_they_share_a_host(
    a: Instance, b: Instance
) -> None:
    """*Different* is strong only where all that is of now puts each on one host, and these are two."""
    for one in evidence(a, b):
        if one.says is Says.DIFFERENT and one.strength > WEAK:
            told = [
                {s.facts["host"] for s in (Statement(API, "", i.facts), *i.said) if s.facts and _now(s)}
                for i in (a, b)
            ]
            assert [len(of) for of in told] == [1, 1]
            assert told[0] != told[1]


def _now(statement: Statement) -> bool:
    fresh = statement.at is None or NOW - statement.at <= FRESH
    return statement.source in (API, METADATA) and fresh
