"""`keepapart move` on the lab, as the shell meets it, with real packets where they can be had."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepapart.cli import main
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, LaunchRequest
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.world import world

WORLD = {"name": "moving", "racks": [{"name": name, "hosts": 3, "capacity": 3} for name in "ab"]}


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Three members, two of them on one host."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with client.running(world.parse(WORLD, "test")) as found:
        for number, host in enumerate(["a-1", "a-1", "b-1"]):
            tags = {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER}
            found.move(found.launch(LaunchRequest(f"token-{number}", tags)).id, host)
        yield found


@pytest.fixture
def config(tmp_path: Path, lab: Lab) -> str:  # noqa: ARG001  # for its order
    """A configuration of that cluster."""
    path = tmp_path / "keepapart.toml"
    path.write_text(
        '[cluster]\nname = "orders"\n[network]\nmodel = "routed-host"\n[cloud]\nprovider = "lab"\n'
    )
    return str(path)


def test_member_is_moved_apart_and_the_operators_command_is_asked(
    lab: Lab, config: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One document on stdout; the command hears of the member before its stop and after its start."""
    heard = tmp_path / "heard"
    health = shlex.join([sys.executable, "-c", f"import sys; open({str(heard)!r}, 'a').write(sys.argv[1])"])
    assert main(["-c", config, "move", "--yes", "-o", "json", "--health", health, "i-0002"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert (document["schema"], document["moved"]) == ("keepapart.move/1", ["i-0002"])
    assert heard.read_text().count("i-0002") == 1 + document["stops"]
    truth = lab.truth()
    assert len({truth[i].host for i in ("i-0001", "i-0002", "i-0003")}) == 3
    assert main(["-c", config, "audit", "-q"]) == 0


def test_host_is_chosen_where_it_is_named(lab: Lab, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The member goes there, and is measured there; a host that isn't there is a usage error."""
    assert main(["-c", config, "move", "--yes", "--host", "b-3", "i-0001"]) == 0
    assert lab.truth()["i-0001"].host == "b-3"
    assert main(["-c", config, "move", "--yes", "--host", "z-9", "i-0001"]) == 2
    assert "no host 'z-9' in this lab" in capsys.readouterr().err
    assert main(["-c", config, "move", "--yes", "--host", "b-2", "i-0001", "i-0002"]) == 2


def test_plan_is_shown_and_asked_about(lab: Lab, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dry-run` says what is stopped; without a terminal and `--yes` nothing is, with code 2."""
    assert main(["-c", config, "move", "--dry-run", "--hold", "i-0002"]) == 0
    plan = capsys.readouterr().out
    assert "only while 2 of 3 members run" in plan
    assert "stop i-0002, unless it is on a host of its own already" in plan
    assert "launch a throwaway" in plan
    assert main(["-c", config, "move", "i-0002"]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("keepapart: move stops i-0002: nothing was done")
    assert told.out == ""
    assert main(["-c", config, "move", "--yes", "i-0009"]) == 2
    assert "i-0009: no such member" in capsys.readouterr().err
    assert {i.state for i in lab.instances()} == {"running"}


def test_refusal_is_one_document(lab: Lab, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the quorum would go nothing is asked and nothing done: code 1, and why."""
    lab.stop("i-0003")
    assert main(["-c", config, "move", "-o", "json", "--excuse", "i-0003", "i-0002"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["code"], document["stops"], document["down"]) == (1, 0, [])
    assert "2 must" in document["unmoved"][0]["because"]
