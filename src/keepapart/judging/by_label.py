"""The judge where every signal is `LabelTestimony`: a million instances, and no array of all pairs. Pure.

The rules are those of `judge`, and so are the verdicts, except for what rule 3 leaves unknown:
1. A *label chain* is the set of instances connected by equal labels of at least the given strength, even if
   other labels contradict the connection. Of two instances in different chains no signal says same.
2. A chain that no label as strong contradicts is a group of co-resident instances.
3. Any other chain is judged pair by pair, by `judge`, unless it has more than `LIMIT` instances. Of a larger
   one only what is conclusive is kept: its conclusive chains without contradiction, and what tells those
   apart. All other pairs in it are unknown.
4. A group carries a label over to all its members (rule 4 of `judge`) where every member that a signal knows
   has the same label. Where members have different labels, each keeps only its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from keepapart.arrays import Labels, Mask, Places, Sizes, compact, in_groups
from keepapart.judging.closure import Contradiction
from keepapart.judging.judge import Judgement, judge, verdict_counts
from keepapart.judging.label_chains import batches, connected, separating
from keepapart.judging.label_chains import contradictions as contradicted
from keepapart.judging.label_counts import Sign, alike
from keepapart.judging.reasons import carried, chained, reasoned
from keepapart.model import Evidence, Pair, Strength
from keepapart.signals import UNKNOWN, LabelTestimony

LIMIT = 1024  # instances of a chain that is judged pair by pair
BATCH = 256  # instances of several chains judged at once: more would be slower, as all pairs are made
NOBODY = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Settled:
    """What is settled at one strength or above it.

    `chains` and `groups` [n] number each instance's chain and its group of co-residents; `signs` are the
    labels of each signal that says different so strongly, carried over by rule 4.
    """

    chains: Labels
    groups: Labels
    signs: Sequence[Sign]

    def differs(self, i: int, j: int) -> bool:
        """Whether any label tells two instances apart."""
        return any(sign.differs(i, j) for sign in self.signs)


@dataclass(frozen=True, slots=True)
class LabelJudgement:
    """The verdict on every pair of `ids`: the pairs by number, and any single one when asked for.

    `possible` [n] counts the instances that each is not separate from, itself among them. `torn` [n] says
    which are in a chain with a conflict.
    """

    ids: Sequence[str]
    testimonies: Sequence[LabelTestimony]
    assurance: Strength
    conclusive: Settled
    strong: Settled
    torn: Mask
    possible: Sizes
    contradictions: Sequence[Contradiction]

    @property
    def groups(self) -> Labels:
        """The number of each instance's group of co-residents, [n]."""
        return self.strong.groups

    @property
    def counts(self) -> dict[str, int]:
        """How many pairs there are of each verdict."""
        return verdict_counts(self.groups, self.possible)

    def pair(self, i: int, j: int) -> Pair:
        """Return the verdict on one pair with its reason and all its evidence, strongest first."""
        chain = self._chain(i, j)
        if chain is not None and self.torn[i] and len(chain) <= LIMIT:
            found = _judged(self.ids, self.testimonies, self.assurance, chain)
            return found.pair(*(int(np.searchsorted(chain, k)) for k in (i, j)))
        weight = self._weight(i, j)
        evidence = [e for t in self.testimonies if (e := t.evidence(i, j))]
        if weight and not any(e.strength == abs(weight) for e in evidence):
            evidence.append(self._closure(i, j, weight))
        return reasoned(self.ids, i, j, weight, evidence, self.assurance, self.contradictions)

    def _chain(self, i: int, j: int) -> Places | None:
        """Return the strong chain that two instances are in, None where they are in different ones."""
        if self.strong.chains[i] != self.strong.chains[j]:
            return None
        return np.flatnonzero(self.strong.chains == self.strong.chains[i])

    def _weight(self, i: int, j: int) -> int:
        """Return what is settled of a pair that is not in a chain judged pair by pair."""
        for strength, settled in ((Strength.CONCLUSIVE, self.conclusive), (Strength.STRONG, self.strong)):
            if settled.groups[i] == settled.groups[j]:
                return strength
            if settled.chains[i] == settled.chains[j]:
                return 0
            if settled.differs(i, j):
                return -strength
        return 0

    def _closure(self, i: int, j: int, weight: int) -> Evidence:
        """Put into words why rule 4 says more of a pair than its own evidence."""
        strength = Strength(abs(weight))
        settled = self.conclusive if strength is Strength.CONCLUSIVE else self.strong
        if weight > 0:
            return chained(self.ids, self._path(i, j, strength), strength)
        sign = next(n for n, sign in enumerate(settled.signs) if sign.differs(i, j))
        own, known = separating(self.testimonies, strength)[sign].labels, settled.signs[sign].labels
        a, b = (
            k
            if own[k] == known[k]
            else int(np.flatnonzero((settled.groups == settled.groups[k]) & (own == known[k]))[0])
            for k in (i, j)
        )
        return carried(self.ids, i, j, a, b, strength)

    def _path(self, i: int, j: int, strength: Strength) -> list[int]:
        """Return a shortest path of equal labels from one member of a group to another."""
        members = np.flatnonzero(self.strong.groups == self.strong.groups[i])
        joins, size = [], len(members)
        for testimony in self.testimonies:
            if testimony.if_equal >= strength:
                labels = testimony.labels[members]
                known = np.flatnonzero(labels != UNKNOWN)
                joins.append((known, compact(labels[known]) + size))  # a label is a node as well
                size += len(known)
        ends = [np.concatenate(side) for side in zip(*joins, strict=True)]
        graph = coo_array((np.ones(len(ends[0]), np.int8), (ends[0], ends[1])), shape=(size, size)).tocsr()
        start, end = (int(np.searchsorted(members, k)) for k in (i, j))
        before = breadth_first_order(graph, start, directed=False)[1]
        path = [end]
        while path[-1] != start:
            path.append(int(before[path[-1]]))
        return [int(members[k]) for k in path[::-1] if k < len(members)]


