"""ssh connections that are opened once and kept for the rounds of a run.

1. At most `HANDSHAKES` are being opened at a time, each within `PATIENCE` seconds of its turn.
2. A host key that is another than the one in known_hosts is an error that names the mend, and so is one that
   is not there, unless `[reach] new_host_keys = "accept"` says otherwise: then it is added, as ssh's
   `accept-new` does. Neither `UserKnownHostsFile none` nor `StrictHostKeyChecking no` makes it a silent yes.
3. Jump hosts are connected to once, whatever the number of instances behind them.
4. A connection that was lost between rounds is opened again, once.
"""

from __future__ import annotations

import asyncio
import os
import socket
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from keepapart.config import ReachSettings
from keepapart.errors import OperationError, ReachError
from keepapart.reach.answers import plain

try:
    import asyncssh
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] != "asyncssh":
        raise
    raise OperationError("ssh needs the asyncssh library: pip install 'keepapart[ssh]'") from None

T = TypeVar("T")

HANDSHAKES = 48  # at once: more only wait for each other's turn of the processor
PATIENCE = 20.0  # seconds for one handshake, where ssh's configuration has no ConnectTimeout
GOODBYE = 2.0  # seconds for connections to close
KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts")


@dataclass(frozen=True, slots=True)
class Target:
    """Where ssh goes: a host as ssh's configuration may name it; 0 and empty where that decides.

    `through` are the jump hosts on the way, as ProxyJump lists them.
    """

    host: str
    port: int = 0
    user: str = ""
    through: str = ""

    def __str__(self) -> str:
        return f"{self.user}@{self.host}" if self.user else self.host


class Connections:
    """The connections of one run, on one event loop. `handshakes` counts those that were begun."""

    def __init__(self, settings: ReachSettings) -> None:
        self.handshakes = 0
        self._settings = settings
        self._open: dict[Target, asyncio.Future[Any]] = {}
        self._turns = asyncio.Semaphore(HANDSHAKES)
        self._known: dict[tuple[str, ...], Any] = {}
        self._proxies: list[tuple[Process, socket.socket]] = []

    async def channel(self, target: Target, open_one: Callable[[Any], Awaitable[T]]) -> T:
        """Open something on the connection to `target`. Raises `ReachError` that says what is wrong."""
        kept = target in self._open
        connection = await self._to(target)
        try:
            return await _in_time(open_one(connection))
        except (OSError, asyncssh.Error) as error:
            if not kept:
                raise ReachError(in_words(error)) from None
        self._open.pop(target, None)  # lost between rounds
        connection.abort()
        try:
            return await _in_time(open_one(await self._to(target)))
        except (OSError, asyncssh.Error) as error:
            raise ReachError(in_words(error)) from None

    async def close(self) -> None:
        """Close every connection."""
        pending = [future for future in self._open.values() if not future.done()]
        for future in pending:
            future.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        opened = [f.result() for f in self._open.values() if not f.cancelled() and not f.exception()]
        self._open.clear()
        for connection in opened:
            connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await asyncio.gather(*(connection.wait_closed() for connection in opened))
        for connection in opened:
            connection.abort()
        for _, near in self._proxies:
            near.close()  # a connection that was cut short has not taken it over
        await asyncio.gather(*(_end(proxy) for proxy, _ in self._proxies))
        self._proxies.clear()

    async def _to(self, target: Target) -> Any:
        """Return the connection to `target`; whoever asks first opens it, the others wait for that."""
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
            files = _known_hosts_files(options)
            known = await asyncio.to_thread(self._read_known_hosts, files)
        except (OSError, ValueError, asyncssh.Error) as error:
            raise ReachError(f"ssh's configuration or keys: {plain(str(error))}") from None
        through = target.through or (options.tunnel if isinstance(options.tunnel, str) else "")
        jump = _last_jump(through)
        # Where ProxyJump stands under `Host *`, it must not lead from the jump host to itself.
        tunnel = await self._to(jump) if jump and jump.host != target.host else None
        learner = _HostKeyPolicy(options, known, files if self._settings.new_host_keys == "accept" else ())
        try:
            async with self._turns, asyncio.timeout(options.connect_timeout or PATIENCE):
                self.handshakes += 1
                sock = (
                    await self._proxy(options.proxy_command) if options.proxy_command and not tunnel else None
                )
                return await asyncssh.connect(
                    target.host,
                    options=options,
                    config=None,
                    known_hosts=known,
                    sock=sock,
                    tunnel=tunnel,
                    client_factory=lambda: learner,
                )
        except asyncssh.HostKeyNotVerifiable:
            raise ReachError(learner.mend()) from None
        except asyncssh.PermissionDenied:
            raise ReachError(
                f"ssh: {target.host} lets {options.username!r} in with no key of yours: try `ssh {target}`"
            ) from None
        except TimeoutError:
            raise ReachError(f"ssh: no connection to {target.host} in time") from None
        except (OSError, ValueError, asyncssh.Error) as error:
            raise ReachError(in_words(error)) from None

    async def _proxy(self, command: Sequence[str]) -> socket.socket:
        """Start a ProxyCommand and return the socket to it; its process is ended in `close`."""
        near, far = socket.socketpair()
        with far:
            ends = far.fileno()
            try:
                proxy = await asyncio.create_subprocess_exec(*command, stdin=ends, stdout=ends)
            except BaseException:
                near.close()
                raise
        self._proxies.append((proxy, near))
        return near

    def _options(self, target: Target) -> Any:
        """Read ssh's configuration for `target`; it goes before `[reach] user`."""
        given: dict[str, Any] = {"host": target.host}
        if self._settings.ssh_config:
            given["config"] = [self._settings.ssh_config]
        if target.port:
            given["port"] = target.port
        options = asyncssh.SSHClientConnectionOptions(**given, username=target.user or ())
        if not target.user and self._settings.user and not options.config.get("User"):
            options = asyncssh.SSHClientConnectionOptions(**given, username=self._settings.user)
        return options

    def _read_known_hosts(self, files: tuple[str, ...]) -> Any:
        if files not in self._known:
            self._known[files] = asyncssh.read_known_hosts([file for file in files if Path(file).is_file()])
        return self._known[files]


