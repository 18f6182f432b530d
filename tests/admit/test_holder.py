"""Who holds a lease, and whether that process still lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keepapart.admit.holder import holder_id, is_dead


def test_a_living_process_is_not_dead() -> None:
    """Neither this process nor one of another machine may be taken for dead."""
    assert not is_dead(holder_id())
    assert not is_dead("pid 1 on elsewhere [other-boot pid:[1] 1 99]")
    assert not is_dead("a text from who knows where")


@pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="needs /proc to tell the dead")
def test_an_ended_process_is_dead() -> None:
    """A process that ended is known to be dead at once, also as a zombie or when its number is used again."""
    child = subprocess.Popen(
        [sys.executable, "-c", "from keepapart.admit.holder import holder_id; print(holder_id())"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        who = child.stdout.read().strip()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(who), "a zombie"
    assert is_dead(who)
    reused = who.replace(f" {child.pid} ", f" {os.getpid()} ")
    assert is_dead(reused)
