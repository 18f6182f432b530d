"""Moves: whose co-residents changed from one kept audit to a later one. Pure.

1. A pair is compared with what was last known of it: unknown in between neither makes nor hides a move.
2. Joining or leaving the cluster is no move: a pair counts once both audits know of it.
3. Which of the two moved can't be told from a pair, so both are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Relations = npt.NDArray[np.int8]  # [n, n]: 1 co-resident, -1 separate, 0 unknown


def moves(audits: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Name, for each `keepapart.audit/1` document (newest first), the instances that moved since before."""
    place = {name: k for k, name in enumerate(dict.fromkeys(i for audit in audits for i in ids_of(audit)))}
    known: Relations = np.zeros((len(place), len(place)), np.int8)
    found: list[list[str]] = []
    for audit in reversed(audits):
        names = ids_of(audit)
        here = np.ix_(*[[place[name] for name in names]] * 2)
        now = _relations(audit)
        changed = np.flatnonzero((now * known[here] < 0).any(axis=1)).tolist()
        found.append([names[k] for k in changed])
        known[here] = np.where(now != 0, now, known[here])
    return found[::-1]


def ids_of(audit: Mapping[str, Any]) -> list[str]:
    """List the ids of an audit document's instances."""
    return [instance["id"] for instance in audit["instances"]]


def _relations(audit: Mapping[str, Any]) -> Relations:
    """Read a document's verdicts: pairs that it doesn't list are separate."""
    row = {name: k for k, name in enumerate(ids_of(audit))}
    relations: Relations = np.full((len(row), len(row)), -1, np.int8)
    np.fill_diagonal(relations, 0)
    for pair in audit["pairs"]:
        value = {"co-resident": 1, "separate": -1}.get(pair["verdict"], 0)
        a, b = row[pair["a"]], row[pair["b"]]
        relations[a, b] = relations[b, a] = value
    return relations
