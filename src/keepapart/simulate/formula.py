"""What the simulation must come to, where it can be calculated.

Let F hosts be *fresh* (room, no member), S *shared* (room, and a member), n the members wanted, and the next
host any of those with room, each as likely.

**Freeing.** Rejects change nothing. Each of the n members in turn is a wait for the first success, as in the
coupon collector's problem (Feller, *An Introduction to Probability Theory*, vol. 1, IX.3): after i members
F − i hosts are fresh, and those with room are S + F less the hosts that had room for one only and got it. Of
the F, one(s) have such; which the i members took is as good as a draw without replacement, so on average
i·one/F of them. The launches expected are the sum of

    (S + F − i·one/F) / (F − i)        for i = 0 … n−1.

**Holding.** Rejects fill hosts up, which then drop out. Give each host with room r a clock that ticks at rate
1, and let its first r ticks be launches: the order of launches is as before, and the hosts are independent of
each other (Holst, "On birthday, collectors', occupancy and other classical urn problems", *International
Statistical Review* 54, 1986). The n-th member is found at the n-th smallest of F exponential times; that
time being t, every other host that was reached by then had on average E[min(N, r)] launches, N Poisson with
mean t, given at least one where it is fresh. The expectation is a single integral over t, done numerically.

**In a row.** The chance that no more than `most` launches go by for any member is, when freeing, the mean
over the draw above of the product of 1 − (1 − p)^most. With `most` = 1 no launch at all is in vain, which is
the birthday problem: the chance that those launched at once are all apart, and that `sticky` doesn't loop.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betaincinv, gammainc, ndtr

from keepapart.simulate.habits import PACKING, RANDOM
from keepapart.simulate.pool import Pool

POINTS = np.linspace(-8.5, 8.5, 401)  # of a normal variable; beyond lies less than 10⁻¹⁶ of it
WEIGHTS = np.exp(-(POINTS**2) / 2) / math.sqrt(2 * math.pi) * (POINTS[1] - POINTS[0])


def expected(pool: Pool, need: int, *, holding: bool) -> float:
    """Return the launches expected until `need` members are in; infinite where there may be no end."""
    if need > len(pool.fresh):
        return math.inf
    if pool.habit == PACKING:
        return _packing(pool, need, holding=holding)
    if holding:
        return _holding(pool, need)
    if pool.habit == RANDOM:
        return _freeing(pool, need)
    return float(need) if within(pool, need, 1) == 1.0 else math.inf


def within(pool: Pool, need: int, most: int) -> float:
    """Return the chance that no member takes more than `most` launches (0 or more), rejects freed at once.

    Holding rejects can only better it, under any habit. Time grows with the square of `need`.
    """
    fresh, shared = len(pool.fresh), len(pool.shared)
    if need > fresh:
        return 0.0
    if pool.habit == PACKING:
        return float(_packing(pool, need, holding=False) < math.inf)
    tries = most if pool.habit == RANDOM else 1
    one = int((pool.room[pool.fresh] == 1).sum())
    chances = np.ones(1)  # by how many of the members took a host that had room for one only
    for i in range(need):
        gone = np.arange(len(chances))
        success = (fresh - i) / (shared + fresh - gone)
        chances = chances * -np.expm1(tries * np.log1p(-np.minimum(success, 1 - 1e-16)))
        single = np.clip((one - gone) / (fresh - i), 0.0, 1.0)
        chances = np.append(chances * (1 - single), 0.0) + np.append(0.0, chances * single)
    return float(chances.sum())


def _freeing(pool: Pool, need: int) -> float:
    fresh, shared = len(pool.fresh), len(pool.shared)
    one = int((pool.room[pool.fresh] == 1).sum())
    i = np.arange(need)
    return float(((shared + fresh - i * one / fresh) / (fresh - i)).sum())


def _holding(pool: Pool, need: int) -> float:
    fresh = len(pool.fresh)
    # the n-th smallest of F uniform numbers is Beta(n, F−n+1); a normal variable spreads its points well
    reached = np.clip(betaincinv(need, fresh - need + 1, ndtr(POINTS)), 1e-300, 1 - 1e-16)
    time = -np.log1p(-reached)
    most = int(pool.room.max())
    ticks = np.cumsum(gammainc(np.arange(1, most + 1)[:, None], time), axis=0)  # E[min(N, r)], r = 1 …
    of_fresh = np.bincount(pool.room[pool.fresh], minlength=most + 1)[1:] / fresh
    of_shared = np.bincount(pool.room[pool.shared], minlength=most + 1)[1:]
    launches = 1 + (need - 1) * (of_fresh @ ticks) / reached + of_shared @ ticks
    return float((launches * WEIGHTS).sum())


def _packing(pool: Pool, need: int, *, holding: bool) -> float:
    """Walk the hosts from the fullest on: all before the last are filled, and that gets one."""
    order = np.argsort(-pool.taken, kind="stable")
    room, fresh = pool.room[order], (pool.room[order] > 0) & ~pool.members[order]
    last = int(np.flatnonzero(fresh)[need - 1])
    launches = int(room[:last].sum()) + 1
    return float(launches) if holding or launches == need else math.inf
