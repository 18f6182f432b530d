"""Ladders: counting hops where datagrams are filtered, by TCP connections or ICMP echoes.

It runs on an instance, see node.py: standard library only, Python 3.6 or later.

1. A ladder sends with ever longer lives, `STEP` apart, until one gets through: the target's answer, a
   connection or its refusal among them, says so. So no more than one or two reach a target that is near,
   and what listens there is not flooded. What a router refuses on the way did not get through.
2. What got through may not be the least that can, since packets are lost. So the next lower rung is tried
   again, and the one below that as soon as it gets through, until one failed `AGAIN` times, or a router
   says that it ran out on the way.
3. No data is sent, and connections are left by a reset.
4. Whoever answers may do so in the target's name: a router, a firewall, a load balancer. So a ladder leaves a
   token by which the target can tell whether what got through has arrived there (arrivals.py): the end of
   its connection, which is kept until the target has looked; or how many echoes were answered, `ECHOES` more
   among them, all of the least life that gets through.
5. Whoever raises a low time-to-live lets through what should have run out; whoever drops what has a low one
   keeps out what should get through; and whoever shakes hands in the target's place answers from nearer.
   Answers show all of them: they begin with a life that systems give (`BEGUN`), and if they don't come from
   as far as the ladder counts, it leaves no token. So it does where the way back is longer or shorter. The
   kernel tells nobody what life the answer to a connection has, but takes none of less than it was told to:
   each count is tried again, to be answered from nearer, which nothing should; and two hops, which say most,
   once more, to be answered from there at most.
6. Where the instance's kernel lets nobody send such packets, as Linux does with echoes by `ping_group_range`,
   nothing gets through; all else that the node counts stands.
"""

from __future__ import annotations

import errno
import posix
import select
import struct
import time
from typing import Protocol

from keepapart.node.gateway import IP_RECVERR, IPV6_RECVERR, MSG_ERRQUEUE, sender_of
from keepapart.node.stdlib import socket

LADDERS = 8  # climbed at once
RUNGS = 20  # of a ladder: no data centre is deeper
STEP = 0.002  # seconds from one rung to the next: more than most answers take
GRACE = 0.1  # seconds that a rung tried again may take
AGAIN = 2
ECHOES = 8  # of the least life, so that a target's count of all that it gets tells them from others'
ECHO_REQUEST = 8  # of IPv4; IPv6 never hands on its header
LONGEST_SEGMENT = 1100  # bytes at most, which a connection takes on any way; few others ask for so little
SECRET = 16  # random bytes in an echo request, by which its answer is known
BEGUN = (64, 128, 255)  # times-to-live that systems give what they send; Linux the first
IP_RECVTTL = 12  # Linux's number; missing from the socket module
IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73
ANCILLARY = 64  # bytes for one control message, which is 24


class Ladder(Protocol):
    """What one kind of packet is for climbing to one target."""

    def send(self, ttl: int) -> None:
        """Send one with this time-to-live."""

    def hear(self, seconds: float) -> list[tuple[int, bool]]:
        """Wait so long for news of rungs, each by its time-to-live: through to the target, or run out."""

    def token(self, ttl: int) -> str:
        """Return what the target may know by whether that which got through with this life has arrived."""

    def close(self) -> None:
        """Leave."""


