"""`keepapart lab up WORLD --sshd`, from the words that it prints to the last process of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keepapart import cli
from keepapart.errors import LabError
from keepapart.lab import client
from keepapart.lab.world import world
from tests.reach.ssh.conftest import SIX, Reached, bring_up

WORLD = """name = "words"
[[racks]]
name = "a"
hosts = 3
capacity = 2
[[clusters]]
name = "default"
size = 3
"""


def ended(reached: Reached, pids: list[int]) -> None:
    """Wait until these processes have ended (a zombie has) and the lab's folder is gone."""
    end = time.monotonic() + 10
    while reached.folder.exists() or any(alive(pid) for pid in pids):
        assert time.monotonic() < end, (reached.folder.exists(), [pid for pid in pids if alive(pid)])
        time.sleep(0.01)  # there is no event for the end of somebody else's process


def alive(pid: int) -> bool:
    """Say whether a process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def logged_in(reached: Reached, name: str) -> subprocess.Popen[bytes]:
    """Log in and stay there."""
    command = ["ssh", "-F", str(reached.ssh_config), name, "echo in; exec cat"]
    session = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert session.stdout
    assert session.stdout.readline() == b"in\n"
    return session


def test_what_it_prints_works(
    runtime: Path, lifeline: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The keepapart.toml and the ssh command that `lab up --sshd` prints work as they stand."""
    bring_up(SIX, lifeline, "tried").lab.down()  # skips where it can't be had
    (tmp_path / "words.toml").write_text(WORLD)
    assert cli.main(["lab", "up", str(tmp_path / "words.toml"), "--sshd"]) == 0
    try:
        said = capfd.readouterr().out
        ssh = said.partition("ssh: `")[2].partition("`")[0].split()
        assert subprocess.run([*ssh, "echo in"], capture_output=True, check=True).stdout == b"in\n"
        (tmp_path / "keepapart.toml").write_text(said.partition("keepapart.toml:\n\n")[2])
        config = str(tmp_path / "keepapart.toml")
        assert cli.main(["-c", config, "audit"]) in (0, 1)
        assert str(runtime) in said
    finally:
        cli.main(["lab", "down", "--lab", "words"])


@pytest.mark.parametrize("way", ["stop", "fail", "terminate", "down", "SIGTERM", "SIGKILL"])
def test_sessions_end_with_their_instance(lifeline: int, way: str) -> None:
    """Stopping an instance, failing its host and ending the lab anyhow ends sshd and all sessions there."""
    reached = bring_up(SIX, lifeline, f"ending-{way.lower()}")
    session = logged_in(reached, "i-0001")
    pids = [reached.listener("i-0001"), *reached.processes("i-0001")]
    assert len(pids) >= 3
    ends_lab = way in ("down", "SIGTERM", "SIGKILL")
    if way in ("SIGTERM", "SIGKILL"):
        os.kill(reached.lab.pid, signal.Signals[way])
    elif way == "fail":
        reached.lab.fail(reached.lab.truth()["i-0001"].host)
    elif way == "down":
        reached.lab.down()
    else:
        getattr(reached.lab, way)("i-0001")
    if way == "SIGKILL":
        session.kill()  # its network may be gone before anything could tell it so
    session.communicate(timeout=10)
    if not ends_lab:
        assert not any(alive(pid) for pid in pids)
        logged_in(reached, "i-0003").communicate(timeout=10)  # on another host
        reached.lab.down()
    ended(reached, pids)


def test_a_stopped_instance_comes_back_with_sshd(lifeline: int) -> None:
    """After a stop and a start ssh leads into the new place."""
    reached = bring_up(SIX, lifeline, "again")
    try:
        reached.lab.stop("i-0001")
        reached.lab.start("i-0001")
        session = logged_in(reached, "i-0001")
        session.communicate(timeout=10)
        assert session.returncode == 0
    finally:
        reached.lab.down()


def test_keys_are_for_their_owner_alone(six: Reached) -> None:
    """The folder that holds the keys lets nobody else in."""
    assert six.folder.stat().st_mode & 0o077 == 0
    assert (six.folder / "id").stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("runtime")
def test_a_simulated_lab_refuses(lifeline: int) -> None:
    """Without real packets there is no sshd, and the error says so."""
    with pytest.raises(LabError, match="--sshd needs a lab with real packets"):
        client.up(world.parse(SIX, "test"), name="unreal", simulated=True, sshd=True, lifeline=lifeline)


@pytest.mark.usefixtures("six")
@pytest.mark.parametrize("host", ["i-9999", "10.9.9.9"])
def test_a_proxy_to_nowhere_says_why(six: Reached, host: str) -> None:
    """A host that the lab doesn't have is one line on standard error."""
    socket = six.folder.with_suffix(".sock")
    command = [sys.executable, "-m", "keepapart.lab.ssh.proxy_command", str(socket), host, "22"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"keepapart: no instance {host!r} in this lab\n"
