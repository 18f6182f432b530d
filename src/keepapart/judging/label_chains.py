"""Knots: who a chain of equal labels joins, and whether other labels are in conflict over it. Pure.

`labelled` says what follows from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from keepapart.arrays import Edges, Labels, Mask, Places, compact, components, in_groups
from keepapart.judging.closure import Contradiction
from keepapart.model import Strength
from keepapart.signals import UNKNOWN, LabelTestimony


def negative(testimonies: Sequence[LabelTestimony], strength: Strength) -> list[LabelTestimony]:
    """Return those whose different labels say different at this strength or above it."""
    return [t for t in testimonies if t.if_different <= -strength]


def tie(
    testimonies: Sequence[LabelTestimony], strength: Strength, below: Labels, groups: Labels, torn: Mask
) -> tuple[Labels, Mask]:
    """Return the knots [n] at this strength, from those above it, and whose knots have a conflict in them.

    `groups` are who is co-resident by stronger evidence already: of those, no weaker word counts. `torn`
    says whose knots had a conflict in them above.
    """
    knots = below
    for testimony in testimonies:
        if testimony.if_equal == strength:
            knots = components(len(knots), _links(testimony.labels), knots)
    in_conflict = np.zeros(len(knots), np.bool_)
    in_conflict[knots[torn]] = True
    for testimony in negative(testimonies, strength):
        order, starts, _ = _at_odds(testimony, knots, groups)
        in_conflict[knots[order[starts]]] = True
    return knots, in_conflict[knots]


def batches(knots: Labels, wanted: Mask, limit: int) -> Iterator[Places]:
    """Yield the wanted instances in order, several knots together up to `limit`, larger ones alone."""
    members = np.flatnonzero(wanted)
    order, starts = in_groups(knots[members])
    begin = 0
    for start, end in pairwise([*starts.tolist(), len(members)]):
        if end - begin > limit and start > begin:
            yield np.sort(members[order[begin:start]])
            begin = start
    if begin < len(members):
        yield np.sort(members[order[begin:]])


def contradictions(
    testimonies: Sequence[LabelTestimony], knots: Labels, groups: Labels, wanted: Mask
) -> Iterator[Contradiction]:
    """Name for each wanted knot two members of different `groups` whom a label holds apart."""
    members = np.flatnonzero(wanted)
    order, starts = in_groups(knots[members])
    knot_members = {int(knots[some[0]]): some for some in np.split(members[order], starts[1:]) if len(some)}
    for testimony in negative(testimonies, Strength.STRONG):
        order, starts, ends = _at_odds(testimony, np.where(wanted, knots, UNKNOWN), groups)
        found, first = np.unique(knots[order[starts]], return_index=True)
        for knot, run in zip(found.tolist(), first.tolist(), strict=True):
            if knot in knot_members:
                pair = _pair_at_odds(testimony.labels, groups, order[starts[run] : ends[run]])
                yield Contradiction(*pair, Strength.STRONG, frozenset(knot_members.pop(knot).tolist()))


def _links(labels: Labels) -> Edges:
    """Join everybody of a label to the next of the same."""
    known = np.flatnonzero(labels != UNKNOWN)
    order = known[np.argsort(labels[known], kind="stable")]
    equal = labels[order[1:]] == labels[order[:-1]]
    return order[:-1][equal], order[1:][equal]


def _at_odds(testimony: LabelTestimony, knots: Labels, groups: Labels) -> tuple[Places, Places, Places]:
    """Return instances in an order, and in it the starts and ends of runs of one knot and one scope, in
    which two are of different groups and of different labels; those whose knot is `UNKNOWN` left out.
    """
    known = np.flatnonzero((testimony.labels != UNKNOWN) & (knots != UNKNOWN))
    order, starts = in_groups(compact(knots[known].astype(np.int64) << 32 | testimony.scopes[known]))
    order, ends = known[order], np.append(starts[1:], len(known))
    if not len(known):
        return order, starts, starts
    # Two of three values that are not all equal in either respect, differ in both.
    odd = _vary(testimony.labels[order], starts) & _vary(groups[order], starts)
    return order, starts[odd], ends[odd]


def _vary(column: Labels, starts: Places) -> Mask:
    """Say of each run of a column, of which these are the starts, whether it holds several values."""
    varies: Mask = np.minimum.reduceat(column, starts) != np.maximum.reduceat(column, starts)
    return varies


def _pair_at_odds(labels: Labels, groups: Labels, run: Places) -> tuple[int, int]:
    """Return two of a run who differ both in label and in group."""
    label, group = labels[run], groups[run]
    # Either the first differs in both from somebody, or who differs from it in one does from another.
    for one in (0, int((label != label[0]).argmax()), int((group != group[0]).argmax())):
        others = (label != label[one]) & (group != group[one])
        if others.any():
            return int(run[one]), int(run[others.argmax()])
    raise AssertionError("a run at odds has two who differ in both")
