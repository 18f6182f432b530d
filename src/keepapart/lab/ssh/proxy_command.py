"""A ProxyCommand into a lab: `python -m keepapart.lab.ssh.proxy_command SOCKET HOST PORT`.

Asks the lab that listens at SOCKET for a TCP connection to an instance, by id or by address, made inside the
instance's own namespace, and carries bytes between it and the standard streams. No privilege is needed.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from contextlib import suppress
from pathlib import Path

from keepapart.lab import protocol


def main() -> int:
    """Connect and carry; 1 where the lab or the instance can't be reached."""
    path, host, port = sys.argv[1:]
    try:
        answer, numbers = protocol.ask(Path(path), {"do": "connect", "host": host, "port": int(port)})
    except OSError as error:
        return _complain(f"{path}: {error.strerror or error}")
    if "error" in answer:
        return _complain(str(answer["error"]["text"]))
    with socket.socket(fileno=numbers[0]) as far, suppress(OSError, KeyboardInterrupt):  # either end is gone
        carry(far, 0, 1)
    return 0


def carry(far: socket.socket, inward: int, outward: int) -> None:
    """Carry bytes both ways until the far end closes; the end of `inward` closes that direction only."""
    sources: list[int] = [far.fileno(), inward]
    while True:
        for ready in select.select(sources, [], [])[0]:
            if ready == inward:
                part = os.read(inward, 1 << 16)
                if part:
                    far.sendall(part)
                else:
                    sources.remove(inward)
                    far.shutdown(socket.SHUT_WR)
                continue
            part = far.recv(1 << 16)
            if not part:
                return
            while part:
                part = part[os.write(outward, part) :]


def _complain(text: str) -> int:
    sys.stderr.write(f"keepapart: {text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
