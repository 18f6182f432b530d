"""`make demo`: the main job end to end on a lab of this machine, with the commands that a user would type.

A packing scheduler puts a cluster of five on two hosts; the audit shows it; the host with the most members
fails; `replace` brings the cluster back with every member on a host of its own. At the end the demo holds
every verdict against the lab's truth and fails if one is wrong. The lab ends with this process, however that
ends.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keepapart.errors import KeepapartError, OperationError
from keepapart.lab.client import Lab, Whereabouts, up
from keepapart.lab.world import load

WORLD = Path("worlds/demo.toml")
REPORT = Path("demo/report.html")
CONFIG = """[cluster]
name = "orders"

[cloud]
provider = "lab"
lab = "{lab}"

[launch]
max_attempts = 20
"""


class Shell:
    """The keepapart command line in the demo's own folder; shows what it runs."""

    def __init__(self, folder: Path, lab: str) -> None:
        self._config = folder / "keepapart.toml"
        self._config.write_text(CONFIG.format(lab=lab), encoding="utf-8")

    def show(self, *words: str, allowed: Sequence[int] = (0,)) -> None:
        """Run a command for the reader to see."""
        _say(f"\n$ keepapart {shlex.join(words)}")
        self._run(words, allowed)

    def ask(self, *words: str, allowed: Sequence[int] = (0,)) -> Mapping[str, Any]:
        """Run a command for its JSON."""
        output = self._run([*words, "--json"], allowed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        document: Mapping[str, Any] = json.loads(output)
        return document

    def _run(self, words: Sequence[str], allowed: Sequence[int], **streams: int) -> str:
        command = [sys.executable, "-m", "keepapart", "-c", str(self._config), *words]
        done = subprocess.run(command, text=True, check=False, **streams)  # type: ignore[call-overload]
        if done.returncode not in allowed:
            raise OperationError(f"`keepapart {shlex.join(words)}` ended with {done.returncode}")
        return str(done.stdout or "")


def main() -> int:
    """Run the demo; 0 where all of it went well."""
    begin = time.monotonic()
    read_end, write_end = os.pipe()  # the lab ends when the write end closes, with this process at the latest
    try:
        lab = up(load(WORLD), name=f"demo-{os.getpid()}", lifeline=read_end)
        os.close(read_end)
        if lab.kind == "simulated":
            _say(
                f"no network namespaces here ({lab.because}): this runs on the simulated lab, without packets"
            )
        with tempfile.TemporaryDirectory() as folder:
            figures = _play(lab, Shell(Path(folder), lab.name))
    except KeepapartError as error:
        _say(f"demo: FAILED: {error}")
        return 1
    finally:
        os.close(write_end)
    _say(f"\nthe map as a page: {REPORT}")
    _say(f"demo: OK – {figures}, {lab.kind} lab, {time.monotonic() - begin:.1f} s")
    return 0


def _play(lab: Lab, shell: Shell) -> str:
    _say("A cloud of 12 hosts in 3 racks, whose scheduler packs; a cluster of five. Who shares a host?")
    shell.show("audit", allowed=(1,))
    before = shell.ask("audit", allowed=(1,))
    right = _hold_against_truth(before, lab.truth())

    victim = before["risk"]["lost"][0]
    host = lab.truth()[victim].host
    _say(f"\nThe host under {victim} fails.\n\n$ keepapart lab fail {host}")
    gone = lab.fail(host)
    _say(f"{', '.join(gone)} are gone with it")

    after_failure = shell.ask("audit", allowed=(1, 3))
    lost = [i["id"] for i in after_failure["instances"] if not i["reached"]]
    shell.show("replace", *lost, *after_failure["risk"]["replace"])

    REPORT.parent.mkdir(exist_ok=True)
    shell.show("audit", "--html", str(REPORT.resolve()))
    after = shell.ask("audit")
    right += _hold_against_truth(after, lab.truth())
    homes = {lab.truth()[i["id"]].host for i in after["instances"]}
    if len(homes) < len(before["instances"]):
        raise OperationError(
            f"{len(before['instances'])} members were asked for, on hosts of their own: {homes}"
        )
    left = shell.ask("gc", "--dry-run")
    if any(left.get("found", ())):
        raise OperationError(f"left behind: {left['found']}")
    return (
        f"{right} verdicts held against the lab's truth, 0 wrong, {len(homes)} members on {len(homes)} hosts"
    )


def _hold_against_truth(audit: Mapping[str, Any], truth: Mapping[str, Whereabouts]) -> int:
    """Return how many verdicts are right; raise `OperationError` at the first that is wrong or unknown."""
    for pair in audit["pairs"]:
        together = truth[pair["a"]].host == truth[pair["b"]].host
        if pair["verdict"] != ("co-resident" if together else "separate"):
            raise OperationError(
                f"{pair['a']} and {pair['b']} are called {pair['verdict']}; the lab knows better"
            )
    return len(audit["pairs"])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
