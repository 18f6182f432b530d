"""Arrivals: whether what others climbed by has arrived at this machine, not at one that answers in its name.

Handed over to every instance together with node.py: standard library only, Python 3.6 or later. A climber
leaves a token of each ladder (ladder.py). What the kernel shows to anybody, of the network namespace that the
node is in, confirms it or doesn't:

1. A connection has arrived if the kernel has one to that port whose far end is the climber's, and, where the
   kernel tells that, no longer segments may be sent there than the climber takes: a proxy on the way that
   keeps the climber's address and port asks for its own. It may be any program's; the node opens no port for
   it. A refusal leaves no trace, and a translated sender another one: neither is confirmed.
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
from keepapart.node.routes import ASKS_FOR_ALL, Kernel, attributes
from keepapart.node.stdlib import socket

CONNECTIONS = ("/proc/net/tcp", "/proc/net/tcp6")
COUNTERS = ("/proc/net/snmp", "/proc/net/snmp6")
SHOWN = 1 << 24  # bytes of a file that are read: 100,000 connections
QUIET = 0.5  # seconds
LISTENING = "0A"
MAPPED = "0000000000000000FFFF0000"  # before an IPv4 address in a connection of an IPv6 socket
NETLINK_CONNECTIONS = 4  # NETLINK_SOCK_DIAG
GET_CONNECTIONS = 20  # SOCK_DIAG_BY_FAMILY
TCP = 6
ALL_BUT_LISTENING = 0xFFFFFFFF & ~(1 << 10)  # states
CONNECTION = struct.Struct("=BBBB2s2s16s16sIII5I")  # family, …, ports, addresses
WANTED_CONNECTIONS = struct.Struct("=BBBBI2s2s16s16sIII")  # family, protocol, attributes, padding, states, …
TCP_INFO = 2  # attribute
TCP_TOLD = struct.Struct("=5xB10xI")  # options, and the longest segment that may be sent, without these
TIMESTAMPS = 1  # option, of so many bytes in each segment
TIMESTAMP = 12


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
        ends, longest = far_ends(port), longest_segments(port)
        found = []
        for token in tokens:
            address, far, most = token.split(" ") if token else ("", "0", "0")
            there = ends.intersection(_written(address, int(far))) if address else set()
            found.append(bool(there) and all(longest.get(end, 0) <= int(most) for end in there))
        return found


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


def longest_segments(port: int) -> dict[str, int]:
    """Return what the far ends of all connections to a port take at most, where the kernel tells that."""
    found: dict[str, int] = {}
    try:
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_CONNECTIONS)
    except OSError:
        return found
    try:
        for family in (socket.AF_INET, socket.AF_INET6):
            ours = struct.pack("!H", port)
            wanted = (family, TCP, 1 << (TCP_INFO - 1), 0, ALL_BUT_LISTENING, ours, b"", b"", b"", 0, 0, 0)
            for _, told in Kernel(sock).ask(GET_CONNECTIONS, WANTED_CONNECTIONS.pack(*wanted), ASKS_FOR_ALL):
                info = attributes(told, CONNECTION.size).get(TCP_INFO, b"")
                if len(info) < TCP_TOLD.size or told[4:6] != ours:
                    continue
                options, longest = TCP_TOLD.unpack_from(info)
                end = _end(
                    told[24 : 28 if family == socket.AF_INET else 40], struct.unpack("!H", told[6:8])[0]
                )
                found[end] = longest + TIMESTAMP * (options & TIMESTAMPS)
    except OSError:
        pass  # there is no such answer on this kernel
    finally:
        sock.close()
    return found


def _written(address: str, port: int) -> tuple[str, ...]:
    """Return the end of a connection as /proc/net/tcp may write it."""
    six = ":" in address
    end = _end(socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address), port)
    return (end,) if six else (end, MAPPED + end)


def _end(packed: bytes, port: int) -> str:
    words = struct.unpack("={}I".format(len(packed) // 4), packed)
    return "{}:{:04X}".format("".join(["{:08X}".format(word) for word in words]), port)
