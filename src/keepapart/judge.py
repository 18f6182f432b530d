"""The judge: from what every signal says to one verdict for each pair. Pure: values in, values out.

1. Of one pair, the highest strength at which any signal speaks decides. If at that strength one says same
   and another different, the verdict is unknown and names both.
2. Same, strong or conclusive: co-resident. Same, weak: unknown ("suspected").
3. Different, at least as strong as the assurance asked for: separate. Otherwise unknown.
4. Co-resident is an equivalence: a~b and b~c give a~c; a~b and b≠c give a≠c, at the weaker of the two
   strengths. Strengths are settled from the strongest down, so a stronger verdict overrules.
5. A contradiction at equal strength makes unknown every pair of the group that a chain of "same" at that
   strength joins, and is reported. Two groups with a pair between them in conflict are unknown to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from keepapart.components import Labels, Mask
from keepapart.model import Evidence, Pair, Says, Strength, Verdict
from keepapart.settle import Contradiction, settle, weigh
from keepapart.signals import AnyTestimony, Weights


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on every pair of `ids`, and what it rests on.

    `weights` is [n, n], int8, symmetric, 0 on the diagonal: the settled strength, positive for co-resident,
    negative for different, 0 where nothing strong is settled. `direct` is the same by rule 1 alone. `groups`
    [n] numbers the groups of co-resident instances. `assurance` is the least strength that may call a pair
    separate.
    """

    ids: Sequence[str]
    testimonies: Sequence[AnyTestimony]
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

    def pair(self, i: int, j: int) -> Pair:
        """Return the verdict on one pair with its reason and all its evidence, strongest first."""
        evidence = [e for t in self.testimonies if (e := t.evidence(i, j))]
        weight = int(self.weights[i, j])
        if weight and weight != self.direct[i, j]:
            evidence.append(self._closure(i, j, weight))
        evidence.sort(key=lambda e: -e.strength)
        a, b = self.ids[i], self.ids[j]
        if weight > 0:
            says, verdict = Says.SAME, Verdict.CO_RESIDENT
        elif weight <= -self.assurance:
            says, verdict = Says.DIFFERENT, Verdict.SEPARATE
        else:
            return Pair(a, b, Verdict.UNKNOWN, None, self._why_unknown(i, j, evidence), tuple(evidence))
        strength = Strength(abs(weight))
        because = next(e.because for e in evidence if e.says is says and e.strength == strength)
        return Pair(a, b, verdict, strength, because, tuple(evidence))

    def _why_unknown(self, i: int, j: int, evidence: Sequence[Evidence]) -> str:
        for found in self.contradictions:
            if i in found.members and j in found.members:
                return (
                    f"a chain of {found.strength.label} evidence joins {self.ids[found.i]} and"
                    f" {self.ids[found.j]}, which evidence as strong holds apart: the chain can't be trusted"
                )
        if not evidence:
            return "no signal says anything of this pair"
        first = evidence[0]
        for other in evidence:
            if other.strength == first.strength and other.says is not first.says:
                return (
                    f"{first.signal} says {first.says.value} and {other.signal} says {other.says.value},"
                    f" both {first.strength.label}"
                )
        if first.says is Says.SAME:
            return f"suspected: {first.signal} says same, but only weakly: {first.because}"
        if first.strength < self.assurance:
            return f"{first.signal} says different, but only {first.strength.label}: {first.because}"
        return f"{first.signal} says different, but others on the same hosts are in conflict: {first.because}"

    def _closure(self, i: int, j: int, weight: int) -> Evidence:
        """Put into words why rule 4 says more of a pair than its own evidence."""
        strength = Strength(abs(weight))
        ours, theirs = (np.flatnonzero(self.groups == self.groups[k]) for k in (i, j))
        if weight > 0:
            edges = csr_array((self.direct[np.ix_(ours, ours)] >= strength).astype(np.int8))
            start, end = (int(np.flatnonzero(ours == k)[0]) for k in (i, j))
            before = breadth_first_order(edges, start, directed=False)[1]
            chain = [end]
            while chain[-1] != start:
                chain.append(int(before[chain[-1]]))
            names = " and ".join(self.ids[ours[k]] for k in chain[::-1])
            return Evidence("closure", Says.SAME, strength, f"a chain of co-resident pairs joins {names}")
        x, y = divmod(int(self.direct[np.ix_(ours, theirs)].argmin()), len(theirs))
        a, b = int(ours[x]), int(theirs[y])
        parts = [f"{self.ids[k]} is co-resident with {self.ids[m]}" for k, m in ((i, a), (j, b)) if k != m]
        return Evidence(
            "closure",
            Says.DIFFERENT,
            strength,
            " and ".join(parts) + f", and {self.ids[a]} and {self.ids[b]} are on different hosts",
        )


def judge(ids: Sequence[str], testimonies: Sequence[AnyTestimony], assurance: Strength) -> Judgement:
    """Weigh all testimonies of the instances `ids` by the rules above."""
    weighed = weigh(len(ids), testimonies)
    weights, groups, contradictions = settle(weighed)
    return Judgement(ids, testimonies, assurance, weighed.direct, weights, groups, contradictions)
