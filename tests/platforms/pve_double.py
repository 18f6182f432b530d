"""The process of `fakepve_process.py`, as tests use it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from keepapart.clouds import Listing
from tests.platforms.own_venv import own_venv

PROCESS = Path(__file__).with_name("fakepve_process.py")
USER, SECRET = "auditor@pve!keepapart", "7c1c8a52-0000-4000-8000-0123456789ab"
Open = Callable[..., Listing]


@dataclass(frozen=True)
class Pve:
    """The process, and what it is told."""

    port: int
    certificate: str
    tell_to: IO[str]
    hear_from: IO[str]

    def tell(self, *said: object) -> None:
        """Tell it one line, and wait until it is done."""
        self.tell_to.write(json.dumps(said) + "\n")
        self.tell_to.flush()
        assert self.hear_from.readline() == "done\n", f"fakepve has ended over {said}"

    def vm(self, vmid: int, node: str, **more: Any) -> None:
        """Add a virtual machine that runs, a member of cluster "orders"."""
        tags = "keepapart-cluster.orders;keepapart-role.member"
        self.tell("add_vm", {"args": [vmid, f"db-{vmid}"], "node": node, "status": "running",
                             "config": {"tags": tags}} | more)  # fmt: skip

    def shown(self) -> dict[str, Any]:
        """Return every guest and disk that is there, as the fake itself has them."""
        self.tell_to.write('["guests"]\n')
        self.tell_to.flush()
        found: dict[str, Any] = json.loads(self.hear_from.readline())
        return found

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def cloud(self) -> str:
        """The text of `[cloud]`."""
        return f'provider = "proxmox"\nendpoints = ["{self.endpoint}"]\nca = "{self.certificate}"\n'


@contextmanager
def serving(folder: Path) -> Iterator[Pve]:
    """Yield the process; skip the test where it can't be had."""
    python = own_venv("fakepve", "fakepve[crypto]==0.5.0")
    command = [str(python), str(PROCESS), str(folder)]
    pipe = subprocess.PIPE
    with (
        (folder / "fakepve.log").open("w") as log,  # each answer that it loses by order is a traceback to it
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True) as child,
    ):
        assert child.stdin is not None and child.stdout is not None
        yield Pve(**json.loads(child.stdout.readline()), tell_to=child.stdin, hear_from=child.stdout)
        child.stdin.close()
