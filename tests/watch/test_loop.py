"""The loop: one audit after the other, whatever they end with, and nothing left behind by a week of them."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from pathlib import Path

import pytest

from keepapart.errors import ConfigError, OperationError
from keepapart.store import Store
from keepapart.watch.auditor import configured
from tests.report.audits import APART, SHARED, audit_of
from tests.watch.bench import Bench, config_file

HOUR = 3600.0
NO_WAY_IN = OperationError("no way in to any instance")


def test_what_an_audit_found_is_known(tmp_path: Path) -> None:
    """Its outcome, and whether the cluster survives."""
    bench = Bench(tmp_path, [audit_of(SHARED), audit_of(APART)])
    assert (bench.watch.survives().survives, bench.watch.survives().because) == (None, "not audited yet")
    bench.once()
    assert (bench.watch.outcome, bench.watch.survives().survives) == ("shared", True)
    bench.once()
    assert (bench.watch.outcome, bench.watch.survives().survives) == ("ok", True)


@pytest.mark.parametrize(
    "failure",
    [NO_WAY_IN, ValueError("nobody thought of that"), MemoryError()],
    ids=["known", "new", "memory"],
)
def test_no_failure_ends_the_watch(tmp_path: Path, failure: Exception) -> None:
    """It is counted, what was known stands for its time, and the next audit is made."""
    bench = Bench(tmp_path, [audit_of(APART), failure, failure, audit_of(APART)])
    bench.once(3)
    assert (bench.watch.outcome, bench.watch.failures) == ("failed", 2)
    assert bench.watch.survives().survives is True
    bench.once()
    assert (bench.watch.outcome, bench.watch.failures, bench.watch.because) == ("ok", 0, None)
    assert bench.watch.outcomes == {"ok": 2, "failed": 2}


def test_what_is_old_is_not_known_any_more(tmp_path: Path) -> None:
    """After three intervals without an audit that succeeds, nobody is told that the cluster survives."""
    bench = Bench(tmp_path, [audit_of(APART), NO_WAY_IN])
    bench.once(3)
    assert bench.watch.survives().survives is True
    bench.once(2)
    assert bench.watch.survives().survives is None
    assert "the last audit that succeeded is of 2027" in bench.watch.survives().because


def test_a_clock_set_back_makes_nothing_young(tmp_path: Path) -> None:
    """The age of an audit goes by the clock that nobody sets as well."""
    bench = Bench(tmp_path, [audit_of(APART)])
    bench.once()
    bench.watch.of_day = lambda: bench.clock.now - 100 * HOUR
    bench.clock.now += 10 * HOUR
    assert bench.watch.survives().survives is None


def test_a_cluster_without_its_quorum_survives_nothing(tmp_path: Path) -> None:
    """Whatever is known of hosts."""
    bench = Bench(tmp_path, [audit_of(APART[:3], states=["running", "stopped", "stopped"])])
    bench.once()
    assert bench.watch.survives().survives is False


def test_two_watches_never_audit_at_once(tmp_path: Path) -> None:
    """The one that comes second says who is at it, and tries again soon; one that is dead holds up nobody."""
    bench = Bench(tmp_path, [audit_of(APART)])
    with Store(bench.url) as store:
        assert store.watches.claim("orders", "pid 1 on elsewhere", bench.clock() + 60, bench.clock(), bool)
        bench.once()
        assert bench.made == 0
        assert bench.watch.because == "another `keepapart watch` audits 'orders' now"
        assert store.watches.claim("orders", "another", bench.clock() + 60, bench.clock(), lambda _: True)
        bench.clock.now += 61
        bench.once()
    assert bench.made == 1


def test_an_audit_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its time, and is a failure after that."""
    bench = Bench(tmp_path, [audit_of(APART)])
    ended = []

    async def hang(_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    monkeypatch.setattr(bench.watch, "_audit", hang)
    monkeypatch.setattr(type(bench.watch), "longest", 0.05)
    bench.once()
    assert ended
    assert bench.watch.because is not None
    assert "took longer than" in bench.watch.because


def test_a_loop_that_does_not_turn_is_not_alive(tmp_path: Path) -> None:
    """It is for two intervals after its last turn, whatever audits ended with."""
    bench = Bench(tmp_path, [NO_WAY_IN])
    bench.once()
    assert bench.watch.alive
    bench.clock.now += 2 * HOUR
    assert not bench.watch.alive


def test_a_configuration_read_again_counts_at_once(tmp_path: Path) -> None:
    """The rest ends early; what only a restart can change is refused, and the one before stays."""
    bench = Bench(tmp_path, [audit_of(APART)])

    async def scenario() -> None:
        async def for_ever(_: float) -> None:
            await asyncio.Event().wait()

        bench.watch._sleep = for_ever
        running = asyncio.create_task(bench.watch.run())
        while bench.made < 1 or bench.watch.auditing:
            await asyncio.sleep(0.01)
        config_file(tmp_path, "minutes = 5")
        bench.watch.again(configured(str(bench.path)))
        while bench.made < 2:
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())
    assert bench.watch.interval == 300
    config_file(tmp_path, 'listen = "127.0.0.1:1"')
    with pytest.raises(ConfigError, match=r"\[watch\] listen: takes a restart"):
        bench.watch.again(configured(str(bench.path)))
    assert bench.watch.interval == 300


def test_a_store_that_is_away_is_a_failure_and_no_more(tmp_path: Path) -> None:
    """When it is back, the next audit is kept in it."""
    bench = Bench(tmp_path, [audit_of(APART)])
    database = tmp_path / "keepapart.db"
    database.mkdir()
    bench.once()
    assert bench.watch.outcome == "failed"
    database.rmdir()
    bench.once()
    assert bench.watch.outcome == "ok"


def test_a_week_of_schedule_leaks_nothing(tmp_path: Path) -> None:
    """168 hours, audits of all outcomes: as many descriptors, tasks and about as much memory as before.

    Memory is counted in blocks that Python has: one kept of each audit would be well beyond the bound.
    """
    logging.getLogger("keepapart").setLevel(logging.CRITICAL)
    audits: list[Exception | object] = [audit_of(APART), NO_WAY_IN, audit_of(SHARED), audit_of(SHARED)]
    bench = Bench(tmp_path, (audits * 100), "minutes = 180")  # type: ignore[arg-type]

    async def until(hours: float) -> tuple[int, int, int]:
        gc.collect()
        end = bench.clock.now + hours * HOUR
        running = asyncio.create_task(bench.watch.run())
        while bench.clock.now < end:
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        gc.collect()
        descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        return descriptors, len(asyncio.all_tasks()), sys.getallocatedblocks()

    async def scenario() -> None:
        before = await until(24)
        after = await until(144)
        assert after[:2] == before[:2]
        assert after[2] - before[2] < 1_000

    asyncio.run(scenario())
    assert 56 < bench.made < 110
    assert all(3 * HOUR >= slept >= 30 for slept in bench.clock.slept)
