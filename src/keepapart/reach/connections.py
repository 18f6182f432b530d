"""ssh connections that are opened once and kept for the rounds of a run.

1. At most `HANDSHAKES` are being opened at a time, each within `PATIENCE` seconds of its turn.
2. A host key that is not in known_hosts, or is another than the one there, is an error that names the mend.
   Nothing makes it a silent yes: neither `UserKnownHostsFile none` nor `StrictHostKeyChecking no`.
3. Jump hosts are connected to once, whatever the number of instances behind them.
4. A connection that was lost between rounds is opened again, once.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from keepapart.config import Reach
from keepapart.errors import OperationError, ReachError
from keepapart.reach.pipe import plain

try:
    import asyncssh
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "asyncssh":
        raise
    raise OperationError("ssh needs the asyncssh library: pip install 'keepapart[ssh]'") from None

T = TypeVar("T")

HANDSHAKES = 48  # at once: more only wait for each other's turn of the processor
PATIENCE = 20.0  # seconds for one handshake, where ssh's configuration has no ConnectTimeout
GOODBYE = 2.0  # seconds for a connection to close
KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts")


@dataclass(frozen=True, slots=True)
class Target:
    """Where ssh goes: a host as ssh's configuration may name it; 0 and empty where that decides."""

    host: str
    port: int = 0
    user: str = ""

    def __str__(self) -> str:
        return f"{self.user}@{self.host}" if self.user else self.host


class Connections:
    """The connections of one run, on one event loop."""

    def __init__(self, settings: Reach) -> None:
        self._config = [settings.ssh_config] if settings.ssh_config else ()
        self._user = settings.user
        self._open: dict[Target, asyncio.Future[Any]] = {}
        self._turns = asyncio.Semaphore(HANDSHAKES)
        self._known: dict[tuple[str, ...], Any] = {}
        self.handshakes = 0

    async def channel(self, target: Target, open_one: Callable[[Any], Awaitable[T]]) -> T:
        """Open something on the connection to `target`. Raises `ReachError` that says what is wrong."""
        fresh = target not in self._open
        connection = await self._to(target)
        try:
            return await open_one(connection)
        except (OSError, asyncssh.Error) as error:
            if fresh:
                raise ReachError(in_words(error)) from None
        self._open.pop(target, None)  # lost between rounds
        connection.abort()
        try:
            return await open_one(await self._to(target))
        except (OSError, asyncssh.Error) as error:
            raise ReachError(in_words(error)) from None

    async def close(self) -> None:
        """Close every connection, those through a jump host before the jump host's own."""
        opened = [
            f.result() for f in self._open.values() if f.done() and not f.cancelled() and not f.exception()
        ]
        self._open.clear()
        for connection in reversed(opened):
            connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await asyncio.gather(*(connection.wait_closed() for connection in opened))
        for connection in opened:
            connection.abort()

    async def _to(self, target: Target) -> Any:
        """Return the connection to `target`, opening it where there is none; whoever asks first opens it."""
        if target not in self._open:
            self._open[target] = asyncio.ensure_future(self._connect(target))
        try:
            return await asyncio.shield(self._open[target])
        except ReachError:
            self._open.pop(target, None)
            raise

    async def _connect(self, target: Target) -> Any:
        try:
            options = await asyncio.to_thread(self._options, target)
            known = await asyncio.to_thread(self._known_hosts, options)
            tunnel = await self._jump(options.tunnel) if isinstance(options.tunnel, str) else ()
            async with self._turns:
                self.handshakes += 1
                async with asyncio.timeout(options.connect_timeout or PATIENCE):
                    return await asyncssh.connect(
                        target.host, options=options, config=None, known_hosts=known, tunnel=tunnel
                    )
        except asyncssh.HostKeyNotVerifiable:
            raise ReachError(_host_key(options, known)) from None
        except asyncssh.PermissionDenied:
            tried = "; " + (
                "no key of yours fits" if options.client_keys or options.agent_path else "no key to offer"
            )
            raise ReachError(
                f"ssh: {options.host} lets {options.username!r} not in{tried}: try `ssh {target}`"
            ) from None
        except TimeoutError:
            raise ReachError(f"ssh: {target.host} did not answer in time") from None
        except (OSError, ValueError, asyncssh.Error) as error:
            raise ReachError(in_words(error)) from None

    async def _jump(self, hosts: str) -> Any:
        """Return the connection to the jump host; of several, to the last, through those before it."""
        raise NotImplementedError(hosts)

    def _options(self, target: Target) -> Any:
        """Read ssh's configuration for `target`."""
        given: dict[str, Any] = {"config": self._config, "host": target.host}
        if target.port:
            given["port"] = target.port
        options = asyncssh.SSHClientConnectionOptions(**given, username=target.user or ())
        if not target.user and self._user and not options.config.get("User"):
            options = asyncssh.SSHClientConnectionOptions(**given, username=self._user)
        return options

    def _known_hosts(self, options: Any) -> Any:
        """Read the files of known hosts that apply, each once."""
        named = options.known_hosts or [] if options.known_hosts != () else []
        files = tuple(str(Path(name).expanduser()) for name in named or KNOWN_HOSTS)
        if options.known_hosts is None:
            files = ()
        if files not in self._known:
            self._known[files] = asyncssh.read_known_hosts([f for f in files if Path(f).is_file()])
        return self._known[files]


def in_words(error: Exception) -> str:
    """Say in one line what went wrong with a connection."""
    if isinstance(error, socket.gaierror):
        return f"ssh: its name can't be resolved: {error.strerror}"
    if isinstance(error, OSError):
        return f"ssh: {error.strerror or plain(str(error))}"
    if isinstance(error, asyncssh.Error):
        return f"ssh: {plain(error.reason)}"
    return f"ssh: {plain(str(error))}"


def _host_key(options: Any, known: Any) -> str:
    """Say whether a host key is unknown or another than the one that is known, and the mend."""
    host = options.host_key_alias or options.host
    port = options.port if options.port != 22 else None
    trusted = asyncssh.match_known_hosts(known, host, "", port)[0]
    name = f"[{host}]:{port}" if port else host
    if trusted:
        return (
            f"ssh: the host key of {name} is NOT the one in known_hosts: it was built anew, or somebody is "
            f"in between; if you know that it was, `ssh-keygen -R '{name}'`, then `ssh` there once"
        )
    scan = f"ssh-keyscan -p {port} {host}" if port else f"ssh-keyscan {host}"
    return (
        f"ssh: the host key of {name} is not in known_hosts: `ssh` there once, or compare what `{scan}` "
        "prints with the instance's own and add it"
    )


__all__ = ["Connections", "Target", "asyncssh", "in_words"]
