"""Clocks that nobody sets: what lasts is measured by them."""

from __future__ import annotations

import time
from collections.abc import Callable


def since_boot() -> float:
    """Tell seconds that only pass, where there is such a clock also while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SteadyClock:
    """Seconds since the epoch: the time of day when this was made, and what has passed since."""

    def __init__(
        self, time_of_day: Callable[[], float] = time.time, passing: Callable[[], float] = since_boot
    ) -> None:
        self._passing = passing
        self._zero = time_of_day() - passing()

    def __call__(self) -> float:
        """Tell the time."""
        return self._zero + self._passing()
