"""What systemd is told, by the socket that it names (sd_notify(3)); nothing where there is none."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(**said: str | int) -> None:
    """Say something, such as ``READY=1``."""
    if not (where := os.environ.get("NOTIFY_SOCKET")):
        return
    address = "\0" + where[1:] if where.startswith("@") else where
    lines = "\n".join(f"{name}={value}" for name, value in said.items())
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.setblocking(False)  # whoever doesn't listen holds up nobody
        told.sendto(lines.encode("utf-8", "replace"), address)


def watchdog() -> float | None:
    """Return how often `WATCHDOG=1` is wanted, in seconds; None where it isn't."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID")
    mine = pid is None or pid == str(os.getpid())
    return int(usec) / 1e6 / 2 if usec.isdecimal() and mine else None
