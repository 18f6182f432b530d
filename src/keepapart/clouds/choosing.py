"""On which host the next instance goes, where hosts can be chosen: one launch is enough there. Pure.

Rules:
1. A host that has a member of the cluster never serves, whether that member runs or not. Where none is left,
   launching is of no use.
2. Of the others, those with the fewest instances of the cluster come first (candidates of this moment), then
   those with room for what is to run there, then those that use the least of their memory, then by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """A host that may be used: the memory that it has and uses, and what more is wanted, in one unit."""

    name: str
    total: float
    used: float
    wanted: float


def emptiest(rooms: Sequence[Room], members_on: Collection[str], others_on: Sequence[str]) -> str | None:
    """Return the name of the host by the rules above; None where none is left."""
    beside = Counter(others_on)

    def rank(each: Room) -> tuple[int, bool, float, str]:
        full = each.used + each.wanted > each.total
        return beside[each.name], full, each.used / max(each.total, 1), each.name

    free = [each for each in rooms if each.name not in members_on]
    return min(free, key=rank).name if free else None
