"""A comparison of launch strategies, in a terminal and as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from keepapart.lab.world import PACKING, STICKY
from keepapart.report.terminal import console, fact, line
from keepapart.report.words import many
from keepapart.simulate import formula
from keepapart.simulate.compare import Comparison, Figures, Row
from keepapart.simulate.strategies import STRATEGIES

SCHEMA = "keepapart.simulate/1"
BEST = "best"  # the bound's name in the table
ENDLESS = "∞"
LIKELY = 0.01  # a chance from which giving up is pointed out


class Unit(NamedTuple):
    """A unit of time, used for durations below `below` seconds."""

    name: str
    seconds: float
    below: float
    digits: str


UNITS = (
    Unit("s", 1, 120, "{:,.0f}"),
    Unit("min", 60, 7200, "{:,.1f}"),
    Unit("h", 3600, math.inf, "{:,.1f}"),
)


def document(found: Comparison) -> dict[str, Any]:
    """Return the JSON document; what is infinite is null."""
    pool, rates = found.pool, found.rates
    return {
        "schema": SCHEMA,
        "pool": {
            "hosts": len(pool.room),
            "with_room": int((pool.room > 0).sum()),
            "with_room_and_no_member": len(pool.fresh),
            "fill": pool.fill,
            "habit": pool.habit,
        },
        "cluster": {"existing": found.existing, "size": found.existing + found.need, "missing": found.need},
        "rates": asdict(rates),
        "max_attempts": found.attempts,
        "trials": found.trials,
        "seed": found.seed,
        "best_possible": _row(found.best),
        "strategies": [_row(row) for row in found.rows],
        "advice": {"strategy": found.advised, "because": advice(found)},
    }


def _row(row: Row) -> dict[str, Any]:
    launches, seconds, money = row.times_best
    return {
        "name": row.name,
        "launches": {**_figures(row.launches), "formula": _finite(row.expected)},
        "seconds": _figures(row.seconds),
        "money": _figures(row.money),
        "peak": _figures(row.peak),
        "given_up": row.given_up,
        "endless": row.endless,
        "times_best": {"launches": _finite(launches), "seconds": _finite(seconds), "money": _finite(money)},
    }


def _figures(figures: Figures) -> dict[str, float | None]:
    return {name: _finite(value) for name, value in asdict(figures).items()}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def print_comparison(found: Comparison) -> None:
    """Print what was asked, a row for each strategy, what the columns mean, and the advice."""
    out = console()
    pool = found.pool
    line(
        out,
        (f"{many(found.need, 'new member')} apart", "bold"),
        f" from each other and from {found.existing} existing" if found.existing else " from each other",
        f"; {many(len(pool.room), 'host')}, {pool.fill:.0%} filled, {pool.habit}; {found.trials:,} trials",
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("strategy", no_wrap=True)
    for title in (
        "launches\np50/90/99",
        "\nmean",
        "by for-\nmula",
        "time\np50/99",
        "money\nmean",
        "at once\np99",
        "gives\nup",
        "× best: launches\n/time/money",
    ):
        table.add_column(title, justify="right", no_wrap=True)
    for row in (*found.rows, found.best):
        style = "bold green" if row.name == found.advised else "dim" if row is found.best else ""
        table.add_row(*_cells(row), style=style)
    out.print()
    out.print(table)
    out.print()
    for row in found.rows:
        line(out, (f"{row.name:<10} {STRATEGIES[row.name].does}", "dim"))
    for label, text in notes(found):
        line(out, (f"{label:<10} {text}", "dim"))
    out.print()
    for text in warnings(found):
        line(out, ("✗ ", "bold red"), text)
    fact(out, "advice", advice(found))


def _cells(row: Row) -> list[Text]:
    launches, seconds = row.launches, row.seconds
    unit = next((unit for unit in UNITS if seconds.p50 < unit.below), UNITS[0])
    return [
        Text(row.name),
        _cell("{:,.0f}", launches.p50, launches.p90, launches.p99),
        _cell("{:,.2f}", launches.mean),
        Text("–", "dim") if row.expected is None else _cell("{:,.2f}", row.expected),
        _cell(unit.digits, seconds.p50 / unit.seconds, seconds.p99 / unit.seconds, end=unit.name),
        _cell(_digits(row.money.mean), row.money.mean),
        _cell("{:,.0f}", row.peak.p99),
        Text(percent(row.given_up), "bold red" if row.given_up >= LIKELY else ""),
        _cell("{:,.2f}", *row.times_best),
    ]


def _cell(digits: str, *values: float, end: str = "") -> Text:
    """Write figures as one cell, those that are infinite in red; one sign where all are."""
    if not any(map(math.isfinite, values)):
        return Text(ENDLESS, "bold red")
    cell = Text("/").join(
        Text(digits.format(value)) if math.isfinite(value) else Text(ENDLESS, "bold red") for value in values
    )
    return cell.append(f" {end}") if end else cell


def notes(found: Comparison) -> list[tuple[str, str]]:
    """Say what the table's figures mean: labels and texts."""
    rates = found.rates
    return [
        (
            "takes",
            f"{rates.boot:g} s to boot, {rates.check:g} s to check, {rates.release:g} s to let go; "
            f"an hour costs {rates.price:g}",
        ),
        (
            "gives up",
            f"after max_attempts = {found.attempts} in a row in vain; the other figures let it go on",
        ),
        (BEST, "an oracle: it knows where each would land, launches none in vain, and all at once"),
    ]