class _HostKeyPolicy(asyncssh.SSHClient):
    """Decides on host keys that known_hosts doesn't vouch for; `files` are where new ones may be added."""

    def __init__(self, options: Any, known: Any, files: tuple[str, ...]) -> None:
        self._name = options.host_key_alias or options.host
        self._port = options.port if options.port != asyncssh.DEFAULT_PORT else None
        self._known, self._files = known, files

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002  # asyncssh's
        """Accept a key that is new, where the operator said so, and add it; refuse one that changed."""
        if self._changed() or not self._files:
            return False
        line = f"{self._written()} {key.export_public_key().decode().strip()}\n"
        file = Path(self._files[0])
        file.parent.mkdir(mode=0o700, exist_ok=True)
        with file.open("a", encoding="utf-8") as known_hosts:
            known_hosts.write(line)
        self._known.load(line)
        return True

    def mend(self) -> str:
        """Say what is wrong with the host key, and what to do about it."""
        name = self._written()
        if self._changed():
            return (
                f"ssh: the host key of {name} is NOT the one in known_hosts: it was built anew, or somebody "
                f"is in between; if you know the former, `ssh-keygen -R '{name}'`, then `ssh` there once"
            )
        scan = f"ssh-keyscan {f'-p {self._port} ' if self._port else ''}{self._name}"
        return (
            f"ssh: the host key of {name} is not in known_hosts: `ssh` there once and compare it, or add "
            f"what `{scan}` prints where you trust the way there"
        )

    def _changed(self) -> bool:
        keys, authorities, *_ = asyncssh.match_known_hosts(self._known, self._name, "", self._port)
        return bool(keys or authorities)

    def _written(self) -> str:
        return f"[{self._name}]:{self._port}" if self._port else str(self._name)


async def _end(process: Process) -> None:
    """Wait until a process has ended, which its input's end should make it do."""
    with suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE):
            await process.wait()
            return
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def _in_time(work: Awaitable[T]) -> T:
    async with asyncio.timeout(PATIENCE):
        return await work


def in_words(error: Exception) -> str:
    """Say in one line what went wrong with a connection."""
    if isinstance(error, socket.gaierror):
        return f"ssh: its name can't be resolved: {error.strerror}"
    if isinstance(error, TimeoutError):
        return "ssh: no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "ssh: connection refused: no sshd listens there on that port"
    if isinstance(error, OSError):  # asyncio's own words for it name the call that failed, not why
        return f"ssh: {os.strerror(error.errno) if error.errno else plain(str(error))}"
    return f"ssh: {plain(str(error))}"


def _known_hosts_files(options: Any) -> tuple[str, ...]:
    """List the files of known hosts that ssh's configuration names; `none` names none."""
    named = options.known_hosts
    if named is None:
        return ()
    return tuple(str(Path(name).expanduser()) for name in named or KNOWN_HOSTS)


def _last_jump(hosts: str) -> Target | None:
    """Return the last of the jump hosts that ProxyJump lists, reached through those before it."""
    before, _, last = hosts.rpartition(",")
    if not last or last.lower() == "none":
        return None
    user, _, place = last.removeprefix("ssh://").rpartition("@")
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdecimal():
        host, port = place, ""
    return Target(host.strip("[]"), int(port or 0), user, before)


__all__ = ["Connections", "Target", "asyncssh", "in_words"]
