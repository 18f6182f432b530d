"""Signals: sources of evidence. One file each; each says same, different or nothing of every pair.

A signal speaks through a `Testimony`, for all pairs at once; it never decides. What it may claim, and how
strongly, is said in the docstring of its file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.model import Evidence, Says, Strength

Weights = npt.NDArray[np.int8]
Counts = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Testimony:
    """What one signal says of every pair.

    `weights` is [n, n], int8, symmetric, its diagonal 0: the strength of the evidence (1 weak, 2 strong,
    3 conclusive), positive for same, negative for different, 0 where the signal says nothing.
    `because(i, j)` says why in words, for pairs of which it says anything.
    """

    signal: str
    weights: Weights
    because: Callable[[int, int], str]

    def evidence(self, i: int, j: int) -> Evidence | None:
        """Return what this signal says of one pair, None where it says nothing."""
        weight = int(self.weights[i, j])
        if weight == 0:
            return None
        says = Says.SAME if weight > 0 else Says.DIFFERENT
        return Evidence(self.signal, says, Strength(abs(weight)), self.because(i, j))
