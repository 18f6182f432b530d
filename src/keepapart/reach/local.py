"""The way in to this machine: a child process and two pipes, just as ssh has them."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence

from keepapart.config import ReachSettings
from keepapart.errors import ReachError
from keepapart.reach import NodeGroup, Transport
from keepapart.reach.bootstrap import LOADER
from keepapart.reach.pipe import ANSWER_LIMIT, Pipe, PipedNodes

__all__ = ["child"]


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
    try:
        process = await asyncio.create_subprocess_exec(
            *python,
            "-ISc",
            LOADER,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=ANSWER_LIMIT,
            pass_fds=descriptors,
        )
    except OSError as error:
        raise ReachError(f"no child process: {error.strerror}") from None
    return ChildPipe(process)


class ChildPipe:
    """The two pipes of a child process; see `Pipe`."""

    def __init__(self, process: Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise ReachError("a child without pipes")
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._stdin.write(data)
            await self._stdin.drain()
        except OSError:
            raise ReachError("its node ended") from None

    async def read_line(self) -> bytes:
        """Receive one line."""
        try:
            return await self._stdout.readline()
        except ValueError:
            raise ReachError("its node says more than an answer may hold") from None

    async def last_words(self) -> str:
        """Say nothing: what a child complains of is not kept."""
        return ""

    async def close(self) -> None:
        """Close its input, which ends it."""
        self._stdin.close()
        await self._process.wait()
