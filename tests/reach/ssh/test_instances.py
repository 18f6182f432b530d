"""What a round leaves on an instance, and in sight of others there: nothing."""

from __future__ import annotations

import dataclasses
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepapart.auditing.session import Session
from keepapart.probe import SOCKETS
from keepapart.store import Store
from tests.reach.ssh.conftest import Reached

VICTIM = "i-0003"


def pythons() -> dict[str, str]:
    """Find Python interpreters of all versions from 3.6 on, by version."""
    places = [*Path.home().glob(".pyenv/versions/*/bin"), Path("/usr/bin"), Path("/usr/local/bin")]
    found = {}
    for place in places:
        for minor in range(6, 20):
            program = place / f"python3.{minor}"
            if program.exists():
                found[f"3.{minor}"] = str(program)
    return found


def test_every_python_that_can_be_had_runs_a_node(six: Reached) -> None:
    """Nodes of different Python versions take part in one round, from 3.6 on where it can be had."""
    there = pythons()
    oldest_first = sorted(there, key=lambda version: int(version.partition(".")[2]))
    assert oldest_first
    for begin in range(0, len(oldest_first), len(six.ids)):
        six.mend()
        for name, version in zip(six.ids, oldest_first[begin:], strict=False):
            six.python(name, f'exec {there[version]} "$@"')
        found = six.audit()
        assert not found.round.lost, (oldest_first[begin:], found.round.lost)


@pytest.fixture
def operator(six: Reached, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield an audit in a process of its own, held in the middle of its round by an instance that hangs."""
    six.python(VICTIM, "exec cat > /dev/null")
    (tmp_path / "keepapart.toml").write_text(
        f'[cluster]\nname = "orders"\n[cloud]\nprovider = "lab"\nlab = "{six.lab.name}"\nway = "ssh"\n'
        f'[reach]\nssh_config = "{six.ssh_config}"\n'
    )
    command = [sys.executable, "-m", "keepapart", "audit"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        end = time.monotonic() + 20
        while not all(six.processes(name) for name in six.ids):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.01)  # there is no event for the beginning of somebody else's process
        yield process
        process.kill()


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_node_ends_with_its_operator(
    six: Reached, operator: subprocess.Popen[bytes], ending: signal.Signals
) -> None:
    """However the operator's process ends in the middle of a round, no process is left on any instance."""
    operator.send_signal(ending)
    operator.wait(20)
    six.wait_until_nothing_is_left()


def test_the_key_is_seen_nowhere(
    six: Reached, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The round's key is in no process's arguments or environment, in no log, no store and no file."""
    key = secrets.token_bytes(32)
    monkeypatch.setattr("keepapart.probe.round.secrets.token_bytes", lambda _size: key)
    caplog.set_level("DEBUG")
    forms = (key, key.hex().encode())
    seen = []

    def look(what: str, _share: float) -> None:
        if what == "send":
            for name in six.ids:
                for pid in six.processes(name):
                    for file in ("cmdline", "environ"):
                        try:
                            text = Path(f"/proc/{pid}/{file}").read_bytes()
                        except OSError:  # it ended meanwhile, or sshd keeps it to itself
                            continue
                        assert not any(form in text for form in forms)
                        seen.append(file)

    instances = [dataclasses.replace(i, reach="ssh") for i in six.lab.instances()]
    with Store(f"sqlite:///{tmp_path / 'keepapart.db'}") as store, Session(six.config()) as session:
        found = session.survey(instances, "audit", store=store, clock=lambda: 0.0, progress=look)
    assert not found.round.lost
    assert {"cmdline", "environ"} <= set(seen)
    assert not any(form.decode("latin-1") in caplog.text for form in forms)
    files = [file for folder in (tmp_path, six.folder) for file in folder.rglob("*") if file.is_file()]
    assert any(file.name == "keepapart.db" for file in files)
    for file in files:
        assert not any(form in file.read_bytes() for form in forms), file


def test_nothing_is_written_on_an_instance(six: Reached) -> None:
    """After a round the home of the account is as empty as it was."""
    assert not six.audit().round.lost
    assert [list(six.home(name).iterdir()) for name in six.ids] == [[]] * len(six.ids)


def test_a_module_in_the_account_s_home_is_not_imported(six: Reached) -> None:
    """Files called like Python's own modules, where the login begins, are left alone."""
    for name in ("json.py", "socket.py", "sitecustomize.py"):
        (six.home(VICTIM) / name).write_text("raise SystemExit(1)")
    assert not six.audit().round.lost


def test_a_node_sends_no_more_than_its_budget(six: Reached) -> None:
    """What an instance sends in a round, by its kernel's own count, stays within what the docs promise."""
    before = {name: datagrams(six, name) for name in six.ids}
    assert not six.audit().round.lost
    others = len(six.ids) - 1
    for name in six.ids:
        assert SOCKETS * others <= datagrams(six, name) - before[name] <= 200 * others


def datagrams(six: Reached, name: str) -> int:
    """Read how many UDP datagrams an instance has sent in all its life."""
    rows = [line.split() for line in Path(f"/proc/{six.listener(name)}/net/snmp").read_text().splitlines()]
    names, values = (row for row in rows if row[0] == "Udp:")
    return int(values[names.index("OutDatagrams")])
