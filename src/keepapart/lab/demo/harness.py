"""What the demos share: a lab for the length of the play, a shell that shows what it runs, and the truth."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keepapart.errors import KeepapartError, OperationError
from keepapart.lab.client import Lab, Whereabouts, running
from keepapart.lab.world.world import load


class Shell:
    """The keepapart command line in the demo's own folder; shows what it runs."""

    def __init__(self, folder: Path, config: str, environment: Mapping[str, str]) -> None:
        self._config = folder / "keepapart.toml"
        self._config.write_text(config, encoding="utf-8")
        self._environment = {**os.environ, **environment}

    def show(self, *words: str, allowed: Sequence[int] = (0,)) -> None:
        """Run a command for the reader to see. Raises `OperationError` for any other exit code."""
        say(f"\n$ keepapart {shlex.join(words)}")
        self._run(words, allowed)

    def ask(self, *words: str, allowed: Sequence[int] = (0,)) -> Mapping[str, Any]:
        """Run a command for its JSON. Raises `OperationError` for any other exit code."""
        output = self._run([*words, "--json"], allowed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        document: Mapping[str, Any] = json.loads(output)
        return document

    def _run(self, words: Sequence[str], allowed: Sequence[int], **streams: int) -> str:
        command = [sys.executable, "-m", "keepapart", "-c", str(self._config), *words]
        done = subprocess.run(command, text=True, check=False, env=self._environment, **streams)  # type: ignore[call-overload]  # streams
        if done.returncode not in allowed:
            raise OperationError(f"`keepapart {shlex.join(words)}` ended with {done.returncode}")
        return str(done.stdout or "")


def run(name: str, world: Path, config: str, play: Callable[[Lab, Shell], str], *, api: str = "") -> int:
    """Bring the world up, play, and say in the last line how it went; 0 where all of it went well.

    `config` is keepapart.toml, with {lab} to fill in; `play` returns its figures. The lab ends with this
    process, however that ends.
    """
    begin = time.monotonic()
    try:
        with (
            running(load(world), name=f"{name}-{os.getpid()}", api=api) as lab,
            tempfile.TemporaryDirectory() as folder,
        ):
            if lab.kind == "simulated":
                say(f"no network namespaces here ({lab.because}): a simulated lab, without packets")
            figures = play(lab, Shell(Path(folder), config.format(lab=lab.name), _environment(lab)))
    except KeepapartError as error:
        say(f"{name}: FAILED: {error}")
        return 1
    say(f"{name}: OK – {figures}, {lab.kind} lab, {time.monotonic() - begin:.1f} s")
    return 0


def hold_against_truth(audit: Mapping[str, Any], truth: Mapping[str, Whereabouts]) -> int:
    """Return how many verdicts are right; raise `OperationError` at the first that is wrong or unknown."""
    for pair in audit["pairs"]:
        together = truth[pair["a"]].host == truth[pair["b"]].host
        if pair["verdict"] != ("co-resident" if together else "separate"):
            raise OperationError(
                f"{pair['a']} and {pair['b']} are called {pair['verdict']}, which is not the truth"
            )
    return len(audit["pairs"])


def nothing_left_behind(shell: Shell) -> None:
    """Raise `OperationError` where `gc` finds anything."""
    left = shell.ask("gc", "--dry-run")
    if any(left.get("found", ())):
        raise OperationError(f"left behind: {left['found']}")


def say(text: str) -> None:
    """Say something to the reader, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _environment(lab: Lab) -> Mapping[str, str]:
    if not lab.api:
        return {}
    from keepapart.lab.ec2.process import environment

    return environment(lab.api)
