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
def test_killed_while_instances_boot_and_lists_lag() -> None:
    """The same on a platform as platforms are, in front of real packets."""
    try:
        with over_packets(SCENARIOS["hold"], "none"):
            pass
    except LabError as error:
        pytest.skip(str(error))
    answers = sound([Task("packets", "hold", "boots and lags", 60)])
    assert all(answer.arrows for answer in answers)


@pytest.mark.timeout(400)  # as above
def test_killed_over_ec2_with_habits() -> None:
    """Over HTTP too: strategies in turn, each under another habit of the platform's own."""
    pairs = [
        ("batch", "all lags"),
        ("spares", "slow boot"),
        ("replace", "new one dies"),
        ("gc", "protected"),
    ]
    answers = sound([Task("ec2", name, fault, 60) for name, fault in pairs])
    assert all(answer.arrows for answer in answers)


@pytest.mark.timeout(400)  # as above
def test_killed_over_ec2() -> None:
    """The same through boto3: strategies in turn, each under another fault of the API."""
    pairs = [
        ("hold", "wrong region"),
        ("restart", "throttle"),
        ("replace", "error-after"),
        ("move", "lost"),
        ("gc", "cut"),
    ]
    answers = sound([Task("ec2", name, fault, 20 if name == "gc" else 40) for name, fault in pairs])
    assert all(answer.arrows for answer in answers)
