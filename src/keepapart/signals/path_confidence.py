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
5. Where ports decide, all flows of a port count as one: rules 1 to 3 are held to each kind of trial that may
   be one (`signals/trials.py`), and the largest chance applies.

Rules 2, 4 and 5 keep two instances from being called separate. To refute what a network is taken for, the
likeliest chance is enough: `likely` leaves these rules out.

One trial of each pair is its shortest by definition, so a pair of k flows makes k - 1 trials. A pair of which
one address is translated makes none: the path there leads past the translator and the one back may not, which
shows nothing of how the network's own paths vary. So the others are believed as if those took no part.

However steady, a count is believed only

6. if both directions were measured, and each instance saw itself that what was sent to its address arrived:
   else only one direction is known, or somebody may have answered in the other's name;
7. beyond two hops, if both have the addresses that the others send to: the path to a translated address leads
   past the translator, which may be above both hosts;
8. at two hops, unless only flows show it, `RAISED` of them or more, that began with the smaller time-to-live,
   on a network where those count more on no way: a firewall that raises a low one makes two hops of many;
9. nor where all flows of one way are two hops and all of the other three, unless others at two hops show that
   ways differ by more: one of the two is on the link above a host (bare metal, a bridged machine), and sends
   by that link's router to whom the host answers directly. A detour of a host's own guests is two hops more.

A count that depends on the time-to-live that a datagram began with is not believed, because the time-to-live
is rewritten on the way. Such a pair shows a count above `LONGEST`; or datagrams that began with the smaller
value count less on some ways and more on none, and variation alone does that with a chance below `REWRITTEN`.
On one way each of the flows that show its least count began so by accident once in two times; and of all ways
that vary, any may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Mask, Places, blocks
from keepapart.probe.measured import LONGEST, Counts, Flows, Tally
from keepapart.signals.per_destination import compared
from keepapart.signals.trials import Scatter, Trial, kinds

UNSEEN = 1e-6  # bound on a shorter path not seen yet (docs/design.md, Hops 4)
CONFIDENCE = 0.999  # of the upper bound on the chance of a longer path
REWRITTEN = 2.0**-10  # chance, of a whole audit to be refuted by accident
RAISED = 4  # flows: by accident so many begin with the smaller value once in 16 times; then more are sent
NOTHING = np.float32(np.log(1e-30))  # below this, chances are not distinguished

