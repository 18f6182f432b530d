"""An admission killed at any arrow loses nothing, doubles nothing and lets in nothing that shares a host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.crash.campaign import SCENARIOS

ROOT = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")  # a killed process loses nothing that a disk would have kept


@pytest.fixture(scope="module")
def campaigns() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Every scenario's campaign, all under way at once."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        running = {
            name: subprocess.Popen(
                [sys.executable, "-m", "tests.crash.campaign", name, folder],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in SCENARIOS
        }
        yield running
        for process in running.values():
            process.kill()
            with process:
                pass


@pytest.mark.timeout(400)  # hundreds of processes, on whatever machine this is
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_at_every_arrow(scenario: str, campaigns: dict[str, subprocess.Popen[str]]) -> None:
    """Whichever arrow the process dies at, the next one leaves members on hosts of their own, and no more."""
    with campaigns[scenario] as process:
        output = process.communicate()[0]
    assert process.returncode == 0
    campaign = json.loads(output)
    assert campaign["error"] is None
    arrows = [r["arrow"] for r in campaign["results"]]
    assert len(arrows) >= 40
    assert {"before launch", "after launch"} <= set(arrows) or {"before start", "after start"} <= set(arrows)
    for number, result in enumerate(campaign["results"], 1):
        told = f"killed at arrow {number}, {result['arrow']}: {json.dumps(result, indent=1)}"
        assert result["error"] is None, result["error"]
        complete = result["arrow"] == "after journal finished"  # then asking again asks for more
        for problem in problems(result, None if complete else campaign["members"]):
            pytest.fail(f"{problem}; {told}")


def problems(result: dict[str, Any], members: int | None) -> Iterator[str]:
    """Say what is wrong with how things stand."""
    if len(set(result["hosts"])) != len(result["hosts"]):
        yield "two members share a host"
    if members is not None and len(result["hosts"]) != members:
        yield f"there are {len(result['hosts'])} members instead of {members}"
    if result["launched"] != result["tokens"]:
        yield "one token launched two instances"
    if result["unfinished"]:
        yield "a run is unfinished after gc"
    if result["left"]:
        yield "gc could not release something"
    for name, (state, role) in result["alive"].items():
        if role != "member" and state != "stopped" and name not in result["found"]:
            yield f"{name} is lost: neither member nor released, and gc doesn't find it"
    for name, (state, role) in result["after"].items():
        if role != "member" and state != "stopped":
            yield f"{name} is still there after gc"
