"""A whole audit over ssh to 200 real sshd in a lab, beside what the ssh alone costs.

The floor is OpenSSH's own: connect, run `true`, leave, to the same instances with the same configuration, the
quickest key exchange first as keepapart has it.
Floor, audit and the others take turns in one run; ratios are medians of the turns' ratios. All of them run in
an instance of the lab and go through its network. Here the instances share the operator's processors: what
their sshd and Python cost is in every figure of time, which is not so where each has its own; the operator's
side alone is in the columns of CPU and memory.

`apt-get install ansible-core pssh` adds Ansible's `raw` and parallel-ssh.
"""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from keepapart.lab import protocol
from keepapart.lab.client import Lab, running
from keepapart.lab.ssh import sshd
from keepapart.lab.world import world

MEMBERS = 200
AT_ONCE = 48  # connections being opened, of everybody here
TURNS, TURNS_OF_OTHERS = 5, 2
LAB = "bench-ssh"
FLOOR = 'xargs -P "$0" -I@ ssh -n -o KexAlgorithms=^curve25519-sha256 -F "$1" @ true <"$2"'
WORLD: dict[str, Any] = {
    "name": LAB,
    "racks": [{"name": name, "hosts": 20, "capacity": 6} for name in ("a", "b")],
    "clusters": [{"name": "orders", "size": MEMBERS}, {"name": "operator", "size": 1}],
}
CONFIG = """[cluster]
name = "orders"
[cloud]
provider = "lab"
lab = "{lab}"
way = "ssh"
[reach]
ssh_config = "{ssh_config}"
"""


@dataclass(frozen=True)
class Turn:
    """What one run cost: seconds, and the operator's side's seconds of CPU and peak MiB."""

    seconds: float
    cpu: float
    memory: float


def run() -> None:
    """Bring the lab up, measure, print the table, take it down."""
    with (
        running(world.parse(WORLD, "the benchmark"), name=LAB, sshd=True) as lab,
        tempfile.TemporaryDirectory() as folder,
    ):
        bench = _Bench(lab, Path(folder))
        turns = bench.in_turn()
        _print(turns, bench.candidate())


class _Bench:
    """The lab, and every command that takes a turn in it."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        members = [one for one in lab.instances() if one.tags.get("keepapart:cluster") == "orders"]
        self.operator = next(one.id for one in lab.instances() if one not in members)
        lines = (sshd.folder_of(protocol.socket_path(LAB)) / "ssh_config").read_text().splitlines()
        ssh_config = folder / "ssh_config"  # from inside no proxy is needed
        ssh_config.write_text("\n".join(line for line in lines if "ProxyCommand" not in line))
        self.config = folder / "keepapart.toml"
        self.config.write_text(CONFIG.format(lab=LAB, ssh_config=ssh_config))
        hosts = folder / "hosts"
        hosts.write_text("\n".join(one.address for one in members) + "\n")
        self.commands = {
            "ssh's `true` (the floor)": [
                *("sh", "-c", FLOOR),
                *(str(AT_ONCE), str(ssh_config), str(hosts)),
            ],
            "keepapart audit --json, whole": [
                sys.executable, "-m", "keepapart", "-c", str(self.config), "audit", "--json"
            ],
        }  # fmt: skip
        if shutil.which("parallel-ssh"):
            self.commands["parallel-ssh `true`"] = [
                "parallel-ssh", "-h", str(hosts), "-p", str(AT_ONCE), "-x", f"-F {ssh_config}", "true"
            ]  # fmt: skip
        if shutil.which("ansible"):
            self.commands["ansible -m raw `true`"] = [
                "ansible", "all", "-i", str(hosts), "-f", str(AT_ONCE), "-m", "raw", "-a", "true",
                "--ssh-common-args", f"-F {ssh_config}",
            ]  # fmt: skip

    def in_turn(self) -> dict[str, list[Turn]]:
        """Run floor and audit once to warm up, then all in turn, the others not as often."""
        found: dict[str, list[Turn]] = {what: [] for what in self.commands}
        ours = list(self.commands)[:2]
        for what in ours:
            self._timed(self.commands[what])
        for number in range(TURNS):
            for what, command in self.commands.items():
                if what in ours or number < TURNS_OF_OTHERS:
                    found[what].append(self._timed(command))
        return found

    def candidate(self) -> dict[str, float]:
        """Measure one candidate against all members, in a run whose connections are open."""
        out = self.folder / "candidate.json"
        code = "from benchmarks.ssh import candidate; candidate()"
        self._inside([sys.executable, "-c", code, str(self.config), self.operator, str(out)])
        found: dict[str, float] = json.loads(out.read_text())
        return found

    def _timed(self, command: Sequence[str]) -> Turn:
        out = self.folder / "turn.json"
        self._inside([sys.executable, "-c", "from benchmarks.ssh import child; child()", str(out), *command])
        return Turn(**json.loads(out.read_text()))

    def _inside(self, command: Sequence[str]) -> None:
        if code := self.lab.exec(self.operator, command):
            raise SystemExit(f"{' '.join(command)}: exit code {code}")


def child() -> None:
    """Run a command and write what it cost; its own failures count, an audit's findings don't."""
    out, *command = sys.argv[1:]
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode not in (0, 1) or (done.returncode and "audit" not in command):
        sys.exit(done.returncode)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = Turn(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
    Path(out).write_text(json.dumps(cost.__dict__))


def candidate() -> None:
    """Survey all members, then all with one more instance on the connections that are open by then."""
    from keepapart.auditing.members import cloud_of, members
    from keepapart.auditing.session import Session
    from keepapart.config import load
    from keepapart.model import silent

    config = load(sys.argv[1])
    with closing(cloud_of(config)) as cloud:
        cluster = members(config, cloud)
        newcomer = cloud.describe([sys.argv[2]])[sys.argv[2]]
    found = {}
    with Session(config) as session:
        for what, instances in (("first", cluster), ("again", [*cluster, newcomer])):
            begin = time.perf_counter()
            session.survey(instances, "", store=None, clock=time.time, progress=silent)
            found[what] = time.perf_counter() - begin
    Path(sys.argv[3]).write_text(json.dumps(found))


def _print(turns: dict[str, list[Turn]], candidate: dict[str, float]) -> None:
    table = Table(
        title=f"ssh to {MEMBERS} instances of one lab, {AT_ONCE} connections being opened at a time"
    )
    for column in ("what", "seconds", "× floor", "range", "CPU ms a node", "peak MiB"):
        table.add_column(column, justify="left" if column == "what" else "right")
    floor = next(iter(turns.values()))
    for what, taken in turns.items():
        ratios = [turn.seconds / base.seconds for turn, base in zip(taken, floor, strict=False)]
        table.add_row(
            what,
            f"{statistics.median(turn.seconds for turn in taken):.2f}",
            f"{statistics.median(ratios):.2f}",
            f"{min(ratios):.2f} to {max(ratios):.2f}",
            f"{statistics.median(turn.cpu for turn in taken) / MEMBERS * 1000:.1f}",
            f"{max(turn.memory for turn in taken):.0f}",
        )
    again = f"{candidate['again']:.2f}"
    table.add_row(f"one candidate against {MEMBERS} members, connections open", again, "", "", "", "")
    Console(width=110).print(table)


if __name__ == "__main__":
    run()
