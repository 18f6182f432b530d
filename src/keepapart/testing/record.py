"""What happened at a programmable cloud: its calls, and what became of each instance.

It is a file of lines, each written whole or not at all whenever the process is killed. Several processes may
share it, and each catches up with what the others wrote. Without a path the file has no name and ends with
the process.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections import Counter
from pathlib import Path

import msgspec

from keepapart.clouds import MEMBER, ROLE_TAG
from keepapart.testing.machine import Machine

CHUNK = 1 << 20  # bytes read at once


class Call(msgspec.Struct, frozen=True, tag="call"):
    """A call as it was made: its name, whom or what it was about, and the error that befell it, or ""."""

    name: str
    about: str
    fault: str = ""


_LINE = msgspec.json.Decoder(Call | Machine)


class Record:
    """The record; `read` first, to catch up."""

    def __init__(self, path: Path | None) -> None:
        self.machines: dict[str, Machine] = {}
        self.history: dict[str, list[Machine]] = {}  # of each instance, oldest first
        self.calls: list[Call] = []
        self.count: Counter[str] = Counter()  # of calls, by name
        self.most_candidates = 0  # instances that were no members and ran at the same time
        self._file = _unnamed() if path is None else os.open(path, _FLAGS)
        self._offset = 0
        weakref.finalize(self, os.close, self._file)

    def read(self) -> Record:
        """Catch up with what was written, here and elsewhere."""
        while new := os.pread(self._file, CHUNK, self._offset):
            whole = new[: new.rfind(b"\n") + 1]
            if not whole:
                break
            self._offset += len(whole)
            for line in whole.splitlines():
                self._take(_LINE.decode(line))
        return self

    def write(self, what: Call | Machine) -> None:
        """Write one line."""
        os.write(self._file, msgspec.json.encode(what) + b"\n")

    def _take(self, what: Call | Machine) -> None:
        if isinstance(what, Call):
            self.calls.append(what)
            self.count[what.name] += 1
        else:
            self.machines[what.id] = what
            self.history.setdefault(what.id, []).append(what)
            candidates = [m for m in self.machines.values() if m.placed and m.tags.get(ROLE_TAG) != MEMBER]
            self.most_candidates = max(self.most_candidates, len(candidates))


_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


def _unnamed() -> int:
    file, name = tempfile.mkstemp()
    Path(name).unlink()
    return file
