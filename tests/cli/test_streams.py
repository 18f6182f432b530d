"""Closed and full streams, and signals, as real processes meet them: no outcome changes, nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepapart.cli import audit, main
from keepapart.clouds import MEMBER, ROLE_TAG, LaunchRequest
from keepapart.errors import ExitCode
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.world import world
from keepapart.store import Store

KEEPAPART = f"{sys.executable} -m keepapart -c keepapart.toml"
WORLD = {
    "name": "streams",
    "scheduler": {"habit": "packing"},
    "racks": [{"name": "a", "hosts": 8, "capacity": 2}],
    "clusters": [{"name": "default", "size": 1}],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration for the lab, where labs of the test alone run."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keepapart.toml").write_text('[cloud]\nprovider = "lab"\n[network]\nmodel = "routed-host"\n')
    return tmp_path


@pytest.fixture
def lifeline(folder: Path) -> Iterator[int]:  # noqa: ARG001  # for its order
    """Let labs end with the test."""
    read, write = os.pipe()
    yield read
    os.close(write)
    os.close(read)


@pytest.fixture
def lab(lifeline: int) -> Lab:
    """A simulated lab of one member."""
    return client.up(world.parse(WORLD, "test"), simulated=True, lifeline=lifeline)


def members(lab: Lab) -> list[str]:
    """Name the members; whatever else is there is left behind."""
    there = lab.instances()
    assert all(one.tags.get(ROLE_TAG) == MEMBER for one in there), there
    return [one.id for one in there]


@pytest.mark.parametrize(
    "how",
    [
        "{} | head -c 0",
        "{} 2>&1 | head -c 0",
        "{} 2> >(head -n 1 >/dev/null)",
        "{} 2>/dev/full",
        "{} >/dev/full",
        "{} >/dev/full 2>/dev/full",
        "{} >&-",
        "{} 2>&-",
        "{} <&- >&- 2>&-",
    ],
)
@pytest.mark.parametrize("flags", ["", " --json"])
def test_an_admission_ends_as_it_would_have(lab: Lab, how: str, flags: str) -> None:
    """Both are in, nothing is left, and the exit code says so, whatever became of what was told."""
    line = how.format(f"{KEEPAPART} admit --count 2{flags}")
    done = subprocess.run(
        ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert len(members(lab)) == 3


@pytest.mark.parametrize(
    "how", ["{} | head -c 0", "{} 2>/dev/full", "{} 2>&-", "{} >&-", "{} <&- >&- 2>&-"], ids=repr
)
def test_a_verdict_stays_a_verdict(lab: Lab, how: str) -> None:
    """An audit of two members on one host says 1, whoever reads it."""
    lab.launch(LaunchRequest("t", {**lab.instances()[0].tags}))
    line = how.format(f"{KEEPAPART} audit --json")
    done = subprocess.run(
        ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == ExitCode.NO, done.stderr


def test_files_of_the_program_never_become_its_streams(lab: Lab, folder: Path) -> None:
    """Where standard error was closed, what is told doesn't land in the store."""
    subprocess.run(["bash", "-c", f"{KEEPAPART} admit 2>&- >&- <&-"], check=True)
    assert (folder / "keepapart.db").read_bytes().startswith(b"SQLite format 3\0")
    assert len(members(lab)) == 2


