"""Who looks for which routers, and what may be said of those that were seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.node.node import Place
from keepapart.probe.measured import Trace
from keepapart.probe.traces import (
    SENDERS,
    Look,
    looks,
    seen,
    senders,
    steady,
    steps,
    targets,
    towards_all,
    traces,
)
from keepapart.reach import Roster, Sighting

PAIRED = np.array([[0, 2, 4, 4], [2, 0, 4, 4], [4, 4, 0, 2], [4, 4, 2, 0]], np.uint8)
NOBODY = [False] * 4


def roster(*addresses: str) -> Roster:
    """Name members a, b, … at these addresses."""
    places: list[Place] = [(address, [1]) for address in addresses]
    return Roster("abcdefgh"[: len(places)], places)


FOUR = roster("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4")


def looks_at(found: list[list[Look]]) -> list[list[int]]:
    """Return towards whose listed addresses nodes look."""
    assert not any(look.public for chosen in found for look in chosen)
    return [[look.target for look in chosen] for chosen in found]


def test_targets_are_far_and_the_same_for_all() -> None:
    """Whoever is near is no target; two on one host look towards the same members; on a link nobody looks."""
    assert looks_at(targets(FOUR, PAIRED, NOBODY)) == [[2, 3], [2, 3], [0, 1], [0, 1]]
    assert targets(FOUR, np.ones((4, 4), np.uint8), NOBODY) == [[]] * 4


def test_under_hetzner_s_name_public_members_are_targets_too() -> None:
    """A guest of Hetzner's looks towards public addresses beside the others; any other's guest doesn't."""
    mixed = roster("10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "1.1.1.1", "1.1.1.2", "1.1.1.3")
    least = np.full((7, 7), 6, np.uint8)
    found = looks_at(targets(mixed, least, [number in (0, 6) for number in range(7)]))
    assert found == [[1, 2, 4, 5], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1], [0, 1, 4, 5]]
    alone = looks_at(targets(mixed, least, [number == 6 for number in range(7)], others=False))
    assert alone == [[]] * 6 + [[0, 1, 4, 5]]


def test_under_hetzner_s_name_public_addresses_of_members_listed_by_others_are_targets() -> None:
    """On private Networks, where all are two hops apart, hosts are seen on the way to public addresses."""
    known = replace(FOUR, public=["1.1.1.1", "", "1.1.1.3", "1.1.1.4"])
    found = targets(known, np.full((4, 4), 2, np.uint8), [True, False, False, False])
    assert found[0] == [Look(1), Look(2), Look(2, public="1.1.1.3"), Look(3, public="1.1.1.4")]
    assert looks_at(found[1:]) == [[0, 2], [0, 1], [0, 1]]
    assert steps(known, [*found[0][1:3]]) == [("10.0.0.3", 1, 1), ("1.1.1.3", 1, 1)]
    six = replace(roster("fd00::1", "fd00::2"), public=["1.1.1.1", "1.1.1.2"])
    assert looks_at(targets(six, PAIRED[:2, :2], [True] * 2)) == [[1], [0]]


def test_few_look_for_last_routers_and_only_where_there_is_one_to_tell() -> None:
    """Senders are on different hosts; none looks at one or two hops, nor where a count can't be."""
    assert senders(PAIRED) == [0, 2]
    assert len(senders(np.full((64, 64), 4, np.uint8))) == SENDERS
    least = PAIRED.copy()
    least[0, 3] = 255
    found = looks(FOUR, least, [[Look(2)], [Look(2)], [Look(0)], [Look(0)]], inward=True)
    assert found["a"] == [Look(2, 1), Look(2, 2), Look(2, 3)]
    assert found["b"] == [Look(2, 1), Look(2, 2)]
    assert found["c"] == [Look(0, 1), Look(0, 2), Look(0, 3), Look(1, 3)]
    assert looks(FOUR, least, [[Look(2)], [], [], []], inward=False) == {"a": [Look(2, 1), Look(2, 2)]}


