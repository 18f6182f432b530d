"""All strategies over many trials: their figures side by side, and which to choose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keepapart.model import Progress, silent
from keepapart.simulate import formula
from keepapart.simulate.landing import Found, land
from keepapart.simulate.pool import Pool
from keepapart.simulate.strategies import STRATEGIES, Cost, Rates, Values, best_possible

QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Figures:
    """A quantity over all trials; infinite where that share of the trials never ends."""

    mean: float
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy.

    `given_up` is the chance that `admit` gives up after `max_attempts` rejects in a row. `endless` is the
    chance that the strategy never ends. `expected` are the launches by formula, None where there is
    none; `times_best` how many times the best possible launches, seconds and money it takes.
    """

    name: str
    launches: Figures
    seconds: Figures
    money: Figures
    peak: Figures
    given_up: float
    endless: float
    expected: float | None
    times_best: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was asked and what came of it. `best` is the bound (an oracle); `advised` a row's name or None."""

    pool: Pool
    need: int
    existing: int
    attempts: int
    rates: Rates
    trials: int
    seed: int
    rows: Sequence[Row]
    best: Row
    advised: str | None


def compare(
    pool: Pool,
    need: int,
    names: Sequence[str],
    rates: Rates,
    *,
    existing: int,
    attempts: int,
    trials: int,
    seed: int,
    progress: Progress = silent,
) -> Comparison:
    """Simulate the strategies called `names`, each on the very same launches as others of its kind."""
    kinds = sorted({STRATEGIES[name].holding for name in names})
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    given_up: dict[bool, float] = {}
    for number, holding in enumerate(kinds):
        failed = 0
        chance = np.random.default_rng([seed, holding])

        def advance(what: str, share: float, number: int = number) -> None:
            progress(what, (number + share) / len(kinds))

        for found in land(pool, need, trials, chance, holding=holding, progress=advance):
            failed += int((_longest_wait(found) > attempts).sum())
            for name in names:
                if STRATEGIES[name].holding is holding:
                    costs[name].append(STRATEGIES[name].cost(found, rates))
        given_up[holding] = failed / trials
    oracle = [best_possible(need, rates)]
    best = _row("best", oracle, oracle, 0.0, float(need))
    rows = [_of(name, costs[name], oracle, given_up, pool, need, rates) for name in names]
    return Comparison(
        pool, need, existing, attempts, rates, trials, seed, rows, best, advised(rows, rates.turn)
    )


def advised(rows: Sequence[Row], turn: float) -> str | None:
    """Name the strategy to choose, None where none succeeds.

    1. The least likely to be given up.
    2. Of these the quickest, and those that take less than one turn longer.
    3. Of these the cheapest; of equals the first.
    """
    sure = min((row.given_up for row in rows), default=1.0)
    able = [row for row in rows if row.given_up == sure < 1.0]
    quickest = min((row.seconds.mean for row in able), default=0.0)
    quick = [row for row in able if row.seconds.mean < quickest + turn or row.seconds.mean == quickest]
    return min(quick, key=lambda row: row.money.mean).name if quick else None


def _of(
    name: str,
    costs: Sequence[Cost],
    oracle: Sequence[Cost],
    given_up: Mapping[bool, float],
    pool: Pool,
    need: int,
    rates: Rates,
) -> Row:
    holding = STRATEGIES[name].holding
    # several at once overshoot, by how much no formula says
    overshoots = (name == "batch" and rates.batch) or (name == "spares" and rates.spares)
    known = None if overshoots else formula.expected(pool, need, holding=holding)
    return _row(name, costs, oracle, given_up[holding], known)


def _row(
    name: str, costs: Sequence[Cost], oracle: Sequence[Cost], given_up: float, known: float | None
) -> Row:
    names = ("launches", "seconds", "money", "peak")
    joined: dict[str, Values] = {of: np.concatenate([getattr(cost, of) for cost in costs]) for of in names}
    figures = {of: _figures(values) for of, values in joined.items()}
    endless = float(np.isinf(joined["launches"]).mean())
    launches, seconds, money = (
        _times(figures[of].mean, float(getattr(oracle[0], of)[0])) for of in ("launches", "seconds", "money")
    )
    return Row(
        name,
        **figures,
        given_up=given_up,
        endless=endless,
        expected=known,
        times_best=(launches, seconds, money),
    )


def _figures(values: Values) -> Figures:
    ordered = np.sort(values)
    picks = [float(ordered[math.ceil(q * len(ordered)) - 1]) for q in QUANTILES]
    return Figures(float(values.mean()), *picks)


def _times(value: float, best: float) -> float:
    return value / best if best else 1.0


def _longest_wait(found: Found) -> Values:
    """Return the most launches that any one member took, trial by trial."""
    with np.errstate(invalid="ignore"):  # infinity less infinity: the wait before it is infinite already
        waits = np.diff(found, axis=1, prepend=0.0)
    longest: Values = np.nan_to_num(waits, nan=0.0, posinf=np.inf).max(axis=1)
    return longest
