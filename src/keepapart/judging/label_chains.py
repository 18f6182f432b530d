"""Label chains: the instances that equal labels connect, and whether labels as strong contradict that. Pure.

Of two instances of different chains no signal ever says same. `by_label` says what follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from keepapart.arrays import Edges, Labels, Mask, Places, Sizes, compact, components, in_groups, sizes_of
from keepapart.judging.judgement import Contradiction
from keepapart.model import Strength
from keepapart.signals import UNKNOWN, LabelTestimony


@dataclass(frozen=True, slots=True)
class Chains:
    """The label chains at one strength or above it.

    `of` [n] is the number of each instance's chain; `torn` [n] says whose chains are contradicted.
    """

    of: Labels
    torn: Mask

    @property
    def sizes(self) -> Sizes:
        """How many instances are in each one's chain, [n]."""
        return sizes_of(self.of)


def unchained(size: int) -> Chains:
    """Return the chains where no labels are equal: everybody alone."""
    return Chains(np.arange(size, dtype=np.int32), np.zeros(size, np.bool_))


def chains(
    testimonies: Sequence[LabelTestimony], strength: Strength, above: Chains, groups: Labels
) -> Chains:
    """Return the chains at this strength from those above it.

    `groups` are who is co-resident by stronger evidence already: of those, no weaker word counts.
    """
    of = above.of
    for testimony in testimonies:
        if testimony.if_equal == strength:
            of = components(len(of), _links(testimony.labels), of)
    torn = np.zeros(len(of), np.bool_)
    torn[of[above.torn]] = True
    for testimony in separating(testimonies, strength):
        order, starts, _ = _at_odds(testimony, of, groups)
        torn[of[order[starts]]] = True
    return Chains(of, torn[of])


def separating(testimonies: Sequence[LabelTestimony], strength: Strength) -> list[LabelTestimony]:
    """Return the testimonies whose different labels say different at this strength or above it."""
    return [t for t in testimonies if t.if_different <= -strength]


def batches(chains: Chains, wanted: Mask, limit: int) -> Iterator[Places]:
    """Yield the wanted instances in order: several chains together up to `limit`, larger ones alone."""
    members = np.flatnonzero(wanted)
    order, starts = in_groups(chains.of[members])
    begin = 0
    for start, end in pairwise([*starts.tolist(), len(members)]):
        if end - begin > limit and start > begin:
            yield np.sort(members[order[begin:start]])
            begin = start
    if begin < len(members):
        yield np.sort(members[order[begin:]])


def contradictions(
    testimonies: Sequence[LabelTestimony], chains: Chains, groups: Labels, wanted: Mask
) -> Iterator[Contradiction]:
    """Name two members of each wanted chain that are of different `groups` and that a label tells apart."""
    members = np.flatnonzero(wanted)
    order, starts = in_groups(chains.of[members])
    of_chain = {int(chains.of[some[0]]): some for some in np.split(members[order], starts[1:]) if len(some)}
    for testimony in separating(testimonies, Strength.STRONG):
        order, starts, ends = _at_odds(testimony, np.where(wanted, chains.of, UNKNOWN), groups)
        found, first = np.unique(chains.of[order[starts]], return_index=True)
        for chain, run in zip(found.tolist(), first.tolist(), strict=True):
            if chain in of_chain:
                pair = _pair_at_odds(testimony.labels, groups, order[starts[run] : ends[run]])
                yield Contradiction(*pair, Strength.STRONG, frozenset(of_chain.pop(chain).tolist()))


def _links(labels: Labels) -> Edges:
    """Connect each instance to the next one of the same label."""
    known = np.flatnonzero(labels != UNKNOWN)
    order = known[np.argsort(labels[known], kind="stable")]
    equal = labels[order[1:]] == labels[order[:-1]]
    return order[:-1][equal], order[1:][equal]


def _at_odds(testimony: LabelTestimony, chain_of: Labels, groups: Labels) -> tuple[Places, Places, Places]:
    """Sort instances by chain and scope, and find the runs in which two differ in both group and label.

    Returns the order, and the starts and ends of these runs in it. Instances whose chain is `UNKNOWN` are
    left out.
    """
    known = np.flatnonzero((testimony.labels != UNKNOWN) & (chain_of != UNKNOWN))
    order, starts = in_groups(compact(chain_of[known].astype(np.int64) << 32 | testimony.scopes[known]))
    order, ends = known[order], np.append(starts[1:], len(known))
    if not len(known):
        return order, starts, starts
    # Where neither is one value throughout, two instances differ in both.
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
