"""Controls: pairs that facts or the operator hold for one host's, and whether they vouch for a network.

They vouch for it that whoever is farther than two hops is on another host, where

1. all of them, of those who took part, are surely two hops apart;
2. the chance that they are so by accident is below `ACCIDENT`. By accident each is as often as any pair of
   this network. A control shares no instance with another, as it would not be independent; there are `SHOWN`
   at least;
3. they join every two projects that instances are of: what two tenants send each other may go by a firewall,
   within one host too, and what is stated of hosts is compared within a project only.

What rule 2 supposes is that controls are drawn from all pairs that share a host: those of one rack, or of one
tenant that no fact tells, show nothing of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log

import numpy as np

from keepapart.arrays import Labels, Mask, components, edges
from keepapart.model import Strength
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.sight import Sight
from keepapart.signals.testimony import Testimony

ACCIDENT = 1e-3  # the chance that controls agree with the counts of a network that they don't vouch for
SHOWN = 2  # controls at the least


@dataclass(frozen=True, slots=True)
class ControlPairs:
    """How many controls there are, and what they show.

    `agree` says whether rule 1 holds; `chance` is the logarithm of rule 2's; `parted` are two projects that
    none joins, empty where rule 3 holds.
    """

    number: int
    agree: bool = False
    chance: float = 0.0
    parted: Sequence[str] = ()

    @classmethod
    def of(
        cls, paths: PathConfidence, said: Sequence[Testimony], sights: Sequence[Sight] = ()
    ) -> ControlPairs:
        """Count them; `sights` may be empty, where nobody tells anything."""
        measured = int(np.count_nonzero(paths.least))
        two = int((paths.least == 2).sum())
        if not said or not two or two == measured:
            return cls(0)
        size = len(paths.least)
        heard: Mask = np.array((paths.least > 0).any(axis=1))
        known = edges(lambda rows: _known_same(said, rows) & heard[rows, None] & heard, size)
        of = components(size, known)
        number = int((np.bincount(of) // 2).sum())
        agree = all((paths.least[known] == 2) & paths.sure[known])
        return cls(number, agree, number * log(two / measured), _parted(of, sights))

    @property
    def vouch(self) -> bool:
        """Whether they vouch for the network."""
        return self.agree and self.number >= SHOWN and self.chance < log(ACCIDENT) and not self.parted

    @property
    def because(self) -> str:
        """Say what they show, and what is lacking; empty where there are none."""
        if not self.number:
            return ""
        if not self.agree:
            return "not all pairs that are known to share a host are surely 2 hops apart"
        pairs = "1 pair" if self.number == 1 else f"{self.number} pairs"
        words = f"{pairs} known to share a host {'is' if self.number == 1 else 'are'} 2 hops apart"
        if self.parted:
            return f"{words}, and none of projects {' and '.join(map(repr, self.parted))}"
        words += f", which by accident has a chance of {np.exp(self.chance):.1g}"
        if not self.vouch:
            return f"{words}: more of them are needed, no instance twice"
        return f"{words}: whoever is farther is on another host"


def _known_same(said: Sequence[Testimony], rows: slice) -> Mask:
    """Say who is known to share a host, of rows of pairs."""
    known: Mask = np.logical_or.reduce([testimony.rows(rows) >= Strength.STRONG for testimony in said])
    return known


def _parted(of: Labels, sights: Sequence[Sight]) -> Sequence[str]:
    """Return two projects that no host joins, of which instances are known to be `of` one; or nothing."""
    projects = [sight.project for sight in sights]
    together: dict[int, set[str]] = {}
    for host, project in zip(of.tolist(), projects, strict=bool(projects)):
        together.setdefault(host, set()).add(project)
    joined = {pair for there in together.values() for pair in combinations(sorted(there), 2)}
    return next((pair for pair in combinations(sorted(set(projects)), 2) if pair not in joined), ())
