"""Who may be put apart: nobody but who is separate, whatever is chosen for unknown pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keepapart.domains.apart import Ties, left_out, merged, tied_by_level, ties
from keepapart.judging.by_label import judge_by_label
from keepapart.judging.judge import judge
from keepapart.model import Strength, Verdict
from keepapart.signals import PairTestimony
from tests.judging.test_by_label import signals

Pairs = dict[tuple[int, int], Verdict]


@st.composite
def relations(draw: st.DrawFn, most: int = 8) -> tuple[int, Pairs, Ties]:
    """Draw what a judge says of any evidence: any pairs same, different or silent, at any strength."""
    size = draw(st.integers(1, most))
    weights = np.zeros((size, size), np.int8)
    for i, j in combinations(range(size), 2):
        weights[i, j] = weights[j, i] = draw(st.sampled_from([3, 2, 1, 0, 0, -1, -2, -2, -2, -3]))
    said = PairTestimony("drawn", weights, lambda i, j: f"{i} and {j}")
    found = judge([str(i) for i in range(size)], [said], Strength.STRONG)
    pairs = {(i, j): found.pair(i, j).verdict for i, j in combinations(range(size), 2)}
    return size, pairs, ties(found)


@given(relations())
def test_merged_domains_are_always_separate(drawn: tuple[int, Pairs, Ties]) -> None:
    """Two components are separate from each other, and none is larger than it must be."""
    size, pairs, found = drawn
    labels = merged(found)
    assert all(verdict is Verdict.SEPARATE for (i, j), verdict in pairs.items() if labels[i] != labels[j])
    reach = np.eye(size, dtype=bool)
    for (i, j), verdict in pairs.items():
        reach[i, j] = reach[j, i] = verdict is not Verdict.SEPARATE
    for _ in range(size):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    assert ((labels[:, None] == labels) == reach).all()


@given(relations(), st.data())
def test_who_is_not_left_out_is_known(drawn: tuple[int, Pairs, Ties], data: st.DataObject) -> None:
    """No pair of those that stay is unknown; who is in no unknown pair, stays."""
    size, pairs, found = drawn
    places = data.draw(st.lists(st.sampled_from(["here", None]), min_size=size, max_size=size))
    gone = set(left_out(found, places))
    assert not [pair for pair, verdict in pairs.items() if verdict is Verdict.UNKNOWN and not gone & {*pair}]
    doubted = {i for pair, verdict in pairs.items() if verdict is Verdict.UNKNOWN for i in pair}
    assert gone <= doubted
    assert gone >= {i for i in doubted if places[i] is None}


def test_one_that_nothing_is_known_of_is_left_out_alone() -> None:
    """The one that is in all unknown pairs goes, and nobody else."""
    weights = np.full((5, 5), -2, np.int8)
    np.fill_diagonal(weights, 0)
    weights[1, :] = weights[:, 1] = 0
    said = PairTestimony("drawn", weights, lambda i, j: f"{i} and {j}")
    assert left_out(ties(judge([*"abcde"], [said], Strength.STRONG)), ["host"] * 5) == [1]


@given(signals())
def test_labels_alone_have_the_same_ties(drawn: list) -> None:  # type: ignore[type-arg]
    """What the judge by labels says of pairs is what its ties say."""
    size = len(drawn[0].labels)
    found = judge_by_label([str(i) for i in range(size)], drawn, Strength.STRONG)
    tied = ties(found)
    for i in range(size):
        near = {
            j for j in range(size) if i == j or found.pair(*sorted((i, j))).verdict is not Verdict.SEPARATE
        }
        assert set(tied.not_separate(i).tolist()) == near
    labels = merged(tied)
    for i, j in combinations(range(size), 2):
        assert labels[i] == labels[j] or found.pair(i, j).verdict is Verdict.SEPARATE


@given(relations(), st.data())
def test_domains_above_hosts_are_separate_too(drawn: tuple[int, Pairs, Ties], data: st.DataObject) -> None:
    """Two racks differ only where all in them are separate; who has no rack may be in any of them."""
    size, pairs, found = drawn
    places = data.draw(st.lists(st.sampled_from(["r1", "r2", "r3", None]), min_size=size, max_size=size))
    tied = tied_by_level(found, places)
    labels = merged(tied)
    for (i, j), verdict in pairs.items():
        if labels[i] != labels[j]:
            assert verdict is Verdict.SEPARATE
            assert places[i] and places[j] and places[i] != places[j]
    gone = set(left_out(tied, places))
    for i, j in combinations(sorted(set(range(size)) - gone), 2):
        if tied.groups[i] != tied.groups[j]:
            assert pairs[i, j] is Verdict.SEPARATE
            assert places[i] != places[j]
