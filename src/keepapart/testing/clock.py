"""A clock for tests."""

from __future__ import annotations


class ManualClock:
    """A clock that only sleeping moves: what waits for it waits no time at all. `now` is in seconds."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass. Raises `ValueError` for less than none."""
        if seconds < 0:
            raise ValueError(f"nobody sleeps {seconds} seconds")
        self.now += seconds
