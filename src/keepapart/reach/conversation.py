"""What is said through two pipes to the far side, and what is believed of it.

1. `LOADER` runs at the far side and says `READY`. Whatever a login prints before that is skipped, up to
   `NOISE_LIMIT` bytes.
2. The node is handed over and run from memory; from then on it answers each command with a line of JSON
   (node/commands.py). What it says is bounded, read strictly (answers.py) and never evaluated.
3. Whatever is waited for has an end.
"""

from __future__ import annotations

import asyncio
import marshal
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from keepapart.errors import ReachError
from keepapart.node.commands import LENGTH
from keepapart.reach.answers import decode, plain
from keepapart.reach.bootstrap import READY

T = TypeVar("T")

PATIENCE = 10.0  # seconds that a node may take to answer, on top of what it was told to wait or send
ANSWER_LIMIT = 1 << 20  # bytes of one answer: the counts of 98,000 nodes at 8 samples fit
NOISE_LIMIT = 1 << 16  # bytes that a login may print before the node speaks


class Pipe(Protocol):
    """Two pipes to a process at the far side; any failure is a `ReachError`."""

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""

    async def read_line(self) -> bytes:
        """Receive one line of at most `ANSWER_LIMIT` bytes; empty at the end."""

    def complaint(self) -> str:
        """Return what is to be read of it that is no answer, such as a prompt; empty where nothing is."""

    async def last_words(self) -> str:
        """Say what is known of why it ended, as the end of a sentence; empty where nothing is."""

    async def close(self) -> None:
        """End the process and wait until it is gone."""


async def greet(pipe: Pipe, patience: float = 0.0) -> bytes:
    """Skip what a login prints before the node speaks; return the magic number of its bytecode.

    It may take `patience` seconds, the usual ones where that is 0. Raises `ReachError` with what the login
    said where no node speaks.
    """
    said: list[bytes] = []
    try:
        async with asyncio.timeout(patience or PATIENCE):
            return await _skip_noise(pipe, said)
    except TimeoutError:
        last = pipe.complaint() or plain(b"".join(said).decode(errors="replace"))
        why = f"; its login says: {last}" if last else ""
        raise ReachError(f"no answer within {patience or PATIENCE:.0f} s{why}") from None


async def _skip_noise(pipe: Pipe, said: list[bytes]) -> bytes:
    noise = 0
    while not (line := await pipe.read_line()).startswith(READY):
        if not line:
            last = _colon(said[-1]) if said else await pipe.last_words()
            raise ReachError(f"python3 did not start there{last}")
        noise += len(line)
        if line.strip():
            said[:] = [line.strip()]
        if noise > NOISE_LIMIT:
            raise ReachError(f"its login prints more than {NOISE_LIMIT >> 10} KiB before anything else")
    try:
        return bytes.fromhex(line[len(READY) :].decode())
    except ValueError:
        return b""


async def patiently(work: Coroutine[Any, Any, T], extra: float = 0.0) -> T:
    """Wait for `work`, `PATIENCE` seconds and `extra` more. Raises `ReachError`."""
    try:
        async with asyncio.timeout(PATIENCE + extra):
            return await work
    except TimeoutError:
        raise ReachError(f"no answer within {PATIENCE + extra:.0f} s") from None


def _colon(said: bytes) -> str:
    text = plain(said.decode(errors="replace"))
    return f": {text}" if text else ""


def encoded(command: Mapping[str, Any]) -> bytes:
    """Marshal a command as every Python since 3.6 reads it, its length before it; see `node.commands`."""
    body = marshal.dumps(dict(command), 2)
    return b"%0*d" % (LENGTH, len(body)) + body


async def answer_of(pipe: Pipe, extra: float = 0.0) -> Mapping[str, Any]:
    """Read what a node answers to a command; `extra` seconds are what it was told to wait or send.

    Raises `ReachError`, with the node's last words where it has ended.
    """
    line = await patiently(pipe.read_line(), extra)
    if not line:
        raise ReachError(f"its node ended{await pipe.last_words()}")
    return decode(line)
