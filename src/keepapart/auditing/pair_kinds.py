"""Kinds of pairs: what an audit says of each pair and why, without the particulars. Pure.

`Judgement.pair` puts a pair into words that have names and counts in them. Of a million pairs these are too
many to make, to read or to keep, and yet there are few kinds of them. A kind is a verdict, its strength, and
its reason as far as all pairs of the kind have it in common: which signals decide, and what is lacking.
Unknown pairs of which one is down are a kind, and so are those of which one couldn't be reached, whatever
else there is to say of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from typing import Protocol

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Mask, blocks
from keepapart.judging.judge import PairJudgement
from keepapart.model import Strength, Verdict

Numbers = npt.NDArray[np.uint16]
Indices = npt.NDArray[np.signedinteger]
Gone = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is said of all pairs of it; `strength` is None where the verdict is unknown."""

    verdict: Verdict
    strength: Strength | None
    because: str

    @property
    def label(self) -> str | None:
        """The word for its strength."""
        return self.strength.label if self.strength else None


DOWN = Kind(Verdict.UNKNOWN, None, "one of the two is down, and so on no host")
UNREACHED = "one of the two couldn't be reached"


class Kinds(Protocol):
    """The kinds of an audit's pairs, and how many there are of each, in `pairs`."""

    @property
    def kinds(self) -> Sequence[Kind]:
        """The kinds."""

    @property
    def pairs(self) -> Sequence[int]:
        """How many pairs there are of each."""

    def first(self, kind: int, most: int) -> list[tuple[int, int]]:
        """Return some pairs of a kind, by index, at most so many."""


@dataclass(frozen=True, slots=True)
class PairKinds:
    """The kind of every pair: `of` [n, n] has its number, for i < j, and there are `pairs` of each kind."""

    kinds: Sequence[Kind]
    pairs: Sequence[int]
    of: Numbers

    def first(self, kind: int, most: int) -> list[tuple[int, int]]:
        """Return the first pairs of a kind, at most so many."""
        found: list[tuple[int, int]] = []
        for rows in blocks(len(self.of)):
            if len(found) >= most:
                break
            i, j = np.nonzero((self.of[rows] == kind) & _above(rows, len(self.of)))
            found += zip((i[:most] + rows.start).tolist(), j[:most].tolist(), strict=True)
        return found[:most]


class _Case(IntEnum):
    """Why a pair's verdict is what it is."""

    SILENT = 0
    SAME = 1  # some signal says so, but not strongly or not alone
    DIFFERENT = 2
    CONTRADICTED = 3
    UNREACHED = 4
    DOWN = 5
    CO_RESIDENT = 6
    SEPARATE = 7


def pair_kinds(judgement: PairJudgement, reached: Sequence[bool], down: Sequence[int] = ()) -> PairKinds:
    """Sort every pair by its kind; `reached` says which instances took part, `down` which don't run."""
    size, gone = len(judgement.ids), np.where(reached, np.int8(0), np.int8(_Case.UNREACHED))
    gone[list(down)] = _Case.DOWN
    signals = ["", *(testimony.signal for testimony in judgement.testimonies), "closure"]
    shape = (len(_Case), len(Strength) + 1, len(signals), len(signals))
    numbers: dict[Kind, int] = {}
    pairs = np.zeros(math.prod(shape), np.int64)
    of: Numbers = np.zeros((size, size), np.uint16)
    for rows in blocks(size):
        codes = np.ravel_multi_index(_reasons(judgement, gone, rows), shape)
        table: Numbers = np.zeros(math.prod(shape), np.uint16)
        times = np.bincount(codes[_above(rows, size)], minlength=len(table))
        for code in np.flatnonzero(times).tolist():
            reason = [int(number) for number in np.unravel_index(code, shape)]
            kind = _kind(reason, signals, judgement.assurance)
            table[code] = numbers.setdefault(kind, len(numbers))
            pairs[table[code]] += times[code]
        of[rows] = table[codes]
    return PairKinds(list(numbers), pairs[: len(numbers)].tolist(), of)


