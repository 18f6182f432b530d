"""Which routers a datagram meets first, without any privilege: from the error queue of a UDP socket.

Handed over to every instance together with node.py: standard library only, Python 3.6 or later.

1. All times-to-live go out at once, over several flows, to a few members of the round, who drop them.
2. A router that gets one with its last hop spent says so, and the kernel keeps what it said with the
   datagram that it was about.
3. Linux routers answer one destination about once a second after a burst of six. A distance at which one
   answer came, too few to be sure of, is probed `again`, that much later, where that is worth the wait.
   Silent is not absent: who doesn't answer is not named.
"""

from __future__ import annotations

import select
import struct
import time
from collections.abc import Sequence
from typing import Any

from keepapart.node.stdlib import socket

DISTANCES = (1, 2)  # the first router, and the one behind it
FLOWS = 3  # by socket; two targets then make six answers of a router, the burst that Linux allows
WAIT = 0.2  # seconds for answers; they come in milliseconds or not at all
PAUSE = 1.05  # seconds until a router that answers once a second answers again

IP_RECVERR, IPV6_RECVERR = 11, 25  # Linux's numbers; missing from the socket module
MSG_ERRQUEUE = 0x2000
ORIGIN_ICMP, ORIGIN_ICMP6 = 2, 3
TIME_EXCEEDED, TIME_EXCEEDED6 = 11, 3  # ICMP types; code 0 is "in transit"
ERROR = struct.Struct("=IBBBBII")  # sock_extended_err; the address of who sent it follows
PROBE = struct.Struct("!BBHI")  # what it is, its time-to-live, its flow, its target; no datagram of a round
PROBE_KIND = 0x50


class Tracer:
    """The probes of one instance: `sockets` are its flows, `places` where it may send to."""

    def __init__(self, sockets: Sequence[socket.socket], places: Sequence[tuple[str, int]]) -> None:
        self.sockets = list(sockets[:FLOWS])
        self.places = list(places)
        self.open: set[tuple[int, int, int]] = set()
        self.seen: dict[tuple[int, str], int] = {}
        self.six = six = sockets[0].family == socket.AF_INET6
        self.level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
        self.wants_errors = IPV6_RECVERR if six else IP_RECVERR
        self.lifetime = getattr(socket, "IPV6_HOPLIMIT", 52) if six else socket.IP_TTL
        self.exceeded = (ORIGIN_ICMP6, TIME_EXCEEDED6, 0) if six else (ORIGIN_ICMP, TIME_EXCEEDED, 0)
        for sock in self.sockets:
            sock.setsockopt(self.level, self.wants_errors, 1)
        for distance in DISTANCES:
            for flow in range(len(self.sockets)):
                self.open.update((distance, flow, target) for target in range(len(self.places)))

    def send(self) -> None:
        """Send a probe for all that is not answered."""
        for distance, flow, target in sorted(self.open):
            lifetime = [(self.level, self.lifetime, struct.pack("i", distance))]
            probe = PROBE.pack(PROBE_KIND, distance, flow, target)
            for _ in range(2):  # an answer to an earlier one fails the next call, and is cleared by it
                try:
                    self.sockets[flow].sendmsg([probe], lifetime, 0, self.places[target])
                    break
                except OSError:
                    pass

    def receive(self) -> None:
        """Take in what routers have said."""
        for sock in self.sockets:
            while True:
                try:
                    probe, ancillary, _, _ = sock.recvmsg(PROBE.size, 512, MSG_ERRQUEUE)
                except OSError:
                    break
                for level, kind, told in ancillary:
                    if (level, kind) == (self.level, self.wants_errors) and len(probe) == PROBE.size:
                        self._take(PROBE.unpack(probe), told)

    def close(self) -> None:
        """Leave the sockets as they were; what is still queued is dropped."""
        for sock in self.sockets:
            sock.setsockopt(self.level, self.wants_errors, 0)

    def heard(self, distance: int) -> int:
        """How many answers came from routers at a distance."""
        return sum(times for (at, _), times in self.seen.items() if at == distance)

    def sightings(self) -> list[tuple[int, str, int]]:
        """Say who answered: distance, address, how often."""
        return [(distance, address, times) for (distance, address), times in sorted(self.seen.items())]

    def _take(self, probe: tuple[int, int, int, int], told: bytes) -> None:
        kind, distance, flow, target = probe
        place = (distance, flow, target)
        if kind != PROBE_KIND or place not in self.open or len(told) < ERROR.size + 8:
            return
        _, origin, icmp_type, code, _, _, _ = ERROR.unpack_from(told)
        if (origin, icmp_type, code) != self.exceeded:
            return
        sender = sender_of(told, self.six)
        family = socket.AF_INET6 if self.six else socket.AF_INET
        address = socket.inet_ntop(family, sender) if sender else ""
        self.open.discard(place)
        self.seen[distance, address] = self.seen.get((distance, address), 0) + 1


def sender_of(told: bytes, six: bool) -> bytes:
    """Return the packed address of who sent an ICMP error, from what the kernel tells of it; empty if cut."""
    sender = told[ERROR.size :]
    return sender[8:24] if six and len(sender) >= 24 else b"" if six else sender[4:8]


def trace(tracers: Sequence[Tracer], again: bool) -> None:
    """Let all of these find their first routers, together."""
    poll = select.poll()
    owner: dict[int, Tracer] = {}
    for tracer in tracers:
        for sock in tracer.sockets:
            owner[sock.fileno()] = tracer
            poll.register(sock.fileno(), 0)  # errors only, which are always told
    try:
        _ask(poll, owner, tracers)
        for tracer in tracers:
            tracer.open = {place for place in tracer.open if tracer.heard(place[0]) == 1}
        if again and any(tracer.open for tracer in tracers):
            time.sleep(PAUSE)
            _ask(poll, owner, tracers)
    finally:
        for tracer in tracers:
            tracer.close()


def _ask(poll: Any, owner: dict[int, Tracer], tracers: Sequence[Tracer]) -> None:
    for tracer in tracers:
        tracer.send()
        tracer.receive()
    end = time.monotonic() + WAIT
    while any(tracer.open for tracer in tracers) and time.monotonic() < end:
        for number, _ in poll.poll(max(1.0, 1000 * (end - time.monotonic()))):
            owner[number].receive()


def steady(sightings: Sequence[Any], distance: int) -> str:
    """Return who answered at a distance, if always the same one and more than once; else nothing."""
    found = [(address, times) for at, address, times in sightings if at == distance]
    return str(found[0][0]) if len(found) == 1 and found[0][1] > 1 else ""
