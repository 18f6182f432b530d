"""Strangers' datagrams by the million: `python -m tests.node.fuzz [COUNT [SEED]]`; the suite runs fewer.

A node stands in a round of three. One peer has sent each of its datagrams once; the other never sends. Then
come the strangers: noise, truncated and prolonged datagrams, flipped bits, other rounds' keys, replays of
this round's and of earlier ones', datagrams meant for others, the node's own sent back. What must hold:

1. No count changes: what the peer's datagrams said stands, and of the silent peer nothing is counted.
2. The node sends nothing, to nobody, whatever arrives; in round trips it has answered each of its peer's
   requests once, and answers no more.
3. Nothing ends it.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Callable
from contextlib import closing

from keepapart.node.node import HEADER, MAC_SIZE, SIZE, TTLS, VERSION, Node, open_socket
from keepapart.node.rtt import ECHO, REQUEST, SEAL, TRIES
from keepapart.node.stdlib import socket

KEY, EARLIER = bytes(range(32)), bytes(range(1, 33))
SAMPLES = 4
AT_ONCE = 100  # datagrams sent before the node receives: what its buffer surely holds
NODE, PEER, SILENT = 0, 1, 2


def sealed(header: bytes, key: bytes, size: int = MAC_SIZE) -> bytes:
    """Put the MAC behind a header."""
    return header + hashlib.blake2b(header, key=key, digest_size=size).digest()


def hop(sample: int, sender: int = PEER, target: int = NODE, key: bytes = KEY) -> bytes:
    """Make a datagram as a node makes it."""
    return sealed(HEADER.pack(VERSION, TTLS[0], sample, sender, target), key)


def request(
    number: int, sender: int = PEER, target: int = NODE, key: bytes = KEY, kind: int = REQUEST
) -> bytes:
    """Make a request of a round trip as a node makes it."""
    return sealed(ECHO.pack(kind, 0, number, sender, target, 0), key, SEAL)


class Strangers:
    """An endless supply of what doesn't belong; the same seed gives the same again."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._kinds: list[Callable[[], bytes]] = [
            self._noise,
            self._cut,
            self._prolonged,
            self._flipped,
            self._of_another_round,
            self._for_somebody_else,
            self._of_no_sample,
            self._replayed,
        ]

    def datagram(self) -> bytes:
        """Return the next."""
        return self._chance.choice(self._kinds)()

    def _valid(self) -> bytes:
        number = self._chance.randrange(SAMPLES)
        return self._chance.choice((hop, request))(number)

    def _noise(self) -> bytes:
        return self._chance.randbytes(
            self._chance.choice((0, 1, SIZE - 1, SIZE, SIZE, ECHO.size + SEAL, 1400))
        )

    def _cut(self) -> bytes:
        whole = self._valid()
        return whole[: self._chance.randrange(len(whole))]

    def _prolonged(self) -> bytes:
        return self._valid() + self._chance.randbytes(self._chance.randint(1, 40))

    def _flipped(self) -> bytes:
        whole = bytearray(self._valid())
        bit = self._chance.randrange(8 * len(whole))
        whole[bit // 8] ^= 1 << bit % 8
        return bytes(whole)

    def _of_another_round(self) -> bytes:
        sender = self._chance.choice((NODE, PEER, SILENT))
        key = self._chance.choice((EARLIER, b"", self._chance.randbytes(32)))
        return self._chance.choice((hop, request))(self._chance.randrange(SAMPLES), sender, NODE, key)

    def _for_somebody_else(self) -> bytes:
        target = self._chance.choice((PEER, SILENT, 3, 2**32 - 1))
        return self._chance.choice((hop, request))(self._chance.randrange(SAMPLES), NODE, target)

    def _of_no_sample(self) -> bytes:
        number = self._chance.randint(max(SAMPLES, TRIES), 2**16 - 1)
        return self._chance.choice((hop, request))(number)

    def _replayed(self) -> bytes:
        return self._valid()


def plain_socket() -> socket.socket:
    """Open a UDP socket."""
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def opened() -> Node:
    """Open a node on loopback."""
    sock = plain_socket()
    open_socket(sock)
    return Node([sock], 1)


def fuzz(count: int, seed: int, progress: Callable[[int], object] = lambda _done: None) -> None:
    """Send `count` datagrams to a node that counts hops and to one that times; assert the rules."""
    for echoing in (False, True):
        node, peer, silent = opened(), opened(), opened()
        sockets = [one.sockets[0] for one in (node, peer, silent)]
        with (
            closing(sockets[0]),
            closing(sockets[1]),
            closing(sockets[2]),
            closing(plain_socket()) as stranger,
        ):
            roster = [("127.0.0.1", one.ports) for one in (node, peer, silent)]
            node.join(NODE, KEY, roster)
            node.begin(0, SAMPLES)
            if echoing:
                node.listen()
            _let_the_peer_speak(node, sockets[1], echoing)
            before = bytes(node.least)
            strangers = Strangers(seed)
            for done in range(0, count // 2, AT_ONCE):
                for _ in range(AT_ONCE):
                    stranger.sendto(strangers.datagram(), ("127.0.0.1", node.ports[0]))
                taken = 0
                while taken < AT_ONCE:
                    taken += node.receive()
                assert bytes(node.least) == before, "a stranger's datagram was counted"
                for nobody in (sockets[1], sockets[2], stranger):
                    assert not _anything(nobody), "a stranger made the node send"
                progress(done)


def _let_the_peer_speak(node: Node, sock: socket.socket, echoing: bool) -> None:
    numbers = range(SAMPLES)
    for number in numbers:
        sock.sendto(request(number) if echoing else hop(number), ("127.0.0.1", node.ports[0]))
    taken = 0
    while taken < len(numbers):
        taken += node.receive()
    if echoing:
        answers = [sock.recv(2048) for _ in numbers]
        assert len({answer[2:4] for answer in answers}) == len(numbers), "a peer's request went unanswered"
    else:
        expected = bytearray(SAMPLES * 3)
        for number in numbers:
            expected[number * 3 + PEER] = 1
        assert node.least == expected, "a peer's datagram was not counted"


def _anything(sock: socket.socket) -> bool:
    try:
        sock.recv(1, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    return True


def main(argv: list[str]) -> int:
    """Run the long form."""
    count = int(argv[0]) if argv else 1_000_000
    seed = int(argv[1]) if len(argv) > 1 else random.randrange(2**32)
    sys.stderr.write(f"{count:,} datagrams, seed {seed}\n")
    fuzz(count, seed, lambda done: done % 100_000 or sys.stderr.write(f"{done:,}\n"))
    sys.stdout.write(f"fuzz: OK – {count:,} strangers' datagrams, none counted, none answered\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
