"""What each strategy costs, held against an account kept launch by launch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.simulate.strategies import STRATEGIES, Rates, best_possible

RATES = Rates(price=3600.0, boot=60.0, check=10.0, release=30.0)  # so money is instance-seconds

found = st.sets(st.integers(1, 40), min_size=1, max_size=8).map(sorted)


def account(name: str, launches: list[int], rates: Rates) -> tuple[float, float, float, float]:
    """Keep the account by hand: launches, seconds, money, and the most instances at once."""
    need, clock, number, inside = len(launches), 0.0, 0, 0
    since: list[float] = []  # when each instance that still runs began to
    paid, kept, peak, turn = 0.0, 0, 0, rates.boot + rates.check
    first = rates.spares if name == "spares" else 0
    while inside < need:
        one_by_one = name not in ("batch", "spares")
        size = 1 if one_by_one else first or rates.batch or need - inside
        first = 0
        begun = clock
        clock += turn
        for _ in range(size):
            number += 1
            since.append(begun)
            peak = max(peak, len(since) + kept)
            if number in launches:
                inside += 1
            elif name in ("terminate", "stop", "restart"):
                since.pop()
                paid += clock - begun
                clock += rates.release
                kept += name == "stop"
    return number, clock, paid + sum(clock - one for one in since), peak


@given(launches=found, batch=st.integers(0, 9), spares=st.integers(0, 9))
def test_costs_are_those_of_an_account_kept_by_hand(launches: list[int], batch: int, spares: int) -> None:
    """Launches, time, money and instances at once are what comes of doing it step by step."""
    rates = Rates(RATES.price, RATES.boot, RATES.check, RATES.release, batch, spares)
    for name, strategy in STRATEGIES.items():
        cost = strategy.cost(np.array([launches], float), rates)
        got = [float(values[0]) for values in (cost.launches, cost.seconds, cost.money, cost.peak)]
        assert got == pytest.approx(account(name, launches, rates)), name


@given(launches=found, spares=st.integers(0, 9))
def test_no_strategy_beats_the_best_possible(launches: list[int], spares: int) -> None:
    """The oracle launches, waits and pays no more than any strategy does, however it turns out."""
    rates = Rates(RATES.price, RATES.boot, RATES.check, RATES.release, 0, spares)
    best = best_possible(len(launches), rates)
    assert (best.launches[0], best.seconds[0]) == (len(launches), rates.turn)
    for strategy in STRATEGIES.values():
        cost = strategy.cost(np.array([launches], float), rates)
        for of in ("launches", "seconds", "money", "peak"):
            assert getattr(cost, of)[0] >= getattr(best, of)[0]


@given(launches=found)
def test_as_many_at_once_as_are_missing_is_holding_in_fewer_turns(launches: list[int]) -> None:
    """`batch` takes the very launches that `hold` takes, never more time, never more money."""
    trial = np.array([launches], float)
    hold, batch = (STRATEGIES[name].cost(trial, RATES) for name in ("hold", "batch"))
    assert batch.launches[0] == hold.launches[0] == launches[-1]
    assert batch.seconds[0] <= hold.seconds[0]
    assert batch.money[0] <= hold.money[0]


@pytest.mark.parametrize("price", [0.0, 1.0])
@pytest.mark.parametrize("name", STRATEGIES)
def test_what_never_ends_costs_without_end(name: str, price: float) -> None:
    """A trial that loops for ever is infinite, beside others that aren't; only what is free costs nothing."""
    rates = Rates(price, 60.0, 10.0, 30.0, 0, 4)
    cost = STRATEGIES[name].cost(np.array([[1.0, math.inf], [1.0, 2.0]]), rates)
    assert np.isinf(cost.launches).tolist() == np.isinf(cost.seconds).tolist() == [True, False]
    assert np.isinf(cost.money).tolist() == [price > 0, False]
