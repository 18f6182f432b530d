"""Where launches land: as in the lab, and what holding and freeing lead to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.lab.world.pool import pool_of
from keepapart.lab.world.scheduler import Slots
from keepapart.lab.world.topology import Host, Topology
from keepapart.lab.world.world import Cluster, Rack, Scheduler, World
from keepapart.simulate.habits import HABITS, PACKING, RANDOM, STICKY, Habit
from keepapart.simulate.landing import Found, land
from keepapart.simulate.pool import Pool
from tests.simulate import exact

ENOUGH = 80  # launches after which the lab's own loop is taken to be endless
ERROR = 1e-9  # the chance that a test which rests on chance fails though all is well


def landed(a_pool: Pool, need: int, trials: int, seed: int = 0, *, holding: bool) -> Found:
    """Simulate; all trials as one."""
    chance = np.random.default_rng(seed)
    return np.concatenate(list(land(a_pool, need, trials, chance, holding=holding)))


def lab(world: World, need: int, seed: int, *, holding: bool) -> list[float]:
    """Launch in the lab's own scheduler until `need` are in: at which launches they were found."""
    topology = Topology(world)
    slots = Slots(world.scheduler, {host: topology.capacity(host) for host in topology.hosts()})
    members: set[Host] = set()
    for _ in range(world.clusters[0].size):
        slot = slots.take()
        assert slot
        members.add(slot[0])
    slots._random.seed(seed)  # the pool is the world's; what comes after is this trial's own
    found = [math.inf] * need
    done = 0
    for launch in range(1, ENOUGH + 1):
        slot = slots.take()
        if slot is None or done == need:
            break
        if slot[0] not in members:
            members.add(slot[0])
            found[done] = launch
            done += 1
        elif not holding:
            slots.give_back(*slot)
    return found


@pytest.mark.parametrize("holding", [True, False])
@pytest.mark.parametrize("habit", HABITS)
def test_launches_land_as_in_the_lab(habit: Habit, holding: bool) -> None:
    """Each member is found at the launches at which the lab's scheduler finds it, as often.

    By the Dvoretzky–Kiefer–Wolfowitz inequality (with Massart's constant) the distributions of n trials and
    of m differ nowhere by more than √(ln(2/δ)/2n) + √(ln(2/δ)/2m), but for a chance of 2·δ.
    """
    world = World(
        "w",
        (Rack("a", 3, 2), Rack("b", 3, 3)),
        scheduler=Scheduler(habit, 1),
        clusters=(Cluster("orders", 3),),
    )
    need, few, many = 3, 3000, 30_000
    ours = landed(pool_of(world, None)[0], need, many, holding=holding)
    theirs = np.array([lab(world, need, seed, holding=holding) for seed in range(few)])
    bound = sum(math.sqrt(math.log(2 / (ERROR / 2)) / (2 * n)) for n in (few, many))
    for member in range(need):
        for launch in [*range(1, 40), math.inf]:
            share, theirs_is = (np.mean(found[:, member] <= launch) for found in (ours, theirs))
            assert share == pytest.approx(theirs_is, abs=0.0 if habit == PACKING else bound)
        assert np.isinf(ours[:, member]).mean() == pytest.approx(
            np.isinf(theirs[:, member]).mean(), abs=bound
        )


@given(
    habit=st.sampled_from(HABITS),
    room=st.lists(st.integers(0, 4), max_size=8),
    shared=st.lists(st.integers(0, 4), max_size=8),
    need=st.integers(1, 10),
    holding=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=300, deadline=None)
def test_what_always_holds_of_a_landing(
    habit: str, room: list[int], shared: list[int], need: int, holding: bool, seed: int
) -> None:
    """Members are found one after another, none before as many launches; who holds finds all there are."""
    a_pool = exact.small(habit, room or [0], shared)
    found = landed(a_pool, need, 20, seed, holding=holding)
    assert found.shape == (20, need)
    assert (found >= np.arange(1, need + 1)).all()
    assert (found[:, 1:][np.isfinite(found[:, 1:])] > found[:, :-1][np.isfinite(found[:, 1:])]).all()
    assert np.isinf(found[:, len(a_pool.fresh) :]).all()
    if holding:
        assert np.isfinite(found[:, : len(a_pool.fresh)]).all()
        assert (found[np.isfinite(found)] <= a_pool.room.sum()).all()
    if habit == RANDOM:
        assert np.isfinite(found[:, : len(a_pool.fresh)]).all()


@pytest.mark.parametrize("habit", [PACKING, STICKY])
def test_freeing_finds_nothing_after_the_first_reject(habit: Habit) -> None:
    """Where the slot given back is handed out again, a trial has no reject or never ends."""
    a_pool = exact.small(habit, [2] * 6, [3] * 3)
    found = landed(a_pool, 4, 2000, holding=False)
    assert (found[np.isfinite(found)] == np.nonzero(np.isfinite(found))[1] + 1).all()
    assert np.isinf(found[:, -1]).any()


def test_the_same_seed_lands_the_same_and_batches_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed repeats a simulation; trials done in several batches are as many, and progress ends at all."""
    a_pool = exact.small(RANDOM, [3] * 20, [3] * 5)
    one = landed(a_pool, 5, 100, 7, holding=True)
    assert (landed(a_pool, 5, 100, 7, holding=True) == one).all()
    assert (landed(a_pool, 5, 100, 8, holding=True) != one).any()
    monkeypatch.setattr("keepapart.simulate.landing.CELLS", 300)
    shares: list[float] = []
    batches = list(
        land(
            a_pool,
            5,
            100,
            np.random.default_rng(7),
            holding=True,
            progress=lambda _what, share: shares.append(share),
        )
    )
    assert [len(batch) for batch in batches] == [12] * 8 + [4]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
