"""Arrivals: whether what others climbed by has arrived at this machine, not at one that answers in its name.

Handed over to every instance together with node.py: standard library only, Python 3.6 or later. A climber
leaves a token of each ladder (ladder.py). What the kernel shows to anybody, of the network namespace that the
node is in, confirms it or doesn't:

1. A connection has arrived if the kernel has one to that port whose far end is the climber's. It may be any
   program's; the node opens no port for it. A refusal leaves no trace, and a translated sender another one:
   neither is confirmed.
2. Nobody without privilege is shown an echo request, but the kernel counts them. All that climbers say were
   answered have arrived if that count grew by as many at least while they climbed, on a machine that got
   none for `QUIET` seconds before it began. Somebody else's requests might make up for those that another
   machine answered: on a quiet machine not for `ECHOES` of each climber. Where the count falls short
   nobody's requests are confirmed, for it doesn't say whose are missing.
3. What can't be read confirms nothing.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence

from keepapart.node.ladder import ECHOES
from keepapart.node.stdlib import socket

CONNECTIONS = ("/proc/net/tcp", "/proc/net/tcp6")
COUNTERS = ("/proc/net/snmp", "/proc/net/snmp6")
SHOWN = 1 << 24  # bytes of a file that are read: 100,000 connections
QUIET = 0.5  # seconds
LISTENING = "0A"
MAPPED = "0000000000000000FFFF0000"  # before an IPv4 address in a connection of an IPv6 socket


class Arrivals:
    """What arrives from now on, of climbing `by` "tcp" or "icmp", turn after turn."""

    def __init__(self, by: str) -> None:
        self.by = by
        self.before = -1
        if by == "icmp":
            quiet = echo_requests()
            time.sleep(QUIET)
            self.before = quiet if echo_requests() == quiet else -1

    def confirmed(self, port: int, tokens: Sequence[str]) -> list[bool]:
        """Say of each token whether what it stands for has arrived since the last time."""
        if self.by == "icmp":
            answered, before, now = [int(token) for token in tokens], self.before, echo_requests()
            self.before = now if before >= 0 else before
            return [0 <= before <= now - sum(answered) and times >= ECHOES for times in answered]
        ends = far_ends(port)
        return [bool(token) and not ends.isdisjoint(_written(token)) for token in tokens]


def echo_requests() -> int:
    """Return how many echo requests this namespace ever got; -1 where that isn't told."""
    total = -1
    try:
        with open(COUNTERS[0]) as file:
            names, counts = [line.split() for line in file if line.startswith("Icmp:")]
        total = int(counts[names.index("InEchos")])
        with open(COUNTERS[1]) as file:
            total += sum([int(line.split()[1]) for line in file if line.startswith("Icmp6InEchos ")])
    except (OSError, ValueError, IndexError):
        pass  # without IPv6 there is no second file
    return total


def far_ends(port: int) -> set[str]:
    """Return the far ends of all connections to a port of this machine, as /proc/net/tcp writes them."""
    ours = "{:04X}".format(port)
    found = set()
    for path in CONNECTIONS:
        try:
            with open(path) as file:
                lines = file.read(SHOWN).splitlines()
        except OSError:
            continue
        for line in lines[1:]:
            fields = line.split(None, 4)
            if len(fields) == 5 and fields[1].endswith(":" + ours) and fields[3] != LISTENING:
                found.add(fields[2])
    return found


def _written(token: str) -> tuple[str, ...]:
    """Return the end of a connection as /proc/net/tcp may write it."""
    address, port = token.split(" ")
    six = ":" in address
    packed = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address)
    words = struct.unpack("={}I".format(len(packed) // 4), packed)
    end = "{}:{:04X}".format("".join(["{:08X}".format(word) for word in words]), int(port))
    return (end,) if six else (end, MAPPED + end)
