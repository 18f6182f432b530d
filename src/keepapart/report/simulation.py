"""A comparison of launch strategies, in a terminal and as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict

from rich import box
from rich.table import Table
from rich.text import Text

from keepapart.documents.simulation import (
    AdviceEntry,
    ClusterEntry,
    FiguresEntry,
    LaunchesEntry,
    PoolEntry,
    RatesEntry,
    SimulateDocument,
    StrategyEntry,
    TimesBestEntry,
)
from keepapart.model import many
from keepapart.report.lines import console, fact, line
from keepapart.report.words import percent
from keepapart.simulate import formula
from keepapart.simulate.compare import Comparison, Figures, Row
from keepapart.simulate.habits import PACKING, STICKY
from keepapart.simulate.strategies import STRATEGIES

BEST = "best"  # the bound's name in the table
ENDLESS = "∞"
LIKELY = 0.01  # a chance from which giving up is pointed out


LAUNCHES = (
    "launches\np50",
    "\np90",
    "\np99",
    "\nmean",
    "\nformula",
    "\n× best",
    "at once\np99",
    "gives\nup",
)
COST = ("time\np50", "\np90", "\np99", "\n× best", "money\np50", "\np99", "\n× best")


def document(found: Comparison) -> SimulateDocument:
    """Return the JSON document; what is infinite is null."""
    pool = found.pool
    return SimulateDocument(
        pool=PoolEntry(
            hosts=len(pool.room),
            with_room=int((pool.room > 0).sum()),
            with_room_and_no_member=len(pool.fresh),
            fill=pool.fill,
            habit=pool.habit,
        ),
        cluster=ClusterEntry(found.existing, found.existing + found.need, found.need),
        rates=RatesEntry(**asdict(found.rates)),
        max_attempts=found.attempts,
        trials=found.trials,
        seed=found.seed,
        best_possible=_row(found.best),
        strategies=tuple(_row(row) for row in found.rows),
        advice=AdviceEntry(found.advised, advice(found)),
    )


def _row(row: Row) -> StrategyEntry:
    return StrategyEntry(
        name=row.name,
        launches=LaunchesEntry(**_figures(row.launches), formula=_finite(row.expected)),
        seconds=FiguresEntry(**_figures(row.seconds)),
        money=FiguresEntry(**_figures(row.money)),
        peak=FiguresEntry(**_figures(row.peak)),
        given_up=row.given_up,
        endless=row.endless,
        times_best=TimesBestEntry(*map(_finite, row.times_best)),
    )


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
        (f"{many(found.need, 'new member')} on hosts of their own", "bold"),
        f", apart from {found.existing} existing" if found.existing else "",
        f"; {many(len(pool.room), 'host')}, {pool.fill:.0%} filled, {pool.habit}; {found.trials:,} trials",
    )
    out.print()
    out.print(_table(found, LAUNCHES, _launches))
    out.print()
    out.print(_table(found, COST, _cost))
    out.print()
    for row in found.rows:
        line(out, (f"{row.name:<10} {STRATEGIES[row.name].does}", "dim"))
    for label, text in notes(found):
        line(out, (f"{label:<10} {text}", "dim"))
    out.print()
    for text in warnings(found):
        line(out, ("✗ ", "bold red"), text)
    fact(out, "advice", advice(found))


def _table(found: Comparison, titles: Sequence[str], cells: Callable[[Row], Sequence[Text]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("\nstrategy", no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for row in (*found.rows, found.best):
        style = "bold green" if row.name == found.advised else "dim" if row is found.best else ""
        table.add_row(Text(row.name), *cells(row), style=style)
    return table


def _launches(row: Row) -> list[Text]:
    launches = row.launches
    return [
        *(_cell("{:,.0f}", value) for value in (launches.p50, launches.p90, launches.p99)),
        _cell("{:,.2f}", launches.mean),
        Text("–", "dim") if row.expected is None else _cell("{:,.2f}", row.expected),
        _cell("{:,.2f}", row.times_best[0]),
        _cell("{:,.0f}", row.peak.p99),
        Text(percent(row.given_up), "bold red" if row.given_up >= LIKELY else ""),
    ]


def _cost(row: Row) -> list[Text]:
    seconds, money = row.seconds, row.money
    return [
        *(_cell(duration(value), value) for value in (seconds.p50, seconds.p90, seconds.p99)),
        _cell("{:,.2f}", row.times_best[1]),
        *(_cell(_digits(value), value) for value in (money.p50, money.p99)),
        _cell("{:,.2f}", row.times_best[2]),
    ]


def _cell(digits: str, value: float) -> Text:
    return Text(digits.format(value)) if math.isfinite(value) else Text(ENDLESS, "bold red")


def notes(found: Comparison) -> list[tuple[str, str]]:
    """Say what the table's figures mean: labels and texts."""
    rates = found.rates
    return [
        (
            "takes",
            f"{rates.boot:g} s to boot, {rates.check:g} s to check, {rates.release:g} s to release; "
            f"an hour costs {rates.price:g}",
        ),
        (
            "gives up",
            f"after max_attempts = {found.attempts} rejects in a row; other figures are for runs that go on",
        ),
        (BEST, "an oracle: it knows where each launch lands, so it needs no more than it keeps, all at once"),
    ]


def warnings(found: Comparison) -> list[str]:
    """Say which strategies never end, how often and why; or that there is no room at all."""
    fresh = len(found.pool.fresh)
    if fresh < found.need:
        return [
            f"only {many(fresh, 'host')} with room {'has' if fresh == 1 else 'have'} no member: "
            f"{found.need} more members can't all have a host of their own, whatever the strategy"
        ]
    rows = [row for row in found.rows if row.endless]
    if not rows:
        return []
    why = {
        STICKY: "a freed slot is the very next one filled",
        PACKING: "the fullest host is filled first, and a reject that is released leaves it as it was",
    }[found.pool.habit]
    chance = 1 - formula.within(found.pool, found.need, 1)
    names = ", ".join(row.name for row in rows)
    exactly = f" (by formula {percent(chance)})" if found.pool.habit == STICKY else ""
    verb = "never ends" if len(rows) == 1 else "never end"
    return [f"{names} {verb} in {percent(rows[0].endless)} of runs{exactly}: {why}"]


def advice(found: Comparison) -> str:
    """Say which strategy to choose, and why, in one sentence."""
    chosen = next((row for row in found.rows if row.name == found.advised), None)
    if chosen is None:
        if len(found.pool.fresh) < found.need:
            return "ask for fewer members, or for a larger pool: another zone or another instance type"
        return f"none succeeds with max_attempts = {found.attempts}: raise it, or compare other strategies"
    money = _digits(chosen.money.mean).format(chosen.money.mean)
    text = (
        f"{chosen.name}: {STRATEGIES[chosen.name].does}{_standing_by(found, chosen)}; "
        f"{duration(chosen.seconds.p50)} typically, {duration(chosen.seconds.p99)} at p99, costs {money}"
    )
    if chosen.given_up >= LIKELY:
        text += f"; it still gives up in {percent(chosen.given_up)} of runs: raise max_attempts"
    return text


def _standing_by(found: Comparison, chosen: Row) -> str:
    return f" ({found.rates.spares} of them ready)" if chosen.name == "spares" else ""


def duration(seconds: float) -> str:
    """Write a duration in the unit that suits it."""
    if not math.isfinite(seconds):
        return ENDLESS
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def _digits(money: float) -> str:
    return "{:.3g}" if money < 10 else "{:,.2f}"
