"""The worst case: how many instances may be on one host, in any placement that the verdicts allow. Pure.

1. Co-resident instances are on one host in every placement, separate ones in none; any two others may be.
   So a host may hold any groups of co-residents of which no two have a separate pair between them: a clique.
2. Groups of which the same is known to everybody else weigh as one: all that can't be reached, all of one
   zone. That leaves few to choose among, and the heaviest clique that each one is in is found at once.
3. Where that takes too long, it is bounded from above: never is it said to be less than it may be.
4. An instance that is down is on no host.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keepapart.arrays import Labels, Mask, Sizes, in_groups
from keepapart.domains.clique import heaviest_clique
from keepapart.judging.judge import PairJudgement

WORK = 1_000_000  # nodes that are painted in all: less than a second
SHARES = 20  # into which the work is divided, so that one hard choice doesn't leave others without


def most_together(judgement: PairJudgement, down: Sequence[int] = (), work: int = WORK) -> Sizes:
    """Return how many instances may be on the host of each, itself among them, [n]; a bound after `work`.

    Of those that are `down`, by index, it is 0.
    """
    groups = judgement.groups
    up = np.ones(len(groups), np.bool_)
    up[list(down)] = False
    found: Sizes = np.where(up, np.bincount(groups, up).astype(np.int64)[groups], 0)
    near_down = judgement.weights[:, list(down)] > -judgement.assurance
    possible = judgement.possible - np.count_nonzero(near_down, axis=1)
    alone = np.zeros(len(groups), np.bool_)
    alone[groups[up & (possible == found)]] = True  # somebody of the group is apart from all others
    at = np.flatnonzero(up & ~alone[groups])
    if not len(at):
        return found
    order, starts = in_groups(groups[at])
    at = at[order]
    apart = judgement.weights[np.ix_(at, at)] <= -judgement.assurance
    near: Mask = ~np.logical_or.reduceat(np.logical_or.reduceat(apart, starts, axis=0), starts, axis=1)
    alike = _alike(near)
    held = np.diff(starts, append=len(at))
    weights: Sizes = np.bincount(alike, held).astype(np.int64)
    first = np.unique(alike, return_index=True)[1]
    found[at] = np.repeat(_heaviest(near[np.ix_(first, first)], weights, work)[alike], held)
    return found


def _alike(near: Mask) -> Labels:
    """Number those who are near the same ones, themselves among them, alike."""
    numbers: dict[bytes, int] = {}
    rows = (row.tobytes() for row in np.packbits(near, axis=1))
    return np.array([numbers.setdefault(row, len(numbers)) for row in rows], np.int32)


def _heaviest(near: Mask, weights: Sizes, work: int) -> Sizes:
    """Return what the heaviest clique that each node is in weighs, those that may weigh most at first."""
    np.fill_diagonal(near, val=False)
    joined = [int.from_bytes(row.tobytes(), "little") for row in np.packbits(near, axis=1, bitorder="little")]
    each, share = weights.tolist(), work // SHARES
    of_all = heaviest_clique(joined, each, work=share)
    most: Sizes = np.minimum(near @ weights + weights, of_all.most)
    found: dict[int, int] = {}
    work -= of_all.work
    for node in np.argsort(-most, kind="stable").tolist():
        among = joined[node]
        if among not in found and among.bit_count() <= work:
            clique = heaviest_clique(joined, each, among=among, work=share)
            work -= clique.work
            found[among] = clique.most
        if among in found:
            most[node] = min(most[node], found[among] + each[node])
    return most
