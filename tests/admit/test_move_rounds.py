"""Moves as an operator's week has them: any faults, kills, other commands; never two down, nobody lost."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from keepapart.admit import admit, collect, move
from keepapart.errors import CapacityError, CloudError, KeepapartError, RefusedError
from keepapart.settings import LaunchSettings
from keepapart.testing import Fault
from tests.admit.conftest import CLUSTER, Bench
from tests.admit.test_gate import Killed

CALLS = ("instances", "describe", "stop", "start", "launch", "terminate")
ERRORS = (CloudError("InternalError"), CloudError("the connection was lost"), None)
START = (CapacityError("no room"), RefusedError("not there"))


class Week:
    """One cluster through some commands, each under faults, some of them killed."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.bench, self.chance = bench, random.Random(seed)
        cloud = bench.cloud
        cloud.habit, cloud.seed = self.chance.choice(["packing", "sticky", "random"]), seed
        cloud.hosts, cloud.capacity = self.chance.choice([4, 8]), self.chance.choice([2, 3, 5])
        self.size = self.chance.choice([3, 4, 5])
        for number in range(3, self.size + 1):
            cloud.add(f"m-{number}", self.chance.randrange(2))
        cloud.capacity = max(cloud.capacity, self.size)
        cloud.stop_seconds, cloud.boot_seconds = (
            self.chance.choice([0.0, 7.0]),
            self.chance.choice([0.0, 9.0]),
        )
        cloud.lists_lag = self.chance.choice([0.0, 20.0])
        cloud.shows_lag = self.chance.choice([0.0, 3.0])
        bench.clock.now += 100.0

    def on_arrow(self, left: int | None) -> object:
        """Return what looks at every arrow, and kills at one of them."""

        def passed(name: str) -> None:
            nonlocal left
            down = [m for m in self.bench.cloud.members() if self.bench.cloud.all()[m].state != "running"]
            assert len(down) <= 1, f"{down} are down {name}"
            if left is not None:
                left -= 1
                if left <= 0:
                    raise Killed

        return passed

    def arm(self) -> None:
        """Let some calls fail."""
        self.bench.cloud.clear()
        for _ in range(self.chance.randrange(4)):
            call = self.chance.choice(CALLS)
            error = self.chance.choice([*ERRORS[:2], *(START if call == "start" else ())])
            if call in ("stop", "terminate") and self.chance.random() < 0.3:
                error = None  # answered as if done
            skip, times = self.chance.randrange(4), self.chance.choice([1, 2, 6])
            self.bench.cloud.arm(
                Fault(call, error, skip, times, after=bool(error) and self.chance.random() < 0.5)
            )

    def command(self, left: int | None) -> None:
        """Give one command."""
        bench, chance = self.bench, self.chance
        policy = LaunchSettings(max_attempts=4, max_minutes=30, max_held=chance.choice([0, 1]))
        context = bench.context(policy, on_arrow=self.on_arrow(left))
        which = chance.choice(["move", "move", "move", "gc", "admit"])
        if which == "gc":
            collect(context)
        elif which == "admit":
            admit(context, bench.truth, to=self.size)
        else:
            ids = chance.sample([f"m-{n}" for n in range(1, self.size + 1)], chance.choice([1, 2, self.size]))
            outcome = move(context, bench.truth, ids, hold=chance.random() < 0.5)
            if outcome.code == 0:
                assert set(outcome.moved) == set(ids)
                for one in outcome.moved:
                    beside = [
                        m for m in bench.cloud.members() if bench.cloud.host(m) == bench.cloud.host(one)
                    ]
                    assert beside == [one], f"{one} is called moved, and is beside {beside}"

    def settled(self) -> None:
        """Once the faults are over, `gc` leaves every member running and nothing else there."""
        bench = self.bench
        bench.cloud.clear()
        bench.clock.now += 100.0
        for _ in range(2):
            collected = collect(bench.context(on_arrow=self.on_arrow(None)))
            bench.clock.now += 100.0
        assert collected.code == 0, collected
        alive = bench.cloud.alive()
        assert set(alive) == {f"m-{n}" for n in range(1, self.size + 1)}
        assert {i.state for i in alive.values()} == {"running"}
        assert bench.store.journals.unfinished(CLUSTER) == []


@pytest.mark.parametrize("seed", range(40))
def test_a_week_of_moves(bench: Bench, seed: int) -> None:
    """Whatever fails and whoever is killed: at most one is down at any time, and nobody stays so."""
    week = Week(bench, seed)
    for _ in range(6):
        week.arm()
        left = week.chance.randrange(1, 60) if week.chance.random() < 0.5 else None
        with suppress(Killed, KeepapartError):
            week.command(left)
        bench.clock.now += week.chance.choice([0.0, 5.0, 100.0])
    week.settled()
