"""The examples, installed as their users would: by pip, into a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which every example package is installed, without anything from the network."""
    folder = tmp_path_factory.mktemp("examples")
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    packages = [str(project.parent) for project in sorted(EXAMPLES.glob("*/pyproject.toml"))]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline, f"--target={folder}", *packages], check=True
    )
    return folder


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Return what runs Python with the examples at hand, by these words, in the test's own folder."""

    def runs(*words: str, feed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed)},
            input=feed,
            capture_output=True,
            text=True,
            check=False,
        )

    return runs
