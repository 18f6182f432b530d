"""A lab with a real sshd in every instance, and what makes one of them misbehave."""

from __future__ import annotations

import dataclasses
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keepapart.auditing.assess import Audit
from keepapart.auditing.session import Session
from keepapart.config import Config, parse
from keepapart.lab import client, protocol
from keepapart.lab.client import Lab
from keepapart.lab.ssh import sshd
from keepapart.lab.world import world
from keepapart.model import Progress, silent

SIX = {
    "name": "six",
    "racks": [{"name": "a", "hosts": 2, "capacity": 3}, {"name": "b", "hosts": 2, "capacity": 3}],
    "clusters": [{"name": "orders", "size": 6}],
}
PYTHON = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin") or "python3"


@dataclass(frozen=True)
class Reached:
    """A lab, and the way into it by ssh."""

    lab: Lab
    folder: Path

    @property
    def ssh_config(self) -> Path:
        """The file for `ssh -F`."""
        return self.folder / "ssh_config"

    @property
    def ids(self) -> list[str]:
        """The members' ids, in order."""
        return sorted(one.id for one in self.lab.instances())

    def config(self, **reach: str) -> Config:
        """Return a configuration that goes in by ssh, with these keys of [reach] beside or instead."""
        document: dict[str, Any] = {
            "cluster": {"name": "orders"},
            "cloud": {"provider": "lab", "lab": self.lab.name, "way": "ssh"},
            "network": {"model": "routed-host"},
            "reach": {"ssh_config": str(self.ssh_config), **reach},
        }
        return parse(document, self.folder / "keepapart.toml")

    def audit(self, config: Config | None = None, progress: Progress = silent) -> Audit:
        """Audit every instance over ssh."""
        config = config or self.config()
        instances = [dataclasses.replace(one, reach="ssh") for one in self.lab.instances()]
        with Session(config) as session:
            return session.survey(instances, "audit", store=None, clock=lambda: 0.0, progress=progress)

    def handshakes(self, instance_id: str) -> int:
        """Count how often its sshd has let somebody in."""
        return (self.folder / f"log-{instance_id}").read_text().count("Accepted publickey")

    def home(self, instance_id: str) -> Path:
        """Return the home of its account."""
        return self.folder / "homes" / instance_id

    def say_at_login(self, instance_id: str, script: str) -> None:
        """Have its logins run this first, whatever it prints."""
        (self.home(instance_id) / ".ssh").mkdir(exist_ok=True)
        (self.home(instance_id) / ".ssh" / "rc").write_text(script)

    def python(self, instance_id: str, script: str | None) -> None:
        """Put this shell script, or nothing at all, in python3's place."""
        home = self.home(instance_id)
        (home / "bin").mkdir(exist_ok=True)
        if script is not None:
            (home / "bin" / "python3").write_text(f"#!/bin/sh\n{script}\n")
            (home / "bin" / "python3").chmod(0o755)
        (home / ".ssh").mkdir(exist_ok=True)
        others = ":/usr/bin:/bin" if script is not None else ""
        (home / ".ssh" / "environment").write_text(f"PATH={home / 'bin'}{others}\n")

    def mend(self) -> None:
        """Undo what was done to the homes."""
        for home in (self.folder / "homes").iterdir():
            shutil.rmtree(home)
            home.mkdir()

    def listener(self, instance_id: str) -> int:
        """Return the process id of the sshd that listens."""
        return next(pid for pid, words in self._inside(instance_id).items() if "[listener]" in words[0])

    def processes(self, instance_id: str) -> dict[int, list[str]]:
        """List what runs inside an instance, by process id, save the sshd that listens."""
        inside = self._inside(instance_id)
        return {pid: words for pid, words in inside.items() if "[listener]" not in words[0]}

    def _inside(self, instance_id: str) -> dict[int, list[str]]:
        _, numbers = client._ask(self.lab.name, "enter", instance=instance_id)
        inode = os.fstat(numbers[0]).st_ino
        for number in numbers:
            os.close(number)
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if not entry.name.isdecimal() or (entry / "ns" / "net").stat().st_ino != inode:
                    continue
                words = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:  # it ended meanwhile
                continue
            if words != [""]:
                found[int(entry.name)] = words
        return found

    def wait_until_nothing_is_left(self) -> None:
        """Wait until nothing but the listening sshd runs in any instance."""
        end = time.monotonic() + 10
        while left := [self.processes(name) for name in self.ids if self.processes(name)]:
            assert time.monotonic() < end, left
            time.sleep(0.02)  # there is no event for the end of somebody else's process


def bring_up(document: dict[str, Any], lifeline: int, name: str) -> Reached:
    """Bring up a lab with sshd; skip, saying why, where that can't be had."""
    if not shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") or not shutil.which("ssh"):
        pytest.skip("no sshd here; on Debian: apt-get install openssh-server openssh-client")
    probe = client.up(world.parse(document, "test"), name=f"{name}-probe", lifeline=lifeline)
    kind, because = probe.kind, probe.because
    probe.down()
    if kind != "netns":
        pytest.skip(because)
    lab = client.up(world.parse(document, "test"), name=name, sshd=True, lifeline=lifeline)
    return Reached(lab, sshd.folder_of(protocol.socket_path(name)))


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep these labs apart from those that the machine's user runs."""
    folder = tmp_path_factory.mktemp("ssh")
    folder.chmod(stat.S_IRWXU)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def lifeline() -> Iterator[int]:
    """Yield the read end of a pipe whose write end closes with the tests."""
    read, write = os.pipe()
    with closing(os.fdopen(write, "wb")), closing(os.fdopen(read, "rb")):
        yield read


@pytest.fixture(scope="module")
def shared(runtime: Path, lifeline: int) -> Iterator[Reached]:
    """Yield the lab that tests of this folder share."""
    reached = bring_up(SIX, lifeline, "six")
    assert reached.folder.is_relative_to(runtime)
    yield reached
    reached.lab.down()


@pytest.fixture
def six(shared: Reached) -> Iterator[Reached]:
    """Yield six instances with sshd, all in order."""
    yield shared
    shared.mend()
