"""The operator's own `ssh`: how it is called, what it makes of its configuration, and what its errors mean.

1. Whatever decides who is reached and who is trusted is left to ssh: nothing here reads its configuration,
   its keys or known_hosts. What `ssh NAME true` takes is taken, and what it refuses is refused.
2. What is said on the command line only keeps one `ssh` from disturbing others, or from asking questions: no
   terminal, no forwarding, no new master connection. A master that runs already is used.
3. `[reach] user` is for whom the configuration names no `User`. `new_host_keys` may be stricter or laxer with
   new keys than the configuration is; a changed key is refused under both.
4. Of the key exchanges that are allowed the quickest comes first: what is sent is of no use to anybody a
   minute later, and the usual first one takes 50 ms of each side's processor with OpenSSH before 9.9.
"""

from __future__ import annotations

import asyncio
import glob
import os
import re
import shlex
import shutil
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from keepapart.errors import ConfigError, OperationError, ReachError
from keepapart.reach.answers import plain
from keepapart.settings import ReachSettings

FAILED = 255  # what ssh exits with where it is ssh that failed
CONNECT = 20  # seconds to connect and shake hands, where ssh's configuration has no ConnectTimeout
QUICK = "curve25519-sha256"
CALM = (
    *("-T", "-x", "-a"),
    *("-o", "BatchMode=yes"),
    *("-o", "ClearAllForwardings=yes"),
    *("-o", "LogLevel=INFO"),
)
NO_MASTER = ("-o", "ControlMaster=no")
HOST_KEYS = {"as-ssh": (), "refuse": ("-o", "StrictHostKeyChecking=yes")}
FILES = ("~/.ssh/config", "/etc/ssh/ssh_config")  # what ssh reads by itself, in this order

# What an sshd that turns somebody away unheard leaves to read, and nothing else.
UNHEARD = (
    *("kex_exchange_identification: ", "ssh_exchange_identification: ", "banner exchange: "),
    *("Connection closed by ", "Connection reset by ", "Exceeded MaxStartups", "Not allowed at this time"),
)
CLOSED = ("Connection closed by remote host", "Connection reset by peer")
NOISE = (
    *("Warning: ", "** ", "@@@", "Pseudo-terminal ", "Connection closed by UNKNOWN"),
    *("debug", "OpenSSH_", "Authenticated to "),  # of `-v`
)
FORWARDED_NOWHERE = "Stdio forwarding request failed: "  # by a master, which has told why by then
ENDS = "terminating, "  # what a configuration's last line of errors has, after those that tell


@dataclass(frozen=True, slots=True)
class Target:
    """Where ssh goes: a destination as `ssh` takes it; 0 and empty where its configuration decides."""

    host: str
    port: int = 0
    user: str = ""

    def __str__(self) -> str:
        """Return what to type to go there by hand."""
        host = f"{self.user}@{self.host}" if self.user else self.host
        return f"{f'-p {self.port} ' if self.port else ''}{shlex.quote(host)}"


@dataclass(frozen=True, slots=True)
class Resolved:
    """What ssh makes of its configuration for a target: the first value of each key, in lower case."""

    values: Mapping[str, str]

    def get(self, key: str) -> str:
        """Return a value; empty where there is none."""
        value = self.values.get(key, "")
        return "" if value == "none" else value

    @property
    def patience(self) -> float:
        """The seconds that connecting may take."""
        timeout = self.get("connecttimeout")
        return float(timeout) if timeout.isdecimal() and int(timeout) else CONNECT

    @property
    def known_as(self) -> str:
        """The name under which known_hosts has its key."""
        name = self.get("hostkeyalias") or self.get("hostname")
        port = self.get("port")
        return f"[{name}]:{port}" if port != "22" and not self.get("hostkeyalias") else name


