"""Trials: what is taken for one try to find the shortest path between two.

Where the gateways that packets meet depend on all of a flow, each flow is a trial. Where, beside the
addresses, the sender's port alone decides, all flows from it are as good as one; so are those to one port of
the target where that decides.

1. A pair that has as many ports as flows has no other trials than flows.
2. Of a pair that has several flows to a port, ports count as well, unless the flows of its instances are
   *scattered*: the shortest are spread over ports as chance would have it, and not together. With chance as
   0, and 1 where flows of one port never differ, neither instance's are beyond `BOUND`, and those of both are
   not at a confidence of `DEVIATIONS`. Gateways that ports decide beside others that flows do are at 0.28
   or more wherever 128 flows seem to be enough and 16 ports aren't.
3. Of a way that never shows its pair's least count the ports are no trials: it is the way that is longer,
   such as by a detour that one direction takes, and not some of its ports.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Mask, Places, blocks
from keepapart.probe.measured import Flows, Tally

BOUND = 0.2
DEVIATIONS = 3.1  # of a normal distribution: once in a thousand times
BITS = np.array([number.bit_count() for number in range(256)], np.uint8)  # how many are set

Numbers = npt.NDArray[np.float64]


class Trial(Enum):
    """What is taken for a trial."""

    FLOW = "flow"
    SOURCE = "sender's port"
    TARGET = "target's port"

    def counted(self, tally: Tally, rows: slice | Places) -> tuple[Flows, Flows]:
        """Return how many trials each pair of these rows has, and how many showed its least count."""
        if self is Trial.FLOW:
            return tally.flows[rows], tally.shortest[rows]
        tried, shown = tally.sources if self is Trial.SOURCE else tally.targets
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
    """How the shortest flows of each instance's pairs are spread over the ports of one kind, [n] each.

    By `short` fewer ports than by chance show least counts, with that `variance`; by `most` at the most.
    """

    short: Numbers
    variance: Numbers
    most: Numbers

    @classmethod
    def of(cls, tally: Tally, kind: Trial) -> Scatter:
        """Measure it; of pairs whose flows all differ in their ports nothing is known."""
        short, variance, most = np.zeros((3, len(tally.flows)))
        for rows in blocks(len(short)):
            tried, shown = kind.counted(tally, rows)
            varies = (tried > 0) & (tally.shortest[rows] < tally.flows[rows])
            varies &= tally.way[rows] == tally.way.T[rows]  # else one way shows nothing (rule 3)
            if not varies.any():
                continue
            flows, shortest = (
                np.where(varies, counts[rows], 0.0) for counts in (tally.flows, tally.shortest)
            )
            ports = np.where(varies, tried, 1.0)
            each = np.ceil(flows / ports)
            none, neither = _without(flows, shortest, each), _without(flows, shortest, 2 * each)
            chance = varies * ports * (1 - none)  # ports that would show the least by chance
            spread = varies * (ports * none * (1 - none) + ports * (ports - 1) * (neither - none**2))
            together = varies * shortest / np.maximum(each, 1)  # that would if flows of one never differed
            short[rows] = (chance - varies * shown).sum(axis=1)
            variance[rows] = spread.sum(axis=1).clip(0)
            most[rows] = (chance - together).sum(axis=1)
        return cls(short, variance, most)

    def scattered(self, rows: slice | Places) -> Mask:
        """Say whose flows are scattered, of rows of pairs (rule 2)."""
        short, variance, most = (each[rows, None] + each for each in (self.short, self.variance, self.most))
        either: Mask = self.short <= BOUND * self.most
        found: Mask = (short + DEVIATIONS * np.sqrt(variance) < BOUND * most) & either[rows, None] & either
        return found


def _without(flows: Numbers, shortest: Numbers, some: Numbers) -> Numbers:
    """Return the chance that none of `some` flows, drawn from all, is one of the shortest."""
    chance = np.ones_like(flows)
    for drawn in range(int(some.max(initial=0))):
        left = np.maximum(flows - shortest - drawn, 0) / np.maximum(flows - drawn, 1)
        chance *= np.where(drawn < some, left, 1)
    return chance
