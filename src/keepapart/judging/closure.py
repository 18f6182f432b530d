"""The judge's arithmetic: from what signals weigh to what is settled, strongest first. Pure.

A pair's weight is one int8: `+strength` says same, `-strength` different, `OPEN` nothing so far, and `TORN`
both, equally strongly. Works in place and in blocks of rows: with 10,000 instances an array of all pairs is
100 MB, and there are few of them. The rules are those of `judgement`; the numbers in comments are theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keepapart.arrays import Labels, Places, blocks, components, edges, either, grown, in_groups
from keepapart.judging.judgement import Contradiction
from keepapart.model import Strength
from keepapart.signals import Testimony, Weights

OPEN = np.int8(0)
TORN = np.int8(100)  # unknown for good, whatever weaker evidence says; `OPEN` again once all is settled


@dataclass(frozen=True, slots=True)
class Weighed:
    """What signals say of each pair by itself (rule 1).

    `direct` is [n, n], int8: the strength that decides, positive for same, negative for different, 0 for
    nothing or conflict. `torn[strength]` are the pairs (i, j) of which signals conflict at that strength.
    """

    direct: Weights
    torn: dict[Strength, tuple[Places, Places]]


def weigh(size: int, testimonies: Sequence[Testimony]) -> Weighed:
    """Let the strongest word decide every pair of `size` instances."""
    direct: Weights = np.zeros((size, size), np.int8)
    torn: dict[Strength, list[tuple[Places, Places]]] = {strength: [] for strength in Strength}
    for rows in blocks(size):
        same, different = np.zeros((2, rows.stop - rows.start, size), np.int8)
        for testimony in testimonies:
            said = testimony.rows(rows)
            np.maximum(same, said, out=same)
            np.maximum(different, -said, out=different)
        np.copyto(direct[rows], same, where=same > different)
        np.copyto(direct[rows], -different, where=different > same)
        i, j = np.nonzero((same == different) & (same > 0))
        for strength in Strength if len(i) else ():
            at = same[i, j] == strength
            torn[strength].append((i[at] + rows.start, j[at]))
    return Weighed(direct, {strength: _joined(found) for strength, found in torn.items()})


def closure(weighed: Weighed) -> tuple[Weights, Labels, list[Contradiction]]:
    """Return the settled strength of every pair, the groups of co-residents, and the contradictions."""
    direct = weighed.direct
    size = len(direct)
    settled: Weights = np.zeros((size, size), np.int8)
    groups: Labels = np.arange(size, dtype=np.int32)
    contradictions: list[Contradiction] = []
    for strength in (Strength.CONCLUSIVE, Strength.STRONG):  # rule 4 has no use for weak evidence
        i, j = weighed.torn[strength]
        still = settled[i, j] == OPEN
        settled[i[still], j[still]] = TORN
        links = edges(lambda rows: (direct[rows] == strength) & (settled[rows] == OPEN), size)  # noqa: B023
        joined = components(size, links, groups)
        spoilt = np.zeros(size, np.bool_)
        for members in grown(joined, groups):
            if found := _join(direct, settled, members, strength):
                contradictions.append(found)
                spoilt[members] = True
        groups = either(spoilt, groups, joined)
        for rows in blocks(size):
            block = settled[rows]
            block[(block == OPEN) & (direct[rows] == -strength)] = -strength
        _spread(settled, groups, strength)
    settled[settled == TORN] = OPEN
    return settled, groups, contradictions


def _join(direct: Weights, settled: Weights, members: Places, strength: Strength) -> Contradiction | None:
    """Settle all pairs of a chain of "same": as co-resident (rule 4), or as contradicted (rule 5)."""
    at = np.ix_(members, members)
    block = settled[at]
    refuted = (block < OPEN) | (block == TORN) | ((block == OPEN) & (direct[at] == -strength))
    contradictory = bool(refuted.any())
    block[block == OPEN] = TORN if contradictory else strength
    np.fill_diagonal(block, OPEN)
    settled[at] = block
    if not contradictory:
        return None
    x, y = divmod(int(refuted.argmax()), len(members))
    return Contradiction(int(members[x]), int(members[y]), strength, frozenset(members.tolist()))


def _spread(settled: Weights, groups: Labels, strength: Strength) -> None:
    """Extend what is settled between two groups to all their pairs (rule 4), or its conflict (rule 5).

    Each group's rows are read and written by themselves; that (a, b) and (b, a) come out the same follows
    from their having been the same.
    """
    order, starts = in_groups(groups)
    if len(starts) == len(groups):
        return  # everyone alone: every pair speaks for itself
    for number, members in enumerate(np.split(order, starts[1:])):
        block = settled[members]
        others = groups != number
        different = np.logical_or.reduceat((block <= -strength).max(axis=0)[order], starts)[groups]
        torn = np.logical_or.reduceat((block == TORN).max(axis=0)[order], starts)[groups]
        block[torn & others & (np.abs(block) <= strength)] = TORN
        block[different & others & (block == OPEN)] = -strength
        settled[members] = block


def _joined(found: Sequence[tuple[Places, Places]]) -> tuple[Places, Places]:
    nothing: Places = np.zeros(0, np.intp)
    return np.concatenate([nothing, *(i for i, _ in found)]), np.concatenate(
        [nothing, *(j for _, j in found)]
    )
