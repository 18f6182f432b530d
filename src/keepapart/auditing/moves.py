"""Moves: whose co-residents changed from one kept audit to a later one. Pure.

1. A pair is compared with what was last known of it: unknown in between neither makes nor hides a move.
2. Joining or leaving the cluster is no move: a pair counts once both audits know of it.
3. Which of the two moved can't be told from a pair, so both are named.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keepapart.auditing.kept_pairs import KeptPairs, Relations


def moves(audits: Sequence[KeptPairs]) -> list[list[str]]:
    """Name, for each audit (newest first), the instances that moved since before."""
    place = {name: k for k, name in enumerate(dict.fromkeys(name for audit in audits for name in audit.ids))}
    known: Relations = np.zeros((len(place), len(place)), np.int8)
    found: list[list[str]] = []
    for audit in reversed(audits):
        here = np.ix_(*[[place[name] for name in audit.ids]] * 2)
        now = audit.relations
        changed = np.flatnonzero((now * known[here] < 0).any(axis=1)).tolist()
        found.append([audit.ids[k] for k in changed])
        known[here] = np.where(now != 0, now, known[here])
    return found[::-1]
