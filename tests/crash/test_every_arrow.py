"""An admission killed at any arrow, under any fault: `faults.campaign` says what holds afterwards.

Here a growing and a replacing one at every arrow on a platform that works, all others at some, and each fault
under some strategies; `make faults` has all.
"""

from __future__ import annotations

import os

import pytest

from faults.campaign import Answer, Task, work_off
from faults.on_cloud import FAULTS
from faults.scenarios import SCENARIOS

WORKERS = os.cpu_count() or 1
WHOLE = ("hold", "replace")  # killed at every arrow


def sound(tasks: list[Task]) -> list[Answer]:
    """Run these campaigns; nothing may be wrong with any."""
    answers = list(work_off(tasks, WORKERS))
    problems = [f"{a.task.scenario}, {a.task.fault}, {problem}" for a in answers for problem in a.problems]
    assert not problems, "\n".join(problems[:20])
    return answers


@pytest.mark.timeout(600)  # hundreds of processes, on whatever machine this is
def test_killed_at_every_arrow() -> None:
    """Whichever arrow the process dies at, the next one leaves members on hosts of their own, and no more."""
    for answer in sound([Task("cloud", name, "none", 1 if name in WHOLE else 9) for name in SCENARIOS]):
        assert answer.arrows
        if answer.task.scenario in WHOLE:
            assert len(answer.arrows) >= 30
            assert {"before launch", "after launch"} <= {*answer.arrows}


@pytest.mark.timeout(600)  # as above
def test_killed_under_every_fault() -> None:
    """The same while the platform fails: a sample of strategies for each fault, and of arrows for each."""
    tasks = [
        Task("cloud", name, fault, 60)
        for number, fault in enumerate(FAULTS)
        for turn, name in enumerate(SCENARIOS)
        if fault != "none" and (number + turn) % 6 == 0
    ]
    answers = sound(tasks)
    assert {answer.task.fault for answer in answers} == FAULTS.keys() - {"none"}
    assert sum(len(answer.arrows) for answer in answers) > 25
