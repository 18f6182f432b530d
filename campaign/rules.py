"""The rules that others have judged co-residence by, as they are published: each a verdict for every pair.

A verdict is 1 for co-resident, -1 for separate, 0 where the rule has nothing to go by.

1. Two hops, as in 2011: one traceroute; exactly two hops is co-resident, anything else is not.
2. Same first hop: the first router that answers has the same address, or has not.
3. Round trip: below a threshold or not. The threshold is the best that there is for the very lab, chosen
   knowing the truth, so no honest use of the rule does better.
4. Close addresses, as Ristenpart and others in 2009: numerically within 7 of each other, or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

import numpy as np
import numpy.typing as npt

from campaign.world import Mask
from keepapart.probe.measured import Counts

Verdicts = npt.NDArray[np.int8]
CLOSE = 7


def two_hops(once: Counts) -> Verdicts:
    """Judge by one count of each pair, from the first named to the second."""
    counts = np.triu(once) + np.triu(once).T
    return _verdicts(counts == 2, counts > 0)


def first_hop(firsts: Sequence[str]) -> Verdicts:
    """Judge by the address of the first router."""
    names = np.array(firsts)
    answered = names != ""
    return _verdicts(np.equal.outer(names, names), np.logical_and.outer(answered, answered))


def round_trip(times: npt.NDArray[np.float32] | None, together: Mask) -> Verdicts:
    """Judge by the least round trip, below the threshold that makes the fewest mistakes."""
    if times is None:
        return np.zeros(together.shape, np.int8)
    measured = np.triu(times > 0, 1)
    order = np.argsort(times[measured])
    same = together[measured][order]
    mistakes = np.concatenate([[0], np.cumsum(~same)]) + np.concatenate([np.cumsum(same[::-1])[::-1], [0]])
    limits = np.concatenate([[0.0], times[measured][order]])
    return _verdicts((times <= limits[int(mistakes.argmin())]) & (times > 0), times > 0)


def close_addresses(addresses: Sequence[str]) -> Verdicts:
    """Judge by how far addresses are from each other."""
    numbers = [int(ip_address(address)) for address in addresses]
    near = np.array([[abs(a - b) <= CLOSE for b in numbers] for a in numbers])
    return _verdicts(near, np.ones(near.shape, np.bool_))


def _verdicts(same: Mask, known: Mask) -> Verdicts:
    found: Verdicts = np.where(known, np.where(same, 1, -1), 0).astype(np.int8)
    return found
