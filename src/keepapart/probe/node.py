"""One instance's part in a round: send to every other instance, count the hops of what arrives.

This one file is all that runs on an instance. It is handed over the connection and run from memory:
standard library only, Python 3.6 or later, nothing written, gone when standard input closes.

What it promises:

1. It sends only to the roster that it was given, one small datagram at a time, at most `pace` a second.
2. It counts only datagrams that carry this round's key, name this node as their target and arrive whole.
   It answers none of them, so nobody can make it send.
3. Hops are counted as tracepath counts them: time-to-live when sent - when it arrived + 1, which is the
   number of routers between the two, plus one. Of repeated datagrams the least count stands.

The operator's side speaks to it in JSON, one document a line: open, join, send, report (see `serve`).
"""

import base64
import contextlib
import errno
import hashlib
import hmac
import json
import os
import select
import socket
import struct
import sys
import time
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

TTL = 64  # what every datagram starts with; the Internet's longest paths are half of it
BURST = 32  # datagrams sent before receiving again: far below what a receive buffer holds (277 on Linux)
LINE_LIMIT = 1 << 24  # bytes of one command: the roster of 100,000 nodes fits, a runaway doesn't
IP_RECVTTL = 12  # Linux's number; missing from the socket module
ANCILLARY = 64  # bytes for one control message, which is 24

# version, time to live when sent, sample, sender's and target's index in the roster; then the MAC of these
HEADER = struct.Struct("!BBHII")
VERSION = 1
MAC_SIZE = 16
SIZE = HEADER.size + MAC_SIZE

Want = Tuple[int, Optional[Iterable[int]]]  # a sample, and the indices to send it to (None: all others)


def open_socket(sock: socket.socket, port: int = 0) -> None:
    """Prepare a fresh UDP socket for a round: known time-to-live out, arriving time-to-live shown."""
    sock.setblocking(False)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, TTL)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, TTL)
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
    sock.bind(("", port))


class Node:
    """One end of every pair that this instance is in.

    `sockets` are prepared by `open_socket`. The first receives; sample `s` is sent from number
    `s % len(sockets)`, so that each socket is a flow of its own to whatever balances load on the way,
    and samples beyond the number of sockets repeat a flow.
    """

    def __init__(self, sockets: List[socket.socket]) -> None:
        self.sockets = sockets
        self.port = sockets[0].getsockname()[1]
        self.index = 0
        self.size = 0
        self.samples = 0
        self.key = b""
        self.roster = []  # type: List[Tuple[str, int]]
        self.least = bytearray()

    def join(self, index: int, key: bytes, roster: List[Tuple[str, int]], samples: int) -> None:
        """Enter a round as number `index` of `roster`, which lists every node's (address, port)."""
        self.index = index
        self.key = key
        self.roster = roster
        self.size = len(roster)
        self.samples = samples
        self.least = bytearray(samples * self.size)

    def send(self, wants: Iterable[Want]) -> Iterator[int]:
        """Send these samples, yielding the number sent after every burst so that the caller can pace."""
        pack, blake2b, key, me, roster = HEADER.pack, hashlib.blake2b, self.key, self.index, self.roster
        sent = 0
        for sample, targets in wants:
            sendto = self.sockets[sample % len(self.sockets)].sendto
            for target in self._all_others() if targets is None else targets:
                header = pack(VERSION, TTL, sample, me, target)
                datagram = header + blake2b(header, key=key, digest_size=MAC_SIZE).digest()
                try:
                    sendto(datagram, roster[target])
                except OSError:
                    # An ICMP error of an earlier datagram surfaces here and is cleared by it: once more.
                    # What still fails stays missing, and missing pairs are asked for again.
                    with contextlib.suppress(OSError):
                        sendto(datagram, roster[target])
                sent += 1
                if sent == BURST:
                    yield sent
                    sent = 0
        if sent:
            yield sent

    def receive(self) -> int:
        """Take in all that has arrived; return how many datagrams that was, counted or not."""
        recvmsg, unpack, blake2b, key = self.sockets[0].recvmsg, HEADER.unpack_from, hashlib.blake2b, self.key
        me, size, samples, least = self.index, self.size, self.samples, self.least
        digest_equal = hmac.compare_digest
        arrived = 0
        while True:
            try:
                datagram, ancillary, _, _ = recvmsg(SIZE + 1, ANCILLARY)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                    return arrived
                arrived += 1  # a pending ICMP error, cleared by reading it
                continue
            arrived += 1
            if len(datagram) != SIZE or not ancillary:
                continue
            version, sent_ttl, sample, sender, target = unpack(datagram)
            if version != VERSION or target != me or sender >= size or sample >= samples:
                continue
            header = datagram[: HEADER.size]
            if not digest_equal(
                blake2b(header, key=key, digest_size=MAC_SIZE).digest(), datagram[HEADER.size :]
            ):
                continue
            hops = sent_ttl - ancillary[0][2][0] + 1
            place = sample * size + sender
            if 1 <= hops <= TTL and not 0 < least[place] <= hops:
                least[place] = hops

    def complete(self) -> bool:
        """Whether every sample of every other node has arrived."""
        return self.least.count(0) == self.samples

    def _all_others(self) -> Iterator[int]:
        # Beginning behind this one, so that the bursts of many nodes spread over many targets.
        for step in range(1, self.size):
            yield (self.index + step) % self.size


