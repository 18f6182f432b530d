"""Tenure: who holds a cluster's lease, for how long, and how to tell that the holder is dead.

A process is known to be dead only on the machine that it ran on: same boot, same process namespace, and
no process of its number that started when it did. Elsewhere a lease has to run out.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from keepapart.admit.hands import LONGEST_NAP, RETRIES

# Patroni's rule, loop_wait + 2 * retry <= ttl, leaves time for a renewal that fails twice; a measurement may
# take as long without renewing. What outlasts it is fenced off, not let through.
SECONDS = 300.0
if LONGEST_NAP + 2 * sum(RETRIES) > SECONDS:
    raise AssertionError("a lease has to outlast a nap and two rounds of retries")


def me() -> str:
    """Name this process so that people can find it and `dead` can recognise it."""
    pid = os.getpid()
    return f"pid {pid} on {socket.gethostname()} [{_machine()} {pid} {_started(pid)}]"


def dead(who: str) -> bool:
    """Say whether the process that `me` named is known to live no more."""
    try:
        boot, namespace, pid, started = who.rpartition(" [")[2].rstrip("]").split(" ")
    except ValueError:
        return False
    here = _machine()
    return bool(here.strip()) and f"{boot} {namespace}" == here and _started(int(pid)) != started


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
