"""The rounds: a cluster is disturbed, mended by a command that is killed, and looked at past keepapart."""

from __future__ import annotations

import io
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

from faults.__main__ import say
from keepapart import admit
from keepapart.admit import AdmissionContext, guarded_cloud
from keepapart.cli import main as keepapart

SIZE = 3  # members
FAST = 20.0  # times as fast as ours goes the clock of the commands, and so do their waits
SHOWN = 1.0  # seconds, instead of the 600 in which a member that isn't shown may be there all the same
MOST_KILLS = 3
RUNS = ("active", "running", "poweredon")
DONE, NO_SUCH_MEMBER = 0, 2

View = Mapping[str, Mapping[str, Any]]  # by id: "host", "state", "tags" and whatever else is told


class Platform(Protocol):
    """A platform, seen and changed past keepapart."""

    @property
    def config(self) -> str:
        """The text of `[cloud]`."""

    def view(self) -> View:
        """Tell everything that is there."""

    def is_ours(self, one: Mapping[str, Any]) -> bool:
        """Say whether it carries the cluster's tag."""

    def end(self, member: str) -> None:
        """End a member."""

    def put(self, member: str, beside: str) -> None:
        """Put a member on another's host."""

    def trouble(self, chance: random.Random) -> None:
        """Have calls fail, or their answers be lost, for a while."""

    def peace(self) -> None:
        """Have all calls answered."""


@dataclass
class Tally:
    """What the rounds came to."""

    rounds: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    runs: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class Campaign:
    """Rounds on a platform; `usual` are the seconds that each command takes when nobody kills it."""

    platform: Platform
    path: Path
    chance: random.Random
    tally: Tally = field(default_factory=Tally)
    usual: dict[str, float] = field(default_factory=dict)
    begun: float = field(default_factory=time.time)

    @property
    def log(self) -> Path:
        """Where this round's commands and what they said are kept."""
        return self.path.with_suffix(".log")

    def members(self) -> list[str]:
        """Name what carries the cluster's tag."""
        return sorted(i for i, one in self.platform.view().items() if self.platform.is_ours(one))

    def round(self, number: int) -> None:
        """Disturb the cluster, have it mended by a command that is killed, and look."""
        decoys = {i: one for i, one in self.platform.view().items() if not self.platform.is_ours(one)}
        self.log.write_text("")
        words = self._disturbed()
        verb = words[0]
        self.tally.rounds[verb] += 1
        for _ in range(self.chance.randint(1, MOST_KILLS)):
            self.platform.trouble(self.chance)
            after = self.chance.uniform(0.05, 1.2 * self.usual.get(verb, 4.0))
            self.tally.kills += self._run(words, after) is None
        self.platform.peace()
        if self.chance.random() < 0.3:
            self._run(["gc"])
        code = None
        for _ in range(3):
            begun = time.monotonic()
            code = self._run(words)
            if code == DONE:
                self.usual[verb] = (self.usual.get(verb, 4.0) + time.monotonic() - begun) / 2
            if code in (DONE, NO_SUCH_MEMBER):
                break
        swept = self._run(["gc"])
        for problem in self.problems(decoys, code, swept):
            self.tally.problems.append(f"round {number}, {' '.join(words)}: {problem}")
            say(f"{self.tally.problems[-1]}\n{self.log.read_text()}")

    def _disturbed(self) -> list[str]:
        there = self.members()
        if len(there) < SIZE:
            return ["admit", "--to", str(SIZE)]
        one, other = self.chance.sample(there, 2)
        verb = self.chance.choice(("admit", "replace", "move"))
        if verb == "replace":
            return ["replace", "--yes", one]
        if verb == "move":
            self.platform.put(one, other)
            return ["move", "--yes", one]
        self.platform.end(one)
        return ["admit", "--to", str(SIZE)]

    def problems(self, decoys: View, code: int | None, swept: int | None) -> Iterator[str]:
        """Tell all that is wrong now, after commands that ended so; the decoys were as given."""
        view = self.platform.view()
        ours = {i: one for i, one in view.items() if self.platform.is_ours(one)}
        if code not in (DONE, NO_SUCH_MEMBER):
            yield f"it ends with {code}"
        if swept != DONE:
            yield f"gc ends with {swept}"
        if down := [i for i, one in ours.items() if one["state"].lower() not in RUNS]:
            yield f"down: {down}"
        if len(ours) != SIZE:
            yield f"{len(ours)} carry the tag, not {SIZE}: {sorted(ours)}"
        if len({one["host"] for one in ours.values()}) < len(ours):
            yield f"two share a host: {[(i, one['host']) for i, one in ours.items()]}"
        if {i: one for i, one in view.items() if i not in ours} != decoys:
            yield f"what is nobody's was touched: {decoys} before, {view} now"

    def _clock(self) -> float:
        return self.begun + (time.time() - self.begun) * FAST

    def _run(self, words: Sequence[str], after: float | None = None) -> int | None:
        """Run a command; None where it was killed, after so many seconds."""
        self.tally.runs += 1
        pid = os.fork()
        if pid == 0:
            fast = partial(AdmissionContext, clock=self._clock, sleep=_sleep)
            log = io.StringIO()
            with (
                patch.object(guarded_cloud, "SETTLED_AFTER", SHOWN),
                patch.object(admit, "AdmissionContext", fast),
                redirect_stdout(log),
                redirect_stderr(log),
            ):
                code = keepapart(["-c", str(self.path), *words])
            with self.log.open("a") as kept:
                kept.write(f"$ keepapart {' '.join(words)}\n{log.getvalue()}[{code}]\n")
            os._exit(int(code))
        if after is not None:
            deadline = time.monotonic() + after
            while time.monotonic() < deadline:
                done, status = os.waitpid(pid, os.WNOHANG)
                if done:
                    return os.waitstatus_to_exitcode(status)
                time.sleep(0.01)
            os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return None if code == -signal.SIGKILL else code


def until(seen: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is seen."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, "it stays as it is"
        time.sleep(0.1)


def _sleep(seconds: float) -> None:
    time.sleep(seconds / FAST)
