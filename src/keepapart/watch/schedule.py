"""When the next audit begins. Pure."""

from __future__ import annotations

FIRST = 30.0  # seconds after the first audit that failed; then twice as long each time


def pause(interval: float, jitter: float, failures: int, draw: float) -> float:
    """Return the seconds from the end of an audit to the start of the next.

    `interval` is how long that usually is; after so many `failures` in a row it is shorter, as it may be over
    soon. `draw`, from 0 to 1, is what chance says: the pause is up to the share `jitter` of it more or less.
    """
    usual = min(interval, FIRST * 2.0 ** min(failures - 1, 60)) if failures else interval
    return usual * (1 + jitter * (2 * draw - 1))
