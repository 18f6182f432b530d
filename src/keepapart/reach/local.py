"""The way in to this machine: a child process and its standard streams, just as other ways in have them."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress

from keepapart.errors import ReachError
from keepapart.reach import NodeGroup, Transport
from keepapart.reach.answers import plain
from keepapart.reach.bootstrap import LOADER
from keepapart.reach.conversation import ANSWER_LIMIT
from keepapart.reach.pipe import Pipe, PipedNodes
from keepapart.settings import ReachSettings

__all__ = ["child"]

LAST_WORDS = 4_000  # bytes of standard error that are kept
GOODBYE = 2.0  # seconds for a child to end by itself, and for the end of its output
NO_PYTHON = (126, 127)  # what a shell exits with for a command that it can't run or find


class LocalTransport:
    """The way in to this machine; see `reach.Transport`."""

    def group(self, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> NodeGroup:  # noqa: ARG002
        """Return nodes that are children of this process, wherever they were said to be."""
        return LocalNodes(addresses)

    async def close(self) -> None:
        """Nothing stays open."""


def open_transport(_settings: ReachSettings) -> Transport:
    """Open the way in."""
    return LocalTransport()


class LocalNodes(PipedNodes):
    """Nodes that are children of this process."""

    async def connect(self, name: str) -> Pipe:  # noqa: ARG002  # every child is here
        """Start the loader as a child."""
        return await child([sys.executable])


async def child(python: Sequence[str], descriptors: Sequence[int] = ()) -> Pipe:
    """Start the loader by the command `python`, which gets these `descriptors`, as a child."""
    return await process([*python, "-ISc", LOADER], descriptors)


async def process(command: Sequence[str], descriptors: Sequence[int] = ()) -> ChildPipe:
    """Start a child, in a session of its own: it asks nobody at a terminal, and Ctrl-C is not for it."""
    try:
        started = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=ANSWER_LIMIT,
            pass_fds=descriptors,
            start_new_session=True,
        )
    except OSError as error:
        raise ReachError(f"{plain(command[0])} can't be run: {error.strerror}") from None
    return ChildPipe(started)


class ChildPipe:
    """The standard streams of a child process; see `Pipe`. `status` is what it exited with, None so far."""

    def __init__(self, process: Process) -> None:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise ReachError("a child without pipes")
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self._unread = bytearray()
        self._errors = bytearray()
        self._listening = asyncio.ensure_future(self._listen(process.stderr))

    @property
    def status(self) -> int | None:
        """What it exited with; None while it runs."""
        return self._process.returncode

    @property
    def errors(self) -> str:
        """The end of what it wrote to standard error."""
        return self._errors.decode(errors="replace")

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._stdin.write(data)
            await self._stdin.drain()
        except OSError:
            raise ReachError(f"its node ended{await self.last_words()}") from None

    async def read_line(self) -> bytes:
        """Receive one line."""
        searched = 0
        while (end := self._unread.find(b"\n", searched)) < 0:
            searched = len(self._unread)
            if searched > ANSWER_LIMIT:
                raise ReachError("its node says more than an answer may hold")
            more = await self._stdout.read(1 << 16)
            if not more:
                end = searched - 1
                break
            self._unread += more
        line = bytes(self._unread[: end + 1])
        del self._unread[: end + 1]
        return line

    def complaint(self) -> str:
        """Return what is to be read of it just now: a line that it didn't end, or its last of an error."""
        lines = [line for line in self.errors.splitlines() if line.strip()]
        return plain(self._unread.decode(errors="replace")) or (plain(lines[-1]) if lines else "")

    async def last_words(self) -> str:
        """Say what its standard error or its exit status tells, as the end of a sentence."""
        await self.end()
        said = self.complaint()
        if self.status in NO_PYTHON:
            return f": there is no python3 that runs{f' ({said})' if said else ''}"
        if said:
            return f": {said}"
        return f" with exit status {self.status}" if self.status else ""

    async def end(self) -> None:
        """Wait a little until it has ended and all that it said is there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await self._process.wait()
                await asyncio.shield(self._listening)

    async def close(self) -> None:
        """Close its input, which ends it; what doesn't end so is ended, at once where this is cancelled."""
        self._stdin.close()
        try:
            for ending in (None, signal.SIGTERM):
                with suppress(TimeoutError, ProcessLookupError):
                    if ending:
                        self._process.send_signal(ending)
                    async with asyncio.timeout(GOODBYE):
                        await self._process.wait()
                        break
        finally:
            self._listening.cancel()
            # It is killed. What nobody read, or a child of its holds open, would keep the pipes for ever.
            self._process._transport.close()  # type: ignore[attr-defined]
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE):
                    await self._process.wait()

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        while more := await stream.read(1 << 12):
            self._errors = (self._errors + more)[-LAST_WORDS:]