def warnings(found: Comparison) -> list[str]:
    """Say which strategies loop for ever, how often and why; or that there is no room at all."""
    fresh = len(found.pool.fresh)
    if fresh < found.need:
        return [
            f"only {many(fresh, 'host')} with room {'has' if fresh == 1 else 'have'} no member: "
            f"{found.need} more members can't all be apart, whatever the strategy"
        ]
    rows = [row for row in found.rows if row.endless]
    if not rows:
        return []
    why = {
        STICKY: "a freed slot is the very next one filled",
        PACKING: "the fullest host is filled first, and a reject that is let go leaves it as it was",
    }[found.pool.habit]
    chance = 1 - formula.within(found.pool, found.need, 1)
    names = ", ".join(row.name for row in rows)
    exactly = f" (by formula {percent(chance)})" if found.pool.habit == STICKY else ""
    verb = "loops" if len(rows) == 1 else "loop"
    return [f"{names} {verb} for ever in {percent(rows[0].endless)} of runs{exactly}: {why}"]


def advice(found: Comparison) -> str:
    """Say which strategy to choose, and why, in one sentence."""
    chosen = next((row for row in found.rows if row.name == found.advised), None)
    if chosen is None:
        if len(found.pool.fresh) < found.need:
            return "ask for fewer members, or for a larger pool: another zone or another instance type"
        return f"none succeeds with max_attempts = {found.attempts}: raise it, or compare other strategies"
    text = (
        f"{chosen.name}: {STRATEGIES[chosen.name].does}; {duration(chosen.seconds.p50)} as a rule, "
        f"{duration(chosen.seconds.p99)} at p99, costs {_digits(chosen.money.mean).format(chosen.money.mean)}"
    )
    if chosen.given_up >= LIKELY:
        text += f"; still given up in {percent(chosen.given_up)} of runs: raise max_attempts"
    return text


def duration(seconds: float) -> str:
    """Write a duration in the unit that suits it."""
    if not math.isfinite(seconds):
        return ENDLESS
    unit = next(unit for unit in UNITS if seconds < unit.below)
    return f"{unit.digits.format(seconds / unit.seconds)} {unit.name}"


def percent(share: float) -> str:
    """Write a share so that what is small doesn't read as nothing, nor what is nearly all as all."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    return "<0.1%" if share < 0.001 else ">99.9%" if share > 0.999 else f"{share:.1%}"


def _digits(money: float) -> str:
    return "{:,.4f}" if money < 1 else "{:,.2f}"
