"""A clock that goes on from one process of a scenario to the next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from keepapart.model import silent
from keepapart.testing import ManualClock


class KeptClock(ManualClock):
    """A clock that only sleeping moves, kept in `file`; `also` hears how many seconds pass."""

    def __init__(self, file: Path, also: Callable[[float], object] = silent) -> None:
        super().__init__()
        self._file, self._also = file, also
        if file.exists():
            self.now = float(file.read_text())

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        super().sleep(seconds)
        self._also(seconds)
        kept = self._file.with_suffix(".new")
        kept.write_text(repr(self.now))
        kept.replace(self._file)  # the process may be killed at any moment
