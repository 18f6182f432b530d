"""A real sshd in every instance of a lab, so that the way in is the one that every operator has.

Each sshd runs inside its instance's network namespace, and in a mount and a user namespace of its own: it
sees a passwd file with one account, `USER`, whose home is `homes/ID` in the lab's folder, and it needs no
privilege beyond the lab's. Rules:

1. Keys are made for this lab alone and kept in a folder that only its owner may enter. Nothing is written
   anywhere else.
2. An sshd answers before its instance counts as running, and ends, with every session of it, when the
   instance stops, its host fails, or the lab ends.
3. However the daemon ends, `_watch` outlives it just long enough to end what ran in the instances and to
   remove the folder.

`~/.ssh/rc` and `~/.ssh/environment` in an instance's home are honoured: that is how one is made to misbehave.
"""

from __future__ import annotations

import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from keepapart.errors import LabError
from keepapart.lab.netns import linux
from keepapart.lab.world.topology import Host, Place

if TYPE_CHECKING:
    from keepapart.lab.netns.build import Namespaces

USER = "keeper"  # the one account of every instance
UID = 1000  # what the operator's own uid is called inside
PORT = 22
FILES = ("ssh_config", "known_hosts", "id")  # what plain ssh needs, in the lab's folder
_PATIENCE = 20.0  # seconds for all sshd to listen, and for a connection to one

SSHD_CONFIG = """\
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/id.pub
AuthenticationMethods publickey
UsePAM no
StrictModes no
PidFile none
UseDNS no
PrintMotd no
PrintLastLog no
PermitUserEnvironment yes
MaxStartups 100
Subsystem sftp internal-sftp
"""

SSH_CONFIG = """\
# plain ssh and keepapart into lab {name!r}: by instance id or by address
Host *
    User {user}
    Port {port}
    IdentityFile {folder}/id
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    HostKeyAlias keepapart-lab
    StrictHostKeyChecking yes
    ProxyCommand {python} -P -m keepapart.lab.ssh.proxy_command {socket} %h %p
"""


def folder_of(lab_socket: Path) -> Path:
    """Return where a lab keeps its ssh keys, given where it listens."""
    return lab_socket.with_suffix(".ssh")


