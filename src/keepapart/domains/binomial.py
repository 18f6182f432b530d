"""The binomial distribution, precise where chances are tiny."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def binomial(n: int, p: float) -> npt.NDArray[np.float64]:
    """Return the chances of 0, 1, …, n successes in n independent tries that succeed with chance p."""
    if p <= 0.0 or p >= 1.0:
        certain = np.zeros(n + 1)
        certain[0 if p <= 0.0 else n] = 1.0
        return certain
    k = np.arange(n + 1)
    # the logarithms of factorials; scipy has them too, and takes longer to import than a round
    logs = np.cumsum(np.log(np.maximum(k, 1)), dtype=np.longdouble).astype(np.float64)
    ways = logs[n] - logs - logs[::-1]
    chances: npt.NDArray[np.float64] = np.exp(ways + k * math.log(p) + (n - k) * math.log1p(-p))
    return chances
