"""A process of its own for each admission, ended by SIGKILL at the arrow where it is to die.

Forking is safe only where one thread runs.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Arrow = Callable[[str], None]


@dataclass(frozen=True)
class End:
    """How a process ended: at which arrow it was killed ("": it wasn't), or what was raised ("": nothing)."""

    arrow: str = ""
    trace: str = ""


def ended(work: Callable[[Arrow], object], here: Path, at: int = 0) -> End:
    """Do `work` in a process of its own, and kill it at the arrow of this number; 0: let it be."""
    arrow, trace = here / "arrow", here / "trace"
    for old in (arrow, trace):
        old.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        try:
            work(_deadly(arrow, at))
            os._exit(0)
        except BaseException:
            trace.write_text(traceback.format_exc())
        os._exit(9)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return End(arrow=arrow.read_text())
    return End(trace=trace.read_text() if status else "")


def _deadly(arrow: Path, at: int) -> Arrow:
    passed = 0

    def on_arrow(name: str) -> None:
        nonlocal passed
        passed += 1
        if passed == at:
            arrow.write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)

    return on_arrow
