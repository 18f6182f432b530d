"""A real sshd on loopback with throw-away keys, for tests of what ssh's configuration may hold."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from keepapart.reach.ssh import SshTransport
from keepapart.settings import ReachSettings

ADDRESS = "127.0.0.1"
BASE = """
Host *
  HostName {address}
  Port {port}
  User {user}
  IdentityFile {folder}/userkey
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile none
"""
SSHD_CONFIG = """{more}
Port {port}
ListenAddress {address}
HostKey {folder}/hostkey
HostCertificate {folder}/hostkey-cert.pub
TrustedUserCAKeys {folder}/authority.pub
AuthorizedKeysFile {folder}/authorized_keys
AuthenticationMethods publickey
StrictModes no
UsePAM no
PermitRootLogin yes
PermitUserEnvironment no
AcceptEnv LANG
PidFile none
"""


@dataclass(frozen=True)
class Stage:
    """An sshd: where its files are, and the port that it listens on."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def config(self, text: str, *, base: bool = True) -> Path:
        """Write an ssh_config of this text and what every login here needs; $S, $P, $U stand for the stage.

        Where the text says `IdentityFile none`, the key that opens is left out: ssh tries all that are named.
        """
        text = text.replace("$S", str(self.folder)).replace("$P", str(self.port))
        text = text.replace("$U", getpass.getuser())
        path = self.folder / "ssh_config"
        needed = self.base() if base else ""
        if "IdentityFile none" in text:
            needed = needed.replace(f"  IdentityFile {self.folder}/userkey\n", "")
        path.write_text(text + needed)
        return path

    def base(self) -> str:
        """Return what every login here needs."""
        return BASE.format(address=ADDRESS, port=self.port, user=getpass.getuser(), folder=self.folder)

    def ssh(self, config: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ssh with this configuration; it asks nobody."""
        command = ["ssh", "-F", str(config), "-o", "BatchMode=yes", *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=30
        )

    def lost(self, config: Path, names: Sequence[str] = ("web",), **settings: str) -> dict[str, str]:
        """Have keepapart start a node behind each name; return who is lost, and why."""

        async def enter() -> dict[str, str]:
            transport = SshTransport(ReachSettings(ssh_config=str(config), **settings))  # type: ignore[arg-type]
            group = transport.group({name: name for name in names}, dict.fromkeys(names, ADDRESS))
            try:
                await group.open(0, 1)
                return dict(group.lost)
            finally:
                await group.close()
                await transport.close()

        return asyncio.run(enter())

    def down(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


def up(folder: Path, more: str = "") -> Stage:
    """Start an sshd with `more` lines of configuration; skip, saying why, where that can't be had."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program or not shutil.which("ssh"):
        pytest.skip("no sshd here; on Debian: apt-get install openssh-server openssh-client")
    with socket.create_server((ADDRESS, 0)) as probe:
        port = probe.getsockname()[1]
    _keys(folder, port)
    (folder / "sshd_config").write_text(
        SSHD_CONFIG.format(port=port, address=ADDRESS, folder=folder, more=more)
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where privileges are left
    command = [program, "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")]
    process = subprocess.Popen(command)
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((ADDRESS, port)).close()
            return Stage(folder, port, process)
        except OSError:
            assert time.monotonic() < end, (folder / "log").read_text()
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.02)  # there is no event for the beginning of somebody else's listening


def _keys(folder: Path, port: int) -> None:
    def keygen(*words: str) -> None:
        subprocess.run(["ssh-keygen", "-q", *words], check=True, cwd=folder, capture_output=True)

    for name in ("hostkey", "otherkey", "userkey", "strangerkey", "forcedkey", "certified", "authority"):
        keygen("-t", "ed25519", "-N", "", "-f", name, "-C", name)
    keygen("-t", "ed25519", "-N", "secret", "-f", "locked", "-C", "locked")
    keygen("-s", "authority", "-I", "host", "-h", "-n", f"{ADDRESS},orders", "-V", "-1h:+1h", "hostkey.pub")
    keygen("-s", "authority", "-I", "me", "-n", getpass.getuser(), "-V", "-1h:+1h", "certified.pub")
    user, forced, locked, host, other, authority = (
        " ".join((folder / f"{name}.pub").read_text().split()[:2])
        for name in ("userkey", "forcedkey", "locked", "hostkey", "otherkey", "authority")
    )
    (folder / "authorized_keys").write_text(
        f'{user}\n{locked}\ncommand="exec /bin/sh -c \\"$SSH_ORIGINAL_COMMAND\\"",restrict {forced}\n'
    )
    (folder / "authorized_keys").chmod(0o600)
    mine = f"[{ADDRESS}]:{port}"
    known = {
        "known_hosts": f"{mine} {host}\n",
        "known_other": f"{mine} {other}\n",
        "known_alias": f"{mine} {other}\norders {host}\n",
        "known_alias_other": f"{mine} {host}\norders {other}\n",
        "known_authority": f"@cert-authority {ADDRESS},[{ADDRESS}]:* {authority}\n",
        "known_orders_authority": f"@cert-authority ord* {authority}\n",
        "known_elsewhere_authority": f"@cert-authority *.example.net {authority}\n",
        "known_revoked": f"{mine} {host}\n@revoked * {host}\n",
        "known_odd": f"garbage\n\n# a comment\n@unknown-marker x y\n\xff\n{mine} {host} trailing words\n",
        "known_hashed": f"{mine} {host}\n",
        "known_pattern": f"[127.0.0.*]:{port} {host}\n",
        "known_not": f"![{ADDRESS}]:{port},[127.*]:{port} {host}\n",
        "known_none": "",
    }
    for name, text in known.items():
        (folder / name).write_text(text, encoding="latin-1")
    keygen("-H", "-f", "known_hashed")