def test_routers_are_told_apart_by_target_and_distance() -> None:
    """A trace has the first, second and last router of one way; first and second are the same towards all."""
    seen = {
        "a": [
            (Look(2, 1), "g", 3),
            (Look(2, 2), "r", 2),
            (Look(3, 1), "g", 1),
            (Look(3, 2), "r", 1),
            (Look(2, 3), "h", 3),
            (Look(3, 3), "h", 1),
        ],
        "c": [(Look(0, 1), "g2", 3), (Look(0, 2), "r2", 3), (Look(1, 2), "r3", 3)],
    }
    assert traces(FOUR, PAIRED, seen) == [
        Trace(0, 2, "g", "r", "h"),
        Trace(0, 3),
        Trace(2, 0, "g2", "r2"),
        Trace(2, 1, "", "r3"),
    ]
    outward = targets(FOUR, PAIRED, NOBODY)
    assert towards_all(FOUR, outward, seen) == (["g", "", "g2", ""], ["r", "", "", ""])


def test_the_way_to_a_public_address_is_another_than_that_to_the_listed_one() -> None:
    """It is a trace of its own, has no last router, and doesn't say by whom a node goes out to members."""
    found = {
        "a": [
            (Look(1, 1), "10.0.0.1", 3),
            (Look(1, 1, "1.1.1.1"), "172.31.1.1", 3),
            (Look(1, 2, "1.1.1.1"), "h", 3),
        ]
    }
    two = replace(roster("10.0.0.2", "10.0.0.3"), public=["", "1.1.1.1"])
    least = PAIRED[:2, :2]
    assert traces(two, least, found) == [
        Trace(0, 1, "10.0.0.1", last="10.0.0.1"),
        Trace(0, 1, "172.31.1.1", "h", public="1.1.1.1"),
    ]
    outward = targets(two, least, [True, False])
    assert towards_all(two, outward, found) == (["10.0.0.1", ""], ["", ""])


def test_at_three_hops_the_second_router_is_the_last() -> None:
    """One answer is both."""
    three = np.where(PAIRED == 4, np.uint8(3), PAIRED)
    assert traces(FOUR, three, {"a": [(Look(2, 2), "h", 2)]}) == [Trace(0, 2, "", "h", "h")]


def test_a_member_s_address_is_no_router() -> None:
    """Where routers answer by the target's address, as OVN's do, or its public one, nothing is said of it."""
    known = replace(FOUR, public=["", "", "1.1.1.3", ""])
    chosen = {"a": [Look(2), Look(3), Look(2, 2), Look(3, 2)]}
    answers = {"a": [(0, "10.0.0.3", 3), (1, "10.0.0.4", 3), (2, "r", 3), (3, "1.1.1.3", 3)]}
    found = seen(known, chosen, answers)
    assert found == {"a": [(Look(2, 2), "r", 3)]}
    assert traces(known, PAIRED, found) == [Trace(0, 2, "", "r")]
    assert towards_all(known, [[Look(2), Look(3)]] * 4, found)[0] == [""] * 4


@pytest.mark.parametrize(
    ("sightings", "expected"),
    [
        ([(0, "a", 3), (1, "a", 3)], "a"),
        ([(0, "a", 1), (1, "a", 1)], "a"),
        ([(0, "a", 5), (0, "b", 1)], ""),
        ([(0, "a", 1)], ""),
        ([], ""),
    ],
)
def test_only_one_that_always_answers_is_steady(sightings: list[Sighting], expected: str) -> None:
    """Two routers on one step, or one heard only once, are no identity."""
    assert steady([(Look(target), router, times) for target, router, times in sightings]) == expected


@given(st.integers(2, 64), st.data())
def test_a_round_s_probes_are_bounded(size: int, data: st.DataObject) -> None:
    """Whatever the counts, a node looks for a few routers outward, and a few nodes for one of each member."""
    row = st.lists(st.integers(0, 255), min_size=size, max_size=size)
    least = np.array(data.draw(st.lists(row, min_size=size, max_size=size)), np.uint8)
    places: list[Place] = [(f"1.1.{number}.1", [1]) for number in range(size)]
    everybody = Roster([str(number) for number in range(size)], places)
    wanted = looks(everybody, least, targets(everybody, least, [True] * size), inward=True)
    assert sum(len(one) > 8 for one in wanted.values()) <= SENDERS
    assert max(map(len, wanted.values()), default=0) <= 8 + size
    assert all(0 < distance < 32 for one in wanted.values() for _, distance, _ in one)