class SshClient:
    """ssh with `[reach]` as its settings. Raises `OperationError` where there is none here."""

    def __init__(self, settings: ReachSettings) -> None:
        if not shutil.which("ssh"):
            raise OperationError(
                "there is no ssh here", "install OpenSSH's client: apt-get install openssh-client"
            )
        self._settings = settings
        self._files: tempfile.TemporaryDirectory[str] | None = None
        self._resolved: dict[Target, asyncio.Future[Resolved]] = {}

    def folder(self) -> Path:
        """Return a folder of this run's own, that is gone after it."""
        if not self._files:
            self._files = tempfile.TemporaryDirectory(prefix="keepapart-", ignore_cleanup_errors=True)
        return Path(self._files.name)

    def close(self) -> None:
        """Remove the folder."""
        if self._files:
            self._files.cleanup()
            self._files = None

    def command(self, target: Target, resolved: Resolved, control: Sequence[str] = NO_MASTER) -> list[str]:
        """Return the command that goes to a target, up to its destination; `control` is for its master."""
        odd = [("stdinnull", "StdinNull"), ("forkafterauthentication", "ForkAfterAuthentication")]
        said = [f"{name}=no" for key, name in odd if resolved.get(key) == "yes"]  # others don't know the key
        if not resolved.get("connecttimeout"):
            said.append(f"ConnectTimeout={CONNECT}")
        exchanges = resolved.get("kexalgorithms").split(",")
        if QUICK in exchanges[1:]:
            said.append(f"KexAlgorithms={','.join([QUICK, *(one for one in exchanges if one != QUICK)])}")
        keys = HOST_KEYS.get(self._settings.new_host_keys, ("-o", "StrictHostKeyChecking=accept-new"))
        return [
            "ssh",
            *CALM,
            *control,
            *keys,
            *self._where(target),
            *(word for one in said for word in ("-o", one)),
        ]

    async def resolved(self, target: Target) -> Resolved:
        """Ask ssh what its configuration says of a target; it connects to nobody. Raises `ReachError`."""
        if target not in self._resolved:
            self._resolved[target] = asyncio.ensure_future(self._resolve(target))
        try:
            return await asyncio.shield(self._resolved[target])
        except ReachError:
            self._resolved.pop(target, None)
            raise

    async def run(self, words: Sequence[str], patience: float) -> tuple[int, str, str]:
        """Run ssh to its end; return its exit status, its output and its complaints.

        One that goes on behind the scenes holds on to what it writes to, so that is no pipe.
        """
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            asked = await asyncio.create_subprocess_exec(
                *words, stdin=DEVNULL, stdout=out, stderr=errors, start_new_session=True
            )
            try:
                async with asyncio.timeout(patience):
                    status = await asked.wait()
            except TimeoutError:
                raise ReachError(f"ssh: no answer within {patience:.0f} s") from None
            finally:
                if asked.returncode is None:
                    asked.kill()
                    await asked.wait()
            out.seek(0)
            errors.seek(0)
            return status, out.read().decode(errors="replace"), errors.read().decode(errors="replace")

    async def _resolve(self, target: Target) -> Resolved:
        # -N: whoever goes into the background after the login has no command for it here
        words = ["ssh", "-G", "-N", *self._where(target), "--", target.host]
        status, out, errors = await self.run(words, CONNECT)
        if status:
            raise ReachError(f"ssh: {_last_of(errors) or 'its configuration can not be read'}")
        values: dict[str, str] = {}
        for line in out.splitlines():
            key, _, value = line.partition(" ")
            values.setdefault(key.lower(), value)
        return Resolved(values)

    def _where(self, target: Target) -> list[str]:
        """Return the words that name the configuration, the port and the user."""
        config = self._with_user() if self._settings.user else self._settings.ssh_config
        return [
            *(("-F", config) if config else ()),
            *(("-p", str(target.port)) if target.port else ()),
            *(("-l", target.user) if target.user else ()),
        ]

    def _with_user(self) -> str:
        """Return a configuration that has what ssh's own has, and after it the user of `[reach]`."""
        path = self.folder() / "config"
        if path.exists():
            return str(path)
        files = [self._settings.ssh_config] if self._settings.ssh_config else FILES
        named = [glob.escape(os.path.expanduser(file)) for file in files]  # noqa: PTH111  # as ssh has it
        path.write_text("".join(f'Include "{file}"\n' for file in named) + f"User {self._settings.user}\n")
        return str(path)


