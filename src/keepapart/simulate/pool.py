"""The hosts that a platform may place candidates on, as they stand before the first launch.

Rules:
1. Only what has room counts to a scheduler; only which hosts hold a member counts to the operator.
2. Others fill a pool as its scheduler would have placed them. `packing`: host by host. Otherwise a slot is
   taken with chance `fill`, so the number taken on a host is binomial; the pool has as many hosts of each
   number as the binomial distribution says, rounded to whole hosts. It is the typical pool: nothing of it is
   drawn, so that two pools differ only by what was asked.
3. Members that are there already are on hosts of their own, evenly over emptier and fuller hosts; a slot
   taken on each is theirs.
4. Nobody else launches meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Mask, Sizes
from keepapart.domains.binomial import binomial
from keepapart.errors import UsageError
from keepapart.simulate.habits import PACKING


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Hosts by number: slots taken and free on each, and whether a member is there (arrays of one length)."""

    habit: str
    taken: Sizes
    room: Sizes
    members: Mask

    @property
    def fill(self) -> float:
        """The share of the slots that are taken, 0 to 1."""
        return float(self.taken.sum() / (self.taken.sum() + self.room.sum()))

    @property
    def fresh(self) -> Sizes:
        """The numbers of the hosts that have room and no member: where a candidate is let in."""
        return np.flatnonzero((self.room > 0) & ~self.members)

    @property
    def shared(self) -> Sizes:
        """The numbers of the hosts that have room and a member: where a candidate is turned down."""
        return np.flatnonzero((self.room > 0) & self.members)


def pool(hosts: int, capacity: int, fill: float, habit: str, existing: int) -> Pool:
    """Return the pool of `hosts` like hosts for `capacity` instances each, a share `fill` of them taken.

    `existing` members are there already. Raises `UsageError` where they don't fit.
    """
    if existing > hosts:
        raise UsageError(f"{existing} members can't have a host each where there are only {hosts} hosts")
    if habit == PACKING:
        whole, rest = divmod(round(fill * hosts * capacity), capacity)
        taken = np.zeros(hosts, np.int64)
        taken[:whole] = capacity
        taken[whole : whole + 1] = rest
    else:
        taken = np.repeat(np.arange(capacity + 1), _whole(hosts * binomial(capacity, fill)))
    members = np.zeros(hosts, np.bool_)
    # the middle of each of `existing` equal parts
    members[((np.arange(existing) + 0.5) * hosts / max(existing, 1)).astype(np.int64)] = True
    taken[members] = np.maximum(taken[members], 1)
    return Pool(habit, taken, capacity - taken, members)


def _whole(shares: npt.NDArray[np.float64]) -> Sizes:
    """Round to whole numbers of the same sum: the largest remainders are rounded up."""
    floor = np.floor(shares).astype(np.int64)
    missing = round(float(shares.sum())) - int(floor.sum())
    floor[np.argsort(floor - shares, kind="stable")[:missing]] += 1
    return floor
