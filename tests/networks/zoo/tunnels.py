"""Tunnels of a user-space VPN: pairs of tun devices, and a thread that carries packets between them."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import struct
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
TUN_NO_INFO = 0x1001  # IFF_TUN | IFF_NO_PI
MOST = 1 << 16  # bytes of a packet


class Tunnels:
    """Tunnels that last as long as this does."""

    def __init__(self) -> None:
        self._other: dict[int, int] = {}
        self._ending, self._end = os.pipe()
        self._carrier = threading.Thread(target=self._carry)

    def __enter__(self) -> Tunnels:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._end)
        if self._carrier.ident:
            self._carrier.join()
        for handle in (self._ending, *self._other):
            os.close(handle)

    def dig(self, *ends: tuple[Path, str]) -> None:
        """Make a tunnel between two ends: namespaces, and what the device is called in each."""
        a, b = _opened(ends)
        self._other |= {a: b, b: a}

    def carry(self) -> None:
        """Begin to carry packets, once all tunnels are there."""
        if self._other:
            self._carrier.start()

    def _carry(self) -> None:
        poll = select.poll()
        for handle in (self._ending, *self._other):
            poll.register(handle, select.POLLIN)
        while True:
            for handle, _ in poll.poll():
                if handle == self._ending:
                    return
                os.write(self._other[handle], os.read(handle, MOST))


def _opened(ends: Iterable[tuple[Path, str]]) -> list[int]:
    """Open tun devices in namespaces, each from a thread that ends there."""
    handles: list[int] = []
    for namespace, device in ends:
        thread = threading.Thread(target=lambda at=namespace, name=device: handles.append(_open(at, name)))
        thread.start()
        thread.join()
    return handles


def _open(namespace: Path, device: str) -> int:
    there = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"{namespace} can't be entered")
    finally:
        os.close(there)
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH22x", device.encode(), TUN_NO_INFO))
    return handle
