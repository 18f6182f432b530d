"""What verdicts are worth against the truth, summed up over worlds."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from keepapart.auditing.assess import Audit
from keepapart.model import Strength

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Score:
    """Numbers of unordered pairs, of all `worlds` together.

    `false_established` are those of `false_co_resident` that stand where hops may speak strongly. Of the
    `together`, which truly share a host, so many were `found`; of all pairs so many are `unknown`.
    """

    worlds: int = 0
    pairs: int = 0
    false_separate: int = 0
    false_co_resident: int = 0
    false_established: int = 0
    unknown: int = 0
    together: int = 0
    found: int = 0

    @classmethod
    def of(cls, audit: Audit, *, together: Mask, ever: Mask) -> Score:
        """Count one audit's pairs; `ever` are those that shared a host at any time of the round."""
        said, upper = audit.judgement, np.triu(np.ones(together.shape, np.bool_), 1)

        def pairs(mask: Mask) -> int:
            return int((mask & upper).sum())

        wrong = pairs(said.co_resident & ~ever)
        strong = audit.network.strength is Strength.STRONG
        return cls(
            1,
            pairs(upper),
            pairs(said.separate & ever),
            wrong,
            wrong if strong else 0,
            pairs(said.unknown),
            pairs(together),
            pairs(together & said.co_resident),
        )

    def __add__(self, other: Score) -> Score:
        return Score(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))
