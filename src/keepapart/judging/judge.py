"""The judge of any evidence whatever: every pair is weighed, by the rules of `judgement`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keepapart.arrays import Labels, Mask, Places, Sizes, shortest_chain
from keepapart.judging.closure import closure, weigh
from keepapart.judging.judgement import Contradiction, verdict_counts
from keepapart.judging.reasons import carried, chained, reasoned
from keepapart.model import Evidence, Pair, Strength
from keepapart.signals import Testimony, Weights


@dataclass(frozen=True, slots=True)
class PairJudgement:
    """The verdict on every pair of `ids`, and what it rests on; a `Judgement`.

    `weights` is [n, n], int8, symmetric, 0 on the diagonal: the settled strength, positive for co-resident,
    negative for different, 0 where nothing strong is settled. `direct` is the same by rule 1 alone. `groups`
    [n] numbers the groups of co-resident instances. `assurance` is the least strength that may call a pair
    separate.
    """

    ids: Sequence[str]
    testimonies: Sequence[Testimony]
    assurance: Strength
    direct: Weights
    weights: Weights
    groups: Labels
    contradictions: Sequence[Contradiction]

    @property
    def co_resident(self) -> Mask:
        """Which pairs are co-resident, [n, n]; an instance is not a pair with itself."""
        return self.weights > 0

    @property
    def separate(self) -> Mask:
        """Which pairs are separate, [n, n]."""
        return self.weights <= -self.assurance

    @property
    def unknown(self) -> Mask:
        """Which pairs are unknown, [n, n]."""
        mask: Mask = ~(self.separate | self.co_resident)
        np.fill_diagonal(mask, False)
        return mask

    @property
    def possible(self) -> Sizes:
        """How many instances each is not separate from, itself among them, [n]."""
        separate: Sizes = np.count_nonzero(self.separate, axis=1).astype(np.int64)
        return len(self.ids) - separate

    @property
    def counts(self) -> dict[str, int]:
        """How many pairs there are of each verdict."""
        return verdict_counts(self.groups, self.possible)

    def not_separate(self, i: int) -> Places:
        """List whom one is not separate from, itself among them: as many as `possible` says."""
        return np.flatnonzero(self.weights[i] > -self.assurance)

    def pair(self, i: int, j: int) -> Pair:
        """Return the verdict on one pair with its reason and all its evidence, strongest first."""
        evidence = [e for t in self.testimonies if (e := t.evidence(i, j))]
        weight = int(self.weights[i, j])
        if weight and weight != self.direct[i, j]:
            evidence.append(self._closure(i, j, weight))
        return reasoned(self.ids, i, j, weight, evidence, self.assurance, self.contradictions)

    def _closure(self, i: int, j: int, weight: int) -> Evidence:
        """Put into words why rule 4 says more of a pair than its own evidence."""
        strength = Strength(abs(weight))
        ours, theirs = (np.flatnonzero(self.groups == self.groups[k]) for k in (i, j))
        if weight > 0:
            joins = np.nonzero(self.direct[np.ix_(ours, ours)] >= strength)
            start, end = (int(np.flatnonzero(ours == k)[0]) for k in (i, j))
            chain = [int(ours[k]) for k in shortest_chain(len(ours), (joins[0], joins[1]), start, end)]
            return chained(self.ids, chain, strength)
        x, y = divmod(int(self.direct[np.ix_(ours, theirs)].argmin()), len(theirs))
        return carried(self.ids, i, j, int(ours[x]), int(theirs[y]), strength)


def judge(ids: Sequence[str], testimonies: Sequence[Testimony], assurance: Strength) -> PairJudgement:
    """Weigh all testimonies of the instances `ids`."""
    weighed = weigh(len(ids), testimonies)
    weights, groups, contradictions = closure(weighed)
    return PairJudgement(ids, testimonies, assurance, weighed.direct, weights, groups, contradictions)