def target(name: str, where: str, address: str) -> Target:
    """Read what stands after `ssh:`. Raises `ConfigError`."""
    if where and not where.startswith("//"):
        return Target(where)
    try:
        parts = urlsplit(where or "//")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = urlsplit("//")
    bad = parts.path or parts.query or parts.fragment or parts.password is not None
    if bad or (where.strip("/") and not host):
        raise ConfigError(f"reach 'ssh:{where}' of {name!r}: ssh://USER@HOST:PORT or ssh:NAME is wanted")
    # urlsplit lowers the host; names in ssh's configuration are matched as they are written
    written = parts.netloc.rpartition("@")[2]
    if host and not written.startswith("["):
        host = written.partition(":")[0]
    return Target(host or address or name, port or 0, parts.username or "")


def turned_away(errors: str) -> bool:
    """Whether an sshd turned somebody away unheard, as it does where too many are knocking."""
    lines = [line.strip() for line in errors.splitlines() if line.strip() and not line.startswith(NOISE)]
    return (
        bool(lines)
        and all(line.startswith(UNHEARD) for line in lines)
        and any(line.endswith(CLOSED) or line.startswith(UNHEARD[-2:]) for line in lines)
    )


def refusal(errors: str, where: Target, resolved: Resolved) -> ReachError:
    """Say in one line why ssh did not get in, and what to do about it."""
    name, port = resolved.known_as, resolved.get("port")
    if "IDENTIFICATION HAS CHANGED" in errors:
        offending = re.search(r"^Offending .* key in (.+):\d+\s*$", errors, re.MULTILINE)
        file = ["-f", plain(offending[1])] if offending else []
        return ReachError(
            f"ssh: the host key of {name} is NOT the one in known_hosts: it was built anew, or somebody is "
            f"in between; if you know the former, `{shlex.join(['ssh-keygen', *file, '-R', name])}`, then "
            "`ssh` there once"
        )
    if "REVOKED HOST KEY" in errors or "is marked as revoked" in errors:
        return ReachError(f"ssh: the host key of {name} is revoked in known_hosts")
    if "Host key verification failed" in errors:
        scan = f"ssh-keyscan {f'-p {port} ' if port != '22' else ''}{resolved.get('hostname')}"
        strict = resolved.get("stricthostkeychecking") in ("true", "yes")  # ssh doesn't ask then
        once = "" if strict else "`ssh` there once and compare it, or "
        return ReachError(
            f"ssh: the host key of {name} is not in known_hosts: {once}add what `{scan}` prints where you "
            "trust the way there"
        )
    if "Permission denied (" in errors:
        return ReachError(
            f"ssh: {resolved.get('hostname')} lets {resolved.get('user')!r} in with no key of yours: "
            f"try `ssh {where}`"
        )
    if FORWARDED_NOWHERE in errors and (jumps := resolved.get("proxyjump")):
        # why, only the master heard: nobody listens there, no route, no such name, or no forwarding allowed
        return ReachError(
            f"ssh: jump host {plain(jumps.rpartition(',')[2])} gets no connection to port {port} of "
            f"{resolved.get('hostname')}, or forwards nothing: `ssh {where}` says which"
        )
    if "timed out" in errors:
        return ReachError(
            f"ssh: no connection to {resolved.get('hostname')} within {resolved.patience:.0f} s"
        )
    if "Cannot execute command-line and remote command" in errors:
        return ReachError("ssh: RemoteCommand stands in its configuration, so it takes no other command")
    return ReachError(f"ssh: {_last_of(errors) or 'it ended without a word'}")


def _last_of(errors: str) -> str:
    if errors.startswith("usage: "):
        return "what it is given is no destination that it takes"
    lines = [line for line in errors.splitlines() if line.strip() and not line.startswith(NOISE)]
    telling = [line for line in lines if not line.startswith(UNHEARD) and ENDS not in line]
    return plain((telling or lines or [""])[-1].removeprefix("ssh: "))
