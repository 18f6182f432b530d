"""Kinds of pairs where labels alone judge: counted without going through the pairs. Pure.

An unknown pair is of the first of these kinds that it fits:
1. Nothing is known of one of the two.
2. Facts join the two, and facts as strong hold them, or others whom facts join with them, apart.
3. No fact tells them apart, as strongly as is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice, pairwise

import numpy as np

from keepapart.arrays import Labels, Mask, Sizes, in_groups
from keepapart.auditing.pair_kinds import Kind
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


def label_kinds(judgement: LabelJudgement, known: Mask) -> LabelKinds:
    """Sort all pairs by their kind; `known` [n] says of whom anything is known."""
    counts, assurance, size, gone = (
        judgement.counts,
        judgement.assurance,
        len(known),
        np.count_nonzero(~known),
    )
    certainly = _pairs_within(judgement.conclusive.groups)
    lost = int(gone * (size - gone) + gone * (gone - 1) // 2)
    torn = int((judgement.within - _sizes(judgement.groups)).sum()) // 2
    conclusively = ", conclusively" if assurance is Strength.CONCLUSIVE else ""
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
        (Kind(Verdict.UNKNOWN, None, "nothing is known of one of the two"), lost, partial(_lost, known)),
        (
            Kind(Verdict.UNKNOWN, None, "facts join some whom facts as strong hold apart"),
            torn,
            partial(_torn, judgement),
        ),
        (
            Kind(Verdict.UNKNOWN, None, f"no fact tells them apart{conclusively}"),
            counts["unknown"] - lost - torn,
            partial(_open, judgement, known),
        ),
    ]
    there = [one for one in all_kinds if one[1]]
    return LabelKinds(*([one[column] for one in there] for column in range(3)))  # type: ignore[arg-type]


def _sizes(labels: Labels) -> Sizes:
    """Return how many have each one's label, [n]."""
    return np.bincount(labels).astype(np.int64)[labels]


def _pairs_within(labels: Labels) -> int:
    return int((_sizes(labels) - 1).sum()) // 2


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


def _lost(known: Mask) -> Places:
    """Yield the pairs with one of whom nothing is known."""
    for i in np.flatnonzero(~known).tolist():
        yield from ((min(i, j), max(i, j)) for j in range(len(known)) if j > i or known[j])


def _torn(judgement: LabelJudgement) -> Places:
    """Yield the unknown pairs within label chains."""
    groups = judgement.groups
    for i in np.flatnonzero(judgement.within > _sizes(groups)).tolist():
        near = judgement.not_separate_within(i)
        yield from ((i, j) for j in near.tolist() if j > i and groups[j] != groups[i])


def _open(judgement: LabelJudgement, known: Mask) -> Places:
    """Yield the unknown pairs of two label chains of whose instances anything is known."""
    chains = judgement.strong.chains
    beyond = judgement.possible - judgement.within - np.count_nonzero(~known)
    for i in np.flatnonzero(known & (beyond > 0)).tolist():
        near = judgement.not_separate(i)
        yield from ((i, j) for j in near.tolist() if j > i and known[j] and chains[j] != chains[i])