class WithSshd:
    """A lab's network whose every instance runs sshd; see `service.LabNetwork`."""

    def __init__(self, network: Namespaces, lab_socket: Path) -> None:
        self.kind = network.kind
        self._network = network
        self._folder = folder_of(lab_socket)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if not self._program or not shutil.which("ssh-keygen"):
            raise LabError("--sshd needs sshd and ssh-keygen", "on Debian: apt-get install openssh-server")
        self._furnish(lab_socket)
        self._watcher, self._told = _start_watching(self._folder)

    def attach(self, places: Mapping[str, Place]) -> None:
        """Give instances a network and start their sshd. Raises `LabError`; then none of them has either."""
        self._network.attach(places)
        try:
            for guest_id in places:
                self._start(guest_id)
            self._await(places)
        except BaseException:
            self.detach(places)
            raise

    def detach(self, ids: Iterable[str]) -> None:
        """End everything that runs in these instances, and take their network away."""
        ids = list(ids)
        self._end(ids)
        self._network.detach(ids)

    def move(self, guest_id: str, place: Place) -> None:
        """Let an instance go on at another place; its sshd never notices."""
        self._network.move(guest_id, place)

    def fail(self, host: Host) -> None:
        """End the instances of a host."""
        self._end([name for name, (_, place) in self._network.guests.items() if place.host == host])
        self._network.fail(host)

    def sockets(self, guest_id: str, count: int, netlink: bool) -> list[socket.socket]:
        """Make UDP sockets inside an instance."""
        return self._network.sockets(guest_id, count, netlink)

    def descriptors(self, guest_id: str) -> list[int]:
        """Return the namespaces to enter for an instance."""
        return self._network.descriptors(guest_id)

    def connect(self, guest_id: str, port: int) -> socket.socket:
        """Return a TCP connection to a port of an instance, from inside it. Raises `LabError`."""
        if guest_id not in self._network.guests:
            raise LabError(
                f"{guest_id} has no network: it is not running, still boots, or its host has failed"
            )
        namespace, place = self._network.guests[guest_id]
        with linux.inside(namespace, self._network.home):
            made = socket.socket(self._network.family, socket.SOCK_STREAM)
        try:
            made.settimeout(_PATIENCE)
            made.connect((self._network.topology.address(place), port))
            made.setblocking(True)
        except OSError as error:
            made.close()
            raise LabError(f"{guest_id} port {port}: {error.strerror or error}") from None
        return made

    def close(self) -> None:
        """End everything that runs in the instances, and remove the lab's folder."""
        self._end(list(self._running))
        shutil.rmtree(self._folder, ignore_errors=True)
        os.kill(self._watcher, signal.SIGKILL)  # nothing is left to do for it, least of all to a successor
        os.waitpid(self._watcher, 0)

    def _furnish(self, lab_socket: Path) -> None:
        """Make keys and configuration for this lab."""
        folder = self._folder
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(mode=0o700)
            (folder / "homes").mkdir()
            for key in ("host_key", "id"):
                made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "keepapart-lab", "-f", key]
                subprocess.run(made, cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)
            public = (folder / "host_key.pub").read_text()
            self._write("known_hosts", f"keepapart-lab {public}")
            self._write("sshd_config", SSHD_CONFIG.format(port=PORT, folder=folder))
            self._write("group", f"root:x:0:\n{USER}:x:{UID}:\n")
            ssh_config = SSH_CONFIG.format(
                name=lab_socket.stem,
                user=USER,
                port=PORT,
                folder=folder,
                python=shlex.quote(sys.executable),
                socket=shlex.quote(str(lab_socket)),
            )
            self._write("ssh_config", ssh_config)
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise LabError(f"{folder}: keys for sshd can't be made there: {error}") from error

    def _write(self, name: str, text: str) -> Path:
        path = self._folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def _start(self, guest_id: str) -> None:
        namespace, _ = self._network.guests[guest_id]
        home = self._folder / "homes" / guest_id
        home.mkdir(exist_ok=True)
        passwd = self._write(
            f"passwd-{guest_id}", f"root:x:0:0::/:/bin/sh\n{USER}:x:{UID}:{UID}::{home}:/bin/sh\n"
        )
        group = self._folder / "group"

        def enter() -> None:
            linux.setns(namespace)
            linux.sysctl("ipv4/ip_unprivileged_port_start", 0)
            linux.cover({passwd: Path("/etc/passwd"), group: Path("/etc/group")})
            linux.enter_user_namespace(UID)
            linux.die_with_parent()  # last: the kernel forgets it when a process changes who it is

        assert self._program
        with (self._folder / f"log-{guest_id}").open("ab") as log:
            try:
                self._running[guest_id] = subprocess.Popen(
                    [self._program, "-D", "-e", "-f", str(self._folder / "sshd_config")],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    cwd="/",
                    env={"PATH": os.defpath},
                    preexec_fn=enter,  # safe: this process has one thread
                    start_new_session=True,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise LabError(f"instance {guest_id} can't run sshd: {error}") from error
        self._tell("+", namespace)

    def _await(self, ids: Iterable[str]) -> None:
        """Wait until every sshd listens. Raises `LabError` with its own last word where one doesn't."""
        end = time.monotonic() + _PATIENCE
        for guest_id in ids:
            process = self._running[guest_id]
            while not _listens(process.pid):
                if process.poll() is not None or time.monotonic() > end:
                    said = (self._folder / f"log-{guest_id}").read_text(errors="replace").strip()
                    raise LabError(f"instance {guest_id}'s sshd did not start: {said.rpartition(chr(10))[2]}")
                time.sleep(0.005)

    def _end(self, ids: Iterable[str]) -> None:
        there = [name for name in ids if name in self._running and name in self._network.guests]
        namespaces = [self._network.guests[name][0] for name in there]
        for namespace in namespaces:
            self._tell("-", namespace)
        _kill_inside({os.fstat(namespace).st_ino for namespace in namespaces})
        for name in there:
            self._running.pop(name).wait()

    def _tell(self, sign: str, namespace: int) -> None:
        os.write(self._told, f"{sign}{os.fstat(namespace).st_ino}\n".encode())


def _listens(pid: int) -> bool:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
            if any(row.split()[3] == "0A" and row.split()[1].endswith(f":{PORT:04X}") for row in rows):
                return True
    return False


def _kill_inside(namespaces: set[int]) -> None:
    """Kill every process in these network namespaces, until there is none.

    Each is waited for: a dying process has left its namespace before it closes its connections, and whoever
    is at their other end must hear of that while there still is a network.
    """
    while namespaces:
        dying: list[int] = []
        for entry in os.scandir("/proc"):
            with suppress(OSError):  # it ended meanwhile, or is somebody else's
                if entry.name.isdecimal() and os.stat(f"/proc/{entry.name}/ns/net").st_ino in namespaces:  # noqa: PTH116
                    if int(entry.name) == os.getpid():
                        continue
                    dying.append(os.pidfd_open(int(entry.name)))
                    signal.pidfd_send_signal(dying[-1], signal.SIGKILL)
        if not dying:
            return
        for handle in dying:
            waiting = select.poll()
            waiting.register(handle, select.POLLIN)
            waiting.poll(1_000)  # milliseconds
            os.close(handle)


def _start_watching(folder: Path) -> tuple[int, int]:
    """Fork the process that cleans up when this one has ended; return its id and the pipe that it reads.

    A line `+N` or `-N` tells it of a network namespace, by inode, in which things run, or run no more.
    """
    mine = folder.stat().st_ino
    read_end, write_end = os.pipe()
    if watcher := os.fork():
        os.close(read_end)
        return watcher, write_end
    try:
        os.setsid()
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        os.closerange(0, read_end)
        os.closerange(read_end + 1, os.sysconf("SC_OPEN_MAX"))
        alive: set[int] = set()
        with open(read_end) as told:  # noqa: PTH123  # a descriptor, not a path
            for line in told:
                (alive.add if line[0] == "+" else alive.discard)(int(line[1:]))
        _kill_inside(alive)
        if folder.stat().st_ino == mine:  # not that of a lab that has the name now
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os._exit(0)
