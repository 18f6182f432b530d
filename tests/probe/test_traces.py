"""Who looks for which routers, and what may be said of those that were seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.node.node import Place
from keepapart.probe.measured import Trace
from keepapart.probe.traces import SENDERS, senders, steady, steps, targets, towards_all, traces
from keepapart.reach import Roster, Sighting

PAIRED = np.array([[0, 2, 4, 4], [2, 0, 4, 4], [4, 4, 0, 2], [4, 4, 2, 0]], np.uint8)
NOBODY = [False] * 4


def roster(*addresses: str) -> Roster:
    """Name members a, b, … at these addresses."""
    places: list[Place] = [(address, [1]) for address in addresses]
    return Roster("abcdefgh"[: len(places)], places)


FOUR = roster("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4")


def test_targets_are_far_and_the_same_for_all() -> None:
    """Whoever is near is no target; two on one host look towards the same members; on a link nobody looks."""
    assert targets(FOUR, PAIRED, NOBODY) == [[2, 3], [2, 3], [0, 1], [0, 1]]
    assert targets(FOUR, np.ones((4, 4), np.uint8), NOBODY) == [[]] * 4


def test_under_hetzner_s_name_public_members_are_targets_too() -> None:
    """A guest of Hetzner's looks towards public addresses beside the others; any other's guest doesn't."""
    mixed = roster("10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "1.1.1.1", "1.1.1.2", "1.1.1.3")
    least = np.full((7, 7), 6, np.uint8)
    found = targets(mixed, least, [number in (0, 6) for number in range(7)])
    assert found == [[1, 2, 4, 5], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1], [0, 1, 4, 5]]
    alone = targets(mixed, least, [number == 6 for number in range(7)], others=False)
    assert alone == [[]] * 6 + [[0, 1, 4, 5]]


def test_few_look_for_last_routers_and_only_where_there_is_one_to_tell() -> None:
    """Senders are on different hosts; none looks at one or two hops, nor where a count can't be."""
    assert senders(PAIRED) == [0, 2]
    assert len(senders(np.full((64, 64), 4, np.uint8))) == SENDERS
    least = PAIRED.copy()
    least[0, 3] = 255
    found = steps(FOUR, least, [[2], [2], [0], [0]], inward=True)
    assert found["a"] == [(2, 1), (2, 2), (2, 3)]
    assert found["b"] == [(2, 1), (2, 2)]
    assert found["c"] == [(0, 1), (0, 2), (0, 3), (1, 3)]
    assert steps(FOUR, least, [[2], [], [], []], inward=False) == {"a": [(2, 1), (2, 2)]}


def test_routers_are_told_apart_by_target_and_distance() -> None:
    """A trace has the first, second and last router of one way; first and second are the same towards all."""
    seen = {
        "a": [(2, 1, "g", 3), (2, 2, "r", 2), (3, 1, "g", 1), (3, 2, "r", 1), (2, 3, "h", 3), (3, 3, "h", 1)],
        "c": [(0, 1, "g2", 3), (0, 2, "r2", 3), (1, 2, "r3", 3)],
    }
    assert traces(FOUR, PAIRED, seen) == [
        Trace(0, 2, "g", "r", "h"),
        Trace(0, 3),
        Trace(2, 0, "g2", "r2"),
        Trace(2, 1, "", "r3"),
    ]
    outward = targets(FOUR, PAIRED, NOBODY)
    assert towards_all(FOUR, outward, seen) == (["g", "", "g2", ""], ["r", "", "", ""])


def test_at_three_hops_the_second_router_is_the_last() -> None:
    """One answer is both."""
    three = np.where(PAIRED == 4, np.uint8(3), PAIRED)
    assert traces(FOUR, three, {"a": [(2, 2, "h", 2)]}) == [Trace(0, 2, "", "h", "h")]


def test_a_member_s_address_is_no_router() -> None:
    """Where routers answer by the target's address, as OVN's do, nothing is said of them."""
    seen = {"a": [(2, 1, "10.0.0.3", 3), (3, 1, "10.0.0.4", 3), (2, 2, "r", 3)]}
    assert traces(FOUR, PAIRED, seen) == [Trace(0, 2, "", "r")]
    assert towards_all(FOUR, [[2, 3]] * 4, seen)[0] == [""] * 4


@pytest.mark.parametrize(
    ("sightings", "expected"),
    [
        ([(0, 1, "a", 3), (1, 1, "a", 3)], "a"),
        ([(0, 1, "a", 1), (1, 1, "a", 1)], "a"),
        ([(0, 1, "a", 5), (0, 1, "b", 1)], ""),
        ([(0, 1, "a", 1)], ""),
        ([], ""),
    ],
)
def test_only_one_that_always_answers_is_steady(sightings: list[Sighting], expected: str) -> None:
    """Two routers on one step, or one heard only once, are no identity."""
    assert steady(sightings) == expected


@given(st.integers(2, 64), st.data())
def test_a_round_s_probes_are_bounded(size: int, data: st.DataObject) -> None:
    """Whatever the counts, a node looks for a few routers outward, and a few nodes for one of each member."""
    row = st.lists(st.integers(0, 255), min_size=size, max_size=size)
    least = np.array(data.draw(st.lists(row, min_size=size, max_size=size)), np.uint8)
    places: list[Place] = [(f"1.1.{number}.1", [1]) for number in range(size)]
    everybody = Roster([str(number) for number in range(size)], places)
    wanted = steps(everybody, least, targets(everybody, least, [True] * size), inward=True)
    assert sum(len(one) > 8 for one in wanted.values()) <= SENDERS
    assert max(map(len, wanted.values()), default=0) <= 8 + size
    assert all(0 < distance < 32 for one in wanted.values() for _, distance in one)
