"""vcsim as a process of its own, built once by Debian's Go and govmomi; and as tests use it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

from tests.platforms.own_venv import ROOT, made_once

SOURCE = Path(__file__).with_name("vcsim_process.go")
GOCODE = Path("/usr/share/gocode")
PACKAGES = "golang-go golang-github-vmware-govmomi-dev golang-github-google-uuid-dev"  # of Debian
HOSTS, MACHINES = 3, 6
USER, PASSWORD = "user", "pass"
CHANGES = ("CloneVM_Task", "RelocateVM_Task", "PowerOnVM_Task", "PowerOffVM_Task", "ReconfigVM_Task",
           "ReconfigureComputeResource_Task", "Destroy_Task")  # fmt: skip


@dataclass(frozen=True)
class Vcenter:
    """The process, asked as its administrator, and told what to do."""

    url: str
    ca: Path
    administrator: Any
    tell_to: IO[str]
    hear_from: IO[str]

    def order(self, order: str, **what: Any) -> None:
        """Give an order, and wait until it is done."""
        self.tell_to.write(json.dumps({"order": order, **what}) + "\n")
        self.tell_to.flush()
        assert self.hear_from.readline() == "done\n", f"vcsim has ended over {order}"

    def all(self, kind: Any) -> dict[str, Any]:
        """Return what there is of a type, by name."""
        content = self.administrator.RetrieveContent()
        view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
        found = {}
        for one in view.view:
            with suppress(vmodl.fault.ManagedObjectNotFound):  # the host that it was moved from still has it
                found[one.name] = one
        view.DestroyView()
        return dict(sorted(found.items()))

    def place(self, machine: Any, host: str) -> None:
        """Move a virtual machine."""
        where = vim.vm.RelocateSpec(host=self.all(vim.HostSystem)[host])
        done(machine.RelocateVM_Task(where))

    def say(self, machine: Any, **tags: str) -> None:
        """Write tags of keepapart's, as the clone of a template would."""
        texts = [vim.option.OptionValue(key=f"keepapart.{key}", value=text) for key, text in tags.items()]
        done(machine.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=texts)))


def done(task: Any) -> None:
    """Wait until a task has succeeded."""
    deadline = time.monotonic() + 30
    while task.info.state in ("queued", "running"):
        assert time.monotonic() < deadline, "a task doesn't end"
        time.sleep(0.02)
    assert task.info.state == "success", task.info.error


@contextmanager
def serving(folder: Path, machines: int = MACHINES, hosts: int = HOSTS) -> Iterator[Vcenter]:
    """Yield a vCenter with so many machines and hosts; skip the test where it can't be built."""
    command = [str(_built()), str(hosts), str(machines)]
    with (
        (folder / "vcsim.log").open("w") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as child,
    ):
        assert child.stdin is not None and child.stdout is not None
        url = child.stdout.readline().strip()
        ca = folder / "ca.pem"
        ca.write_text("".join(iter(child.stdout.readline, "\n")), encoding="utf-8")
        address = url.removeprefix("https://").removesuffix("/sdk")
        host, _, port = address.partition(":")
        administrator = SmartConnect(
            host=host, port=int(port), user=USER, pwd=PASSWORD, disableSslCertValidation=True
        )
        try:
            yield Vcenter(url, ca, administrator, child.stdin, child.stdout)
        finally:
            Disconnect(administrator)
            administrator._stub.DropConnections()
            child.stdin.close()


def _built() -> Path:
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:8]
    program = ROOT / f".venv-vcsim-{digest}" / "vcsim"
    with made_once(program.parent.name):
        if not program.exists():
            _build(program)
    return program


def _build(program: Path) -> None:
    go = shutil.which("go")
    if not go or not (GOCODE / "src/github.com/vmware/govmomi/simulator").is_dir():
        pytest.skip(f"vcsim can't be built: apt-get install --no-install-recommends {PACKAGES}")
    program.parent.mkdir(exist_ok=True)
    environ = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOCODE), "GOFLAGS": ""}
    made = program.with_suffix(".new")
    done = subprocess.run(
        [go, "build", "-o", str(made), str(SOURCE)], env=environ, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    made.rename(program)
