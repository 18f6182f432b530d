"""A node: what it sends, what it counts and what it refuses, over real sockets on loopback."""

from __future__ import annotations

import hashlib
import select
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.node.node import HEADER, MAC_SIZE, SIZE, TTLS, VERSION, Node, open_socket

KEY = bytes(range(32))
Pair = tuple[Node, Node]


def opened(family: socket.AddressFamily = socket.AF_INET) -> Node:
    """Open a node with two sockets."""
    sockets = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(2)]
    for sock in sockets:
        open_socket(sock)
    return Node(sockets, receiving=2)


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Return two nodes in one round of two samples."""
    nodes = opened(request.param), opened(request.param)
    host = "::1" if request.param == socket.AF_INET6 else "127.0.0.1"
    for index, node in enumerate(nodes):
        node.join(index, KEY, [(host, n.ports) for n in nodes])
        node.begin(0, 2)
    yield nodes
    for node in nodes:
        for sock in node.sockets:
            sock.close()


def send(node: Node, *wants: tuple[int, list[int] | None]) -> int:
    """Let a node send all that is wanted; return how many datagrams that was."""
    return sum(node.send(wants))


def take(node: Node) -> int:
    """Wait for something to arrive and take it in."""
    assert select.select([node.sockets[0]], [], [], 5)[0]
    return node.receive()


def datagram(
    sample: int = 0, sender: int = 0, target: int = 1, key: bytes = KEY, ttl: int = TTLS[0]
) -> bytes:
    """Make a datagram as a node makes it."""
    header = HEADER.pack(VERSION, ttl, sample, sender, target)
    return header + hashlib.blake2b(header, key=key, digest_size=MAC_SIZE).digest()


def test_hops_are_counted_as_tracepath_counts_them(pair: Pair) -> None:
    """With no router between, the count is 1, sample by sample, at the sender's place."""
    assert send(pair[0], (0, None), (1, None)) == 2
    while not pair[1].complete():
        take(pair[1])
    assert pair[1].least == bytes([1, 0, 1, 0])


def test_each_sample_is_a_flow_of_its_own(pair: Pair) -> None:
    """Samples leave from different ports and go to different ones: what balances load may part them."""
    first, second = pair[0].sockets
    assert first.getsockname()[1] != second.getsockname()[1]
    send(pair[0], (1, None))
    sender = pair[1].sockets[1].recvfrom(SIZE)[1]
    assert sender[1] == second.getsockname()[1]


def test_sixty_four_samples_are_sixty_four_flows(pair: Pair) -> None:
    """With k sockets at both ends, k × k samples all differ in source or target port."""
    flows = set()
    for node in pair:
        node.begin(0, 4)
    send(pair[0], *((sample, None) for sample in range(4)))
    for lane, sock in enumerate(pair[1].sockets):
        for _ in range(2):
            assert select.select([sock], [], [], 5)[0]
            flows.add((sock.recvfrom(SIZE)[1][1], lane))
    assert len(flows) == 4


def test_what_is_left_of_another_batch_counts_no_more(pair: Pair) -> None:
    """A datagram of an earlier batch that arrives late changes nothing."""
    send(pair[0], (0, None))
    pair[1].begin(2, 2)
    take(pair[1])
    assert pair[1].least == bytes(4)


def test_the_least_count_stands(pair: Pair) -> None:
    """A repeat that took more hops, which is a lower time-to-live on arrival, changes nothing."""
    place = pair[1].sockets[0].getsockname()[1]
    level = socket.IPPROTO_IPV6 if pair[0].sockets[0].family == socket.AF_INET6 else socket.IPPROTO_IP
    option = socket.IPV6_UNICAST_HOPS if level == socket.IPPROTO_IPV6 else socket.IP_TTL
    host = pair[0].roster[1][0]
    for ttl in (TTLS[0] - 4, TTLS[0] - 1, TTLS[0] - 6):
        pair[0].sockets[0].setsockopt(level, option, ttl)
        pair[0].sockets[0].sendto(datagram(), (host, place))
    while take(pair[1]) and not pair[1].least[0]:
        pass
    pair[1].receive()
    assert pair[1].least[0] == 2


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\0" * SIZE,
        datagram()[:-1],
        datagram() + b"\0",
        datagram(key=bytes(32)),
        datagram(target=0),
        datagram(sender=7),
        datagram(sample=2),
        datagram(ttl=0),
        datagram(ttl=255),
        bytes([9]) + datagram()[1:],
    ],
    ids=[
        "empty",
        "zeros",
        "short",
        "long",
        "key",
        "target",
        "stranger",
        "sample",
        "sent-with-0",
        "too-far",
        "version",
    ],
)
def test_what_is_not_of_this_round_is_not_counted(bad: bytes) -> None:
    """Forged, truncated, misdirected and impossible datagrams are taken in and change nothing."""
    nodes = opened(), opened()
    nodes[1].join(1, KEY, [("127.0.0.1", n.ports) for n in nodes])
    nodes[1].begin(0, 2)
    nodes[0].sockets[0].sendto(bad, ("127.0.0.1", nodes[1].ports[0]))
    assert take(nodes[1]) == 1
    assert nodes[1].least == bytes(4)
    for node in nodes:
        for sock in node.sockets:
            sock.close()


@given(st.binary(max_size=2 * SIZE))
@settings(max_examples=300)
def test_no_bytes_whatever_are_counted_or_upset_a_node(noise: bytes) -> None:
    """Whatever a stranger sends, a node stays as it was."""
    node, stranger = opened(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with stranger:
        node.join(1, KEY, [("127.0.0.1", [1]), ("127.0.0.1", node.ports)])
        node.begin(0, 2)
        stranger.sendto(noise, ("127.0.0.1", node.ports[0]))
        assert take(node) == 1
    assert node.least == bytes(4)
    for sock in node.sockets:
        sock.close()


def test_a_node_answers_nobody(pair: Pair) -> None:
    """Receiving, even a valid datagram, sends nothing."""
    send(pair[0], (0, None))
    take(pair[1])
    assert not select.select([pair[0].sockets[0], pair[0].sockets[1]], [], [], 0.05)[0]
