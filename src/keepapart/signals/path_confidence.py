"""How far hop counts may be believed: the chance that a shorter path exists that no flow took.

If a flow takes a longer path than the shortest with chance p, all of k flows do with chance p^k. p is never
assumed. It is bounded from above (Clopper and Pearson) by what was measured:

1. A pair's chance of a longer path is bounded by the network-wide rate, and by the rates of its two instances
   and of the pair itself wherever any variation was seen; the largest bound applies.
2. Where the shortest path is rare, most pairs have not shown it yet and look steady. So two more bounds
   apply: the rate of those pairs of each instance that vary at all, and that of all pairs at two hops.
3. Two instances on one host would vary as those pairs do that each is known to share a host with, because
   they are two hops apart. Where that rate is known and smaller, it is the bound.
4. Where addresses decide how long a path is, all flows of one direction count as one, and the chance is at
   least that both directions are longer than they need be (`signals/per_destination.py`).

Rules 2 and 4 keep two instances from being called separate. To refute what a network is taken for, the
likeliest chance is enough: `likely` leaves these rules out.

One flow of each pair is its shortest by definition, so a pair of k flows makes k - 1 trials.

However steady, a count is believed only

5. if both directions were measured, and each instance saw itself that what was sent to its address arrived:
   else only one direction is known, or somebody may have answered in the other's name;
6. beyond two hops, if both have the addresses that the others send to: the path to a translated address leads
   past the translator, which may be above both hosts.

A count that depends on the time-to-live that a datagram began with is not believed, because the time-to-live
is rewritten on the way. Such a pair shows a count above `LONGEST`; or its datagrams that began with the
smaller value count less in at least `SKEWED` directions and more in none, which variation would show about
equally often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from keepapart.arrays import Mask, Places, blocks
from keepapart.probe.measured import LONGEST, Counts, Flows, Tally
from keepapart.signals.per_destination import compared

UNSEEN = 1e-6  # bound on a shorter path not seen yet (docs/design.md, Hops 4)
CONFIDENCE = 0.999  # of the upper bound on the chance of a longer path
SKEWED = 3  # directions: variation alone makes three point one way once in eight times, which costs little
NOTHING = np.float32(np.log(1e-30))  # below this, chances are not distinguished

Chances = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Variation:
    """Upper bounds on the chance that a flow takes a longer path than its pair's shortest.

    `everywhere` is that of all pairs together. `own` [n] is that of each instance's pairs, 0 where none of
    them varies; `worst` [n] that of those of its pairs that vary, at least that of all pairs at two hops, 0
    where those are steady; `with_host` [n] that of its pairs at two hops, 0 where it has none. `way` is the
    chance that all flows of one direction are longer, 0 where nothing shows that addresses decide.
    """

    everywhere: float
    own: Chances
    worst: Chances
    with_host: Chances
    way: float

    @classmethod
    def of(cls, tally: Tally) -> Variation:
        """Measure how much the paths of a tally vary."""
        size = len(tally.least)
        longer, trials, varying, longer_two, trials_two = np.zeros((5, size), np.int64)
        for rows in blocks(size):
            more, tried = _trials(tally.flows[rows], tally.shortest[rows])
            two = tally.least[rows] == 2
            longer[rows], trials[rows] = more.sum(axis=1), tried.sum(axis=1)
            varying[rows] = (tried * (more > 0)).sum(axis=1)
            longer_two[rows], trials_two[rows] = (more * two).sum(axis=1), (tried * two).sum(axis=1)
        together = _upper_bound(longer_two.sum() // 2, trials_two.sum() // 2) * (longer_two.sum() > 0)
        longer_ways, trials_ways = compared(tally)
        return cls(
            float(_upper_bound(longer.sum() // 2, trials.sum() // 2)),
            _upper_bound(longer, trials) * (longer > 0),
            np.maximum(_upper_bound(longer, varying) * (longer > 0), together),
            _upper_bound(longer_two, trials_two) * (trials_two > 0),
            float(_upper_bound(longer_ways, trials_ways)) * (longer_ways > 0),
        )


@dataclass(frozen=True, slots=True)
class PathConfidence:
    """A tally, and how far its counts may be believed.

    `sure` [n, n] are the pairs whose least count may be believed: it is two hops, or more while the chance
    of a shorter path not seen yet is below `UNSEEN`. `confirmed` [n, n] are the pairs that rules 5 and 6
    allow to be believed. Pairs between which the time-to-live is rewritten count as not measured;
    `rewritten` is the first of them.
    """

    tally: Tally
    variation: Variation
    sure: Mask
    confirmed: Mask
    rewritten: tuple[int, int] | None

    @classmethod
    def of(cls, tally: Tally, own_address: Sequence[bool | None] | None = None) -> PathConfidence:
        """Judge a tally.

        `own_address` says which instances have the address that others send to, None where that isn't known;
        as a whole it is None where nobody was asked, and then rule 6 doesn't apply.
        """
        rewritten = None
        if (strange := _rewritten(tally)).any():
            i, j = divmod(int(strange.argmax()), len(strange))
            rewritten, tally = (i, j), tally.without(strange)
        variation = Variation.of(tally)
        size = len(tally.least)
        own = np.ones(size, np.bool_) if own_address is None else np.array([o is True for o in own_address])
        sure: Mask = np.zeros((size, size), np.bool_)
        confirmed: Mask = np.zeros((size, size), np.bool_)
        paths = cls(tally, variation, sure, confirmed, rewritten)
        for rows in blocks(size):
            both = (tally.arrived[rows] > 0) & (tally.arrived[:, rows].T > 0)
            both &= (tally.way[rows] > 0) & (tally.way[:, rows].T > 0)
            two = tally.least[rows] == 2
            confirmed[rows] = both & (two | own[rows, None] & own)
            sure[rows] = confirmed[rows] & (two | (tally.least[rows] > 2) & (paths.unseen(rows) < UNSEEN))
        return paths

    @property
    def least(self) -> Counts:
        """The least counts [n, n], both ways together."""
        return self.tally.least

    def unseen(self, rows: slice | Places, *, likely: bool = False) -> Chances:
        """Bound the chance, for rows of pairs, that a shorter path is unseen; 1 where none was measured.

        With `likely` rules 2 and 4 are left out.
        """
        flows = self.tally.flows[rows]
        longer, trials = _trials(flows, self.tally.shortest[rows])
        vary = self.variation
        each = vary.own if likely else np.maximum(vary.own, vary.worst)
        own = np.maximum(each[rows, None], each)
        chance = np.maximum(own, np.float32(vary.everywhere))
        varied = longer > 0
        if varied.any():
            chance[varied] = np.maximum(chance[varied], _upper_bound(longer[varied], trials[varied]))
        if own.any():
            with_host = np.maximum(vary.with_host[rows, None], vary.with_host)
            np.minimum(chance, with_host, out=chance, where=with_host > 0)
        # What underflows is two hundred times slower, so the chance is cut off where it is nothing anyway.
        exponent = np.multiply(np.log(chance, out=chance), flows, out=chance)
        unseen = np.exp(np.maximum(exponent, NOTHING, out=exponent), out=exponent)
        if vary.way and not likely:
            way = self.tally.way
            both = (way[rows] > 0) & (way.T[rows] > 0)
            np.maximum(unseen, np.where(both, np.float32(vary.way**2), np.float32(vary.way)), out=unseen)
        return unseen


def _rewritten(tally: Tally) -> Mask:
    """Say between whom the time-to-live is rewritten, [n, n]."""
    strange: Mask = tally.most > LONGEST
    first, second = tally.least_of
    if not ((first > 0) & (second > 0)).any():  # one sample each way: the two ways have different beginnings
        second = second.T
    shorter = (first > 0) & (second > first)
    if shorter.sum() >= SKEWED and not ((second > 0) & (first > second)).any():
        strange |= shorter | shorter.T
    return strange


def _trials(flows: Flows, shortest: Flows) -> tuple[Flows, Flows]:
    """Return how many flows took a longer path, and how many could have."""
    return flows - shortest, np.maximum(flows, 1) - flows.dtype.type(1)


def _upper_bound(longer: object, trials: object) -> Chances:
    """Clopper and Pearson's upper bound on a chance, from `longer` of `trials`; 1 where there were none."""
    x, n = np.asarray(longer, np.float64), np.asarray(trials, np.float64)
    bound = np.where(x < n, betaincinv(x + 1, np.maximum(n - x, 0.5), CONFIDENCE), 1.0)
    return bound.astype(np.float32)
