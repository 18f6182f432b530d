"""Strategies side by side, and which to choose."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from keepapart.simulate import formula
from keepapart.simulate.compare import Comparison, advised, compare
from keepapart.simulate.habits import PACKING, RANDOM, STICKY
from keepapart.simulate.pool import pool
from keepapart.simulate.strategies import STRATEGIES, Rates

RATES = Rates(0.1, 60.0, 10.0, 30.0, 0, 10)


def compared(habit: str, *, hosts: int = 20, need: int = 5, attempts: int = 10) -> Comparison:
    """Compare all strategies on a pool of hosts with eight slots, two members there."""
    return compare(
        pool(hosts, 8, 0.7, habit, 2),
        need,
        list(STRATEGIES),
        RATES,
        existing=2,
        attempts=attempts,
        trials=5000,
        seed=1,
    )


@pytest.mark.parametrize("habit", [PACKING, STICKY])
def test_endless_loops_are_shown(habit: str) -> None:
    """Freeing rejects under these habits is shown as infinite, with its chance, and never advised."""
    found = compared(habit)
    rows = {row.name: row for row in found.rows}
    for name in ("terminate", "stop", "restart"):
        assert rows[name].endless == rows[name].given_up > 0.5
        assert rows[name].launches.p99 == rows[name].seconds.mean == rows[name].money.mean == math.inf
        assert rows[name].times_best == (math.inf, math.inf, math.inf)
    for name in ("hold", "batch", "spares"):
        assert rows[name].endless == 0
    assert STRATEGIES[found.advised or "terminate"].holding


def test_strategies_that_launch_alike_are_compared_on_the_same_launches() -> None:
    """Those that hold rejects share their trials, and so do those that don't: no difference is noise."""
    rows = {row.name: row for row in compared(RANDOM).rows}
    assert rows["hold"].launches == rows["batch"].launches
    assert rows["terminate"].launches == rows["stop"].launches == rows["restart"].launches
    assert rows["batch"].seconds.mean < rows["hold"].seconds.mean


def test_giving_up_is_counted_as_admission_counts_it() -> None:
    """More than `max_attempts` launches for any one member, not in all, makes a run fail."""
    found = compared(RANDOM, need=12, attempts=3)
    rows = {row.name: row for row in found.rows}
    chance = 1 - formula.within(found.pool, 12, 3)
    assert rows["terminate"].given_up == pytest.approx(chance, abs=math.sqrt(math.log(2e9) / 10_000))
    assert compared(RANDOM, need=12, attempts=10_000).rows[0].given_up == 0


def test_the_advice_is_sure_then_quick_then_cheap() -> None:
    """Least given up; then quickest, a turn more or less; then cheapest; nothing where nothing succeeds."""
    row = compared(RANDOM).rows[0]

    def like(name: str, given_up: float, seconds: float, money: float) -> object:
        return replace(
            row,
            name=name,
            given_up=given_up,
            seconds=replace(row.seconds, mean=seconds),
            money=replace(row.money, mean=money),
        )

    rows = [like("a", 0.1, 1, 1), like("b", 0, 200, 5), like("c", 0, 260, 4), like("d", 0, 270, 1)]
    assert advised(rows, 70.0) == "c"  # type: ignore[arg-type]  # `replace` loses the type
    assert advised([like("a", 1.0, math.inf, math.inf)], 70.0) is None  # type: ignore[list-item]  # likewise


def test_too_small_a_pool_is_no_error() -> None:
    """Where no strategy can succeed, every figure says so and none is advised."""
    found = compared(RANDOM, hosts=6, need=5)
    assert found.advised is None
    assert all(row.endless == row.given_up == 1.0 for row in found.rows)
    assert all(row.launches.p50 == math.inf for row in found.rows)


def test_a_hundred_thousand_hosts_are_no_less_exact() -> None:
    """The largest pool, all strategies, a large cluster."""
    large = pool(100_000, 20, 0.7, RANDOM, 5)
    found = compare(large, 500, list(STRATEGIES), RATES, existing=5, attempts=10, trials=1000, seed=0)
    assert found.rows[0].launches.mean == pytest.approx(found.rows[0].expected, rel=0.001)
