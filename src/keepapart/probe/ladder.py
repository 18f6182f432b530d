"""Ladders: counting hops where datagrams are filtered, by TCP connections or ICMP echoes.

One for each time-to-live, all at once; the least that gets through is the count. It runs on an instance, see
node.py: standard library only, Python 3.6 or later.
"""

from __future__ import annotations

import errno
import posix
import select
import struct
import time

from keepapart.probe.lean import socket

LADDERS = 8  # climbed at once: with RUNGS, at most 1,600 packets in GRACE
RUNGS = 20  # of a ladder: no data centre is deeper
GRACE = 0.1  # seconds that lower rungs may still take once one got through
ECHO_REQUEST = 8  # of IPv4; IPv6 never hands on its header
SECRET = 16  # random bytes in an echo request, by which its answer is known


def set_ttl(sock: socket.socket, ttl: int) -> None:
    """Have a socket send with this time-to-live."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)


def climb(by: str, port: int, patience: float, targets: list[str]) -> list[int]:
    """Climb to all targets, `LADDERS` at a time; 0 for those that nothing got through to."""
    from concurrent.futures import ThreadPoolExecutor  # slow to import, and rarely needed

    one = _climb_icmp if by == "icmp" else _climb_tcp
    with ThreadPoolExecutor(LADDERS) as pool:
        return list(pool.map(lambda address: one(address, port, patience), targets))


def _climb_tcp(address: str, port: int, patience: float) -> int:
    """Connect with each time-to-live at once; the least that is accepted or refused is the hop count.

    Too short a life is answered by a router, or by nobody where routers are silent; no data is sent.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    poll = select.poll()
    rungs: dict[int, tuple[int, socket.socket]] = {}
    try:
        for ttl in range(1, RUNGS + 1):
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leave by a reset
            set_ttl(sock, ttl)
            rungs[sock.fileno()] = (ttl, sock)
            sock.connect_ex((address, port))
            poll.register(sock, select.POLLOUT)
        best, end = 0, time.monotonic() + patience
        while any(ttl < (best or RUNGS + 1) for ttl, _ in rungs.values()) and time.monotonic() < end:
            for number, _ in poll.poll(max(1, int((end - time.monotonic()) * 1000))):
                ttl, sock = rungs.pop(number)
                poll.unregister(number)
                if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (0, errno.ECONNREFUSED):
                    if not best:
                        end = min(end, time.monotonic() + GRACE)
                    best = min(best or ttl, ttl)
                sock.close()
        return best
    finally:
        for _, sock in rungs.values():
            sock.close()


def _climb_icmp(address: str, _port: int, patience: float) -> int:
    """Send an echo request with each time-to-live at once; the least that is answered is the hop count."""
    six = ":" in address
    request, answer = (128, 129) if six else (ECHO_REQUEST, 0)
    protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    family = socket.AF_INET6 if six else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM, protocol)  # an unprivileged one, where allowed
    except OSError:
        sock = socket.socket(family, socket.SOCK_RAW, protocol)
    try:
        return _climb_by_echo(sock, address, patience, request, answer)
    finally:
        sock.close()


def _climb_by_echo(sock: socket.socket, address: str, patience: float, request: int, answer: int) -> int:
    secret = posix.urandom(SECRET)
    ours = sock.fileno()  # one of its own for each ladder; an unprivileged socket gets the kernel's
    for ttl in range(1, RUNGS + 1):
        set_ttl(sock, ttl)
        header = struct.pack("!BBHHH", request, 0, 0, ours, ttl)
        checksum = _checksum(header + secret)  # of raw ICMP; the kernel sets the others
        try:
            sock.sendto(struct.pack("!BBHHH", request, 0, checksum, ours, ttl) + secret, (address, 0))
        except OSError:
            pass  # a router's answer to an earlier one, or no way there
    best, end = 0, time.monotonic() + patience
    while time.monotonic() < end and best != 1:
        if not select.select([sock], [], [], max(0.0, end - time.monotonic()))[0]:
            break
        try:
            data = sock.recv(256)
        except OSError:  # a router's answer to a life that was too short
            continue
        if request == ECHO_REQUEST and sock.type == socket.SOCK_RAW:
            data = data[(data[0] & 15) * 4 :]
        if len(data) >= 8 + SECRET and data[0] == answer and data[8 : 8 + SECRET] == secret:
            ttl = struct.unpack("!H", data[6:8])[0]
            if not best:
                end = min(end, time.monotonic() + GRACE)
            best = min(best or ttl, ttl)
    return best if best <= RUNGS else 0


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return int(~(total + (total >> 16)) & 0xFFFF)
