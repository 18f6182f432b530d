"""What the judge by labels found: the verdict on any single pair, made when it is asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keepapart.arrays import Labels, Mask, Places, Sizes, compact, shortest_chain
from keepapart.judging.judge import PairJudgement, judge
from keepapart.judging.judgement import Contradiction, verdict_counts
from keepapart.judging.labelling import Labelling
from keepapart.judging.reasons import carried, chained, reasoned
from keepapart.model import Evidence, Pair, Strength
from keepapart.signals import UNKNOWN, LabelTestimony


@dataclass(frozen=True, slots=True)
class Settled:
    """What is settled at one strength or above it.

    `chains` and `groups` [n] number the label chains and the groups of co-residents; `labellings` are what
    each testimony that says different so strongly knows, carried over within groups (rule 4), by its number.
    """

    chains: Labels
    groups: Labels
    labellings: Mapping[int, Labelling]

    def differs(self, i: int, j: int) -> bool:
        """Whether any label tells two instances apart."""
        return any(known.differs(i, j) for known in self.labellings.values())

    def differs_from(self, i: int) -> Mask:
        """Say whom any label tells apart from one instance, [n]."""
        found: Mask = np.zeros(len(self.groups), np.bool_)
        for known in self.labellings.values():
            found |= known.differs_from(i)
        return found


@dataclass(frozen=True, slots=True)
class LabelJudgement:
    """The verdict on every pair of `ids`, from labels alone; a `Judgement`.

    `possible` is as there, `within` [n] the same of each one's own label chain. `small` [n] says whose chain
    was judged pair by pair, and `torn` [n] whose chain is contradicted but too large for that.
    """

    ids: Sequence[str]
    testimonies: Sequence[LabelTestimony]
    assurance: Strength
    conclusive: Settled
    strong: Settled
    small: Mask
    torn: Mask
    within: Sizes
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
        if self.small[i] and self.strong.chains[i] == self.strong.chains[j]:
            found, (a, b) = self._by_pair(i, j)
            return found.pair(a, b)
        weight = self._weight(i, j)
        evidence = [e for t in self.testimonies if (e := t.evidence(i, j))]
        if weight and not any(e.strength == abs(weight) for e in evidence):
            evidence.append(self._closure(i, j, weight))
        return reasoned(self.ids, i, j, weight, evidence, self.assurance, self.contradictions)

    def not_separate(self, i: int) -> Places:
        """List whom one is not separate from, itself among them: as many as `possible` says."""
        settled = self.conclusive if self.assurance is Strength.CONCLUSIVE else self.strong
        near = ~settled.differs_from(i) & (self.strong.chains != self.strong.chains[i])
        near[self.not_separate_within(i)] = True
        return np.flatnonzero(near)

    def not_separate_within(self, i: int) -> Places:
        """List those of its own label chain: as many as `within` says."""
        chain = np.flatnonzero(self.strong.chains == self.strong.chains[i])
        if self.small[i]:
            found, (at,) = self._by_pair(i)
            chain = chain[~found.separate[at]]
        elif self.torn[i]:
            firm = self.conclusive.chains[chain] == self.conclusive.chains[i]
            chain = chain[firm | ~self.conclusive.differs_from(i)[chain]]
        return chain

    def _by_pair(self, *instances: int) -> tuple[PairJudgement, list[int]]:
        """Judge the label chain of some instances pair by pair, and say where in it they are."""
        members = np.flatnonzero(self.strong.chains == self.strong.chains[instances[0]])
        found = judge_some(self.ids, self.testimonies, self.assurance, members)
        return found, [int(np.searchsorted(members, i)) for i in instances]

    def _weight(self, i: int, j: int) -> int:
        """Return what is settled of a pair, but for those of a chain that is judged pair by pair."""
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
        if weight > 0:
            return chained(self.ids, self._chain(i, j, strength), strength)
        settled = self.conclusive if strength is Strength.CONCLUSIVE else self.strong
        number, known = next((n, known) for n, known in settled.labellings.items() if known.differs(i, j))
        own = self.testimonies[number].labels

        def whose(k: int) -> int:
            """Return the instance itself, or the co-resident that its label was carried over from."""
            label = known.labels[k]
            if own[k] == label:
                return k
            return int(np.flatnonzero((settled.groups == settled.groups[k]) & (own == label))[0])

        return carried(self.ids, i, j, whose(i), whose(j), strength)

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
        a, b = (np.concatenate(side) for side in zip(*joins, strict=True))
        start, end = (int(np.searchsorted(members, k)) for k in (i, j))
        return [int(members[k]) for k in shortest_chain(size, (a, b), start, end) if k < len(members)]


def judge_some(
    ids: Sequence[str], testimonies: Sequence[LabelTestimony], assurance: Strength, members: Places
) -> PairJudgement:
    """Judge some instances by themselves, pair by pair."""

    def told(testimony: LabelTestimony) -> Callable[[int, int], str]:
        return lambda i, j: testimony.because(int(members[i]), int(members[j]))

    some = [
        LabelTestimony(t.signal, t.labels[members], t.scopes[members], t.if_equal, t.if_different, told(t))
        for t in testimonies
    ]
    return judge([ids[k] for k in members], some, assurance)
