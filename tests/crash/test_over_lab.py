"""A short form of the campaign over a lab: real packets, and EC2's API with faults at the level of HTTP."""

from __future__ import annotations

import pytest

from faults.campaign import Task
from faults.on_lab import over_packets
from faults.scenarios import SCENARIOS
from keepapart.errors import LabError
from tests.crash.test_every_arrow import sound


@pytest.mark.timeout(400)  # dozens of processes, on whatever machine this is
def test_killed_between_real_packets() -> None:
    """The whole of it, through the kernel: a kill leaves nothing, and nobody joins beside another."""
    try:
        with over_packets(SCENARIOS["hold"], "none"):
            pass
    except LabError as error:
        pytest.skip(str(error))
    answers = sound([Task("packets", name, "none", 25) for name in ("hold", "restart")])
    assert sum(len(answer.arrows) for answer in answers) >= 4


@pytest.mark.timeout(400)  # as above
def test_killed_over_ec2() -> None:
    """The same through boto3: strategies in turn, each under another fault of the API."""
    pairs = [
        ("batch", "lost"),
        ("restart", "throttle"),
        ("spares", "hide"),
        ("replace", "error-after"),
        ("gc", "cut"),
    ]
    answers = sound([Task("ec2", name, fault, 60) for name, fault in pairs])
    assert all(answer.arrows for answer in answers)
