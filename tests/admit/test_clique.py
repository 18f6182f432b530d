"""The best set of candidates, held against every set there is."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from keepapart.admit.clique import maximum_clique


def pairs(n: int, edges: set[tuple[int, int]]) -> list[int]:
    """Return who is apart from whom, as bits."""
    return [sum(1 << j for j in range(n) if (min(i, j), max(i, j)) in edges and i != j) for i in range(n)]


@pytest.mark.parametrize("seed", range(60))
def test_none_is_larger(seed: int) -> None:
    """The set is mutually apart, and no larger one exists."""
    chance = random.Random(seed)
    n, dense = chance.randint(0, 9), chance.random()
    edges = {(i, j) for i, j in combinations(range(n), 2) if chance.random() < dense}
    found = maximum_clique(pairs(n, edges), n)
    assert set(combinations(found, 2)) <= edges
    sizes = [k for k in range(n + 1) for c in combinations(range(n), k) if set(combinations(c, 2)) <= edges]
    assert len(found) == max(sizes)


def test_the_earliest_are_kept() -> None:
    """Where all are apart the first come first, and no more than are enough."""
    everybody = {(i, j) for i, j in combinations(range(5), 2)}
    assert maximum_clique(pairs(5, everybody), 3) == (0, 1, 2)


def test_many_on_few_hosts() -> None:
    """A hundred candidates on twelve hosts, and a hundred of which half the pairs are unknown, are quick."""
    hosts = {(i, j) for i, j in combinations(range(100), 2) if i % 12 != j % 12}
    assert len(maximum_clique(pairs(100, hosts), 100)) == 12
    chance = random.Random(1)
    doubtful = {pair for pair in combinations(range(64), 2) if chance.random() < 0.5}
    assert len(maximum_clique(pairs(64, doubtful), 64)) >= 7
