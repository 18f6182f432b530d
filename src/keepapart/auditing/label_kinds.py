"""Kinds of pairs where labels alone judge: counted without going through the pairs. Pure.

An unknown pair is of the first of these kinds that it fits:
1. One of the two is down.
2. Nothing is known of one of the two.
3. Facts join the two, and facts as strong hold them, or others whom facts join with them, apart.
4. No fact tells them apart, as strongly as is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice, pairwise

import numpy as np

from keepapart.arrays import Labels, Mask, in_groups, sizes_of
from keepapart.auditing.pair_kinds import DOWN, Kind
from keepapart.judging.label_judgement import LabelJudgement
from keepapart.model import Strength, Verdict

Places = Iterator[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class LabelKinds:
    """The kinds that there are, how many pairs are of each, and what goes through these."""

    kinds: Sequence[Kind]
    pairs: Sequence[int]
    places: Sequence[Callable[[], Places]]

    def first(self, kind: int, most: int) -> list[tuple[int, int]]:
        """Return some pairs of a kind, at most so many."""
        return list(islice(self.places[kind](), most))


def label_kinds(judgement: LabelJudgement, known: Mask, down: Sequence[int] = ()) -> LabelKinds:
    """Sort all pairs by their kind; `known` [n] says of whom anything is known, `down` which don't run."""
    counts, assurance = judgement.counts, judgement.assurance
    up = np.ones(len(known), np.bool_)
    up[list(down)] = False
    certainly = _pairs_within(judgement.conclusive.groups)
    with_down, lost = _pairs_with(~up, np.ones_like(up)), _pairs_with(up & ~known, up)
    torn = int((judgement.within - sizes_of(judgement.groups)).sum()) // 2
    all_kinds: Sequence[tuple[Kind, int, Callable[[], Places]]] = [
        (
            Kind(Verdict.CO_RESIDENT, Strength.CONCLUSIVE, "facts say same"),
            certainly,
            partial(_together, judgement.conclusive.groups),
        ),
        (
            Kind(Verdict.CO_RESIDENT, Strength.STRONG, "facts say same"),
            counts["co-resident"] - certainly,
            partial(_together, judgement.groups, judgement.conclusive.groups),
        ),
        (
            Kind(Verdict.SEPARATE, assurance, "facts say different, so strongly or more"),
            counts["separate"],
            partial(_separate, judgement),
        ),
        (DOWN, with_down, partial(_with, ~up, np.ones_like(up))),
        (
            Kind(Verdict.UNKNOWN, None, "nothing is known of one of the two"),
            lost,
            partial(_with, up & ~known, up),
        ),
        (
            Kind(Verdict.UNKNOWN, None, "facts join some whom facts as strong hold apart"),
            torn,
            partial(_torn, judgement),
        ),
        (
            Kind(Verdict.UNKNOWN, None, f"no fact tells them apart {assurance.label}ly"),
            counts["unknown"] - with_down - lost - torn,
            partial(_open, judgement, known),
        ),
    ]
    there = [one for one in all_kinds if one[1]]
    return LabelKinds(
        kinds=[kind for kind, _, _ in there],
        pairs=[pairs for _, pairs, _ in there],
        places=[places for _, _, places in there],
    )


def _pairs_within(labels: Labels) -> int:
    return int((sizes_of(labels) - 1).sum()) // 2


def _together(groups: Labels, but: Labels | None = None) -> Places:
    """Yield the pairs within each of `groups`, without those that are within one of `but` as well."""
    order, starts = in_groups(groups)
    ends = [*starts.tolist(), len(order)]
    for start, end in pairwise(ends):
        for i, j in combinations(order[start:end].tolist(), 2):
            if but is None or but[i] != but[j]:
                yield i, j


def _separate(judgement: LabelJudgement) -> Places:
    for i in range(len(judgement.ids)):
        near = set(judgement.not_separate(i).tolist())
        yield from ((i, j) for j in range(i + 1, len(judgement.ids)) if j not in near)


def _pairs_with(these: Mask, among: Mask) -> int:
    """Count the pairs of which one is of `these`, all `among` whom the pairs are."""
    size, some = int(np.count_nonzero(among)), int(np.count_nonzero(these))
    return some * (size - some) + some * (some - 1) // 2


def _with(these: Mask, among: Mask) -> Places:
    """Yield the pairs that `_pairs_with` counts."""
    for i in np.flatnonzero(these).tolist():
        yield from ((min(i, j), max(i, j)) for j in np.flatnonzero(among).tolist() if j > i or not these[j])


def _torn(judgement: LabelJudgement) -> Places:
    """Yield the unknown pairs within label chains."""
    groups = judgement.groups
    for i in np.flatnonzero(judgement.within > sizes_of(groups)).tolist():
        near = judgement.not_separate_within(i)
        yield from ((i, j) for j in near.tolist() if j > i and groups[j] != groups[i])


def _open(judgement: LabelJudgement, known: Mask) -> Places:
    """Yield the unknown pairs of two label chains of whose instances anything is known."""
    chains = judgement.strong.chains
    beyond = judgement.possible - judgement.within - np.count_nonzero(~known)
    for i in np.flatnonzero(known & (beyond > 0)).tolist():
        near = judgement.not_separate(i)
        yield from ((i, j) for j in near.tolist() if j > i and known[j] and chains[j] != chains[i])
