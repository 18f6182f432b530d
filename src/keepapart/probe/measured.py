"""What a round brings home: the hop counts of every pair, and what was gathered beside them. Values only.

A `Tally` sums counts up over flows as they come in: it never holds them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Mask, blocks

Counts = npt.NDArray[np.uint8]
Flows = npt.NDArray[np.uint8]  # at most 64 each way
Times = npt.NDArray[np.float32]

MUTE = "its node ran, but nothing that it sent or was sent arrived"  # why an instance is lost though reached
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


@dataclass(frozen=True, slots=True)
class Extras:
    """What was gathered, in the order of the round's ids.

    `firsts` and `upstreams` are the addresses of the first and second router, empty where not known;
    `times` [n, n] the least round trips in seconds, symmetric, 0 where not measured, or None; `guests` what
    each tells of its machine, as text, empty where it tells nothing.
    """

    firsts: Sequence[str]
    upstreams: Sequence[str]
    times: Times | None
    guests: Sequence[Mapping[str, object]]

    @classmethod
    def nothing(cls, size: int) -> Extras:
        """Return what is known of n nodes that were not asked."""
        return cls([""] * size, [""] * size, None, [{}] * size)

    def spread(self, places: Sequence[int], size: int) -> Extras:
        """Return the same of `size` instances, of which this one's are at `places`."""
        wide = Extras.nothing(size)
        firsts, upstreams, guests = list(wide.firsts), list(wide.upstreams), list(wide.guests)
        for number, place in enumerate(places):
            firsts[place], upstreams[place] = self.firsts[number], self.upstreams[number]
            guests[place] = self.guests[number]
        times = None
        if self.times is not None:
            times = np.zeros((size, size), np.float32)
            times[np.ix_(list(places), list(places))] = self.times
        return Extras(firsts, upstreams, times, guests)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured: the `tally` of `ids`, in their order, and the `extras` gathered with it.

    `lost` says of instances without a count why that is.
    """

    ids: tuple[str, ...]
    tally: Tally
    lost: Mapping[str, str]
    extras: Extras | None = None

    def among(self, ids: Sequence[str], lost: Mapping[str, str]) -> Round:
        """Return the same round as one of `ids`, those not in it being `lost` (why, in words)."""
        if tuple(ids) == self.ids:
            return self
        place = {name: number for number, name in enumerate(ids)}
        places = [place[name] for name in self.ids]
        extras = self.extras.spread(places, len(ids)) if self.extras else None
        return Round(tuple(ids), self.tally.spread(places, len(ids)), {**self.lost, **lost}, extras)
