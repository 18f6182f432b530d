"""An admission killed at any arrow, under any fault: `faults.campaign` says what holds afterwards.

Here at every arrow on a platform that works, and at some arrows under every fault; `make faults` has all.
"""

from __future__ import annotations

import os

import pytest

from faults.campaign import Answer, Task, work_off
from faults.on_cloud import FAULTS
from faults.scenarios import SCENARIOS

WORKERS = os.cpu_count() or 1


def sound(tasks: list[Task]) -> list[Answer]:
    """Run these campaigns; nothing may be wrong with any."""
    answers = list(work_off(tasks, WORKERS))
    problems = [f"{a.task.scenario}, {a.task.fault}, {problem}" for a in answers for problem in a.problems]
    assert not problems, "\n".join(problems[:20])
    return answers


@pytest.mark.timeout(600)  # hundreds of processes, on whatever machine this is
def test_killed_at_every_arrow() -> None:
    """Whichever arrow the process dies at, the next one leaves members on hosts of their own, and no more."""
    for answer in sound([Task("cloud", name, "none", 1) for name in SCENARIOS]):
        arrows = set(answer.arrows)
        assert len(answer.arrows) >= 30
        assert arrows & {"before launch", "before start"}
        assert arrows & {"after launch", "after start"}


@pytest.mark.timeout(600)  # as above
def test_killed_under_every_fault() -> None:
    """The same while the platform fails: a sample of arrows for each strategy and fault."""
    tasks = [Task("cloud", name, fault, 150) for name in SCENARIOS for fault in FAULTS if fault != "none"]
    answers = sound(tasks)
    assert sum(len(answer.arrows) for answer in answers) > 50