def judge_by_label(
    ids: Sequence[str], testimonies: Sequence[LabelTestimony], assurance: Strength
) -> LabelJudgement:
    """Weigh testimonies of the instances `ids` by the rules above.

    Raises `ValueError` where equal labels say different or different ones say same, as no signal's do.
    """
    if any(t.if_equal < 0 or t.if_different > 0 for t in testimonies):
        raise ValueError("equal labels that say different, or different ones that say same")
    alone: Labels = np.arange(len(ids), dtype=np.int32)
    firm, firm_torn = connected(testimonies, Strength.CONCLUSIVE, alone, alone, np.zeros(len(ids), np.bool_))
    firm_groups = np.where(firm_torn, alone, firm + len(ids))
    chains, torn = connected(testimonies, Strength.STRONG, firm, firm_groups, firm_torn)
    groups = np.where(torn, firm_groups, chains + 2 * len(ids))
    large = torn & (np.bincount(chains, minlength=1)[chains] > LIMIT) if len(ids) else torn
    possible = np.bincount(chains).astype(np.int64)[chains]
    contradictions = list(contradicted(testimonies, chains, firm_groups, large))
    for members in batches(chains, torn & ~large, BATCH):
        found = _judged(ids, testimonies, assurance, members)
        together = chains[members][:, None] == chains[members]
        possible[members] = (together & ~found.separate).sum(axis=1)
        for settled, strength in ((firm_groups, Strength.CONCLUSIVE), (groups, Strength.STRONG)):
            same = found.weights >= strength
            np.fill_diagonal(same, True)
            settled[members] = members[same.argmax(axis=1)]
        contradictions += [
            Contradiction(
                int(members[c.i]), int(members[c.j]), c.strength, frozenset(members[list(c.members)].tolist())
            )
            for c in found.contradictions
        ]
    own = [Sign(t.labels, _scope_of(t)) for t in testimonies]
    conclusive = _settled(testimonies, Strength.CONCLUSIVE, firm, compact(firm_groups), own)
    by_testimony = iter(conclusive.signs)
    heard = [
        next(by_testimony) if t.if_different == -Strength.CONCLUSIVE else sign
        for t, sign in zip(testimonies, own, strict=True)
    ]
    strong = _settled(testimonies, Strength.STRONG, chains, compact(groups), heard)
    if large.any():
        signs = [Sign(sign.labels[large], sign.scope_of) for sign in conclusive.signs]
        possible[large] = (
            alike(signs, compact(chains[large]))
            - alike(signs, compact(firm[large]))
            + np.bincount(firm)[firm[large]]
        )
    signs = list((conclusive if assurance is Strength.CONCLUSIVE else strong).signs)
    possible += alike(signs, np.zeros(len(ids), np.int32)) - alike(signs, chains)
    return LabelJudgement(ids, testimonies, assurance, conclusive, strong, torn, possible, contradictions)


def _judged(
    ids: Sequence[str], testimonies: Sequence[LabelTestimony], assurance: Strength, members: Places
) -> Judgement:
    """Judge some instances by themselves, pair by pair."""

    def told(testimony: LabelTestimony) -> Callable[[int, int], str]:
        return lambda i, j: testimony.because(int(members[i]), int(members[j]))

    some = [
        LabelTestimony(t.signal, t.labels[members], t.scopes[members], t.if_equal, t.if_different, told(t))
        for t in testimonies
    ]
    return judge([ids[k] for k in members], some, assurance)


def _scope_of(testimony: LabelTestimony) -> Labels:
    known = testimony.labels != UNKNOWN
    scope_of: Labels = np.zeros(int(testimony.labels.max(initial=-1)) + 1, np.int32)
    scope_of[testimony.labels[known]] = testimony.scopes[known]
    return scope_of


def _settled(
    testimonies: Sequence[LabelTestimony],
    strength: Strength,
    chains: Labels,
    groups: Labels,
    heard: Sequence[Sign],
) -> Settled:
    """Let groups carry over the labels of their members, by rule 4."""
    order, starts = in_groups(groups)
    signs = []
    for testimony, sign in zip(testimonies, heard, strict=True):
        if testimony.if_different > -strength:
            continue
        labels = testimony.labels[order]
        if len(starts):
            highest = np.maximum.reduceat(labels, starts)
            lowest = np.minimum.reduceat(np.where(labels == UNKNOWN, NOBODY, labels), starts)
            carried_over = np.where(highest == lowest, highest, UNKNOWN)[groups]
            labels = np.where(carried_over == UNKNOWN, sign.labels, carried_over)
        signs.append(Sign(labels, sign.scope_of))
    return Settled(chains, groups, signs)
