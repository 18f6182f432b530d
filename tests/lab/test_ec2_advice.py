"""What is advised on EC2, pasted into a shell: by the aws client, against the API that the lab answers."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from keepapart import cli
from keepapart.lab.client import Lab
from tests.lab.conftest import BringUp, of_no_account

CONFIG = """
[cluster]
name = "orders"
[network]
model = "routed-host"
[cloud]
provider = "ec2"
"""
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def packed(bring_up: BringUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Lab, str]:
    """Return a lab whose scheduler packs three members on two hosts, and a configuration by EC2's API."""
    if not shutil.which("aws"):
        pytest.skip("no aws client here")
    racks = [{"name": name, "hosts": 2, "capacity": 2} for name in "abcd"]  # a group spreads over racks
    world = {
        "racks": racks,
        "clusters": [{"name": "orders", "size": 3}],
        "scheduler": {"habit": "packing"},
    }
    lab = bring_up(world, api="ec2")
    if lab.kind != "netns":
        pytest.skip(lab.because)
    of_no_account(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", lab.api)
    config = tmp_path / "keepapart.toml"
    config.write_text(CONFIG, encoding="utf-8")
    return lab, str(config)


def audited(config: str, capsys: Printed) -> tuple[int, dict[str, Any]]:
    """Return how an audit ends, and what it says."""
    capsys.readouterr()
    code = cli.main(["-c", config, "audit", "--json"])
    return code, json.loads(capsys.readouterr().out)


def paste(document: dict[str, Any], program: str = "aws ec2") -> None:
    """Run the steps by this program that are advised, in one shell, as an operator would."""
    lines = [step["command"] for step in document["next"] if program in step["command"]]
    assert lines
    done = subprocess.run(["bash", "-e", "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def listed(lab: Lab, config: str) -> None:
    """Write the members as a list, with the groups that EC2 shows: keepapart is given no account."""
    query = "Reservations[].Instances[].[InstanceId, Placement.GroupName || '']"
    asked = ["aws", "ec2", "describe-instances", "--query", query, "--output", "json"]
    groups = dict(json.loads(subprocess.run(asked, check=True, capture_output=True).stdout))
    members = []
    for one in lab.instances():
        facts = {"id": one.id, "address": one.address, "reach": one.reach, "platform": "ec2"}
        if groups[one.id]:
            facts |= {"group": groups[one.id], "group_strategy": "spread"}
        members.append("[[instances]]\n" + "".join(f'{key} = "{text}"\n' for key, text in facts.items()))
    text = CONFIG.replace('[cloud]\nprovider = "ec2"\n', "".join(members))
    Path(config).write_text(text, encoding="utf-8")


def test_stopped_members_end_with_5_and_are_started_by_what_is_advised(
    packed: tuple[Lab, str], capsys: Printed
) -> None:
    """Two of three stopped: no majority now, first of all; pasted, the advice brings it back."""
    lab, config = packed
    ids = [one.id for one in lab.instances()]
    subprocess.run(
        ["aws", "ec2", "stop-instances", "--instance-ids", *ids[:2]], check=True, capture_output=True
    )
    assert cli.main(["-c", config, "audit"]) == 5
    assert "2 of 3 members are stopped: the cluster has no majority now" in capsys.readouterr().out
    code, found = audited(config, capsys)
    assert (code, found["risk"]["down"]) == (5, ids[:2])
    paste(found)
    code, found = audited(config, capsys)
    assert found["risk"]["quorate"] is True


def test_who_shares_a_host_is_moved_by_what_is_advised(packed: tuple[Lab, str], capsys: Printed) -> None:
    """With the account, keepapart's own `move` keeps the instance and what is on its disks."""
    lab, config = packed
    code, found = audited(config, capsys)
    assert code == 1
    before = {one["id"] for one in found["instances"]}
    (advised,) = [step["command"] for step in found["next"] if " move " in step["command"]]
    words = shlex.split(advised)[1:]
    for _ in range(3):  # a spread group parts only its own: whom it comes back beside, out of it, is next
        capsys.readouterr()
        ended = cli.main([*words, "--yes", "--json"])
        moved = json.loads(capsys.readouterr().out)
        assert moved["stops"] <= 2  # a member that holds data isn't taken down for luck
        code, found = audited(config, capsys)
        if ended:
            (left,) = moved["unmoved"]
            assert "which parts only its own" in left["because"]
            words[-1] = left["because"].rpartition("`keepapart move ")[2].partition("`")[0]
        if code == 0:
            break
    assert code == 0
    assert {one["id"] for one in found["instances"]} == before
    assert len({lab.truth()[name].host for name in before}) == 3


def test_a_list_of_members_on_ec2_is_moved_by_the_command_lines_that_are_advised(
    packed: tuple[Lab, str], capsys: Printed
) -> None:
    """Group, stop, modify, start: pasted as often as it is said, each member has a host of its own."""
    lab, config = packed
    before = {one.id for one in lab.instances()}
    for _ in range(4):
        listed(lab, config)
        code, found = audited(config, capsys)
        if code == 0:
            break
        paste(found)
    assert code == 0
    assert {one["id"] for one in found["instances"]} == before
    assert len({lab.truth()[name].host for name in before}) == 3


def test_a_cluster_without_members_is_told_how_to_name_them(packed: tuple[Lab, str], capsys: Printed) -> None:
    """Instances that keepapart didn't launch become members by a filter, and that is what is said."""
    _, config = packed
    Path(config).write_text(CONFIG.replace("orders", "other"), encoding="utf-8")
    capsys.readouterr()
    assert cli.main(["-c", config, "audit"]) == 2
    told = capsys.readouterr().err
    assert "cluster 'other' has no members" in told
    assert "[cloud] member_filter =" in told
    assert "`keepapart admit` adds some" in told
