"""Time to the first answer: `keepapart audit` of five by ssh, beside one bare `ssh true` in the same run.

Both are run from inside an instance of a lab, and take turns; ratios are medians of the turns' ratios. The
five are named and nothing else, as on a command line: ssh knows the way, and they are asked for their
addresses. All share this machine's processors, so five sshd and five Pythons are in the figure.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.ssh import Turn
from keepapart.lab import protocol
from keepapart.lab.client import running
from keepapart.lab.ssh import sshd
from keepapart.lab.world import world

MEMBERS, TURNS = 5, 9
LAB = "bench-first"
WORLD: dict[str, Any] = {
    "name": LAB,
    "racks": [{"name": "a", "hosts": 3, "capacity": 2}],
    "clusters": [{"name": "orders", "size": MEMBERS}, {"name": "operator", "size": 1}],
}


def run() -> None:
    """Bring the lab up, take turns, print, take it down."""
    with (
        running(world.parse(WORLD, "the benchmark"), name=LAB, sshd=True) as lab,
        tempfile.TemporaryDirectory() as name,
    ):
        folder = Path(name)
        members = [one for one in lab.instances() if one.tags.get("keepapart:cluster") == "orders"]
        operator = next(one.id for one in lab.instances() if one not in members)
        lines = (sshd.folder_of(protocol.socket_path(LAB)) / "ssh_config").read_text().splitlines()
        ssh_config = folder / "ssh_config"  # from inside no proxy is needed
        ssh_config.write_text("\n".join(line for line in lines if "ProxyCommand" not in line))
        ssh = folder / "ssh"  # ssh's own configuration is that of the user; here it is the lab's
        ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {ssh_config} "$@"\n')
        ssh.chmod(0o755)
        (folder / "empty").mkdir()
        path = [
            "env",
            "-C",
            str(folder / "empty"),
            f"PATH={folder}:{os.environ['PATH']}",
            f"XDG_CONFIG_HOME={folder}",
        ]
        names = [one.address for one in members]
        audit = [sys.executable, "-m", "keepapart", "audit", "--model", "routed-host", *names]
        commands = {"ssh": [*path, "ssh", names[0], "true"], "audit": [*path, *audit]}
        taken: dict[str, list[float]] = {what: [] for what in commands}
        for number in range(TURNS + 1):
            for what, command in commands.items():
                out = folder / "turn.json"
                child = [sys.executable, "-c", "from benchmarks.ssh import child; child()", str(out)]
                if code := lab.exec(operator, [*child, *command]):
                    raise SystemExit(f"{' '.join(command)}: exit code {code}")
                if number:  # the first one warms up
                    taken[what].append(Turn(**json.loads(out.read_text())).seconds)
    ratios = [audit / ssh for audit, ssh in zip(taken["audit"], taken["ssh"], strict=True)]
    Console(width=110).print(
        f"first answer: audit of {MEMBERS} by ssh {statistics.median(taken['audit']):.2f} s, one bare "
        f"ssh true {statistics.median(taken['ssh']):.2f} s: {statistics.median(ratios):.1f} times "
        f"({min(ratios):.1f} to {max(ratios):.1f})"
    )


if __name__ == "__main__":
    run()
