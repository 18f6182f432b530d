"""The operator's word: pairs known to share a host, or not to, from other sources.

Conclusive, both ways. They are controls as well: they vouch for a network whose counts agree with them, and
refute one whose counts don't (`network.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keepapart.errors import UsageError
from keepapart.model import Controls, Strength
from keepapart.signals.observed import Observed, Stage
from keepapart.signals.testimony import PairTestimony, Testimony, Weights

name = "operator"
stage = Stage.FACTS


def testify(seen: Observed) -> Sequence[Testimony]:
    """Say of the pairs that the operator named what the operator knows."""
    controls = seen.controls
    return [testimony(seen.ids, controls)] if controls.same or controls.separate else []


def testimony(ids: Sequence[str], known: Controls) -> PairTestimony:
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
