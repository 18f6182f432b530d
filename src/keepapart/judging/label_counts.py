"""Counts of pairs that no label tells apart, without going through pairs.

Two instances are alike if of every signal: one of them is unknown to it, or they are of different scopes, or
their labels are equal. With A = "known, and of one scope" and B = "of one label" (which implies A), each 0 or
1 for a pair, that is 1 - A + B of one signal, and the product of these of all. Multiplied out, each term
counts who shares some scopes and some labels, and sorting does that. There are up to 3^s terms of s signals;
most fall away, as terms cancel where a signal knows everyone and few share several labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keepapart.arrays import Labels, Places, Sizes, compact
from keepapart.judging.labelling import Labelling
from keepapart.signals import UNKNOWN


def alike(labellings: Sequence[Labelling], within: Labels) -> Sizes:
    """Count for each of n instances those alike it, itself among them, of the same label of `within` [n]."""
    finest_first = sorted(labellings, key=lambda known: -len(known.scope_of))
    kinds = within
    for known in finest_first:
        kinds = _refined(kinds, known.labels + 1)
    _, first, kind_of, sizes = np.unique(kinds, return_index=True, return_inverse=True, return_counts=True)
    table = [Labelling(known.labels[first], known.scope_of) for known in finest_first]
    others: Sizes = np.zeros(len(first), np.int64)
    _add_term(others, sizes.astype(np.int64), table, np.arange(len(first)), within[first], 1)
    found: Sizes = (others + sizes)[kind_of]
    return found


def _add_term(
    others: Sizes,
    sizes: Sizes,
    labellings: Sequence[Labelling],
    kinds: Places,
    shared: Labels,
    factor: int,
) -> None:
    """Add what the other kinds that share a number in `shared` weigh, for all the labellings to come."""
    kinds, shared = _not_alone(kinds, shared)
    if not len(kinds):
        return
    if not labellings:
        sums = np.bincount(shared, weights=sizes[kinds]).astype(np.int64)
        others[kinds] += factor * (sums[shared] - sizes[kinds])
        return
    first, rest = labellings[0], labellings[1:]
    labels = first.labels[kinds]
    known = labels != UNKNOWN
    in_scope = _not_alone(kinds[known], _refined(shared[known], first.scope_of[labels[known]]))
    in_label = _not_alone(kinds[known], _refined(shared[known], labels[known]))
    terms = [((kinds, shared), factor), (in_scope, -factor), (in_label, factor)]
    if _same(terms[1][0], terms[0][0]):
        terms = terms[2:]
    elif _same(terms[2][0], terms[1][0]):
        terms = terms[:1]
    for (some, numbers), sign in terms:
        _add_term(others, sizes, rest, some, numbers, sign)


def _refined(numbers: Labels, by: Labels) -> Labels:
    """Number the pairs of two numbers, neither below 0."""
    return compact(numbers.astype(np.int64) * (int(by.max(initial=0)) + 1) + by)


def _not_alone(kinds: Places, shared: Labels) -> tuple[Places, Labels]:
    """Leave out those who share their number with nobody."""
    several = (np.bincount(shared) > 1)[shared] if len(shared) else np.zeros(0, np.bool_)
    return kinds[several], compact(shared[several])


def _same(finer: tuple[Places, Labels], coarser: tuple[Places, Labels]) -> bool:
    """Whether a refined partition is the one that it was made of."""
    return len(finer[0]) == len(coarser[0]) and finer[1].max(initial=-1) == coarser[1].max(initial=-1)
