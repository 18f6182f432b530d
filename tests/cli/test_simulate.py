"""`keepapart simulate` as the shell meets it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main

WORLDS = Path(__file__).parents[2] / "worlds"
QUICK = ("--trials", "500")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run where there is no configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KEEPAPART_CONFIG", raising=False)


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """Run with --json and read the document."""
    assert main(["simulate", *QUICK, *words, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_json_is_one_strict_document(capsys: pytest.CaptureFixture[str]) -> None:
    """The document names its schema, every strategy and the best possible, and writes infinity as null."""
    found = ask(capsys, "--hosts", "20", "--habit", "sticky", "--existing", "2", "--size", "9")
    assert found["schema"] == "keepapart.simulate/1"
    assert found["cluster"] == {"existing": 2, "size": 9, "missing": 7}
    names = ["hold", "terminate", "stop", "restart", "batch", "spares"]
    assert [row["name"] for row in found["strategies"]] == names
    terminate = found["strategies"][1]
    assert terminate["launches"]["p99"] is None
    assert terminate["endless"] > 0
    assert found["best_possible"]["launches"]["mean"] == 7
    assert found["advice"]["strategy"] in ("batch", "spares")


def test_the_table_says_what_loops_for_ever_and_what_to_choose(capsys: pytest.CaptureFixture[str]) -> None:
    """In words: which strategies never end and why, what the best possible is, and the advice."""
    assert main(["simulate", *QUICK, "--world", str(WORLDS / "sticky.toml")]) == 0
    shown = capsys.readouterr().out
    assert "terminate, stop, restart never end in" in shown
    assert "a freed slot is the very next one filled" in shown
    assert "∞" in shown
    assert "an oracle" in shown
    assert "advice" in shown


def test_a_world_file_is_the_pool(capsys: pytest.CaptureFixture[str]) -> None:
    """Hosts, habit and members come from the world; flags that it contradicts are refused."""
    found = ask(capsys, "--world", str(WORLDS / "sticky.toml"), "--strategy", "hold")
    assert (found["pool"]["hosts"], found["pool"]["habit"]) == (8, "sticky")
    assert found["cluster"] == {"existing": 3, "size": 6, "missing": 3}
    assert [row["name"] for row in found["strategies"]] == ["hold"]
    assert main(["simulate", "--world", str(WORLDS / "sticky.toml"), "--fill", "0.5"]) == 2
    assert "--fill: the world file says it" in capsys.readouterr().err


def test_too_small_a_pool_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Where not all can be apart the table says how many could, and what to do."""
    assert main(["simulate", *QUICK, "--hosts", "4", "--size", "5"]) == 0
    shown = capsys.readouterr().out
    assert "only 4 hosts with room have no member" in shown
    assert "a larger pool" in shown


def test_the_budget_is_the_configurations(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`max_attempts` is that of the configuration where there is one, unless given."""
    assert ask(capsys)["max_attempts"] == 10
    (tmp_path / "keepapart.toml").write_text("[launch]\nmax_attempts = 4\n")
    assert ask(capsys)["max_attempts"] == 4
    assert ask(capsys, "--attempts", "7")["max_attempts"] == 7


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--fill", "1.2"], "a number from 0 to 1 is wanted"),
        (["--hosts", "0"], "a whole number from 1 to 1,000,000 is wanted"),
        (["--existing", "5", "--size", "5"], "5 members are there already"),
        (["--hosts", "3", "--existing", "4"], "only 3 hosts"),
        (["--boot", "0", "--check", "0"], "must take longer than 0 seconds"),
        (["--world", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_what_can_not_be_meant_is_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    """A wrong flag ends with exit code 2 and one line that says what is wanted."""
    try:
        code: int | str | None = main(["simulate", *words])
    except SystemExit as left:
        code = left.code
    captured = capsys.readouterr()
    assert code == 2
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_help_does_not_wait_for_numpy() -> None:
    """`--help` shows the verb without importing what it computes with."""
    code = (
        "import sys; sys.argv = ['keepapart', '--help']\n"
        "from keepapart.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "sys.exit(bool({'numpy', 'scipy', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "simulate" in done.stdout


def test_interrupted_it_ends_at_once_in_one_line() -> None:
    """Ctrl-C while the bar moves ends with one line, the cursor shown again and nothing on stdout."""
    words = ["simulate", "--hosts", "20000", "--size", "20000", "--fill", "0.5"]
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "keepapart", *words], stdout=subprocess.PIPE, stderr=terminal
    ) as process:
        os.close(terminal)
        shown = b""
        while b"simulating" not in shown:
            shown += os.read(screen, 4096)
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # the other end is closed: all is read
            while more := os.read(screen, 4096):
                shown += more
        assert process.stdout is not None
        assert process.stdout.read() == b""
        assert process.wait(20) == 130
    os.close(screen)
    assert shown.endswith(b"keepapart: interrupted\r\n")
    assert b"Traceback" not in shown
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