def test_what_nobody_foresaw_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with 4 in one line, and as a document under `--json`; `-v` shows where it happened."""

    def broken(_: object) -> ExitCode:
        raise KeyError("moon")

    monkeypatch.setattr(audit, "run", broken)
    assert main(["audit", "--json"]) == ExitCode.FAILED
    told = capsys.readouterr()
    assert told.err == "keepapart: unforeseen: KeyError: 'moon'; -v shows where\n"
    assert json.loads(told.out)["error"]["kind"] == "unforeseen"
    assert main(["-v", "audit"]) == ExitCode.FAILED
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
@pytest.mark.parametrize("times", [1, 2])
def test_every_signal_lets_go_of_what_is_held(lifeline: int, number: signal.Signals, times: int) -> None:
    """SIGTERM and SIGHUP are Ctrl-C; sent twice at once, as `timeout` and shells do, they are one."""
    lab = client.up(
        world.parse({**WORLD, "platform": {"boot": 600}}, "test"), simulated=True, lifeline=lifeline
    )
    command = [*KEEPAPART.split(), "admit", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as admission:
        assert admission.stderr
        while "is coming up" not in admission.stderr.readline():
            pass
        for _ in range(times if number != signal.SIGINT else 1):
            admission.send_signal(number)
        told, said = admission.communicate()
    assert admission.returncode == ExitCode.INTERRUPTED, said
    assert "Traceback" not in said
    assert json.loads(told)["released"] == ["i-0002"]
    assert members(lab) == ["i-0001"]


@pytest.mark.parametrize("verb", ["admit", "replace i-0001 --yes"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_an_end_before_anything_was_begun_is_a_document_too(
    lab: Lab, folder: Path, verb: str, number: signal.Signals
) -> None:
    """Who is ended while it waits for another admission says so in one document, and ends with 130."""
    with Store(f"sqlite:///{folder / 'keepapart.db'}") as store:
        store.leases.acquire("default", "pid 7 on elsewhere", time.time(), 600.0, lambda _: False)
    command = [*KEEPAPART.split(), *verb.split(), "--wait", "600", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr
        assert "waiting: " in waiting.stderr.readline()
        waiting.send_signal(number)
        told, said = waiting.communicate()
    assert (waiting.returncode, said) == (ExitCode.INTERRUPTED, "keepapart: interrupted\n")
    assert json.loads(told)["error"] == {"kind": "interrupted", "text": "interrupted", "mend": None}
    assert members(lab) == ["i-0001"]


def test_a_background_job_hears_that_it_is_to_end(lifeline: int) -> None:
    """A script's background job ignores Ctrl-C; SIGTERM lets go of what it holds all the same."""
    lab = client.up(
        world.parse({**WORLD, "platform": {"boot": 600}}, "test"), simulated=True, lifeline=lifeline
    )
    command = ["sh", "-c", f"trap '' INT; exec {KEEPAPART} admit --json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as admission:
        assert admission.stderr
        while "is coming up" not in admission.stderr.readline():
            pass
        admission.send_signal(signal.SIGINT)
        admission.send_signal(signal.SIGTERM)
        told, said = admission.communicate()
    assert admission.returncode == ExitCode.INTERRUPTED, said
    assert json.loads(told)["released"] == ["i-0002"]
    assert members(lab) == ["i-0001"]


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_while_the_store_is_closed_tears_nothing(
    monkeypatch: pytest.MonkeyPatch, folder: Path, number: signal.Signals
) -> None:
    """It is not heard then, so that the store's library has nothing to complain of."""
    (folder / "sitecustomize.py").write_text(
        "import os\n"
        "from sqlalchemy.engine.default import DefaultDialect\n"
        "close = DefaultDialect.do_close\n"
        "def pressed(*given):\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    return close(*given)\n"
        "DefaultDialect.do_close = pressed\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    command = [*KEEPAPART.split(), "gc", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    assert json.loads(done.stdout)["code"] == ExitCode.OK


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_what_was_done_is_told_whatever_is_pressed_then(
    monkeypatch: pytest.MonkeyPatch, lab: Lab, folder: Path, number: signal.Signals
) -> None:
    """A signal while the program ends, to any of its threads, changes neither document nor exit code."""
    (folder / "sitecustomize.py").write_text(
        "import os, sys, threading\n"
        "from keepapart.store import Store\n"
        "leave = Store.__exit__\n"
        "class Late:\n"
        f"    def __del__(self, kill=os.kill, pid=os.getpid()): kill(pid, {int(number)})\n"
        "def pressed(*given):\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    return leave(*given)\n"
        "Store.__exit__ = pressed\n"
        "sys.late = Late()\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    command = [*KEEPAPART.split(), "admit", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["code"] == ExitCode.OK
    assert len(members(lab)) == 2


def test_a_signal_that_was_ignored_stays_so(lifeline: int) -> None:
    """Under `nohup` a closed terminal ends nothing."""
    lab = client.up(
        world.parse({**WORLD, "platform": {"boot": 2}}, "test"), simulated=True, lifeline=lifeline
    )
    command = ["nohup", *KEEPAPART.split(), "admit"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as admission:
        assert admission.stderr
        while "is coming up" not in admission.stderr.readline():
            pass
        admission.send_signal(signal.SIGHUP)
        admission.communicate()
    assert admission.returncode == ExitCode.OK
    assert len(members(lab)) == 2


def test_impatience_while_it_starts_shows_no_traceback(lab: Lab) -> None:
    """Ctrl-C pressed over and over, at whatever moment of the start, is one line."""
    command = [*KEEPAPART.split(), "audit"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        while started.poll() is None and not _catches(started.pid, signal.SIGTERM):
            pass  # the interpreter itself is coming up still
        while started.poll() is None:
            started.send_signal(signal.SIGINT)
        _, said = started.communicate()
    assert "Traceback" not in said
    assert started.returncode in (ExitCode.INTERRUPTED, ExitCode.OK, ExitCode.UNKNOWN, -signal.SIGINT)
    assert lab.instances()


def _catches(pid: int, number: signal.Signals) -> bool:
    """Say whether a process has a handler of its own for a signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt")), 0)
    return bool(caught >> (number - 1) & 1)
