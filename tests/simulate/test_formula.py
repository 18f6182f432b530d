"""The formulas, held against small pools worked out in fractions and against the simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keepapart.simulate import formula
from keepapart.simulate.habits import PACKING, RANDOM, STICKY
from keepapart.simulate.landing import land
from keepapart.simulate.pool import Pool, pool
from tests.simulate import exact

ERROR = 1e-9  # the chance that a test which rests on chance fails though all is well

rooms = st.lists(st.integers(0, 3), max_size=4)


def launches(
    a_pool: Pool, need: int, trials: int, *, holding: bool
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Simulate; all launches of all trials."""
    chance = np.random.default_rng(20261123)
    return np.concatenate(list(land(a_pool, need, trials, chance, holding=holding)))


@given(room=rooms, shared=rooms, holding=st.booleans(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_the_expectation_is_exact(
    room: list[int], shared: list[int], holding: bool, data: st.DataObject
) -> None:
    """Whatever the pool, the launches expected by formula are those worked out launch by launch."""
    a_pool = exact.small(RANDOM, room, shared)
    assume(len(a_pool.fresh))
    need = data.draw(st.integers(1, len(a_pool.fresh)))
    known = float(exact.expected(exact.state(a_pool), need, holding))
    # holding is an integral done numerically, at its least exact where the last fresh host is waited for
    assert formula.expected(a_pool, need, holding=holding) == pytest.approx(known, rel=1e-6)


@pytest.mark.parametrize("existing", [0, 3])
def test_freeing_simulated_comes_to_the_formula(existing: int) -> None:
    """The launches of all trials together are within the bound for a sum of geometric variables.

    Of such a sum of mean m, the least chance of success being p, the chance to be at λ·m or beyond is at most
    exp(−p·m·(λ − 1 − ln λ)) (Janson, "Tail bounds for sums of geometric and exponential variables", 2018).
    """
    a_pool, need, trials = pool(12, 8, 0.5, RANDOM, existing), 6, 20_000
    assert (a_pool.room[a_pool.fresh] > 1).all()  # else the waits depend on each other
    mean = formula.expected(a_pool, need, holding=False)
    least = (len(a_pool.fresh) - need + 1) / (a_pool.room > 0).sum()
    share = launches(a_pool, need, trials, holding=False)[:, -1].mean() / mean
    assert math.exp(-least * trials * mean * (share - 1 - math.log(share))) > ERROR / 2
    assert abs(share - 1) < 0.03  # the bound is worth something: by itself it allows no more than this


@pytest.mark.parametrize("existing", [0, 3])
def test_holding_simulated_comes_to_the_formula(existing: int) -> None:
    """The mean is within the empirical Bernstein bound, launches being at most the slots that are free.

    |mean − E| ≤ √(2·V·ln(4/δ)/N) + 7·range·ln(4/δ)/(3·(N − 1)) but for δ (Maurer and Pontil, 2009).
    """
    a_pool, need, trials = pool(12, 4, 0.5, RANDOM, existing), 9 - existing, 40_000
    found = launches(a_pool, need, trials, holding=True)[:, -1]
    log, width = math.log(4 / ERROR), float(a_pool.room.sum() - need)
    bound = math.sqrt(2 * found.var(ddof=1) * log / trials) + 7 * width * log / (3 * (trials - 1))
    assert bound < 0.15
    assert found.mean() == pytest.approx(formula.expected(a_pool, need, holding=True), abs=bound)


@pytest.mark.parametrize("habit", [RANDOM, STICKY])
@pytest.mark.parametrize(("most", "fill"), [(1, 0.5), (2, 0.85), (5, 0.85)])
def test_the_chance_of_giving_up_simulated_comes_to_the_formula(habit: str, most: int, fill: float) -> None:
    """The share of trials is within Hoeffding's bound of the chance, also where hosts have one slot."""
    a_pool, need, trials = pool(20, 4, fill, habit, 4), 6, 20_000
    found = launches(a_pool, need, trials, holding=False)
    with np.errstate(invalid="ignore"):
        share = (np.diff(found, axis=1, prepend=0.0) <= most).all(axis=1).mean()
    bound = math.sqrt(math.log(2 / ERROR) / (2 * trials))
    assert share == pytest.approx(formula.within(a_pool, need, most), abs=bound)


def test_none_in_vain_is_the_birthday_problem() -> None:
    """23 launched at once on 365 hosts with ample room are more likely than not to meet."""
    empty = pool(365, 100, 0.0, RANDOM, 0)
    assert formula.within(empty, 22, 1) == pytest.approx(0.524305, abs=1e-6)
    assert formula.within(empty, 23, 1) == pytest.approx(0.492703, abs=1e-6)


def test_all_hosts_is_the_coupon_collector() -> None:
    """To reach every one of n hosts with ample room takes n·(1 + 1/2 + … + 1/n) launches."""
    assert formula.expected(pool(50, 1000, 0.0, RANDOM, 0), 50, holding=False) == pytest.approx(
        50 * sum(1 / n for n in range(1, 51))
    )


@given(room=rooms, shared=rooms, habit=st.sampled_from([RANDOM, PACKING]), data=st.data())
@settings(max_examples=150, deadline=None)
def test_what_a_larger_pool_and_holding_do(
    room: list[int], shared: list[int], habit: str, data: st.DataObject
) -> None:
    """Twice the hosts of the same make, or holding instead of freeing, never makes more launches expected."""
    one, two = exact.small(habit, room, shared), exact.small(habit, room * 2, shared)
    assume(len(two.fresh))
    need = data.draw(st.integers(1, len(two.fresh)))
    for holding in (True, False):
        before, after = (formula.expected(a_pool, need, holding=holding) for a_pool in (one, two))
        assert need * (1 - 1e-9) <= after <= before * (1 + 1e-9)
    assert formula.expected(two, need, holding=True) <= formula.expected(two, need, holding=False) * (
        1 + 1e-9
    )
    assert formula.within(one, need, 2) <= formula.within(two, need, 2) + 1e-9


def test_a_hundred_thousand_hosts() -> None:
    """At the largest sizes too what is expected is finite and just above the least."""
    large = pool(100_000, 20, 0.7, RANDOM, 5)
    for holding in (True, False):
        assert 10_000 < formula.expected(large, 10_000, holding=holding) < 10_600
