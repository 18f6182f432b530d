"""Groups' distances: what one pair's detour does to them, and what it doesn't."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keepapart.signals.groups import Distances, shortest

DEPTHS = st.lists(st.integers(1, 4), min_size=3, max_size=9)  # routers between each and what is common to all


def star(depths: list[int]) -> Distances:
    """Return the distances of groups so far from one router."""
    up = np.array(depths, np.int16)
    between: Distances = up[:, None] + up
    np.fill_diagonal(between, 0)
    return between


@given(DEPTHS, st.data())
def test_the_shortest_ways_stay_as_they_are(depths: list[int], data: st.DataObject) -> None:
    """Where every way is the shortest there is, nothing changes; what isn't known stays unknown."""
    between = star(depths)
    i, j = data.draw(st.permutations(range(len(depths))))[:2]
    between[i, j] = between[j, i] = data.draw(st.sampled_from([0, between[i, j]]))
    assert (shortest(between) == between).all()


@given(DEPTHS, st.integers(1, 9), st.data())
def test_a_detour_of_one_pair_is_no_distance(depths: list[int], more: int, data: st.DataObject) -> None:
    """A third that is on the way shows how far the two are, whatever lies between them alone."""
    between = star([1, *depths])
    i, j = data.draw(st.permutations(range(1, len(between))))[:2]
    longer = between.copy()
    longer[i, j] = longer[j, i] = between[i, j] + more
    assert (shortest(longer) == between).all()
