"""The way in that every operator has: ssh. Nothing is installed on the instance, nothing written there.

`ssh://USER@HOST:PORT` names the way in; what is left out comes from ssh's own configuration, then from
`[reach] user`, and HOST from the instance's address. One channel of one connection is a node's two pipes:
when it closes, however it closes, the node's standard input ends, and with it the node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from keepapart.config import ReachSettings
from keepapart.errors import ConfigError, ReachError
from keepapart.reach import NodeGroup
from keepapart.reach.answers import plain
from keepapart.reach.bootstrap import LOADER
from keepapart.reach.pipe import ANSWER_LIMIT, Pipe, PipedNodes
from keepapart.reach.ssh_connections import Connections, Target, asyncssh, in_words

LAST_WORDS = 2_000  # bytes of standard error that are kept
GOODBYE = 2.0  # seconds for the far side to close a channel

# Quoted for whatever shell the account has: one line, in single quotes, with neither in it. `exec` leaves no
# shell behind. Isolated: a json.py in the account's home would otherwise be imported instead of Python's own.
_ESCAPED = LOADER.replace("\n", "\\n").replace("'", "\\x27")
COMMAND = f"exec python3 -ISc 'exec(\"{_ESCAPED}\")'"
_NO_PYTHON = (126, 127)  # what a shell exits with for a command that it can't run or find


class SshTransport:
    """The way in by ssh; see `reach.Transport`. What stands after `ssh:` is `//USER@HOST:PORT`."""

    def __init__(self, settings: ReachSettings) -> None:
        self._connections = Connections(settings)

    def group(self, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> NodeGroup:
        """Return nodes on the connections that there are, or on new ones."""
        return SshNodes(self._connections, wheres, addresses)

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()


class SshNodes(PipedNodes):
    """Nodes behind ssh; see `reach.NodeGroup`."""

    def __init__(
        self, connections: Connections, wheres: Mapping[str, str], addresses: Mapping[str, str]
    ) -> None:
        super().__init__(addresses)
        self._connections = connections
        self._targets = {name: target(name, where, addresses[name]) for name, where in wheres.items()}

    async def connect(self, name: str) -> Pipe:
        """Open a channel to an instance, on the connection to it that there is or on a new one."""
        return await self._connections.channel(self._targets[name], self._open)

    async def _open(self, connection: Any) -> Channel:
        _, session = await connection.create_session(
            Channel,
            COMMAND,
            encoding=None,
            request_pty=False,
            env={},
            send_env=(),
            x11_forwarding=False,
        )
        channel: Channel = session
        return channel


def target(name: str, where: str, address: str) -> Target:
    """Read what stands after `ssh:`. Raises `ConfigError`."""
    try:
        parts = urlsplit(where if where.startswith("//") else f"//{where}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = urlsplit("//")
    bad = parts.path or parts.query or parts.fragment or parts.password is not None
    if bad or (where.strip("/") and not host):
        raise ConfigError(f"reach 'ssh:{where}' of {name!r}: ssh://USER@HOST:PORT is wanted")
    # urlsplit lowers the host; names in ssh's configuration are matched as they are written
    written = parts.netloc.rpartition("@")[2]
    if host and not written.startswith("["):
        host = written.partition(":")[0]
    return Target(host or address, port or 0, parts.username or "")


@dataclass(slots=True)
class _Heard:
    """What came in on a channel: whole and partial lines, and the end."""

    output: bytearray
    errors: bytearray
    ended: bool = False
    status: int | None = None


class Channel(asyncssh.SSHClientSession[bytes]):
    """The two pipes of a node behind ssh; see `Pipe`. All that arrives is bounded."""

    def __init__(self) -> None:
        self._heard = _Heard(bytearray(), bytearray())
        self._news = asyncio.Event()
        self._channel: Any = None

    def connection_made(self, chan: Any) -> None:
        """Keep the channel; called by asyncssh, as are all up to `write`."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep what the node says, as far as an answer may go, and the end of its standard error."""
        if datatype is None:
            self._heard.output += data
            if len(self._heard.output) > 2 * ANSWER_LIMIT:  # more than one answer is never asked for
                self._channel.abort()
        else:
            self._heard.errors = (self._heard.errors + data)[-LAST_WORDS:]
        self._news.set()

    def exit_status_received(self, status: int) -> None:
        """Keep the exit status."""
        self._heard.status = status

    def eof_received(self) -> bool:
        """Nothing more will be said; commands need not be taken either."""
        self._heard.ended = True
        self._news.set()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the end is the end
        """The channel is closed."""
        self._heard.ended = True
        self._news.set()

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""
        if self._channel.is_closing():
            raise ReachError(f"its node ended{await self.last_words()}")
        try:
            self._channel.write(data)
        except (OSError, asyncssh.Error) as error:
            raise ReachError(in_words(error)) from None

    async def read_line(self) -> bytes:
        """Receive one line."""
        heard = self._heard
        searched = 0
        while (end := heard.output.find(b"\n", searched)) < 0:
            searched = len(heard.output)
            if searched > ANSWER_LIMIT:
                raise ReachError("its node says more than an answer may hold")
            if heard.ended:
                rest = bytes(heard.output)
                heard.output.clear()
                return rest
            self._news.clear()
            await self._news.wait()
        line = bytes(heard.output[: end + 1])
        del heard.output[: end + 1]
        return line

    async def last_words(self) -> str:
        """Say what its standard error or its exit status tells."""
        with suppress(TimeoutError):  # the exit status comes after the end of the output
            async with asyncio.timeout(GOODBYE):
                await self._channel.wait_closed()
        lines = self._heard.errors.decode(errors="replace").strip().splitlines()
        said = plain(lines[-1]) if lines else ""
        if self._heard.status in _NO_PYTHON:
            return f": there is no python3 that runs{f' ({said})' if said else ''}"
        if said:
            return f": {said}"
        return f" with exit status {self._heard.status}" if self._heard.status else ""

    async def close(self) -> None:
        """Close the channel, which ends the node; the connection stays."""
        self._channel.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await self._channel.wait_closed()
