"""What the lab needs of Linux beyond Python's own: network and user namespaces, and their settings.

Namespaces are held as open file descriptors only, never mounted anywhere: when the process ends, however it
ends, they are gone. All of this changes the calling thread, so the process must have only one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG = 1


def unshare(flags: int) -> None:
    """Move this process into new namespaces. Raises `OSError`."""
    _call("unshare", flags)


def setns(fd: int) -> None:
    """Move this process into the namespace that `fd` holds. Raises `OSError`."""
    _call("setns", fd, 0)


def become_root() -> int | None:
    """Move into a user namespace in which this user is root; return a descriptor of it.

    A process that may make network namespaces as it is stays where it is: None. Raises `OSError`.
    """
    if os.geteuid() == 0 and _may_unshare():
        return None
    return enter_user_namespace()


def enter_user_namespace(inside: int = 0) -> int:
    """Make a user namespace in which this user is `inside`, and enter it; return a descriptor of it."""
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inside} {uid} 1")
    _write("/proc/self/gid_map", f"{inside} {gid} 1")
    return os.open("/proc/self/ns/user", os.O_RDONLY | os.O_CLOEXEC)


def new_network() -> int:
    """Make an empty network namespace, stay in it, and return a descriptor of it. Raises `OSError`."""
    unshare(CLONE_NEWNET)
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def inside(namespace: int, home: int) -> Iterator[None]:
    """Be in a network namespace for a while, then in `home` again."""
    setns(namespace)
    try:
        yield
    finally:
        setns(home)


def cover(files: Mapping[Path, Path]) -> None:
    """Show this process, and whatever it starts, these files in others' places. Raises `OSError`."""
    unshare(CLONE_NEWNS)
    _call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    for file, place in files.items():
        _call("mount", os.fsencode(file), os.fsencode(place), None, MS_BIND, None)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, whatever it becomes until then."""
    _call("prctl", PR_SET_PDEATHSIG, int(signal.SIGKILL))


def sysctl(name: str, value: int | str) -> None:
    """Set a network setting of the namespace that this process is in. Raises `OSError`."""
    _write(f"/proc/sys/net/{name}", str(value))


def raise_descriptor_limit() -> None:
    """Allow this process as many open descriptors as it may have: a lab of 500 guests needs thousands."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _may_unshare() -> bool:
    """Say whether this process may make network namespaces as it is: root in some containers may not."""
    try:
        unshare(CLONE_NEWNET)
    except OSError:
        return False
    return True


def _call(name: str, *arguments: int | bytes | None) -> None:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, f"{sys.platform} has none")
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    # unbuffered: these files take a value only in one write
    with Path(path).open("wb", buffering=0) as file:
        file.write(text.encode())