Chances = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Variation:
    """Upper bounds on the chance that one trial takes a longer path than its pair's shortest.

    `everywhere` is that of all pairs together. `own` [n] is that of each instance's pairs, 0 where none of
    them varies; `worst` [n] that of those of its pairs that vary, at least that of all pairs at two hops, 0
    where those are steady; `with_host` [n] that of its pairs at two hops, 0 where it has none. `scatter` is
    that of flows over ports, None where flows are the trials.
    """

    everywhere: float
    own: Chances
    worst: Chances
    with_host: Chances
    scatter: Scatter | None

    @classmethod
    def of(cls, tally: Tally, kind: Trial) -> Variation:
        """Measure how much the paths of a tally vary, by one kind of trial."""
        size = len(tally.least)
        longer, trials, varying, longer_two, trials_two = np.zeros((5, size), np.int64)
        for rows in blocks(size):
            more, tried = _trials(*kind.counted(tally, rows))
            two = tally.least[rows] == 2
            longer[rows], trials[rows] = more.sum(axis=1), tried.sum(axis=1)
            varying[rows] = (tried * (more > 0)).sum(axis=1)
            longer_two[rows], trials_two[rows] = (more * two).sum(axis=1), (tried * two).sum(axis=1)
        together = _upper_bound(longer_two.sum() // 2, trials_two.sum() // 2) * (longer_two.sum() > 0)
        return cls(
            float(_upper_bound(longer.sum() // 2, trials.sum() // 2)),
            _upper_bound(longer, trials) * (longer > 0),
            np.maximum(_upper_bound(longer, varying) * (longer > 0), together),
            _upper_bound(longer_two, trials_two) * (trials_two > 0),
            None if kind is Trial.FLOW else Scatter.of(tally, kind),
        )


@dataclass(frozen=True, slots=True)
class PathConfidence:
    """A tally, and how far its counts may be believed.

    `variations` are by kind of trial; `way` is the chance that all flows of one direction are longer, 0 where
    nothing shows that addresses decide.

    `sure` [n, n] are the pairs whose least count may be believed: it is two hops, or more while the chance
    of a shorter path not seen yet is below `UNSEEN`. `confirmed` [n, n] are the pairs that rules 6 and 7
    allow to be believed. Pairs between which the time-to-live is rewritten count as not measured;
    `rewritten` is the first of them. `translated` [n, n] are the pairs of which one address is not its own.
    """

    tally: Tally
    variations: Mapping[Trial, Variation]
    way: float
    sure: Mask
    confirmed: Mask
    rewritten: tuple[int, int] | None
    translated: Mask

    @classmethod
    def of(cls, tally: Tally, own_address: Sequence[bool | None] | None = None) -> PathConfidence:
        """Judge a tally.

        `own_address` says which instances have the address that others send to, None where that isn't known;
        as a whole it is None where nobody was asked, and then rule 7 doesn't apply.
        """
        rewritten = None
        shorter = _shorter(tally)
        if (strange := _rewritten(tally, shorter)).any():
            i, j = divmod(int(strange.argmax()), len(strange))
            rewritten, tally = (i, j), tally.without(strange)
        size = len(tally.least)
        has_own = [True] * size if own_address is None else own_address
        own, elsewhere = (np.array([one is word for one in has_own], np.bool_) for word in (True, False))
        translated: Mask = elsewhere[:, None] | elsewhere
        shown = tally.without(translated) if elsewhere.any() else tally
        longer_ways, trials_ways = compared(shown)
        way = float(_upper_bound(longer_ways, trials_ways)) * (longer_ways > 0)
        variations = {kind: Variation.of(shown, kind) for kind in kinds(shown)}
        sure: Mask = np.zeros((size, size), np.bool_)
        confirmed: Mask = np.zeros((size, size), np.bool_)
        paths = cls(tally, variations, way, sure, confirmed, rewritten, translated)
        raised = _raised(tally, shorter) | _above_a_host(tally)
        for rows in blocks(size):
            both = (tally.arrived[rows] > 0) & (tally.arrived[:, rows].T > 0)
            both &= (tally.way[rows] > 0) & (tally.way[:, rows].T > 0)
            two = tally.least[rows] == 2
            confirmed[rows] = both & (two | own[rows, None] & own)
            sure[rows] = confirmed[rows] & (
                two & ~raised[rows] | (tally.least[rows] > 2) & (paths.unseen(rows) < UNSEEN)
            )
        return paths

    @property
    def least(self) -> Counts:
        """The least counts [n, n], both ways together."""
        return self.tally.least

    def unseen(self, rows: slice | Places, *, likely: bool = False) -> Chances:
        """Bound the chance, for rows of pairs, that a shorter path is unseen; 1 where none was measured.

        With `likely` rules 2, 4 and 5 are left out.
        """
        if likely:
            return self._unseen(Trial.FLOW, rows, likely=True)
        unseen: Chances = np.maximum.reduce([self._unseen(kind, rows) for kind in self.variations])
        if self.way:
            way = self.tally.way
            both = (way[rows] > 0) & (way.T[rows] > 0)
            np.maximum(unseen, np.where(both, np.float32(self.way**2), np.float32(self.way)), out=unseen)
        return unseen

    def _unseen(self, kind: Trial, rows: slice | Places, *, likely: bool = False) -> Chances:
        """Bound the chance by rules 1 to 3, of one kind of trial; without rule 2 where `likely`.

        Of flows it is 1 where there was none, of ports 0, and where these don't count.
        """
        tried, shown = kind.counted(self.tally, rows)
        longer, trials = _trials(tried, shown)
        vary = self.variations[kind]
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
        exponent = np.multiply(np.log(chance, out=chance), tried, out=chance)
        unseen = np.exp(np.maximum(exponent, NOTHING, out=exponent), out=exponent)
        if vary.scatter:
            unseen[(tried == 0) | vary.scatter.scattered(rows)] = 0
        return unseen


def _shorter(tally: Tally) -> Mask:
    """Say on which ways those that began with the smaller value count less, if they count more on none."""
    first, second = tally.least_of
    if not ((first > 0) & (second > 0)).any():  # one sample each way: the two ways have different beginnings
        second = second.T
    longer = (second > 0) & (first > second)
    shorter: Mask = (first > 0) & (second > first) & ~longer.any()
    return shorter


def _rewritten(tally: Tally, shorter: Mask) -> Mask:
    """Say between whom the time-to-live is rewritten, [n, n]."""
    strange: Mask = tally.most > LONGEST
    if shorter.any():
        shown = np.where(tally.way == tally.least, tally.showing, 1)[shorter]
        ways = np.count_nonzero(tally.most > tally.least)
        bits = np.maximum(1.0, shown - np.log2(ways))  # that ways differ is the accident; how, one in two
        if bits.sum() >= -np.log2(REWRITTEN):
            strange |= shorter | shorter.T
    return strange


def _raised(tally: Tally, shorter: Mask) -> Mask:
    """Say whose least count only datagrams show that began with the smaller value, [n, n] (rule 8)."""
    if not shorter.any():
        return shorter
    first, second = (np.minimum(way - np.uint8(1), way.T - np.uint8(1)) for way in tally.least_of)
    found: Mask = (first < second) & (tally.shown(slice(None)) >= RAISED)
    return found


def _above_a_host(tally: Tally) -> Mask:
    """Say of whom one is on the link above the other's host, [n, n] (rule 9)."""
    two = (tally.least == 2) & (tally.way > 0) & (tally.way.T > 0)
    longer = np.maximum(tally.way, tally.way.T)
    if (two & (longer > 3)).any():
        return np.zeros(two.shape, np.bool_)
    found: Mask = two & (longer == 3) & (tally.most == 3)
    return found


def _trials(tried: Flows, shown: Flows) -> tuple[Flows, Flows]:
    """Return how many trials took a longer path, and how many could have."""
    return tried - shown, np.maximum(tried, 1) - tried.dtype.type(1)


def _upper_bound(longer: object, trials: object) -> Chances:
    """Clopper and Pearson's upper bound on a chance, from `longer` of `trials`; 1 where there were none."""
    x, n = np.asarray(longer, np.float64), np.asarray(trials, np.float64)
    if (
        not x.any()
    ):  # the usual case, whose bound has a closed form: scipy takes longer to import than a round
        return np.where(n > 0, -np.expm1(np.log1p(-CONFIDENCE) / np.maximum(n, 0.5)), 1.0).astype(np.float32)
    from scipy.special import betaincinv

    bound = np.where(x < n, betaincinv(x + 1, np.maximum(n - x, 0.5), CONFIDENCE), 1.0)
    return bound.astype(np.float32)
