"""Which routers a datagram meets on its way, without any privilege: from the error queue of a UDP socket.

Handed over to every instance together with node.py: standard library only, Python 3.6 or later.

1. All probes go out at once, over several flows: each to an instance of the operator's, who drops it should
   it get that far, with a life that ends at the router asked for.
2. A router that gets one with its last hop spent says so, and the kernel keeps what it said with the
   datagram that it was about.
3. Linux routers answer one destination about once a second after a burst of six. Where one answer came, too
   few to be sure of, the other flows are probed `again`, that much later, where that is worth the wait.
   Silent is not absent: who doesn't answer is not named.
"""

from __future__ import annotations

import select
import struct
import time
from collections.abc import Sequence
from typing import Any, TypeAlias

from keepapart.node.stdlib import socket

Step: TypeAlias = "tuple[str, int, int]"  # the address and port of who is sent to, and how far a probe goes

FLOWS = 3  # by socket; two targets then make six answers of a router, the burst that Linux allows
WAIT = 0.1  # seconds for answers; within a continent they come sooner, or not at all
PAUSE = 1.05  # seconds until a router that answers once a second answers again

IP_RECVERR, IPV6_RECVERR = 11, 25  # Linux's numbers; missing from the socket module
MSG_ERRQUEUE = 0x2000
ORIGIN_ICMP, ORIGIN_ICMP6 = 2, 3
TIME_EXCEEDED, TIME_EXCEEDED6 = 11, 3  # ICMP types; code 0 is "in transit"
ERROR = struct.Struct("=IBBBBII")  # sock_extended_err; the address of who sent it follows
PROBE = struct.Struct("!BBHI")  # what it is, 0, its flow, the number of its step; no datagram of a round
PROBE_KIND = 0x50


class Tracer:
    """The probes of one instance: `sockets` are its flows; each of `steps` is probed over all of them."""

    def __init__(self, sockets: Sequence[socket.socket], steps: Sequence[Step]) -> None:
        self.sockets = list(sockets[:FLOWS])
        self.steps = list(steps)
        self.open = {(flow, step) for flow in range(len(self.sockets)) for step in range(len(self.steps))}
        self.seen: dict[tuple[int, str], int] = {}
        self.six = six = sockets[0].family == socket.AF_INET6
        self.level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
        self.wants_errors = IPV6_RECVERR if six else IP_RECVERR
        self.lifetime = getattr(socket, "IPV6_HOPLIMIT", 52) if six else socket.IP_TTL
        self.exceeded = (ORIGIN_ICMP6, TIME_EXCEEDED6, 0) if six else (ORIGIN_ICMP, TIME_EXCEEDED, 0)
        for sock in self.sockets:
            sock.setsockopt(self.level, self.wants_errors, 1)

    def send(self) -> None:
        """Send a probe for all that is not answered, flow after flow."""
        for flow, step in sorted(self.open):
            address, port, distance = self.steps[step]
            lifetime = [(self.level, self.lifetime, struct.pack("i", distance))]
            probe = PROBE.pack(PROBE_KIND, 0, flow, step)
            for _ in range(2):  # an answer to an earlier one fails the next call, and is cleared by it
                try:
                    self.sockets[flow].sendmsg([probe], lifetime, 0, (address, port))
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

    def sightings(self) -> list[tuple[int, str, int]]:
        """Say who answered: the number of the step, an address, how often."""
        return [(step, address, times) for (step, address), times in sorted(self.seen.items())]

    def doubtful(self) -> set[tuple[int, int]]:
        """Return what is not answered of the steps at which one answer came."""
        heard = [step for (step, _), times in self.seen.items() for _ in range(times)]
        return {(flow, step) for flow, step in self.open if heard.count(step) == 1}

    def _take(self, probe: tuple[int, int, int, int], told: bytes) -> None:
        kind, _, flow, step = probe
        if kind != PROBE_KIND or (flow, step) not in self.open or len(told) < ERROR.size + 8:
            return
        _, origin, icmp_type, code, _, _, _ = ERROR.unpack_from(told)
        if (origin, icmp_type, code) != self.exceeded:
            return
        sender = sender_of(told, self.six)
        family = socket.AF_INET6 if self.six else socket.AF_INET
        address = socket.inet_ntop(family, sender) if sender else ""
        self.open.discard((flow, step))
        self.seen[step, address] = self.seen.get((step, address), 0) + 1


def sender_of(told: bytes, six: bool) -> bytes:
    """Return the packed address of who sent an ICMP error, from what the kernel tells of it; empty if cut."""
    sender = told[ERROR.size :]
    return sender[8:24] if six and len(sender) >= 24 else b"" if six else sender[4:8]


def trace(tracers: Sequence[Tracer], again: bool) -> None:
    """Let all of these find their routers, together."""
    poll = select.poll()
    owner: dict[int, Tracer] = {}
    for tracer in tracers:
        for sock in tracer.sockets:
            owner[sock.fileno()] = tracer
            poll.register(sock.fileno(), 0)  # errors only, which are always told
    try:
        _ask(poll, owner, tracers)
        for tracer in tracers:
            tracer.open = tracer.doubtful()
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
