"""A cluster of which members are down, as `keepapart audit` tells of it on a lab."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main
from keepapart.errors import ExitCode
from tests.lab.conftest import BringUp

Printed = pytest.CaptureFixture[str]
THREE = {
    "racks": [{"name": "a", "hosts": 6, "capacity": 1}],
    "clusters": [{"name": "orders", "size": 3}],
}


@pytest.fixture
def config(tmp_path: Path, bring_up: BringUp, capsys: Printed) -> tuple[str, Any]:
    """Return the configuration of a cluster of three on a simulated lab, and the lab."""
    lab = bring_up(THREE, simulated=True)
    path = tmp_path / "keepapart.toml"
    path.write_text(f'[cluster]\nname = "orders"\n[cloud]\nprovider = "lab"\nlab = "{lab.name}"\n')
    capsys.readouterr()
    return str(path), lab


def document(config: str, code: int, capsys: Printed) -> dict[str, Any]:
    """Return what an audit says, which ends with this code."""
    capsys.readouterr()
    assert main(["-c", config, "audit", "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_two_of_three_stopped_ends_with_5(config: tuple[str, Any], capsys: Printed, tmp_path: Path) -> None:
    """The first line, the document, the page and the exit code all say that there is no quorum."""
    path, lab = config
    ids = [one.id for one in lab.instances()]
    for name in ids[:2]:
        lab.stop(name)
    page = tmp_path / "page.html"
    assert main(["-c", path, "audit", "--html", str(page)]) == ExitCode.NO_QUORUM
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.endswith("2 of 3 members are stopped: the cluster has no majority now")
    assert any(line.startswith("next") and "lab start" in line for line in rest)
    assert "2 of 3 members are stopped: the cluster has no majority now" in page.read_text()
    assert page.read_text().count("data-down") == 1

    found = document(path, 5, capsys)
    risk = found["risk"]
    assert (risk["need"], risk["running"], risk["down"], risk["quorate"]) == (2, 1, ids[:2], False)
    assert risk["survives_any_host"] is False
    assert risk["yearly"]["now"] == 1.0
    assert [one["host"] for one in found["instances"][:2]] == [None, None]
    assert found["next"][0]["command"].startswith("keepapart lab start")


def test_all_stopped_is_an_answer_and_no_failure(config: tuple[str, Any], capsys: Printed) -> None:
    """With nobody to reach, what the platform says is enough to know; the history keeps no audit of it."""
    path, lab = config
    for one in lab.instances():
        lab.stop(one.id)
    assert document(path, 5, capsys)["risk"]["running"] == 0
    assert main(["-c", path, "history", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["audits"] == []


def test_the_advice_starts_them_again(config: tuple[str, Any], capsys: Printed) -> None:
    """What is advised works: the command is pasted, and all is well again."""
    path, lab = config
    assert main(["-c", path, "audit"]) == ExitCode.OK
    for one in lab.instances()[:2]:
        lab.stop(one.id)
    step = document(path, 5, capsys)["next"][0]["command"]
    assert step.startswith("keepapart ")
    assert main(step.split()[1:]) == ExitCode.OK
    assert main(["-c", path, "audit"]) == ExitCode.OK


def test_a_stopped_member_s_pair_is_unknown_and_no_failure(config: tuple[str, Any], capsys: Printed) -> None:
    """`check` of one that is stopped is unknown: it may start anywhere."""
    path, lab = config
    a, b, _ = (one.id for one in lab.instances())
    lab.stop(b)
    assert main(["-c", path, "check", a, b]) == ExitCode.UNKNOWN
    assert "it is stopped" in capsys.readouterr().out


def test_ec2_s_own_command_lines_are_read_by_the_aws_client(tmp_path: Path) -> None:
    """Every `aws ec2` line of the table is one that the client takes, where it is installed."""
    from shutil import which

    from keepapart.report.platforms import EC2

    if not (aws := which("aws")):
        pytest.skip("no aws client here")
    for command, _ in (*EC2.prepare, *EC2.move):
        for part in command.split(" && "):
            words = part.format(aws=f"{aws} ec2", id="i-0a1b2c3d4e5f60718", group="g").split()
            skeleton = [*words, "--generate-cli-skeleton"]
            done = subprocess.run(skeleton, cwd=tmp_path, capture_output=True, check=False)
            assert done.returncode == 0, part
