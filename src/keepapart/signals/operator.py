"""The operator's word: pairs known to share a host, or not to, from other sources.

Conclusive, both ways. They are controls as well: where hops contradict one, hops say nothing on that network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keepapart.errors import UsageError
from keepapart.model import Strength
from keepapart.signals import PairTestimony, Weights

Named = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Controls:
    """Pairs of ids that the operator knows to share a host, and pairs known not to."""

    same: Sequence[Named] = ()
    separate: Sequence[Named] = ()


def testify(ids: Sequence[str], known: Controls) -> PairTestimony:
    """Say of the named pairs what the operator knows. Raises `UsageError` for ids that take no part."""
    weights: Weights = np.zeros((len(ids), len(ids)), np.int8)
    for pairs, weight in ((known.same, Strength.CONCLUSIVE), (known.separate, -Strength.CONCLUSIVE)):
        for pair in pairs:
            i, j = (_place(ids, name) for name in pair)
            if i == j or weights[i, j] not in (0, weight):
                raise UsageError(
                    f"{pair[0]},{pair[1]}: an instance can't be known to be both, nor with itself"
                )
            weights[i, j] = weights[j, i] = weight
    return PairTestimony("operator", weights, lambda _i, _j: "the operator says so")


def _place(ids: Sequence[str], name: str) -> int:
    if name not in ids:
        raise UsageError(f"{name!r} is not among the instances measured")
    return ids.index(name)
