"""A short form of the campaign over a lab: real packets, and EC2's API with faults at the level of HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.crash.campaign import ROOT


def fought(*words: str) -> list[tuple[str, str, list[str], list[str]]]:
    """Run `over_lab` in a process of its own; return what came of each fault."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    command = [sys.executable, "-m", "tests.crash.over_lab", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.timeout(400)  # dozens of processes, on whatever machine this is
def test_killed_between_real_packets() -> None:
    """The whole of it, through the kernel: a kill leaves nothing, and nobody joins beside another."""
    ((_, kind, arrows, problems),) = fought("lab", "packets", "15", "none")
    if kind != "netns":
        pytest.skip("network namespaces can't be had here")
    assert problems == []
    assert len(arrows) >= 2


@pytest.mark.timeout(400)  # as above
def test_killed_over_ec2() -> None:
    """The same through boto3, while answers are lost and what was launched is unknown for a while."""
    for fault, _, arrows, problems in fought("ec2", "truth", "30", "lost", "hide"):
        assert problems == [], fault
        assert arrows, fault
