"""The judge where every signal is `LabelTestimony`: a million instances, and nothing that is n × n. Pure.

The rules are those of `judge`, and so are the verdicts, but for what the last of these leaves unknown:
1. A *knot* is who a chain of equal labels joins at a strength or above it, whether or not others are in
   conflict over it. Of two instances of different knots no signal ever says same.
2. A knot in which nothing as strong says different is a group of co-resident instances.
3. Any other knot is judged pair by pair, by `judge`, unless it is larger than `LIMIT`. Then what is
   conclusive in it stays (its conclusive knots without conflict, and what tells those apart); all other
   pairs in it are unknown.
4. A group carries a label over to its members (rule 4 of `judge`) where all of them that a signal knows have
   the same. Where it knows several of them by different labels, each one has its own only.
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
from keepapart.judging.label_chains import batches, negative, tie
from keepapart.judging.label_chains import contradictions as knots_in_conflict
from keepapart.judging.label_counts import Sign, alike
from keepapart.judging.reasons import carried, chained, reasoned
from keepapart.model import Evidence, Pair, Strength
from keepapart.signals import UNKNOWN, LabelTestimony

LIMIT = 1024  # instances of a knot that are judged pair by pair
BATCH = 256  # instances of several knots that are judged at once: more are slower, as all pairs are made
NOBODY = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Level:
    """What is settled at one strength or above it.

    `knots`, `groups` [n] number the knots and the groups of co-resident instances; `signs` are what each
    signal that says different so strongly knows, by rule 4.
    """

    knots: Labels
    groups: Labels
    signs: Sequence[Sign]

    def differs(self, i: int, j: int) -> bool:
        """Whether any label tells two instances apart."""
        return any(sign.differs(i, j) for sign in self.signs)


@dataclass(frozen=True, slots=True)
class LabelJudgement:
    """The verdict on every pair of `ids`: the pairs by number, and any single one when asked for.

    `possible` [n] counts the instances that each is not separate from, itself among them. `torn` [n] says
    whose knots have a conflict in them.
    """

    ids: Sequence[str]
    testimonies: Sequence[LabelTestimony]
    assurance: Strength
    conclusive: Level
    strong: Level
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
        knot = self._knot(i, j)
        if knot is not None and self.torn[i] and len(knot) <= LIMIT:
            found = _judged(self.ids, self.testimonies, self.assurance, knot)
            return found.pair(*(int(np.searchsorted(knot, k)) for k in (i, j)))
        weight = self._weight(i, j)
        evidence = [e for t in self.testimonies if (e := t.evidence(i, j))]
        if weight and not any(e.strength == abs(weight) for e in evidence):
            evidence.append(self._closure(i, j, weight))
        return reasoned(self.ids, i, j, weight, evidence, self.assurance, self.contradictions)

    def _knot(self, i: int, j: int) -> Places | None:
        """Return the strong knot of two instances, None where each is of another."""
        if self.strong.knots[i] != self.strong.knots[j]:
            return None
        return np.flatnonzero(self.strong.knots == self.strong.knots[i])

    def _weight(self, i: int, j: int) -> int:
        """Return what is settled of a pair, but for those of a knot that is judged pair by pair."""
        for strength, level in ((Strength.CONCLUSIVE, self.conclusive), (Strength.STRONG, self.strong)):
            if level.groups[i] == level.groups[j]:
                return strength
            if level.knots[i] == level.knots[j]:
                return 0
            if level.differs(i, j):
                return -strength
        return 0

    def _closure(self, i: int, j: int, weight: int) -> Evidence:
        """Put into words why rule 4 says more of a pair than its own evidence."""
        strength = Strength(abs(weight))
        level = self.conclusive if strength is Strength.CONCLUSIVE else self.strong
        if weight > 0:
            return chained(self.ids, self._chain(i, j, strength), strength)
        sign = next(n for n, sign in enumerate(level.signs) if sign.differs(i, j))
        labels = negative(self.testimonies, strength)[sign].labels
        a, b = (
            k
            if labels[k] == level.signs[sign].labels[k]
            else int(
                np.flatnonzero((level.groups == level.groups[k]) & (labels == level.signs[sign].labels[k]))[0]
            )
            for k in (i, j)
        )
        return carried(self.ids, i, j, a, b, strength)

    def _chain(self, i: int, j: int, strength: Strength) -> list[int]:
        """Return a shortest chain of equal labels from one member of a group to another."""
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
        chain = [end]
        while chain[-1] != start:
            chain.append(int(before[chain[-1]]))
        return [int(members[k]) for k in chain[::-1] if k < len(members)]


def judge_by_label(
    ids: Sequence[str], testimonies: Sequence[LabelTestimony], assurance: Strength
) -> LabelJudgement:
    """Weigh testimonies of the instances `ids` by the rules above.

    Equal labels may only ever say same and different ones only different, as with every signal there is.
    """
    if any(t.if_equal < 0 or t.if_different > 0 for t in testimonies):
        raise ValueError("equal labels that say different, or different ones that say same")
    alone: Labels = np.arange(len(ids), dtype=np.int32)
    firm, firm_torn = tie(testimonies, Strength.CONCLUSIVE, alone, alone, np.zeros(len(ids), np.bool_))
    firm_groups = np.where(firm_torn, alone, firm + len(ids))
    knots, torn = tie(testimonies, Strength.STRONG, firm, firm_groups, firm_torn)
    groups = np.where(torn, firm_groups, knots + 2 * len(ids))
    large = torn & (np.bincount(knots, minlength=1)[knots] > LIMIT) if len(ids) else torn
    possible = np.bincount(knots).astype(np.int64)[knots]
    contradictions = list(knots_in_conflict(testimonies, knots, firm_groups, large))
    for members in batches(knots, torn & ~large, BATCH):
        found = _judged(ids, testimonies, assurance, members)
        together = knots[members][:, None] == knots[members]
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
    conclusive = _level(testimonies, Strength.CONCLUSIVE, firm, compact(firm_groups), own)
    by_testimony = iter(conclusive.signs)
    heard = [
        next(by_testimony) if t.if_different == -Strength.CONCLUSIVE else sign
        for t, sign in zip(testimonies, own, strict=True)
    ]
    strong = _level(testimonies, Strength.STRONG, knots, compact(groups), heard)
    if large.any():
        signs = [Sign(sign.labels[large], sign.scope_of) for sign in conclusive.signs]
        possible[large] = (
            alike(signs, compact(knots[large]))
            - alike(signs, compact(firm[large]))
            + np.bincount(firm)[firm[large]]
        )
    signs = list((conclusive if assurance is Strength.CONCLUSIVE else strong).signs)
    possible += alike(signs, np.zeros(len(ids), np.int32)) - alike(signs, knots)
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


def _level(
    testimonies: Sequence[LabelTestimony],
    strength: Strength,
    knots: Labels,
    groups: Labels,
    heard: Sequence[Sign],
) -> Level:
    """Let groups carry over what is heard of their members, by rule 4."""
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
    return Level(knots, groups, signs)
