"""Stated places: each zone, partition and fault domain as the platform names it, and never too small."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.domains.stated_places import stated_places

GROUP = {"group": "orders", "group_strategy": "partition"}


def named(*facts: dict[str, str]) -> dict[str, dict[str, tuple[list[int], int]]]:
    """Return the members of each domain by level and name, and how many may be in it."""
    places = stated_places(facts)
    return {
        level: {domain.name: (list(domain.members), domain.most) for domain in found}
        for level, found in places.at.items()
    }


def test_zones_are_called_as_the_platform_calls_them() -> None:
    """Each zone has its members; all state one, so nobody else may be in it."""
    found = named({"zone": "eu-1b"}, {"zone": "eu-1a"}, {"zone": "eu-1a"})
    assert found == {"zone": {"eu-1a": ([1, 2], 2), "eu-1b": ([0], 1)}}


def test_who_states_nothing_is_nowhere_and_may_be_anywhere() -> None:
    """An instance without a zone is in none, and counts in the worst case of each; empty is nothing."""
    assert named({"zone": "a"}, {"zone": "b"}, {}, {"zone": " "}) == {"zone": {"a": ([0], 3), "b": ([1], 3)}}
    assert named({}, {"host": "h"}) == {}


def test_zones_of_two_projects_are_not_compared() -> None:
    """What two accounts call a may be one zone or two, and what one calls b may be the other's a."""
    one, other = {"project": "1"}, {"project": "2"}
    found = named({"zone": "a"} | one, {"zone": "b"} | one, {"zone": "a"} | other)
    assert found["zone"] == {"a of 1": ([0], 2), "b": ([1], 2), "a of 2": ([2], 3)}


def test_a_partition_is_one_of_its_group() -> None:
    """Numbers of two groups are two partitions; who is in no group may be in any partition."""
    other = GROUP | {"group": "billing"}
    found = named(GROUP | {"partition": "1"}, GROUP | {"partition": "2"}, other | {"partition": "1"}, {})
    assert found == {
        "partition": {"1 of billing": ([2], 4), "1 of orders": ([0], 3), "2 of orders": ([1], 3)}
    }


@pytest.mark.parametrize(
    "facts", [{"partition": "1"}, {"partition": "1", "group": "orders"}, {"fault_domain": "1"}]
)
def test_a_number_that_is_one_of_nothing_is_no_domain(facts: dict[str, str]) -> None:
    """A partition needs its group and that group's strategy, a fault domain a zone or a group."""
    assert named(facts, facts) == {}


def test_equal_partitions_in_two_zones_are_two() -> None:
    """A group that spans zones has partitions in each: the zones tell them apart, and name them."""
    one = GROUP | {"partition": "1"}
    found = named(one | {"zone": "a"}, one | {"zone": "b"}, one | {"zone": "b"}, GROUP | {"partition": "2"})
    assert found["partition"] == {
        "1 of orders of a": ([0], 1),
        "1 of orders of b": ([1, 2], 2),
        "2 of orders": ([3], 1),
    }


def test_fault_domains_are_called_by_group_and_zone() -> None:
    """As many words as are stated: what it is one of."""
    found = named(
        {"fault_domain": "FD-1", "zone": "AD-1"},
        {"fault_domain": "FD-2", "zone": "AD-1"},
        {"fault_domain": "0", "group": "set", "zone": "eu-1"},
    )
    assert found["fault_domain"] == {
        "FD-1 of AD-1": ([0], 1),
        "FD-2 of AD-1": ([1], 1),
        "0 of set of eu-1": ([2], 1),
    }


def test_of_whom_nothing_is_stated_may_be_anywhere() -> None:
    """Who runs and states nothing may be in any zone, who doesn't run in none."""
    places = stated_places([{"zone": "a"}, {}])
    assert [(domain.name, domain.most) for domain in places.at["zone"]] == [("a", 2)]
    assert [domain.most for domain in stated_places([{"zone": "a"}, {}], 1).at["zone"]] == [1]
    assert places.zones == [("", "a"), None]
    assert stated_places([{}]).zones == ()


values = {
    "project": st.sampled_from(["", "p", "q"]),
    "zone": st.sampled_from(["", "a", "b"]),
    "group": st.sampled_from(["", "g", "h"]),
    "group_strategy": st.sampled_from(["partition", "spread"]),
    "partition": st.sampled_from(["", "1", "2"]),
    "fault_domain": st.sampled_from(["", "0", "1"]),
}
nothing: dict[str, str] = {}
stated = st.one_of(st.fixed_dictionaries(values), st.just(nothing))


@given(st.lists(stated, max_size=9))
def test_each_level_parts_those_who_state_it(facts: list[dict[str, str]]) -> None:
    """Nobody is in two domains of a level, no two have one name, and members of one state the same."""
    for level, found in stated_places(facts).at.items():
        inside = [i for domain in found for i in domain.members]
        assert len(inside) == len(set(inside))
        assert len({domain.name for domain in found}) == len(found)
        for domain in found:
            assert len({(facts[i]["project"], facts[i][level]) for i in domain.members}) == 1
            assert len(domain.members) <= domain.most <= len(facts)


@given(st.lists(stated, min_size=1, max_size=9))
def test_whoever_may_be_in_a_domain_is_counted(facts: list[dict[str, str]]) -> None:
    """Whatever those who don't state something would state, a domain then holds no more than `most`."""
    for level, found in stated_places(facts).at.items():
        for domain in found:
            like = facts[domain.members[0]]
            filled = [{**like, **{key: value for key, value in of.items() if value}} for of in facts]
            then = stated_places(filled).at[level]
            held = next(len(other.members) for other in then if domain.members[0] in other.members)
            assert held <= domain.most
