"""Label chains: the instances that equal labels connect, and whether other labels contradict that. Pure.

`by_label` says what follows from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from keepapart.arrays import Edges, Labels, Mask, Places, compact, components, in_groups
from keepapart.judging.closure import Contradiction
from keepapart.model import Strength
from keepapart.signals import UNKNOWN, LabelTestimony


def separating(testimonies: Sequence[LabelTestimony], strength: Strength) -> list[LabelTestimony]:
    """Return the testimonies whose different labels say different at this strength or above it."""
    return [t for t in testimonies if t.if_different <= -strength]


def connected(
    testimonies: Sequence[LabelTestimony], strength: Strength, stronger: Labels, groups: Labels, torn: Mask
) -> tuple[Labels, Mask]:
    """Number the chain of each instance [n] at this strength, and say which are in a chain with a conflict.

    `stronger` numbers the chains of the next higher strength, and `torn` says who is in one of those with a
    conflict. `groups` numbers the co-residents that stronger evidence settled: between two of one group no
    weaker label counts.
    """
    chains = stronger
    for testimony in testimonies:
        if testimony.if_equal == strength:
            chains = components(len(chains), _links(testimony.labels), chains)
    in_conflict = np.zeros(len(chains), np.bool_)
    in_conflict[chains[torn]] = True
    for testimony in separating(testimonies, strength):
        order, starts, _ = _at_odds(testimony, chains, groups)
        in_conflict[chains[order[starts]]] = True
    return chains, in_conflict[chains]


def batches(chains: Labels, wanted: Mask, limit: int) -> Iterator[Places]:
    """Yield the wanted instances in order: several chains together up to `limit`, larger ones alone."""
    members = np.flatnonzero(wanted)
    order, starts = in_groups(chains[members])
    begin = 0
    for start, end in pairwise([*starts.tolist(), len(members)]):
        if end - begin > limit and start > begin:
            yield np.sort(members[order[begin:start]])
            begin = start
    if begin < len(members):
        yield np.sort(members[order[begin:]])


def contradictions(
    testimonies: Sequence[LabelTestimony], chains: Labels, groups: Labels, wanted: Mask
) -> Iterator[Contradiction]:
    """Name two members of each wanted chain that are of different `groups` and that a label tells apart."""
    members = np.flatnonzero(wanted)
    order, starts = in_groups(chains[members])
    members_of = {int(chains[some[0]]): some for some in np.split(members[order], starts[1:]) if len(some)}
    for testimony in separating(testimonies, Strength.STRONG):
        order, starts, ends = _at_odds(testimony, np.where(wanted, chains, UNKNOWN), groups)
        found, first = np.unique(chains[order[starts]], return_index=True)
        for chain, run in zip(found.tolist(), first.tolist(), strict=True):
            if chain in members_of:
                pair = _pair_at_odds(testimony.labels, groups, order[starts[run] : ends[run]])
                yield Contradiction(*pair, Strength.STRONG, frozenset(members_of.pop(chain).tolist()))


def _links(labels: Labels) -> Edges:
    """Connect each instance to the next one of the same label."""
    known = np.flatnonzero(labels != UNKNOWN)
    order = known[np.argsort(labels[known], kind="stable")]
    equal = labels[order[1:]] == labels[order[:-1]]
    return order[:-1][equal], order[1:][equal]


def _at_odds(testimony: LabelTestimony, chains: Labels, groups: Labels) -> tuple[Places, Places, Places]:
    """Sort instances by chain and scope, and find the runs in which two differ in both group and label.

    Returns the order, and the starts and ends of these runs in it. Instances whose chain is `UNKNOWN` are
    left out.
    """
    known = np.flatnonzero((testimony.labels != UNKNOWN) & (chains != UNKNOWN))
    order, starts = in_groups(compact(chains[known].astype(np.int64) << 32 | testimony.scopes[known]))
    order, ends = known[order], np.append(starts[1:], len(known))
    if not len(known):
        return order, starts, starts
    # Two of three values that are not all equal in either respect, differ in both.
    odd = _vary(testimony.labels[order], starts) & _vary(groups[order], starts)
    return order, starts[odd], ends[odd]


def _vary(column: Labels, starts: Places) -> Mask:
    """Say of each run of a column whether it holds several values; `starts` says where runs begin."""
    varies: Mask = np.minimum.reduceat(column, starts) != np.maximum.reduceat(column, starts)
    return varies


def _pair_at_odds(labels: Labels, groups: Labels, run: Places) -> tuple[int, int]:
    """Return two of a run that differ both in label and in group."""
    label, group = labels[run], groups[run]
    # Either the first differs in both from some other, or one that differs from it in label or in group does.
    for one in (0, int((label != label[0]).argmax()), int((group != group[0]).argmax())):
        others = (label != label[one]) & (group != group[one])
        if others.any():
            return int(run[one]), int(run[others.argmax()])
    raise AssertionError("a run at odds has two who differ in both")
