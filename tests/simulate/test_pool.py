"""The pool that a simulation begins with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.errors import UsageError
from keepapart.simulate.habits import HABITS, PACKING, RANDOM, Habit
from keepapart.simulate.pool import pool


@given(
    hosts=st.integers(1, 500),
    capacity=st.integers(1, 60),
    fill=st.floats(0, 1),
    habit=st.sampled_from(HABITS),
    data=st.data(),
)
def test_a_pool_is_what_was_asked_for(
    hosts: int, capacity: int, fill: float, habit: str, data: st.DataObject
) -> None:
    """So many hosts, none over its capacity, members on hosts of their own that hold at least them."""
    existing = data.draw(st.integers(0, hosts))
    made = pool(hosts, capacity, fill, habit, existing)
    assert len(made.room) == len(made.taken) == hosts
    assert (made.room + made.taken == capacity).all()
    assert (made.room >= 0).all()
    assert made.members.sum() == existing
    assert (made.taken[made.members] > 0).all()
    assert set(made.fresh) | set(made.shared) == set(np.flatnonzero(made.room))


@pytest.mark.parametrize("habit", HABITS)
def test_a_pool_is_filled_as_asked(habit: Habit) -> None:
    """Rounded to whole hosts, the share that is taken is the share that was asked for."""
    assert pool(1000, 20, 0.7, habit, 0).fill == pytest.approx(0.7, abs=0.001)


def test_a_packed_pool_has_one_host_at_most_that_is_neither_full_nor_empty() -> None:
    """Others fill it host by host, as its scheduler would have."""
    packed = pool(100, 8, 0.333, PACKING, 0)
    assert ((packed.taken > 0) & (packed.room > 0)).sum() <= 1


def test_members_that_do_not_fit_are_refused() -> None:
    """More members than hosts is an error that says so."""
    with pytest.raises(UsageError, match="only 3 hosts"):
        pool(3, 10, 0.5, RANDOM, 4)
