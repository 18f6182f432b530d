"""The yearly risk of losing quorum, by how the members are spread over hosts. Pure.

Model: hosts are independent. A host that is up fails as a Poisson process of λ failures a year and takes
all its members with it; these are back, on a host elsewhere that counts as the same one, after a mean of R
hours however that time is distributed, so that a host is down a fraction q = λR/(1 + λR) of the time, R in
years (alternating renewal process). Quorum is lost while fewer than `need` members are up, that is, while the
members down, D, exceed the number that may be missed, m.

1. P(D > m) is exact: D is a sum of independent group sizes, each present with chance q. Hosts with as many
   members are counted by a binomial distribution and the sizes are then convolved.
2. Quorum goes when one host's failure carries D over m. Host h, of g members, is up a fraction 1 − q of the
   time and then fails at rate λ; the others are independent of it. So it happens w times a year,

       w = Σ over h of λ·(1 − q)·P(m − g < D without h ≤ m),

   exact too. It is the system failure frequency of availability theory, each component's failure frequency
   times its Birnbaum importance (Barlow and Proschan, *Statistical Theory of Reliability and Life Testing*,
   1975, ch. 4 and 7; k-out-of-n as a case in Kuo and Zuo, *Optimal Reliability Modeling*, 2003, ch. 7).
3. While quorum holds it is lost at a mean rate w / P(D ≤ m), Vesely's failure rate (Vesely, "A time-dependent
   methodology for fault tree evaluation", *Nuclear Engineering and Design* 13, 1970). Taking that rate as
   constant, the chance of at least one loss within a year that begins with all hosts up is

       1 − exp(−w / P(D ≤ m)).

   Exact where one host alone decides. Otherwise it errs to the high side, for a year that begins with all up
   takes about R to become an ordinary one, and losses come in clusters: by less than half a percent of
   itself at 0.08 failures a year and a day, by a tenth at 0.08 and a month.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from keepapart.domains.binomial import binomial

HOURS = 8766.0  # of a mean year of 365.25 days

Distribution = npt.NDArray[np.float64]  # of 0, 1, … members being down


def yearly(groups: Sequence[int], need: int, failures_per_year: float, hours_to_replace: float) -> float:
    """Return the chance, 0 to 1, that there is a moment without quorum within a year.

    `groups` are the numbers of members on each host (from 1), `need` the members that must be up. A host
    fails `failures_per_year` times a year of being up (from 0); its members are missed for
    `hours_to_replace` hours (from 0). Where there are fewer than `need` members it is 1.
    """
    if sum(groups) < need:
        return 1.0
    holds = 1 - lost(groups, need, fraction_down(failures_per_year, hours_to_replace))
    if holds <= 0:
        return 1.0
    return -math.expm1(-losses_per_year(groups, need, failures_per_year, hours_to_replace) / holds)


def losses_per_year(
    groups: Sequence[int], need: int, failures_per_year: float, hours_to_replace: float
) -> float:
    """Return how often a year quorum is lost in the long run; arguments as for `yearly`."""
    spare = sum(groups) - need
    if spare < 0:
        return 0.0  # what never holds is never lost
    sizes = Counter(groups)
    down = fraction_down(failures_per_year, hours_to_replace)
    frequency = 0.0
    for size, count in sizes.items():
        others = _members_down({**sizes, size: count - 1}, down)
        critical = float(others[max(0, spare - size + 1) : spare + 1].sum())
        frequency += count * failures_per_year * (1 - down) * critical
    return frequency


def lost(groups: Sequence[int], need: int, down: float) -> float:
    """Return the chance, 0 to 1, that fewer than `need` members are up; a host is down with chance `down`."""
    spare = sum(groups) - need
    if spare < 0:
        return 1.0
    return float(_members_down(Counter(groups), down)[spare + 1 :].sum())


def fraction_down(failures_per_year: float, hours_to_replace: float) -> float:
    """Return the fraction of the time, 0 to 1, that a host's members are missed."""
    missed = failures_per_year * hours_to_replace / HOURS
    return missed / (1 + missed)


def _members_down(sizes: Mapping[int, int], down: float) -> Distribution:
    """Return the distribution of the members that are down; `sizes` says how many hosts have so many."""
    chances: Distribution = np.ones(1)
    for size, count in sorted(sizes.items()):
        of_size = np.zeros(size * count + 1)
        of_size[::size] = binomial(count, down)
        chances = np.convolve(chances, of_size)  # sums of products, nothing cancels: tails keep their digits
    return chances
