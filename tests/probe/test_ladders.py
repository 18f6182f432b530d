"""Ladders of a round: who climbs to whom, and when."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keepapart.probe.ladders import AT_ONCE, turns


@given(st.integers(0, 40), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_everybody_has_a_turn_and_nobody_is_crowded(size: int, seed: int, share: float) -> None:
    """Each pair is in one turn, no member is climbed to by more than a few in one, none waits in vain."""
    wanted = np.random.default_rng(seed).random((size, size)) < share
    np.fill_diagonal(wanted, False)
    found = turns(wanted)
    pairs = [(a, b) for turn in found for a, targets in turn.items() for b in targets]
    assert sorted(pairs) == list(zip(*(part.tolist() for part in np.nonzero(wanted)), strict=True))
    for turn in found:
        crowd = Counter(b for targets in turn.values() for b in targets)
        assert max(crowd.values()) <= AT_ONCE
    most = int(wanted.sum(axis=0).max(initial=0))
    assert len(found) == -(-most // AT_ONCE)


def test_where_all_climb_to_all_everybody_climbs_to_as_many_in_a_turn() -> None:
    """Turns are as short as they can be."""
    for turn in turns(~np.eye(33, dtype=np.bool_)):
        assert {len(targets) for targets in turn.values()} == {AT_ONCE}
