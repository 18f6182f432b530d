"""The measured counts of every pair, summed up over flows as they come in: it never holds them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.components import Mask, blocks

Counts = npt.NDArray[np.uint8]
Flows = npt.NDArray[np.uint8]  # at most 64 each way

LONGEST = 32  # hops; no provider's path is longer: a higher count shows a time-to-live rewritten on the way
BY = ("udp", "tcp", "icmp")  # means of measuring, the later ones where the earlier are filtered


@dataclass(slots=True)
class Tally:
    """Hop counts of n instances, all [n, n]; 0 everywhere means not measured.

    `way[i, j]` is the least count from i to j. The others are of unordered pairs, both ways together, and
    symmetric: `least` and `most` hop counts, how many `flows` were measured and how many of those had the
    least count (`shortest`), and the means `by` which they were measured, a number into `BY`.
    """

    way: Counts
    least: Counts
    most: Counts
    flows: Flows
    shortest: Flows
    by: Counts

    @classmethod
    def empty(cls, size: int) -> Tally:
        """Return the tally of instances of which nothing was measured."""
        return cls(*np.zeros((6, size, size), np.uint8))

    @classmethod
    def of(cls, samples: Counts) -> Tally:
        """Return the tally of samples [k, n, n]; see `add`."""
        tally = cls.empty(samples.shape[1])
        tally.add(samples)
        return tally

    def add(self, samples: Counts, by: int = 0) -> None:
        """Count in samples [k, n, n], row = from, column = to, each a flow of its own, 0 = not measured."""
        for sample in samples:
            for rows in blocks(len(sample)):
                self._add(rows, sample[rows], np.ascontiguousarray(sample[:, rows].T), by)

    def _add(self, rows: slice, out: Counts, back: Counts, by: int) -> None:
        """Count in these rows of a sample, and the ways back of the same pairs.

        0 - 1 wraps to 255, the largest: "not measured" loses against every count.
        """
        one = np.uint8(1)
        way, least, flows, shortest = self.way[rows], self.least[rows], self.flows[rows], self.shortest[rows]
        np.add(np.minimum(way - one, out - one), one, out=way)
        np.copyto(self.by[rows], np.uint8(by), where=(out | back) > 0)
        for counts in (out, back):
            measured = counts > 0
            shortest *= least - one <= counts - one  # a shorter one begins anew
            np.add(np.minimum(least - one, counts - one), one, out=least)
            np.maximum(self.most[rows], counts, out=self.most[rows])
            flows += measured
            shortest += measured & (counts == least)

    def forget(self, places: Sequence[int]) -> None:
        """Unmeasure every pair of these instances."""
        for counts in self._arrays():
            counts[list(places), :] = 0
            counts[:, list(places)] = 0

    def without(self, pairs: Mask) -> Tally:
        """Return a copy in which these pairs [n, n] are not measured."""
        return Tally(*(np.where(pairs, np.uint8(0), counts) for counts in self._arrays()))

    def spread(self, places: Sequence[int], size: int) -> Tally:
        """Return the tally of `size` instances, of which this one's are at `places`."""
        wide = Tally.empty(size)
        at = np.ix_(list(places), list(places))
        for wider, counts in zip(wide._arrays(), self._arrays(), strict=True):
            wider[at] = counts
        return wide

    def _arrays(self) -> tuple[Counts, ...]:
        return self.way, self.least, self.most, self.flows, self.shortest, self.by
