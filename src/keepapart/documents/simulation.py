"""The document of `simulate`: launch strategies compared. What is infinite is null."""

from __future__ import annotations

from keepapart.documents.base import Document, Entry


class PoolEntry(Entry, frozen=True):
    """The hosts that a launch may land on; `fill` is the share of their room taken, 0 to 1."""

    hosts: int
    with_room: int
    with_room_and_no_member: int
    fill: float
    habit: str


class ClusterEntry(Entry, frozen=True):
    """How many members there are, are wanted in all, and are missing."""

    existing: int
    size: int
    missing: int


class RatesEntry(Entry, frozen=True):
    """What a launch takes: `price` of an instance-hour, seconds to boot, check and release.

    `batch` is how many are launched at once, 0 where as many as are missing; `spares` how many stand by.
    """

    price: float
    boot: float
    check: float
    release: float
    batch: int
    spares: int


class FiguresEntry(Entry, frozen=True):
    """A quantity over all trials: its mean and its percentiles."""

    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None


class LaunchesEntry(FiguresEntry, frozen=True):
    """Launches over all trials, and how many a formula expects where there is one."""

    formula: float | None


class TimesBestEntry(Entry, frozen=True):
    """How many times what the best possible strategy takes."""

    launches: float | None
    seconds: float | None
    money: float | None


class StrategyEntry(Entry, frozen=True):
    """One strategy: what it takes, the most instances at once, and the chances of giving up and of no end."""

    name: str
    launches: LaunchesEntry
    seconds: FiguresEntry
    money: FiguresEntry
    peak: FiguresEntry
    given_up: float
    endless: float
    times_best: TimesBestEntry


class AdviceEntry(Entry, frozen=True):
    """The strategy to choose, null where none succeeds, and why."""

    strategy: str | None
    because: str


class SimulateDocument(Document, frozen=True, tag="keepapart.simulate/1"):
    """What was asked of the simulation and what came of it."""

    pool: PoolEntry
    cluster: ClusterEntry
    rates: RatesEntry
    max_attempts: int
    trials: int
    seed: int
    best_possible: StrategyEntry
    strategies: tuple[StrategyEntry, ...]
    advice: AdviceEntry
