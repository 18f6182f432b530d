"""Per destination: whether addresses decide how long a path is, whatever its flows.

Where the gateways that packets meet depend on the two addresses alone, all flows from a to b are as good as
one: repeating shows nothing new, and a way that is longer than it need be stays so. Those known to share a
host, being two hops apart, show it:

1. the ways from them to the same third lead along the same path, and so do those from it to them;
2. the ways between them, there and back, do too.

Where such ways differ in their least counts, each that is longer than the shortest of its like is one that
did not show its path. One of each like is the shortest by definition, and is no trial.
"""

from __future__ import annotations

from itertools import islice

import numpy as np

from keepapart.arrays import chained
from keepapart.probe.measured import Counts, Tally

GROUPS = 64  # of co-residents that are compared: enough to tell, and soon done


def compared(tally: Tally) -> tuple[int, int]:
    """Compare like ways; return how many were longer than the shortest of their like, and of how many."""
    size = len(tally.least)
    longer = trials = 0
    for members in islice(chained(lambda rows: tally.least[rows] == 2, size), GROUPS):
        within = np.ix_(members, members)
        there, back = tally.way[within], tally.way[within].T
        pairs = (tally.least[within] == 2) & (there > 0) & (back > 0)
        longer += int((pairs & (there > back)).sum())
        trials += int(pairs.sum()) // 2
        others = np.ones(size, np.bool_)
        others[members] = False
        for ways in (tally.way[members][:, others], tally.way[:, members][others].T):
            more, tried = _longer(ways)
            longer, trials = longer + more, trials + tried
    return longer, trials


def _longer(ways: Counts) -> tuple[int, int]:
    """Count, of ways that are alike by columns, those longer than the shortest, and all but one."""
    measured = ways > 0
    shortest = np.where(measured, ways, 255).min(axis=0, initial=255)
    longer = int((measured & (ways > shortest)).sum())
    return longer, int(np.maximum(measured.sum(axis=0) - 1, 0).sum())
