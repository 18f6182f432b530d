"""Trials: what is taken for one try to find the shortest path between two.

Where the gateways that packets meet depend on all of a flow, each flow is a trial. Where, beside the
addresses, the sender's port alone decides, all flows from it are as good as one; so are those to one port of
the target where that decides.

1. A pair that has as many ports as flows has no other trials than flows.
2. Of a pair that has several flows to a port, ports count as well, unless the flows of its instances are
   *scattered*: way by way the shortest are spread over ports as chance would have it, and not together. With
   chance as 0, and 1 where flows of one port never differ, neither instance's own are beyond `BOUND` by more
   than one deviation; and those of both, and of all with whom their ways vary, are surely not, `DEVIATIONS`
   away: so an instance of which few ways vary is told by those that make them vary. Gateways that ports
   decide beside others that flows do are at 0.28 or more wherever 128 flows seem to be enough and 16 ports
   aren't.
3. Of a way that never shows its pair's least count the ports are no trials: it is the way that is longer,
   such as by a detour that one direction takes, and not some of its ports.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Mask, Places, blocks
from keepapart.probe.measured import Flows, Ports, Tally

BOUND = 0.2
DEVIATIONS = 3.1  # of a normal distribution: once in a thousand times
BITS = np.array([number.bit_count() for number in range(256)], np.uint8)  # how many are set

Numbers = npt.NDArray[np.float64]


class Trial(Enum):
    """What is taken for a trial."""

    FLOW = "flow"
    SOURCE = "sender's port"
    TARGET = "target's port"

    def ports(self, tally: Tally) -> Ports:
        """Return the ports of a kind that goes by ports: those tried, and those that showed least counts."""
        return tally.sources if self is Trial.SOURCE else tally.targets

    def counted(self, tally: Tally, rows: slice | Places) -> tuple[Flows, Flows]:
        """Return how many trials each pair of these rows has, and how many showed its least count."""
        if self is Trial.FLOW:
            return tally.flows[rows], tally.shown(rows)
        tried, shown = self.ports(tally)
        out, back = BITS[tried[rows]], BITS[tried.T[rows]]
        several = out + back < tally.flows[rows]
        trials = out * (shown[rows] > 0) + back * (shown.T[rows] > 0)
        return trials * several, (BITS[shown[rows]] + BITS[shown.T[rows]]) * several


def kinds(tally: Tally) -> list[Trial]:
    """Return the kinds of trial of which there are any."""
    if tally.flows.max(initial=0) <= 2:  # one each way
        return [Trial.FLOW]
    ports = [Trial.SOURCE, Trial.TARGET]
    size = len(tally.flows)
    return [
        Trial.FLOW,
        *(kind for kind in ports if any(kind.counted(tally, at)[0].any() for at in blocks(size))),
    ]


@dataclass(frozen=True, slots=True)
class Scatter:
    """How the shortest flows of each instance's ways are spread over the ports of one kind.

    `own` [3, n]: by how many fewer ports than by chance show least counts, with which variance, and by how
    many at the most. `about` [3, n] is the same of its ways and those of all with whom any of them varies.
    """

    own: Numbers
    about: Numbers

    @classmethod
    def of(cls, tally: Tally, kind: Trial) -> Scatter:
        """Measure it way by way; of those whose flows all differ in their ports nothing is known."""
        tries, shows = kind.ports(tally)
        own = np.zeros((3, len(tally.flows)))
        varies = np.zeros(tally.flows.shape, np.bool_)
        for rows in blocks(len(tally.flows)):
            each_way = (tally.flows[rows] + np.uint8(1)) // np.uint8(2)
            tried, shown, shortest = BITS[tries[rows]], BITS[shows[rows]], tally.showing[rows]
            varies[rows] = (tried < each_way) & (shortest > 0) & (shortest < each_way)
            at, ways = np.nonzero(varies[rows])
            found = _spread(
                *(counts[at, ways].astype(np.float64) for counts in (tried, shown, each_way, shortest))
            )
            for total, one in zip(own, found, strict=True):
                total[rows] += np.bincount(at, one, minlength=len(tried))
                total += np.bincount(ways, one, minlength=len(total))
        about = own.copy()
        for rows in blocks(len(varies)):
            about[:, rows] += own @ (varies[:, rows] | varies[rows].T)
        return cls(own, about)

    def scattered(self, rows: slice | Places) -> Mask:
        """Say whose flows are scattered, of rows of pairs (rule 2)."""
        short, variance, most = self.about[:, rows, None] + self.about[:, None]
        surely: Mask = short + DEVIATIONS * np.sqrt(variance) < BOUND * most
        short, variance, most = self.own
        maybe: Mask = short - np.sqrt(variance) <= BOUND * most
        return surely & maybe[rows, None] & maybe


def _spread(ports: Numbers, shown: Numbers, flows: Numbers, shortest: Numbers) -> tuple[Numbers, ...]:
    """Return, of ways, by how many fewer ports than by chance show the least, the variance, and the most."""
    each = np.ceil(flows / ports)
    none, neither = _without(flows, shortest, each), _without(flows, shortest, 2 * each)
    chance = ports * (1 - none)
    variance = ports * none * (1 - none) + ports * (ports - 1) * (neither - none**2)
    return chance - shown, variance.clip(0), chance - shortest / each


def _without(flows: Numbers, shortest: Numbers, some: Numbers) -> Numbers:
    """Return the chance that none of `some` flows, drawn from all, is one of the shortest."""
    chance = np.ones_like(flows)
    for drawn in range(int(some.max(initial=0))):
        left = np.maximum(flows - shortest - drawn, 0) / np.maximum(flows - drawn, 1)
        chance *= np.where(drawn < some, left, 1)
    return chance
