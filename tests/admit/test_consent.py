"""Nothing that holds data is ended without a word: the plan, the question, `--yes` and `--dry-run`."""

from __future__ import annotations

import json
import os
import pty
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from keepapart import clouds
from keepapart.auditing import survey
from keepapart.cli import main
from keepapart.testing import ProgrammableCloud, TruthfulChecker


@pytest.fixture
def cloud(tmp_path: Path) -> ProgrammableCloud:
    """Two members on hosts of their own."""
    found = ProgrammableCloud(tmp_path / "cloud.json")
    found.add("web-1", 0)
    found.add("web-2", 1)
    return found


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cloud: ProgrammableCloud) -> str:
    """A configuration whose cloud is that one, where everybody can be measured."""
    path = tmp_path / "keepapart.toml"
    path.write_text('[cluster]\nname = "orders"\nsurvive = 1\n[cloud]\nprovider = "file"\n')
    monkeypatch.setattr(clouds, "connect", lambda *_: ProgrammableCloud(tmp_path / "cloud.json"))
    monkeypatch.setattr(survey, "checker", lambda *_, **__: nullcontext(TruthfulChecker(cloud)))
    return str(path)


class Terminal:
    """The other end of the terminal that a command is called at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ours, theirs = pty.openpty()
        self.ends = [open(theirs, encoding="utf-8", closefd=False), open(theirs, "w", encoding="utf-8")]  # noqa: PTH123, SIM115
        self._monkeypatch = monkeypatch

    def type(self, text: str) -> None:
        """Sit down there, and type something before it is asked for."""
        self._monkeypatch.setattr(sys, "stdin", self.ends[0])
        self._monkeypatch.setattr(sys, "stderr", self.ends[1])
        os.write(self._ours, text.encode())

    def shown(self) -> str:
        """Return what the command has shown so far."""
        self.ends[1].flush()
        os.set_blocking(self._ours, False)
        found = b""
        with suppress(BlockingIOError):
            while part := os.read(self._ours, 65536):
                found += part
        return found.decode()

    def close(self) -> None:
        """Take the terminal away."""
        for end in self.ends:
            end.close()
        os.close(self._ours)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Call commands at a terminal."""
    found = Terminal(monkeypatch)
    yield found
    monkeypatch.undo()
    found.close()


def changes(cloud: ProgrammableCloud) -> list[str]:
    """Name the calls that change something."""
    return [c.name for c in cloud.calls() if c.name not in ("instances", "describe")]


def test_without_a_terminal_and_without_a_word_nothing_is_done(
    config: str, cloud: ProgrammableCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one line, which says what would be ended and what to say."""
    assert main(["-c", config, "replace", "web-1", "web-2"]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("keepapart: replace terminates web-1, terminates web-2: nothing was done")
    assert "--yes" in told.err
    assert changes(cloud) == []


def test_dry_run_is_only_shown(
    config: str, cloud: ProgrammableCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plan says terminate where that is what happens, as lines and as a document; code 0."""
    assert main(["-c", config, "replace", "--dry-run", "--yes", "web-2"]) == 0
    assert "terminate web-2, for good" in capsys.readouterr().out
    assert main(["-c", config, "replace", "--dry-run", "-o", "json", "web-2"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "keepapart.plan/1"
    assert document["members"] == ["web-1", "web-2"]
    assert document["steps"][-1] == "once its stand-in is in and runs: terminate web-2, for good"
    assert changes(cloud) == []


@pytest.mark.parametrize("answer", ["n\n", "\n", "x\n", "\x04"])
def test_any_other_answer_than_yes_does_nothing(
    config: str, cloud: ProgrammableCloud, answer: str, terminal: Terminal
) -> None:
    """The plan is shown and asked about on stderr; nobody is launched and nobody goes."""
    terminal.type(answer)
    assert main(["-c", config, "replace", "web-2"]) == 2
    shown = terminal.shown()
    assert "terminate web-2, for good" in shown
    assert "Go on? [y/N]" in shown
    assert "nothing was done" in shown
    assert changes(cloud) == []


def test_yes_at_a_terminal_goes_on(
    config: str, cloud: ProgrammableCloud, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    """The document on stdout stays the only thing there."""
    cloud.capacity = 1
    terminal.type("y\n")
    assert main(["-c", config, "replace", "-o", "json", "web-2"]) == 0
    assert "web-2" in json.loads(capsys.readouterr().out)["released"]
    assert "web-2" not in cloud.alive()


def test_word_given_beforehand_is_not_asked_for(
    config: str, cloud: ProgrammableCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--yes` needs no terminal."""
    assert main(["-c", config, "replace", "--yes", "web-2"]) == 0
    assert "Go on?" not in capsys.readouterr().err
    assert "web-2" not in cloud.alive()


def test_keeping_the_old_one_needs_no_word(config: str, cloud: ProgrammableCloud) -> None:
    """With `--keep-old` nothing is ended, so nothing is asked."""
    assert main(["-c", config, "replace", "--keep-old", "web-2"]) == 0
    assert "web-2" in cloud.alive()
    assert main(["-c", config, "replace", "web-2"]) == 2  # this one would end it
    assert "web-2" in cloud.alive()


@pytest.mark.parametrize("more", [[], ["--yes"], ["--dry-run"], ["--keep-old"]])
def test_replacing_what_is_no_member_is_refused_before_anything_is_launched(
    config: str, cloud: ProgrammableCloud, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Stopped instances, other clusters' and unknown ones: exit code 2, with the members' names."""
    cloud.add("spare", 2, state="stopped", role="")
    cloud.add("lost", 2, role="candidate")
    for name in ("spare", "lost", "nobody"):
        assert main(["-c", config, "replace", "web-1", name, *more]) == 2
        assert f"{name}: no such member; the members are web-1, web-2" in capsys.readouterr().err
    assert changes(cloud) == []


def test_spare_that_was_a_member_is_stopped_by_plan(
    config: str, cloud: ProgrammableCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was stopped before a run started it is stopped again, and the plan says so."""
    cloud.set_tags("web-2", {"keepapart:spare": "yes"})
    assert main(["-c", config, "replace", "web-2"]) == 2
    assert "replace stops web-2: nothing was done" in capsys.readouterr().err
