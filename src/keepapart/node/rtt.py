"""How long a datagram takes there and back, the time that either end spends on it left out.

Handed over to every instance together with node.py: standard library only, Python 3.6 or later.

1. A request and its answer are of the same size, and both carry the round's key.
2. A node answers members of the round only, at the address that the roster has for them, and each of a
   peer's `TRIES` requests once: a copy of one makes it send nothing.
3. The answer says how long it was held, from the kernel's time of arrival to the call that sends it; at
   the asking end too, arrival is the kernel's. Of all tries the least counts.
"""

from __future__ import annotations

import errno
import struct
import time
from collections.abc import Iterator, Sequence

from keepapart.node.keyed import HASHES, sealing
from keepapart.node.stdlib import compare_digest, socket

TRIES = 5
IN_A_ROW = 32  # requests sent before receiving again
SO_TIMESTAMPNS = 35  # Linux's number; missing from the socket module
STAMP = struct.Struct("@ll")  # seconds and nanoseconds
REQUEST, ANSWER = 0x45, 0x65
ECHO = struct.Struct("!BBHIIQ")  # which of the two, 0, try, sender and target, nanoseconds held; then the MAC
SEAL = 16
LONGEST = 10 * 10**9  # nanoseconds; what takes longer is a clock that was set meanwhile


class Echo:
    """One end of all round trips of an instance, number `index` of `roster` (addresses and ports)."""

    def __init__(
        self,
        sock: socket.socket,
        key: bytes,
        index: int,
        roster: Sequence[tuple[str, Sequence[int]]],
        hashed: str = HASHES[0],
    ) -> None:
        self.sock, self.index, self.roster = sock, index, roster
        self.seal = sealing(hashed, key, SEAL)
        self.asked: dict[tuple[int, int], int] = {}
        self.answered = bytearray(len(roster))  # a bit for each try
        self.least = [0.0] * len(roster)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)

    def ask(self) -> Iterator[int]:
        """Send all requests, yielding after every few how many those were."""
        me, size, sent = self.index, len(self.roster), 0
        # Of each pair one asks, so that nobody asks many more than others do.
        targets = [other for other in range(size) if other != me and ((me + other) % 2 == 0) == (me < other)]
        for number in range(TRIES):
            for target in targets:
                self.asked[target, number] = _now()
                self._send(REQUEST, number, target, 0)
                sent += 1
                if sent == IN_A_ROW:
                    yield sent
                    sent = 0
        if sent:
            yield sent

    def receive(self) -> int:
        """Answer requests and take in answers; return how many datagrams arrived."""
        arrived = 0
        while True:
            try:
                datagram, ancillary, _, _ = self.sock.recvmsg(ECHO.size + SEAL + 1, 128)
            except BlockingIOError:
                return arrived
            except OSError as error:
                if error.errno == errno.EBADF:  # closed under us: the round is being given up
                    raise
                arrived += 1  # a pending ICMP error, cleared by reading it
                continue
            arrived += 1
            stamps = [
                told
                for level, kind, told in ancillary
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)
            ]
            if len(datagram) == ECHO.size + SEAL and stamps and len(stamps[0]) == STAMP.size:
                seconds, nanoseconds = STAMP.unpack(stamps[0])
                self._take(datagram, seconds * 10**9 + nanoseconds)

    def complete(self) -> bool:
        """Whether every request of this end is answered."""
        return not self.asked

    def times(self) -> bytes:
        """Return the least seconds to each member, 0 where not measured, as little-endian doubles."""
        return struct.pack("<{}d".format(len(self.least)), *self.least)

    def close(self) -> None:
        """Leave the socket as it was."""
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 0)

    def _take(self, datagram: bytes, at: int) -> None:
        kind, _, number, sender, target, held = ECHO.unpack_from(datagram)
        if target != self.index or sender >= len(self.roster) or sender == self.index or number >= TRIES:
            return
        if not compare_digest(self.seal(datagram[: ECHO.size]), datagram[ECHO.size :]):
            return
        if kind == REQUEST and not self.answered[sender] >> number & 1:
            self.answered[sender] |= 1 << number
            self._send(ANSWER, number, sender, at)
        elif kind == ANSWER and (sender, number) in self.asked:
            took = at - self.asked.pop((sender, number)) - held
            if 0 < took < LONGEST and not 0 < self.least[sender] <= took / 1e9:
                self.least[sender] = took / 1e9

    def _send(self, kind: int, number: int, target: int, since: int) -> None:
        address, ports = self.roster[target]
        held = max(0, _now() - since) if since else 0
        header = ECHO.pack(kind, 0, number, self.index, target, held)
        try:
            self.sock.sendto(header + self.seal(header), (address, ports[0]))
        except OSError:
            pass  # what isn't sent is not measured


def _now() -> int:
    return int(time.clock_gettime(time.CLOCK_REALTIME) * 1e9)
