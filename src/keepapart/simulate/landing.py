"""Where launches land: at which of them each new member's host is found, trial by trial.

The scheduler has one of the `habits`; of equally full hosts `packing` takes the first.

A candidate that lands beside a member, or beside another candidate that was let in, is turned down. Its slot
is kept until the run is done (*holding*), or given back before the next launch (*freeing*). Freeing under
`packing` and `sticky` puts things back just as they were, so the next launch lands in the same place, and so
on without end: such a trial finds no further host.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from keepapart.model import Progress, silent
from keepapart.simulate.habits import PACKING, STICKY
from keepapart.simulate.pool import Pool

Found = npt.NDArray[np.float64]  # [trial, member]: the number, from 1, of the launch that found it; inf: none

CELLS = 4_000_000  # of the tables of one batch of trials: some 30 MB


def land(
    pool: Pool,
    need: int,
    trials: int,
    chance: np.random.Generator,
    *,
    holding: bool,
    progress: Progress = silent,
) -> Iterator[Found]:
    """Yield, batch by batch of `trials`, the launches at which `need` members were found."""
    if pool.habit == PACKING:  # nothing is left to chance, so one trial is all of them
        yield np.repeat(_packing(pool, need, holding=holding)[None], trials, axis=0)
        progress("simulate", 1.0)
        return
    batch = max(1, CELLS // max(1, len(pool.room), need))
    for done in range(0, trials, batch):
        size = min(batch, trials - done)

        def advance(what: str, share: float, done: int = done, size: int = size) -> None:
            progress(what, (done + size * share) / trials)

        yield _random(pool, need, size, chance, holding=holding, progress=advance)
    progress("simulate", 1.0)


def _random(
    pool: Pool, need: int, trials: int, chance: np.random.Generator, *, holding: bool, progress: Progress
) -> Found:
    found = np.full((trials, need), np.inf)
    hosts = np.flatnonzero(pool.room)
    reachable = min(need, len(pool.fresh))  # each new member takes one fresh host, rejects take none
    if not reachable:
        return found
    room = np.repeat(pool.room[hosts][None], trials, axis=0)
    shared = np.repeat(pool.members[hosts][None], trials, axis=0)
    listed = np.repeat(np.arange(len(hosts), dtype=np.int32)[None], trials, axis=0)  # hosts that have room …
    count = np.full(trials, len(hosts))  # … are the first `count` of the list
    members = np.zeros(trials, np.int64)
    active = np.arange(trials)
    launches = 0
    while len(active):
        launches += 1
        position = chance.integers(0, count[active])
        host = listed[active, position]
        lets_in = ~shared[active, host]
        into, at = active[lets_in], host[lets_in]
        shared[into, at] = True
        found[into, members[into]] = launches
        members[into] += 1
        stays = lets_in | holding
        kept, where, place = active[stays], host[stays], position[stays]
        room[kept, where] -= 1
        full = room[kept, where] == 0
        kept, place = kept[full], place[full]
        count[kept] -= 1
        listed[kept, place] = listed[kept, count[kept]]  # the last takes the place of the one that is full
        goes_on = members[active] < reachable
        if pool.habit == STICKY and not holding:
            goes_on &= lets_in
        active = active[goes_on]
        if launches % 64 == 0:
            progress("simulate", float(members.sum()) / (reachable * trials))
    return found


def _packing(pool: Pool, need: int, *, holding: bool) -> Found:
    found = np.full(need, np.inf)
    room, taken, shared = pool.room.copy(), pool.taken.copy(), pool.members.copy()
    launches = members = 0
    order = iter(np.lexsort((np.arange(len(taken)), -taken)).tolist())  # filling a host keeps it the fullest
    host = next(order)
    while members < need:
        while not room[host]:
            host = next(order, -1)
            if host < 0:
                return found
        launches += 1
        if not shared[host]:
            shared[host] = True
            found[members] = launches
            members += 1
        elif not holding:
            return found
        room[host] -= 1
    return found
