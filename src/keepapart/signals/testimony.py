"""Testimony: what one signal says of all pairs at once.

A `PairTestimony` weighs every pair; a `LabelTestimony` gives every instance a label and says what equal and
different labels mean. Neither decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Labels, compact, distinct
from keepapart.model import Evidence, Says, Strength

Weights = npt.NDArray[np.int8]

UNKNOWN = -1  # the label of an instance of which a signal says nothing


@dataclass(frozen=True, slots=True)
class PairTestimony:
    """What one signal says of every pair.

    `weights` is [n, n], int8, symmetric, its diagonal 0: the strength of the evidence (1 weak, 2 strong,
    3 conclusive), positive for same, negative for different, 0 where the signal says nothing.
    `because(i, j)` says why in words, for pairs of which it says anything.
    """

    signal: str
    weights: Weights
    because: Callable[[int, int], str]

    def rows(self, rows: slice) -> Weights:
        """Return these rows of `weights`."""
        return self.weights[rows]

    def evidence(self, i: int, j: int) -> Evidence | None:
        """Return what this signal says of one pair, None where it says nothing."""
        return _evidence(self.signal, int(self.weights[i, j]), lambda: self.because(i, j))


@dataclass(frozen=True, slots=True)
class LabelTestimony:
    """What a signal says that knows each instance by itself: its host's name, its zone, its gateway.

    `labels` and `scopes` are [n], int32. Two instances of one scope weigh `if_equal` where their labels are
    equal and `if_different` where they aren't, signed as in `PairTestimony`; of others, and of those whose
    label is `UNKNOWN`, the signal says nothing. Equal labels are always of one scope, so a judge can take the
    pairs of `if_equal` from the labels alone; and n instances cost n numbers, not n × n.
    """

    signal: str
    labels: Labels
    scopes: Labels
    if_equal: int
    if_different: int
    because: Callable[[int, int], str]

    @classmethod
    def of(
        cls,
        signal: str,
        values: Sequence[Hashable | None],
        because: Callable[[int, int], str],
        *,
        if_equal: int = 0,
        if_different: int = 0,
        scopes: Sequence[Hashable] | None = None,
    ) -> LabelTestimony:
        """Number `values`, None being unknown; equal values of different `scopes` get different labels."""
        labels = _numbered(values)
        within: Labels = np.zeros(len(values), np.int32)
        if scopes is not None:
            within = _numbered(scopes)
            labels = compact(within.astype(np.int64) * (len(values) + 1) + labels)
        labels[[value is None for value in values]] = UNKNOWN
        return cls(signal, labels, within, if_equal, if_different, because)

    @property
    def weights(self) -> Weights:
        """The same for every pair, as in `PairTestimony`; made anew each time, being n times as large."""
        return self.rows(slice(0, len(self.labels)))

    def rows(self, rows: slice) -> Weights:
        """Return these rows of `weights`."""
        labels, scopes = self.labels[rows, None], self.scopes[rows, None]
        dense: Weights = np.where(labels == self.labels, np.int8(self.if_equal), np.int8(self.if_different))
        dense[(scopes != self.scopes) | (labels == UNKNOWN) | (self.labels == UNKNOWN)] = 0
        dense[np.arange(len(dense)), np.arange(len(self.labels))[rows]] = 0
        return dense

    @property
    def speaks(self) -> bool:
        """Whether it says anything of any pair."""
        known = self.labels != UNKNOWN
        labels, scopes = distinct(self.labels[known]), distinct(self.scopes[known])
        if self.if_equal and len(labels) < known.sum():
            return True
        return bool(self.if_different) and len(labels) > len(scopes)

    def weight(self, i: int, j: int) -> int:
        """Return the weight of one pair."""
        a, b = int(self.labels[i]), int(self.labels[j])
        if i == j or UNKNOWN in (a, b) or self.scopes[i] != self.scopes[j]:
            return 0
        return self.if_equal if a == b else self.if_different

    def evidence(self, i: int, j: int) -> Evidence | None:
        """Return what this signal says of one pair, None where it says nothing."""
        return _evidence(self.signal, self.weight(i, j), lambda: self.because(i, j))


Testimony: TypeAlias = PairTestimony | LabelTestimony


def _numbered(values: Sequence[Hashable]) -> Labels:
    """Number values in the order in which they come first."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.fromiter(map(numbers.__getitem__, values), np.int32, len(values))


def _evidence(signal: str, weight: int, because: Callable[[], str]) -> Evidence | None:
    if weight == 0:
        return None
    says = Says.SAME if weight > 0 else Says.DIFFERENT
    return Evidence(signal, says, Strength(abs(weight)), because())
