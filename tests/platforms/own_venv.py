"""Virtual environments of their own for test doubles that are too heavy, or licensed otherwise, for ours.

Each is made once, in an untracked folder beside `.venv`, and found again by what was asked for. Whoever of
several test processes comes first makes it, and the others wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 300  # seconds that installing may take; tests of heavy ones have a longer `timeout`


def own_venv(name: str, *requirements: str) -> Path:
    """Return the Python of an environment that has these; where it can't be had, skip and say why."""
    digest = hashlib.sha256(" ".join(requirements).encode()).hexdigest()[:8]
    folder = ROOT / f".venv-{name}-{digest}"
    python, ready = folder / "bin" / "python", folder / "ready"
    with made_once(folder.name):
        if not ready.exists():
            _make(folder, python, requirements)
            ready.touch()
    return python


@contextmanager
def made_once(name: str) -> Iterator[None]:
    """Keep all other test processes out, while something of this name is looked for and made."""
    with (ROOT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(folder: Path, python: Path, requirements: tuple[str, ...]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "-q", "--no-compile", *requirements],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"{', '.join(requirements)}: not installed within {PATIENCE} s")
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if not line.startswith("WARNING")]
            pytest.skip(f"{', '.join(requirements)} can't be had: {lines[-1] if lines else 'pip failed'}")
