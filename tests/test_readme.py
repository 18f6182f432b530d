"""README's commands, run in its order: they work, and print what README shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def console() -> list[tuple[str, list[str]]]:
    """Return every command of README's console blocks with the lines shown below it."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif line.strip():
                found[-1][1].append(line.rstrip())
    return found


def comparable(text: str) -> list[str]:
    """Return lines without the time and the spaces at their ends."""
    return [TIME.sub("TIME", line).rstrip() for line in text.splitlines()]


def test_the_tour_works_as_shown(tmp_path: Path) -> None:
    """Each command ends well (0, or 1 where some share a host), and every line shown below it is printed."""
    shutil.copytree(ROOT / "worlds", tmp_path / "worlds")
    (tmp_path / "run").mkdir(mode=0o700)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path / "run"), "COLUMNS": "120"}
    commands = console()
    assert len(commands) >= 8
    try:
        for command, shown in commands:
            name, *words = shlex.split(command)
            assert name == "keepapart"
            done = subprocess.run(
                [sys.executable, "-m", "keepapart", *words],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode in (0, 1), (command, done.stderr)
            printed = comparable(done.stdout)
            for line in comparable("\n".join(shown)):
                assert line in printed, (command, line, done.stdout)
    finally:
        down = [sys.executable, "-m", "keepapart", "lab", "down"]
        subprocess.run(down, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (tmp_path / "report.html").stat().st_size > 1000


def test_every_verb_of_the_table_is_one() -> None:
    """README's table names no command that there isn't."""
    from keepapart.cli import VERBS

    named = re.findall(r"^\| `keepapart (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    assert set(named) <= set(VERBS)
    assert len(named) >= 9