def serve(stdin: int, stdout: int) -> None:
    """Take part in rounds as told on `stdin`, a JSON document a line; answer each with one on `stdout`.

    {"do": "open", "family": 4 or 6, "port": p, "flows": k} -> {"port": p}
    {"do": "join", "index": i, "key": hex, "roster": [[address, port], ...], "samples": k} -> {}
    {"do": "send", "pace": datagrams a second, "wants": [[sample, [index, ...] or null for all], ...]} -> {}
    {"do": "report", "settle": seconds to wait for stragglers} -> {"hops": base64 of samples x nodes bytes}

    Whatever fails is answered by {"error": text}.
    """
    node = None  # type: Any
    buffered = b""
    while True:
        sockets = [node.sockets[0]] if node else []
        readable, _, _ = select.select([stdin, *sockets], [], [])
        if stdin not in readable:
            node.receive()
            continue
        chunk = os.read(stdin, 1 << 16)
        buffered += chunk
        if not chunk or len(buffered) > LINE_LIMIT:
            return
        while b"\n" in buffered:
            line, buffered = buffered.split(b"\n", 1)
            try:
                command = json.loads(line.decode())
                if command["do"] == "open":
                    node = _open(command)
                    answer = {"port": node.port}  # type: Dict[str, Any]
                else:
                    answer = _perform(node, command)
            except Exception as error:  # whatever it is, the operator must hear of it
                answer = {"error": "{}: {}".format(type(error).__name__, error)}
            _write(stdout, json.dumps(answer).encode() + b"\n")


def _open(command: Dict[str, Any]) -> Node:
    family = socket.AF_INET6 if command["family"] == 6 else socket.AF_INET
    sockets = []
    for flow in range(command["flows"]):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        open_socket(sock, command["port"] if flow == 0 else 0)
        sockets.append(sock)
    return Node(sockets)


def _perform(node: Node, command: Dict[str, Any]) -> Dict[str, Any]:
    if command["do"] == "join":
        roster = [(str(address), int(port)) for address, port in command["roster"]]
        node.join(command["index"], bytes.fromhex(command["key"]), roster, command["samples"])
        return {}
    if command["do"] == "send":
        for sent in node.send(command["wants"]):
            _receive_for(node, sent / command["pace"])
        return {}
    if command["do"] == "report":
        end = time.monotonic() + command["settle"]
        while not node.complete() and time.monotonic() < end:
            _receive_for(node, min(0.01, command["settle"]))
        node.receive()
        return {"hops": base64.b64encode(bytes(node.least)).decode()}
    raise ValueError("no such command: {!r}".format(command["do"]))


def _receive_for(node: Node, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        if left <= 0:
            break
        if select.select([node.sockets[0]], [], [], left)[0]:
            node.receive()
    node.receive()


def _write(stdout: int, data: bytes) -> None:
    while data:
        data = data[os.write(stdout, data) :]


if __name__ == "__main__":
    serve(sys.stdin.fileno(), sys.stdout.fileno())