def set_ttl(sock: socket.socket, ttl: int) -> None:
    """Have a socket send with this time-to-live."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)


def climb(by: str, port: int, patience: float, targets: list[str]) -> list[tuple[int, str, Ladder | None]]:
    """Climb to all targets, `LADDERS` at a time: the count, 0 where nothing got through, and the token.

    Where nothing gets through, it is waited for `patience` seconds. The ladders are the caller's to close,
    None where there can be none.
    """
    from concurrent.futures import ThreadPoolExecutor  # slow to import, and rarely needed

    def one(address: str) -> tuple[int, str, Ladder | None]:
        try:
            ladder: Ladder = IcmpLadder(address) if by == "icmp" else TcpLadder(address, port)
        except OSError:
            return 0, "", None
        count = least(ladder, patience)
        return count, ladder.token(count) if count else "", ladder

    with ThreadPoolExecutor(LADDERS) as pool:
        return list(pool.map(one, targets))


def least(ladder: Ladder, patience: float) -> int:
    """Return the least time-to-live that gets through, 0 where none does."""
    through: set[int] = set()
    out: set[int] = set()

    def listen(seconds: float, below: int) -> bool:
        left, end = seconds, time.monotonic() + seconds
        while left > 0 and below - 1 not in out:
            for ttl, reached in ladder.hear(left):
                (through if reached else out).add(ttl)
            if any(ttl < below for ttl in through):
                return True
            left = end - time.monotonic()
        return False

    for ttl in range(1, RUNGS + 1):
        ladder.send(ttl)
        if listen(STEP, RUNGS + 1):
            break
    if not through and not listen(patience, RUNGS + 1):
        return 0
    failed = 0
    while failed < AGAIN:
        best = min(through)
        if best == 1 or best - 1 in out:
            break
        ladder.send(best - 1)
        failed = 0 if listen(GRACE, best) else failed + 1
    return min(through)


class TcpLadder:
    """TCP connections to one port, open or closed; of those that are accepted the shortest-lived is kept."""

    def __init__(self, address: str, port: int) -> None:
        self._place = address, port
        self._six = ":" in address
        self._target = socket.inet_pton(socket.AF_INET6 if self._six else socket.AF_INET, address)
        self._poll = select.poll()
        self._rungs: dict[int, tuple[int, socket.socket]] = {}
        self._kept: socket.socket | None = None
        self._least = RUNGS + 1
        self._longest = LONGEST_SEGMENT - posix.urandom(1)[0]

    def send(self, ttl: int) -> None:
        """Begin a connection."""
        sock = self._socket(ttl)
        if self._six:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        if sock.connect_ex(self._place) not in (0, errno.EINPROGRESS, errno.ECONNREFUSED):
            sock.close()  # no way there: it would seem connected
            return
        self._rungs[sock.fileno()] = (ttl, sock)
        self._poll.register(sock, select.POLLOUT)

    def hear(self, seconds: float) -> list[tuple[int, bool]]:
        """Say which were accepted or refused, and which had an error on the way."""
        news = []
        for number, _ in self._poll.poll(max(1, int(seconds * 1000))):
            ttl, sock = self._rungs.pop(number)
            self._poll.unregister(number)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            answered = error in (0, errno.ECONNREFUSED)
            news.append((ttl, answered and not self._refused_on_the_way(sock)))
            spare: socket.socket | None = sock
            if error == 0 and ttl < self._least:
                spare, self._kept, self._least = self._kept, sock, ttl
            if spare:
                spare.close()
        return news

    def token(self, ttl: int) -> str:
        """Tell the connection that was accepted: this end's address and port, and its longest segment.

        Empty of a refusal.
        """
        if self._kept is None or self._least != ttl:
            return ""
        begun = self._begun(ttl)
        if not begun or (ttl == 2 and not self._accepted(ttl, begun - ttl + 1)):
            return ""
        return "{} {} {}".format(*self._kept.getsockname()[:2], self._longest)

    def _begun(self, ttl: int) -> int:
        """Return the life that answers begin with; 0 where they come from nearer than the ladder counts."""
        for begun in BEGUN:
            if not self._accepted(ttl, begun - ttl + 2):
                return begun
            if begun == BEGUN[-1] or not self._accepted(ttl, begun + 1):
                break
        return 0

    def _accepted(self, ttl: int, least: int) -> bool:
        """Whether one more connection is accepted by an answer that has so much life left."""
        return any(self._connected(ttl, least) for _ in range(AGAIN))

    def _connected(self, ttl: int, least: int) -> bool:
        sock = self._socket(ttl)
        try:
            if self._six:
                sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MINHOPCOUNT, least)
            else:
                sock.setsockopt(socket.IPPROTO_IP, IP_MINTTL, least)
            sock.connect_ex(self._place)
            told = select.select([], [sock], [], GRACE)[1]
            return bool(told) and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        finally:
            sock.close()

    def _socket(self, ttl: int) -> socket.socket:
        """Return a socket that sends with this time-to-live, waits for nothing and leaves by a reset."""
        sock = socket.socket(socket.AF_INET6 if self._six else socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, self._longest)
        set_ttl(sock, ttl)
        return sock

    def _refused_on_the_way(self, sock: socket.socket) -> bool:
        """Whether the refusal is an ICMP error of somebody else than the target; Linux tells since 5.7."""
        try:
            ancillary = sock.recvmsg(0, 512, MSG_ERRQUEUE)[1]
        except OSError:
            return False
        return any(sender_of(told, self._six) != self._target for _, _, told in ancillary)

    def close(self) -> None:
        """Leave all connections."""
        for _, sock in self._rungs.values():
            sock.close()
        if self._kept:
            self._kept.close()


class IcmpLadder:
    """ICMP echo requests, of a socket of their own; lives that are too short show in nothing."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._answered = 0
        self._back = 0
        self._secret = posix.urandom(SECRET)
        six = ":" in address
        self._request, self._answer = (128, 129) if six else (ECHO_REQUEST, 0)
        family = socket.AF_INET6 if six else socket.AF_INET
        protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
        try:
            self._sock = socket.socket(family, socket.SOCK_DGRAM, protocol)  # unprivileged, where allowed
        except OSError:
            self._sock = socket.socket(family, socket.SOCK_RAW, protocol)
        if six:
            self._sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        else:
            self._sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)

    def send(self, ttl: int) -> None:
        """Send a request."""
        set_ttl(self._sock, ttl)
        ours = self._sock.fileno()  # one of its own for each ladder; an unprivileged socket gets the kernel's
        header = struct.pack("!BBHHH", self._request, 0, 0, ours, ttl)
        checksum = _checksum(header + self._secret)  # of raw ICMP; the kernel sets the others
        request = struct.pack("!BBHHH", self._request, 0, checksum, ours, ttl) + self._secret
        try:
            self._sock.sendto(request, (self._address, 0))
        except OSError:
            pass  # a router's answer to an earlier one, or no way there

    def hear(self, seconds: float) -> list[tuple[int, bool]]:
        """Say which were answered by the target."""
        if not select.select([self._sock], [], [], seconds)[0]:
            return []
        try:
            data, ancillary = self._sock.recvmsg(256, ANCILLARY)[:2]
        except OSError:  # a router's answer to a life that was too short
            return []
        if self._request == ECHO_REQUEST and self._sock.type == socket.SOCK_RAW:
            data = data[(data[0] & 15) * 4 :]
        if len(data) < 8 + SECRET or data[0] != self._answer or data[8 : 8 + SECRET] != self._secret:
            return []
        ttl = struct.unpack("!H", data[6:8])[0]
        self._answered += 1
        for _, _, told in ancillary:
            (arrived,) = struct.unpack_from("=i", told)
            back = min([begun for begun in BEGUN if begun >= arrived]) - arrived + 1
            self._back = min(self._back or back, back)
        return [(ttl, True)] if 0 < ttl <= RUNGS else []

    def token(self, ttl: int) -> str:
        """Send more of this life; return how many are answered of all that were sent, if from as far."""
        for _ in range(ECHOES):
            self.send(ttl)
            self.hear(STEP)
        end = time.monotonic() + GRACE
        while self._answered < ECHOES and time.monotonic() < end:
            self.hear(max(0.0, end - time.monotonic()))
        return str(self._answered) if self._back == ttl else ""

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return int(~(total + (total >> 16)) & 0xFFFF)
