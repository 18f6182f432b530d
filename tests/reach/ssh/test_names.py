"""NAMEs on the command line, in an empty folder: whatever `ssh NAME` takes, asked for its own address."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path

import pytest

from keepapart import cli
from tests.reach.ssh.conftest import Reached


@pytest.fixture
def aliases(six: Reached, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return aliases of the lab's instances, web-1 to web-6, that `ssh` knows, and go to an empty folder.

    ssh reads the configuration of whoever runs it, whatever $HOME says: so it is given another one.
    """
    there = sorted((one.address, one.id) for one in six.lab.instances())
    lines = [f"Host web-{number}\n    HostName {address}" for number, (address, _) in enumerate(there, 1)]
    (tmp_path / "ssh_config").write_text("\n".join([*lines, six.ssh_config.read_text()]))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ssh").write_text(
        f'#!/bin/sh\nexec {shutil.which("ssh")} -F {tmp_path}/ssh_config "$@"\n'
    )
    (tmp_path / "bin" / "ssh").chmod(0o755)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.delenv("KEEPAPART_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path / "empty")
    return {f"web-{number}": name for number, (_, name) in enumerate(there, 1)}


def test_names_are_judged_as_they_truly_are(
    six: Reached, aliases: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`audit 'web-[1-6]'` finds addresses and hosts by itself, and writes nothing."""
    code = cli.main(["audit", "keeper@web-[1-6]", "--model", "routed-host", "--pairs", "all", "--json"])
    found = json.loads(capsys.readouterr().out)
    truth, address = six.lab.truth(), {one.id: one.address for one in six.lab.instances()}
    assert code in (0, 1)
    assert len(found["pairs"]) == 15
    for pair in found["pairs"]:
        a, b = (aliases[pair[end].removeprefix("keeper@")] for end in "ab")
        assert pair["verdict"] == ("co-resident" if truth[a].host == truth[b].host else "separate")
    for one in found["instances"]:
        assert one["address"] == address[aliases[one["id"].removeprefix("keeper@")]]
    assert not list(Path().iterdir())


def test_without_a_word_the_suspicion_is_in_the_first_line(
    six: Reached, aliases: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody vouches, the first line names who probably share a host; all pairs stay unknown."""
    assert cli.main(["audit", *aliases]) == 3
    first = capsys.readouterr().out.splitlines()[0]
    truth = six.lab.truth()
    suspected = [name for name in aliases if name in first]
    assert len(suspected) >= 2, first
    assert "probably share a host" in first
    assert len({truth[aliases[name]].host for name in suspected}) < len(suspected)


@pytest.mark.usefixtures("aliases")
def test_what_is_advised_without_a_configuration_works_without_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Commands name the same machines and judge them in the same way; no file that isn't there is changed."""
    for said in (["audit", "web-[1-2]"], ["audit", "web-1", "web-6", "--model=routed-host"]):
        cli.main([*said, "--json"])
        steps = json.loads(capsys.readouterr().out)["next"]
        lines = [step["command"] for step in steps if step["command"].startswith("keepapart ")]
        assert lines, steps
        assert all("[[instances]]" not in step["purpose"] for step in steps)
        for line in lines:
            words = shlex.split(line)[1:]
            assert words[1:] == said[1:]
            assert cli.main(words) in (0, 1, 3)
            capsys.readouterr()
    assert cli.main(["check", "web-1", "web-2"]) == 3
    assert "keepapart network web-1 web-2" in capsys.readouterr().out


def test_two_names_are_checked(
    six: Reached, aliases: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`check A B` takes names, and NAME=ADDRESS for what the others send to."""
    b = next(one.address for one in six.lab.instances() if one.id == aliases["web-2"])
    code = cli.main(["check", "web-1", f"web-2={b}", "--model", "routed-host", "--json"])
    truth = six.lab.truth()
    assert code == (1 if truth[aliases["web-1"]].host == truth[aliases["web-2"]].host else 0)
    found = json.loads(capsys.readouterr().out)
    assert (found["a"], found["b"]) == ("web-1", "web-2")


@pytest.mark.usefixtures("aliases")
def test_that_names_have_no_history_is_said_once_where_what_is_done_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Under `-v`, and nowhere else: who asks about names may look for it in `history` later."""
    for flags, times in ((["-v"], 1), ([], 0)):
        assert cli.main(["check", "web-1", "web-2", "--model", "routed-host", *flags]) in (0, 1)
        assert capsys.readouterr().err.count("no history is kept") == times


@pytest.mark.usefixtures("aliases")
def test_one_machine_by_two_names_is_said_to_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Two names of one address are no pair to be judged: what is wrong and what to write is said."""
    assert cli.main(["check", "web-1", "keeper@web-1"]) == 4
    assert "they are one machine" in capsys.readouterr().err


@pytest.mark.usefixtures("aliases")
def test_an_id_is_enough_in_a_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """An [[instances]] table with an id alone is what `ssh ID` takes; NAMEs of it are its members."""
    Path("keepapart.toml").write_text(
        '[network]\nmodel = "routed-host"\n' + "".join(f'[[instances]]\nid = "web-{n}"\n' for n in (1, 2, 3))
    )
    assert cli.main(["audit", "--json"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    assert [one["reached"] for one in found["instances"]] == [True] * 3
    assert all(one["address"] for one in found["instances"])
    assert cli.main(["check", "web-1", "web-3", "--json"]) in (0, 1)
    assert Path("keepapart.db").exists()
