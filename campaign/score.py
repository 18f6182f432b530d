"""What verdicts are worth against the truth, summed up over worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field

import numpy as np
import numpy.typing as npt

from keepapart.auditing.assess import Audit

Mask = npt.NDArray[np.bool_]

NOBODY, PLATFORM, OPERATOR = "nobody", "platform", "operator"  # who vouches for a network
SHOWN = 3  # falsely judged worlds that a result names


@dataclass(frozen=True)
class Score:
    """Numbers of unordered pairs, of all `worlds` together.

    Of the `together`, which truly share a host, so many were `found`; of all pairs so many are `unknown`.
    """

    worlds: int = 0
    pairs: int = 0
    false_separate: int = 0
    false_co_resident: int = 0
    unknown: int = 0
    together: int = 0
    found: int = 0

    @classmethod
    def of(cls, audit: Audit, *, together: Mask, ever: Mask) -> Score:
        """Count one audit's pairs; `ever` are those that shared a host at any time of the round."""
        said, upper = audit.judgement, np.triu(np.ones(together.shape, np.bool_), 1)

        def pairs(mask: Mask) -> int:
            return int((mask & upper).sum())

        return cls(
            1,
            pairs(upper),
            pairs(said.separate & ever),
            pairs(said.co_resident & ~ever),
            pairs(said.unknown),
            pairs(together),
            pairs(together & said.co_resident),
        )

    @property
    def wrong(self) -> int:
        """How many verdicts are false, of either sort."""
        return self.false_separate + self.false_co_resident

    def __add__(self, other: Score) -> Score:
        return Score(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Result:
    """One kind's scores, by who vouched, and some of the worlds (by number) on which a verdict was false."""

    kind: str
    scores: Mapping[str, Score] = field(default_factory=dict)
    wrong: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, kind: str, number: int, scores: Mapping[str, Score]) -> Result:
        """Return the result of one world."""
        return cls(kind, scores, {by: [number] for by, score in scores.items() if score.wrong})

    def __add__(self, other: Result) -> Result:
        scores = {by: self.scores.get(by, Score()) + score for by, score in other.scores.items()}
        wrong = {
            by: [*self.wrong.get(by, ()), *other.wrong.get(by, ())][:SHOWN]
            for by in (*self.wrong, *other.wrong)
        }
        return Result(self.kind, {**self.scores, **scores}, wrong)
