"""The first answer comes soon: nodes are started before what computes is imported."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# What is imported when the first process is started, and what when all is over; nobody listens on port 1.
AUDIT = """
import sys
from keepapart.cli import main
begun = []
sys.addaudithook(lambda event, _: begun.append(set(sys.modules)) if event == "subprocess.Popen" else None)
main(["audit", "ssh://127.0.0.1:1", "ssh://127.0.0.2:1"])
heavy = {"numpy", "rich", "scipy", "sqlalchemy"}
print(sorted(heavy & begun[0]), sorted(heavy & set(sys.modules)))
"""


@pytest.mark.skipif(not shutil.which("ssh"), reason="there is no ssh here")
def test_ssh_is_started_before_what_computes_is_imported(tmp_path: Path) -> None:
    """Ways in are opened first; scipy, which takes longer than a round, is not imported at all."""
    environment = {"PATH": "/usr/bin:/bin", "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", AUDIT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[] ['numpy']\n", done.stderr
