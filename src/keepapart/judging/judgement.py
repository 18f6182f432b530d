"""What a judge says of all pairs, and the rules that both judges keep. Pure: values in, values out.

1. Of one pair, the highest strength at which any signal speaks decides. If at that strength one says same
   and another different, the verdict is unknown and names both.
2. Same, strong or conclusive: co-resident. Same, weak: unknown ("suspected").
3. Different, at least as strong as the assurance asked for: separate. Otherwise unknown.
4. Co-resident is an equivalence: a~b and b~c give a~c; a~b and b≠c give a≠c, at the weaker of the two
   strengths. Strengths are settled from the strongest down, so a stronger verdict overrules.
5. A contradiction at equal strength makes unknown every pair of the group that a chain of "same" at that
   strength joins, and is reported. Two groups with a pair between them in conflict are unknown to each other.

`judge` weighs every pair, whatever the signals are, and is what the rules mean. `by_label` never goes through
the pairs: it takes a million instances of which signals know labels only, and where it can't follow `judge`
it says unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from keepapart.arrays import Labels, Places, Sizes
from keepapart.model import Pair, Strength, Verdict


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A chain of "same" joins `members`, and evidence as strong holds `i` and `j` among them apart."""

    i: int
    j: int
    strength: Strength
    members: frozenset[int]


class Judgement(Protocol):
    """The verdict on every pair of `ids`; instances are numbered as they stand there."""

    @property
    def ids(self) -> Sequence[str]:
        """The instances."""

    @property
    def groups(self) -> Labels:
        """The number of each one's group of co-residents, [n]."""

    @property
    def possible(self) -> Sizes:
        """How many instances each is not separate from, itself among them, [n]."""

    @property
    def counts(self) -> dict[str, int]:
        """How many pairs there are of each verdict."""

    @property
    def contradictions(self) -> Sequence[Contradiction]:
        """Every contradiction (rule 5)."""

    def not_separate(self, i: int) -> Places:
        """List whom one is not separate from, itself among them: as many as `possible` says."""

    def pair(self, i: int, j: int) -> Pair:
        """Return the verdict on one pair with its reason and all its evidence, strongest first."""


def verdict_counts(groups: Labels, possible: Sizes) -> dict[str, int]:
    """Count the pairs of each verdict, by groups of co-residents and how many each is not separate from."""
    size = len(groups)
    sizes = np.bincount(groups).astype(np.int64)
    co_resident = int((sizes * (sizes - 1)).sum()) // 2
    not_separate = int((possible - 1).sum()) // 2
    return {
        Verdict.SEPARATE.value: size * (size - 1) // 2 - not_separate,
        Verdict.CO_RESIDENT.value: co_resident,
        Verdict.UNKNOWN.value: not_separate - co_resident,
    }