def _reasons(judgement: PairJudgement, gone: Gone, rows: slice) -> tuple[Indices, ...]:
    """Return, for these rows, each pair's case, the strength at which it is decided and by which signals.

    `gone` [n] is the case of those who took no part, else 0. Of signals there are two, the second for
    conflicts only; they are numbered from 1, and 0 is none.
    """
    weights, direct = judgement.weights[rows], judgement.direct[rows]
    leading = np.zeros_like(weights)
    first, other, settles = np.zeros((3, *weights.shape), np.int16)
    said_by = (testimony.rows(rows) for testimony in judgement.testimonies)
    closure = np.where(weights == direct, np.int8(0), weights)
    for number, said in enumerate(chain(said_by, [closure]), 1):
        if not said.any():
            continue
        stronger = np.abs(said) > np.abs(leading)
        other[(said == -leading) & (said != 0) & (other == 0)] = number
        leading[stronger], first[stronger], other[stronger] = said[stronger], number, 0
        settles[(said == weights) & (said != 0) & (settles == 0)] = number
    case = np.select([leading > 0, leading < 0], [np.int8(_Case.SAME), np.int8(_Case.DIFFERENT)])
    strength = np.abs(leading)
    for found in reversed(judgement.contradictions):
        members = np.array(sorted(found.members))
        at = np.ix_(members[(rows.start <= members) & (members < rows.stop)] - rows.start, members)
        case[at], strength[at], first[at], other[at] = _Case.CONTRADICTED, found.strength, 0, 0
    either = np.maximum(gone[rows, None], gone)
    absent = either > 0
    case[absent], strength[absent], first[absent], other[absent] = either[absent], 0, 0, 0
    settled = (weights > 0) | (weights <= -judgement.assurance)
    case[settled] = np.where(weights[settled] > 0, _Case.CO_RESIDENT, _Case.SEPARATE)
    strength[settled], first[settled], other[settled] = np.abs(weights[settled]), settles[settled], 0
    return case, strength, first, other


def _kind(reason: Sequence[int], signals: Sequence[str], assurance: Strength) -> Kind:
    """Put into words what `_reasons` found of a pair, as `judging.reasons` does."""
    case, strength, signal, other = _Case(reason[0]), reason[1], signals[reason[2]], signals[reason[3]]
    label = Strength(strength).label if strength else ""
    match case:
        case _Case.CO_RESIDENT:
            return Kind(Verdict.CO_RESIDENT, Strength(strength), f"{signal} says same")
        case _Case.SEPARATE:
            return Kind(Verdict.SEPARATE, Strength(strength), f"{signal} says different")
        case _Case.DOWN:
            return DOWN
        case _Case.UNREACHED:
            because = UNREACHED
        case _Case.CONTRADICTED:
            because = (
                f"a chain of {label} evidence puts some on one host, and equally strong evidence doesn't"
            )
        case _Case.SAME if other:
            because = f"{signal} says same and {other} says different, both {label}"
        case _Case.DIFFERENT if other:
            because = f"{signal} says different and {other} says same, both {label}"
        case _Case.SAME if strength == Strength.WEAK:
            because = f"suspected: {signal} says same, but only weakly"
        case _Case.DIFFERENT if strength < assurance:
            because = f"{signal} says different, but only {label}ly"
        case _Case.SAME | _Case.DIFFERENT:
            because = f"{signal} says {case.name.lower()}, but other evidence on these hosts contradicts it"
        case _:
            because = "no signal says anything about this pair"
    return Kind(Verdict.UNKNOWN, None, because)


def _above(rows: slice, size: int) -> Mask:
    """Say which entries of these rows are above the diagonal."""
    above: Mask = np.arange(size)[rows, None] < np.arange(size)
    return above
