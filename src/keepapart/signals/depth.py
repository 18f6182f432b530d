"""Depth: instances that may sit behind further gateways while others sit right behind their hosts.

Where a pair at two hops has shown that hosts are gateways, an instance of the same network may still be
reached through another gateway or two of its own. Two such instances of one host are more than two hops
apart, and steadily so. Their counts to everybody else give them away:

1. An instance at two hops from another stands right behind its host: it has *footing*. What instances with
   footing on different hosts count between each other are the network's own distances.
2. Another instance is *suspect* if one of its counts to those with footing is none of these. Where all
   footing is on one host there are no such distances: then, if one of its counts is odd, which no network
   gives that has every host at the same depth, but for one whose hosts share a link: there all are three.
3. A pair with a suspect in it is in doubt if the two could be on one host, each behind up to `FURTHER`
   gateways (none for one with footing): if taking these away leaves both at the same distances from all that
   have footing, and these are odd or even as the network's own are. Its count is only weak evidence of
   difference then.

What this can't see: two further gateways each, where all footing is on one host; more than `FURTHER`; and a
router within a host that several of its guests share, which looks like a host itself.
"""

from __future__ import annotations

import numpy as np

from keepapart.components import Mask
from keepapart.probe.tally import Counts
from keepapart.signals.paths import Paths

FURTHER = 2  # gateways between an instance and its host that are reckoned with
NEAREST = 3  # hops between instances of different hosts, where hosts reach each other over one link
LARGEST = 4_000_000_000  # comparisons; above that every pair of a suspect is in doubt


def in_doubt(paths: Paths) -> Mask | None:
    """Say which pairs beyond two hops may be one host's all the same, [n, n]; None where none may."""
    least = paths.least
    footing: Mask = (least == 2).max(axis=1, initial=False)
    if not footing.any():
        return None
    known = np.where(paths.sure, least, np.uint8(0))
    grounds = known[:, footing]
    own = np.unique(grounds[footing])
    own = own[own > 2]
    parities = np.unique(own % 2) if len(own) else np.array([0, 1])
    odd = (grounds % 2 == 1) & ~np.isin(grounds, NEAREST if grounds.max() == NEAREST else ())
    strange = (grounds > 2) & ~np.isin(grounds, own) if len(own) else odd
    suspects = np.flatnonzero(strange.max(axis=1) & ~footing)
    if not len(suspects):
        return None
    doubt: Mask = np.zeros(least.shape, np.bool_)
    for i in suspects.tolist():
        if len(suspects) * grounds.size > LARGEST:
            doubt[i] = True
        else:
            doubt[i] = _may_be_together(i, known, grounds, footing, parities)
    return doubt | doubt.T


def _may_be_together(i: int, known: Counts, grounds: Counts, footing: Mask, parities: Counts) -> Mask:
    """Say of which instances the suspect i may share the host (rule 3)."""
    mine, theirs = grounds[i].astype(np.int16), grounds.astype(np.int16)
    together: Mask = np.zeros(len(known), np.bool_)
    for ours in range(1, FURTHER + 1):
        for others in range(FURTHER + 1):
            between = mine - ours
            both = (mine > 2) & (theirs > 2)
            fits = ~both | (theirs - others == between)
            fits &= ~both | (between == 2) | ((between >= NEAREST) & np.isin(between % 2, parities))
            explained = fits.all(axis=1) & (known[i] == 2 + ours + others)
            together |= explained & (~footing if others else np.True_)
    return together
