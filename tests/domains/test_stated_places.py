"""Stated places: each zone, partition and fault domain as the platform names it, and never too small."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.domains.stated_places import stated_places
from keepapart.model import Instance

GROUP = {"group": "orders", "group_strategy": "partition"}


def named(*facts: dict[str, str]) -> dict[str, dict[str, tuple[list[int], int]]]:
    """Return the members of each domain by level and name, and how many may be in it."""
    places = stated_places([Instance(f"web-{number}", facts=of) for number, of in enumerate(facts)])
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


def test_what_does_not_run_states_nothing() -> None:
    """A stopped instance's zone is no fact: where it starts next is open."""
    stopped = Instance("c", state="stopped", facts={"zone": "b"})
    places = stated_places([Instance("a", facts={"zone": "a"}), stopped])
    assert [(domain.name, domain.most) for domain in places.at["zone"]] == [("a", 2)]
    assert places.zones == [("", "a"), None]
    assert stated_places([stopped]).zones == ()


values = {
    "project": st.sampled_from(["", "p", "q"]),
    "zone": st.sampled_from(["", "a", "b"]),
    "group": st.sampled_from(["", "g", "h"]),
    "group_strategy": st.sampled_from(["partition", "spread"]),
    "partition": st.sampled_from(["", "1", "2"]),
    "fault_domain": st.sampled_from(["", "0", "1"]),
}
stated = st.builds(
    Instance,
    st.just("i"),
    state=st.sampled_from(["running"] * 4 + ["stopped"]),
    facts=st.fixed_dictionaries(values),
)


@given(st.lists(stated, max_size=9))
def test_each_level_parts_those_who_state_it(instances: list[Instance]) -> None:
    """Nobody is in two domains of a level, no two have one name, and members of one state the same."""
    for level, found in stated_places(instances).at.items():
        inside = [i for domain in found for i in domain.members]
        assert len(inside) == len(set(inside))
        assert len({domain.name for domain in found}) == len(found)
        for domain in found:
            facts = {(instances[i].facts["project"], instances[i].facts[level]) for i in domain.members}
            assert len(facts) == 1
            assert all(instances[i].running for i in domain.members)
            assert len(domain.members) <= domain.most <= len(instances)


@given(st.lists(stated, min_size=1, max_size=9))
def test_whoever_may_be_in_a_domain_is_counted(instances: list[Instance]) -> None:
    """Whatever those who don't state something would state, a domain then holds no more than `most`."""
    for level, found in stated_places(instances).at.items():
        for domain in found:
            like = instances[domain.members[0]]
            filled = [
                replace(
                    i,
                    state="running",
                    facts={k: v if i.running and v else like.facts[k] for k, v in i.facts.items()},
                )
                for i in instances
            ]
            then = stated_places(filled).at[level]
            held = next(len(other.members) for other in then if domain.members[0] in other.members)
            assert held <= domain.most
