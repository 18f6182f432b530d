"""The example of a way in: nodes run behind commands, and what fails is one instance's own affair."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.examples.conftest import Run

INSTANCE = '[[instances]]\nid = "{0}"\naddress = "127.0.0.{1}"\nreach = \'command:{2}\'\n'
WORKS = f"env -i {sys.executable}"


def test_nodes_run_behind_commands(run: Run, tmp_path: Path) -> None:
    """Two nodes, each started by a command, measure each other: one hop, being on one link."""
    config = INSTANCE.format("a", 1, WORKS) + INSTANCE.format("b", 2, WORKS)
    (tmp_path / "keepapart.toml").write_text(config)
    done = run("-m", "keepapart", "hops", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["hops"] == [[0, 1], [1, 0]]


def test_a_command_that_fails_loses_its_instance_alone(run: Run, tmp_path: Path) -> None:
    """The instance is unknown, with the reason; the others are measured."""
    commands = [WORKS, WORKS, "/nowhere/python3", "false"]
    config = "".join(INSTANCE.format(f"i-{n}", n, command) for n, command in enumerate(commands, 1))
    (tmp_path / "keepapart.toml").write_text(config)
    done = run("-m", "keepapart", "audit", "--json")
    assert done.returncode == 3
    because = [instance.get("because") for instance in json.loads(done.stdout)["instances"]]
    assert because == [
        None,
        None,
        "/nowhere/python3 can't be run: No such file or directory",
        "python3 did not start there with exit status 1",
    ]


def test_a_way_in_without_a_command_names_the_mend(run: Run, tmp_path: Path) -> None:
    """It ends with 2, and the line names the file, the instance and an example."""
    (tmp_path / "keepapart.toml").write_text(INSTANCE.format("a", 1, ""))
    done = run("-m", "keepapart", "audit")
    assert done.returncode == 2
    assert "reach of 'a': a command is wanted, such as" in done.stderr
