"""Who holds a lease, and how to tell that the holder is dead.

A process is known to be dead only on the machine that it ran on: same boot, same process namespace, and no
process of its number that started when it did. Elsewhere a lease has to run out, by the clock of whoever
wants it: clocks that differ by seconds cost no more than that.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from keepapart.store.leases import Holder


def holder_id() -> str:
    """Name this process so that people can find it and `is_dead` can recognise it."""
    pid = os.getpid()
    return f"pid {pid} on {socket.gethostname()} [{_machine()} {pid} {_started(pid)}]"


def is_dead(who: str) -> bool:
    """Say whether the process that `holder_id` named is known to live no more."""
    try:
        boot, namespace, pid, started = who.rpartition(" [")[2].rstrip("]").split(" ")
    except ValueError:
        return False
    here = _machine()
    return bool(here.strip()) and f"{boot} {namespace}" == here and _started(int(pid)) != started


def at_work(holder: Holder | None, now: float) -> bool:
    """Say whether somebody holds a lease, at `now` seconds since the epoch, who isn't known to be dead."""
    return holder is not None and holder.expires > now and not is_dead(holder.who)


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return " "  # no /proc: nobody can be told dead


def _started(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "-"
    return "-" if fields[0] in "ZX" else fields[19]  # a zombie has ended; only its parent doesn't know yet
