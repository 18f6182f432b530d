"""One instance's part in a round: send to every other instance, count the hops of what arrives.

This folder is all that runs on an instance. Its files are handed over the connection as one text and run from
memory: standard library only, Python 3.6 or later, nothing written, gone when standard input closes.

What a node promises:

1. It sends only to the roster that it was given, one small datagram at a time, at most `pace` a second.
2. It counts only datagrams that carry this round's key, name this node as their target and arrive whole.
   It answers none of them, so nobody can make it send; how round trips are answered is said in rtt.py.
3. Hops are counted as tracepath counts them: time-to-live when sent - when it arrived + 1, which is the
   number of routers between the two, plus one. Of repeated datagrams the least count stands.
4. Where datagrams are filtered it climbs a ladder instead: connections to one TCP port of a member, or ICMP
   echoes, with ever longer lives until one gets through; the least that does is the count (ladder.py).
5. It ends when standard input does, in the middle of sending too, or when nothing was asked for `IDLE`
   seconds: a connection may die without a word.

How the operator's side speaks to it is said in commands.py.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from keepapart.node.keyed import HASHES, Sealing, sealing
from keepapart.node.ladder import ANCILLARY, IP_RECVTTL, set_ttl
from keepapart.node.routes import Way, surroundings
from keepapart.node.rtt import Echo
from keepapart.node.stdlib import compare_digest, socket

# What datagrams start with, by turns: counts that differ as these do show that it is rewritten on the way.
TTLS = (64, 96)
REWRITTEN = 255  # stands for a count of datagrams that arrived with more than they were sent with
BURST = 32  # datagrams sent before receiving again: far below what a receive buffer holds (277 on Linux)

# version, time to live when sent, sample, sender's and target's index in the roster; then the MAC of these
HEADER = struct.Struct("!BBHII")
VERSION = 1
MAC_SIZE = 16
SIZE = HEADER.size + MAC_SIZE

Want: TypeAlias = "tuple[int, Iterable[int] | None]"  # a sample, and whom to send it to (None: all others)
Place: TypeAlias = "tuple[str, list[int]]"  # where a node receives: its address and ports


def open_socket(sock: socket.socket, port: int = 0) -> None:
    """Prepare a fresh UDP socket for a round: the arriving time-to-live shown."""
    sock.setblocking(False)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
    sock.bind(("", port))


def lane(sample: int, sockets: int) -> tuple[int, int]:
    """Say from which of its sockets, and to which of a target's as many ports, a sample is sent.

    With k of both, the first k × k samples are flows of their own to whatever balances load; of these each k
    in turn leave from k different ports and go to k different ones.
    """
    return sample % sockets, (sample + sample // sockets) % sockets


class Node:
    """One end of every pair that this instance is in.

    `sockets` are prepared by `open_socket`; the first `receiving` of them receive. From which of them, and to
    which of the target's ports, a sample is sent is said in `lane`; to targets that stand before this node it
    is the next socket, so that both ways of a pair start with different times to live.
    """

    def __init__(self, sockets: Sequence[socket.socket], receiving: int) -> None:
        self.sockets = list(sockets)
        for number, sock in enumerate(sockets):
            set_ttl(sock, TTLS[number % len(TTLS)])
        self.ports = [sock.getsockname()[1] for sock in sockets[:receiving]]
        self.listening = sockets[:1]
        self.index = 0
        self.size = 0
        self.first = 0
        self.samples = 0
        self.key = b""
        self.hashed = HASHES[0]
        self.seal: Sealing = bytes
        self.roster: list[Place] = []
        self.least = bytearray()
        self.echo: Echo | None = None

    def join(self, index: int, key: bytes, roster: list[Place], hashed: str = HASHES[0]) -> None:
        """Enter a round as number `index` of `roster`, whose datagrams are `hashed` so (keyed.py)."""
        self.index = index
        self.key = key
        self.hashed = hashed
        self.seal = sealing(hashed, key, MAC_SIZE)
        self.roster = roster
        self.size = len(roster)

    def begin(self, first: int, samples: int) -> None:
        """Turn to a new batch, the samples from `first` on; what is left of others counts no more."""
        if self.echo:
            self.echo.close()
            self.echo = None
        self.first = first
        self.samples = samples
        self.least = bytearray(samples * self.size)
        ports = {
            lane(sample, len(self.sockets))[1] % len(self.ports) for sample in range(first, first + samples)
        }
        self.listening = [self.sockets[port] for port in sorted(ports)]

    def listen(self) -> Echo:
        """Turn from hops to round trips: answer peers, and be able to ask them, until the next batch."""
        self.listening = self.sockets[:1]
        self.echo = Echo(self.sockets[0], self.key, self.index, self.roster, self.hashed)
        return self.echo

    def surroundings(self, kernel: socket.socket, targets: Iterable[int]) -> tuple[bool, list[Way]]:
        """Say whether the roster's address of this node is its machine's, and which ways lead to members.

        `kernel` is a netlink socket. Raises `OSError` where the kernel doesn't answer.
        """
        return surroundings(
            kernel, self.roster[self.index][0], [self.roster[target][0] for target in targets]
        )

    def send(self, wants: Iterable[Want]) -> Iterator[int]:
        """Send these samples, yielding the number sent after every burst so that the caller can pace."""
        pack, seal, me, roster = HEADER.pack, self.seal, self.index, self.roster
        sent = 0
        for sample, targets in wants:
            source, port = lane(sample, len(self.sockets))
            numbers = [(source + step) % len(self.sockets) for step in (0, 1)]  # to those after, and before
            lanes = [(self.sockets[number].sendto, TTLS[number % len(TTLS)]) for number in numbers]
            for target in self._all_others() if targets is None else targets:
                sendto, ttl = lanes[target < me]
                header = pack(VERSION, ttl, sample, me, target)
                datagram = header + seal(header)
                address, ports = roster[target]
                place = (address, ports[port % len(ports)])
                try:
                    sendto(datagram, place)
                except OSError:
                    # An ICMP error of an earlier datagram surfaces here and is cleared by it: once more.
                    # What still fails stays missing, and missing pairs are asked for again.
                    try:
                        sendto(datagram, place)
                    except OSError:
                        pass
                sent += 1
                if sent == BURST:
                    yield sent
                    sent = 0
        if sent:
            yield sent

    def receive(self) -> int:
        """Take in all that has arrived; return how many datagrams that was, counted or not."""
        if self.echo:
            return self.echo.receive()
        return sum([self._receive_on(sock) for sock in self.listening])

    def _receive_on(self, sock: socket.socket) -> int:
        recvmsg, unpack, seal = sock.recvmsg, HEADER.unpack_from, self.seal
        me, size, first, samples, least = self.index, self.size, self.first, self.samples, self.least
        arrived = 0
        while True:
            try:
                datagram, ancillary, _, _ = recvmsg(SIZE + 1, ANCILLARY)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                    return arrived
                if error.errno == errno.EBADF:  # closed under us: the round is being given up
                    raise
                arrived += 1  # a pending ICMP error, cleared by reading it
                continue
            arrived += 1
            if len(datagram) != SIZE or not ancillary:
                continue
            version, sent_ttl, sample, sender, target = unpack(datagram)
            if version != VERSION or target != me or sender >= size or not 0 <= sample - first < samples:
                continue
            if sent_ttl not in TTLS:
                continue
            if not compare_digest(seal(datagram[:-MAC_SIZE]), datagram[-MAC_SIZE:]):
                continue
            hops = sent_ttl - ancillary[0][2][0] + 1
            place = (sample - first) * size + sender
            if hops < 1:
                hops = REWRITTEN
            if not 0 < least[place] <= hops:
                least[place] = hops

    def complete(self) -> bool:
        """Whether every sample of every other node has arrived, or every answer."""
        if self.echo:
            return self.echo.complete()
        return self.least.count(0) == self.samples

    def _all_others(self) -> Iterable[int]:
        # Beginning behind this one, so that the bursts of many nodes spread over many targets.
        return [*range(self.index + 1, self.size), *range(self.index)]
