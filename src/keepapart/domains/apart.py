"""Which instances a map may put in different domains: none but those that are separate. Pure.

1. Whoever reads a map takes two domains for separate. So a domain is a connected component of the pairs that
   are not separate: of two instances in different domains the verdict is separate, always.
2. Where unknown pairs join a component, somebody has to choose: to merge what they join; to leave out those
   that have no place, and of the others as many as it takes for no pair to be unknown; or to take unknown
   pairs for apart, which is the operator's word, and the only choice under which rule 1 rests on it.
3. Of a level above the host, instances that nothing places there may be in any domain of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from keepapart.arrays import Edges, Labels, Places, Sizes, compact, components, sizes_of
from keepapart.judging.judgement import Judgement

WEIGHED = 20_000  # instances to leave out one by one; where there are more, all in unknown pairs go


@dataclass(frozen=True, slots=True)
class Ties:
    """Who may not be put apart.

    `groups` [n] numbers who certainly is together, `unknown` [n] counts the unknown pairs that each is in,
    and `not_separate(i)` lists whom one is not separate from, itself among them.
    """

    groups: Labels
    unknown: Sizes
    not_separate: Callable[[int], Places]


def ties(judgement: Judgement) -> Ties:
    """Return the ties on hosts."""
    groups = judgement.groups
    return Ties(groups, judgement.possible - sizes_of(groups), judgement.not_separate)


def tied_by_level(hosts: Ties, places: Sequence[str | None]) -> Ties:
    """Return the ties at a level above the host, from each one's place there; None where it is unknown."""
    size = len(places)
    first: dict[str, int] = {}
    joined = [(first.setdefault(place, i), i) for i, place in enumerate(places) if place is not None]
    groups = components(size, _edges(joined), compact(hosts.groups))
    unplaced = np.array([place is None for place in places], np.bool_)

    def not_separate(i: int) -> Places:
        if unplaced[i]:
            return np.arange(size)
        near = unplaced | (groups == groups[i])
        near[hosts.not_separate(i)] = True
        return np.flatnonzero(near)

    unknown = np.zeros(size, np.int64)
    for i in range(size) if unplaced.any() else np.flatnonzero(hosts.unknown).tolist():
        unknown[i] = np.count_nonzero(groups[not_separate(i)] != groups[i])
    return Ties(groups, unknown, not_separate)


def merged(found: Ties) -> Labels:
    """Number the components of the pairs that are not separate, [n]."""
    joined: list[tuple[int, int]] = []
    seen = found.unknown == 0
    for start in np.flatnonzero(found.unknown).tolist():
        waiting = [] if seen[start] else [start]
        seen[start] = True
        while waiting and not seen.all():
            near = found.not_separate(waiting.pop())
            new = near[~seen[near]]
            seen[new] = True
            joined += ((start, other) for other in new.tolist())
            waiting += new.tolist()
    return components(len(seen), _edges(joined), compact(found.groups))


def left_out(found: Ties, places: Sequence[str | None]) -> list[int]:
    """List whom to leave out so that no pair of the others is unknown, by index.

    Those without a place go first. Of the others goes who is in most unknown pairs, of equals the last, until
    there are none: few go, if not always the fewest.
    """
    unknown = found.unknown.copy()
    unplaced = np.array([place is None for place in places], np.bool_) & (unknown > 0)
    if unplaced.all() or np.count_nonzero(unplaced) > WEIGHED:
        return np.flatnonzero(unknown).tolist()
    gone = np.flatnonzero(unplaced).tolist()
    for i in gone:
        _leave_out(i, found, unknown)
    while unknown.max(initial=0) > 0:
        worst = len(unknown) - 1 - int(unknown[::-1].argmax())
        gone.append(worst)
        _leave_out(worst, found, unknown)
    return sorted(gone)


def _leave_out(i: int, found: Ties, unknown: Sizes) -> None:
    """Take one out: it is in no unknown pair any more, nor are others in one with it."""
    near = found.not_separate(i)
    unknown[near[found.groups[near] != found.groups[i]]] -= 1
    unknown[i] = 0


def _edges(pairs: Sequence[tuple[int, int]]) -> Edges:
    a, b = np.array(pairs, np.intp).reshape(-1, 2).T
    return a, b
