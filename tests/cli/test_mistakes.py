"""Mistakes that only come out when a verb runs: one line that names the file, and the exit code for it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keepapart.cli import main

ONE = '[[instances]]\nid = "a"\naddress = "127.0.0.1"\nreach = "local"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[store]\nurl = "foo://x"\n' + ONE, "[store] url: "),
        ('[store]\nurl = "postgresql+psycopg://a@b:c/d"\n' + ONE, "[store] url: "),
        (ONE.replace("local", "telnet:a"), "reach 'telnet' of 'a': the ways in are"),
    ],
    ids=["store", "port", "reach"],
)
def test_the_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    """What the file alone doesn't show to be wrong ends with 2 all the same, and says where to mend it."""
    config = tmp_path / "keepapart.toml"
    config.write_text(text)
    assert main(["-c", str(config), "audit"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"keepapart: {config}: {told}")
    assert said.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", [["audit"], ["audit", "--json"], ["hops"]], ids=" ".join)
def test_output_that_can_t_be_written_is_a_failure(tmp_path: Path, words: list[str]) -> None:
    """A full disk ends an audit with one line and exit code 4, never with a code that means a verdict."""
    config = tmp_path / "keepapart.toml"
    config.write_text(ONE)
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "keepapart", "-c", str(config), *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr == "keepapart: the output can't be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_what_a_word_says_that_is_no_verb_changes_nothing(tmp_path: Path) -> None:
    """Only verbs that change something may end as they did where that can't be told."""
    config = tmp_path / "keepapart.toml"
    config.write_text(ONE)
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-m", "keepapart", "-c", str(config), "history", "--verb", "admit"]
        assert subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False).returncode == 4


@pytest.mark.parametrize("flag", ["--html", "--prom"])
@pytest.mark.parametrize("where", ["missing/file", ".", "/dev/null", ""])
def test_a_file_that_can_t_be_there_is_told_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, where: str
) -> None:
    """Nothing is measured, and nothing is read that has no end."""
    config = tmp_path / "keepapart.toml"
    config.write_text(ONE)
    assert main(["-c", str(config), "audit", flag, str(tmp_path / where) if where else ""]) == 2
    assert "no plain file can be there" in capsys.readouterr().err
    assert not (tmp_path / "keepapart.db").exists()


@pytest.mark.parametrize("output", [[], ["--json"]], ids=["people", "json"])
def test_a_disc_that_is_full_hides_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, output: list[str]
) -> None:
    """The audit is printed, as one document, and then what failed: exit code 4, and no part of a file."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    config = tmp_path / "keepapart.toml"
    config.write_text(ONE)
    monkeypatch.setattr(os, "fsync", full)
    assert main(["-c", str(config), "audit", "--html", str(tmp_path / "page.html"), *output]) == 4
    told = capsys.readouterr()
    assert "No space left" in told.err
    assert json.loads(told.out)["schema"] == "keepapart.audit/1" if output else "only one member" in told.out
    assert not list(tmp_path.glob("*page*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-c", "no.toml", "audit"], "no.toml: no such file; `keepapart -c no.toml init` writes one"),
        (["-c", ".", "audit"], ".: no plain file"),
        (["audit", "--stated", "--model", "opaque"], "--model: --stated judges by stated facts alone"),
    ],
    ids=["missing", "folder", "stated"],
)
def test_what_can_t_be_meant_names_its_mend(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    told: str,
) -> None:
    """One line, with what to do by the words that were used."""
    monkeypatch.chdir(tmp_path)
    Path("keepapart.toml").write_text(ONE)
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_simulating_reads_the_user_s_own_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The budget is that of the configuration that every other verb would read."""
    folder = tmp_path / "home" / "keepapart"
    folder.mkdir(parents=True)
    (folder / "keepapart.toml").write_text("[launch]\nmax_attempts = 3\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "--trials", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["max_attempts"] == 3
