"""How client and daemon talk: one JSON document a line each way, on a Unix socket, descriptors beside it.

A request is `{"do": OPERATION, …its arguments}`, an answer `{"ok": …}` or `{"error": {"kind", "text"}}`. A
connection may carry any number of requests. Descriptors come with an answer's first bytes.
"""

from __future__ import annotations

import array
import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

from keepapart.errors import LabError

MAX_DESCRIPTORS = 253  # what Linux passes in one message
MAX_REQUEST = 1 << 20
_CHUNK = 1 << 16
_PATIENCE = 120.0  # seconds for the daemon to answer: it may be building hundreds of namespaces


def folder() -> Path:
    """Return the folder of this user's labs, made where it is missing.

    Raises `LabError` where it belongs to somebody else or others may enter it.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    path = Path(runtime, "keepapart") if runtime else Path(f"/tmp/keepapart-{os.geteuid()}")  # noqa: S108  # checked
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        about = path.lstat()
    except OSError as error:
        raise LabError(
            f"{path}: can't be made for the lab's socket: {error.strerror}",
            "XDG_RUNTIME_DIR must be a folder of this user's, or unset",
        ) from error
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
        raise LabError(f"{path}: must be a folder of this user's that nobody else may enter", "remove it")
    return path


def socket_path(name: str) -> Path:
    """Return where the lab of this name listens."""
    return folder() / f"{name}.sock"


def guests_folder(name: str) -> Path:
    """Return where the lab of this name keeps a folder for each guest of what it shows it of its machine.

    Such a folder is laid out as the machine's root: `sys/class/dmi/id/sys_vendor` and the like.
    """
    return folder() / f"{name}.guests"


def encode(document: object) -> bytes:
    """Write a document as one line."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Read one line back. Raises `ValueError` where it holds anything but one JSON object."""
    document = json.loads(line)
    if not isinstance(document, dict):
        raise ValueError("a request is one JSON object")
    return document


def send(connection: socket.socket, document: object, descriptors: list[int]) -> None:
    """Send one document with these descriptors, which stay the sender's own. Raises `OSError`."""
    data = encode(document)
    sent = socket.send_fds(connection, [data], descriptors) if descriptors else 0
    connection.sendall(data[sent:])


def ask(path: Path, request: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
    """Send one request to the daemon that listens at `path`; return its answer and descriptors.

    The descriptors are the caller's to close. Raises `OSError` where nobody listens, `LabError` where the
    daemon ends before it has answered.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE)
        connection.connect(str(path))
        connection.sendall(encode(request))
        descriptors: list[int] = []
        parts: list[bytes] = []
        try:
            while not (parts and parts[-1].endswith(b"\n")):
                part, more = _receive(connection)
                descriptors += more
                if not part:
                    raise LabError("the lab ended before it answered")
                parts.append(part)
            return decode(b"".join(parts)), descriptors
        except BaseException:
            for descriptor in descriptors:
                os.close(descriptor)
            raise


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    numbers = array.array("i")
    room = socket.CMSG_SPACE(MAX_DESCRIPTORS * numbers.itemsize)
    part, ancillary, flags, _ = connection.recvmsg(_CHUNK, room)
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    received = list(numbers)
    if flags & socket.MSG_CTRUNC:  # the kernel drops what this process has no room for
        for descriptor in received:
            os.close(descriptor)
        raise LabError("too many open files for the lab's descriptors: raise `ulimit -n`")
    for descriptor in received:
        os.set_inheritable(descriptor, False)
    return part, received
