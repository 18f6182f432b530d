"""Round-trip time: the least of several tries, where the network shows what "near" is by itself.

1. Times are compared with those of pairs that other signals know to be co-resident, or apart, strongly or
   conclusively. There must be at least `KNOWN` of each.
2. All of the apart must take at least `MARGIN` times as long as the slowest of the co-resident: where the
   two overlap, or nearly do, time says nothing of anybody.
3. A pair no slower than the slowest known to be co-resident is the *same*, one no quicker than the quickest
   known to be apart is *different*, both weakly; between the two, nothing is said.

Of k + 1 like pairs, each is as likely as any other to be the extreme one: that a pair that is truly apart is
quicker than all k of its kind has the chance 1 / (k + 1) at most, 10 % with `KNOWN`, and so the other way
round. A pair unlike those known (in another zone, on a busy host) is not held to that: hence weak, always.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keepapart.model import Strength
from keepapart.probe.measured import Times
from keepapart.signals.observed import Observed, Stage
from keepapart.signals.testimony import PairTestimony, Testimony, Weights

WEAK, STRONG = int(Strength.WEAK), int(Strength.STRONG)
KNOWN = 9  # pairs of each kind: a wrong call then has a chance of 1 in 10 at most
MARGIN = 1.25


name = "rtt"
stage = Stage.SETTLED


def testify(seen: Observed) -> Sequence[Testimony]:
    """Say what the least round-trip times say, where there are any."""
    if seen.round.extras is None or seen.round.extras.times is None or seen.settled is None:
        return []
    return testimonies(seen.round.extras.times, seen.settled)


def testimonies(least: Times, known: Weights) -> list[PairTestimony]:
    """Say what the least round-trip times say of every pair, given what other signals have settled."""
    measured = np.triu(least > 0, 1)
    same, apart = least[measured & (known >= STRONG)], least[measured & (known <= -STRONG)]
    if min(same.size, apart.size) < KNOWN:
        return []
    near, far = float(same.max()), float(apart.min())
    if far < near * MARGIN:
        return []
    weights: Weights = np.zeros(least.shape, np.int8)
    weights[least >= far] = -WEAK
    weights[(least > 0) & (least <= near)] = WEAK

    def because(i: int, j: int) -> str:
        took = f"their least round trip takes {_in_words(least[i, j])}"
        if weights[i, j] > 0:
            return f"{took}, no more than on one host here (up to {_in_words(near)} in {same.size} pairs)"
        return f"{took}, as between hosts here (from {_in_words(far)} in {apart.size} pairs)"

    return [PairTestimony("rtt", weights, because)]


def _in_words(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"
