"""The heaviest clique, held against every clique there is."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.domains.clique import heaviest_clique

Edges = set[tuple[int, int]]


def bits(n: int, edges: Edges) -> list[int]:
    """Return who is joined with whom, as bits."""
    return [sum(1 << j for j in range(n) if (min(i, j), max(i, j)) in edges and i != j) for i in range(n)]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[int], Edges]:
    """Draw the weights of up to nine nodes, and edges among them."""
    weights = draw(st.lists(st.integers(1, 4), max_size=9))
    pairs = list(combinations(range(len(weights)), 2))
    return weights, draw(st.sets(st.sampled_from(pairs))) if pairs else set()


def true_weight(weights: list[int], edges: Edges, among: set[int]) -> int:
    """Weigh every clique of some nodes, and return what the heaviest weighs."""
    sets = [c for k in range(len(among) + 1) for c in combinations(sorted(among), k)]
    return max(sum(weights[i] for i in c) for c in sets if set(combinations(c, 2)) <= edges)


@given(graphs(), st.data())
def test_none_is_heavier(graph: tuple[list[int], Edges], data: st.DataObject) -> None:
    """Every two of the clique are joined, and no clique of the nodes that count is heavier."""
    weights, edges = graph
    among = data.draw(st.sets(st.sampled_from(range(len(weights)))) if weights else st.just(set()))
    found = heaviest_clique(bits(len(weights), edges), weights, among=sum(1 << i for i in among))
    assert set(combinations(found.members, 2)) <= edges
    assert set(found.members) <= among
    assert found.weight == sum(weights[i] for i in found.members)
    assert found.weight == found.most == true_weight(weights, edges, among)


@given(graphs(), st.integers(0, 40))
def test_given_up_it_leaves_bounds(graph: tuple[list[int], Edges], work: int) -> None:
    """However little work is allowed, the heaviest weighs from what was found to `most`."""
    weights, edges = graph
    found = heaviest_clique(bits(len(weights), edges), weights, work=work)
    assert set(combinations(found.members, 2)) <= edges
    assert found.weight <= true_weight(weights, edges, set(range(len(weights)))) <= found.most


def test_the_earliest_are_kept() -> None:
    """Where all are joined the first come first, and no more than are enough."""
    everybody = set(combinations(range(5), 2))
    assert heaviest_clique(bits(5, everybody), [1] * 5, enough=3).members == (0, 1, 2)


@pytest.mark.parametrize("size", [100, 1_200])
def test_many_on_few_hosts(size: int) -> None:
    """Many candidates on twelve hosts are quick, and a clique of more than Python nests calls is found."""
    hosts = {(i, j) for i, j in combinations(range(size), 2) if i % 12 != j % 12}
    assert heaviest_clique(bits(size, hosts), [1] * size).weight == 12
    everybody = (1 << size) - 1
    joined = [everybody & ~(1 << i) for i in range(size)]
    assert heaviest_clique(joined, [1] * size).weight == size


def test_where_half_the_pairs_are_unknown() -> None:
    """Sixty-four candidates of which half the pairs are apart are quick."""
    chance = random.Random(1)
    doubtful = {pair for pair in combinations(range(64), 2) if chance.random() < 0.5}
    assert heaviest_clique(bits(64, doubtful), [1] * 64).weight >= 7
