"""Small pools worked out launch by launch, in fractions: no formula, no chance."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np

from keepapart.simulate.pool import Pool

State = tuple[tuple[int, bool], ...]  # of each host: free slots, and whether a member is there


def small(habit: str, room: list[int], shared: list[int], capacity: int = 4) -> Pool:
    """Return a pool of hosts without a member (`room`) and with one (`shared`), by their free slots."""
    rooms = np.array([*room, *shared], np.int64)
    members = np.arange(len(rooms)) >= len(room)
    return Pool(habit, capacity - rooms, rooms, members)


@cache
def expected(state: State, need: int, holding: bool) -> Fraction:
    """Return the launches expected until `need` members are in, any host with room being as likely."""
    if not need:
        return Fraction(0)
    state = tuple(sorted(state))
    live = [n for n, (room, _) in enumerate(state) if room]
    onward = Fraction(1)
    stays = 0
    for n in live:
        room, member = state[n]
        if member and not holding:
            stays += 1
            continue
        after = (*state[:n], (room - 1, True), *state[n + 1 :])
        onward += expected(tuple(sorted(after)), need - (not member), holding) / len(live)
    return onward / (1 - Fraction(stays, len(live)))


def state(pool: Pool) -> State:
    """Return a pool as a state."""
    return tuple(sorted(zip(pool.room.tolist(), pool.members.tolist(), strict=True)))
