"""Round trips: what is measured, and all that a node refuses to answer."""

from __future__ import annotations

import hashlib
import select
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.node import stdlib
from keepapart.node.node import open_socket
from keepapart.node.rtt import ANSWER, ECHO, REQUEST, SEAL, SO_TIMESTAMPNS, STAMP, TRIES, Echo

KEY = bytes(range(32))
SIZE = ECHO.size + SEAL
Ends = tuple[Echo, Echo]


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    """Return both ends of one pair, on loopback."""
    sockets = [socket.socket(request.param, socket.SOCK_DGRAM) for _ in range(2)]
    for sock in sockets:
        open_socket(sock)
    host = "::1" if request.param == socket.AF_INET6 else "127.0.0.1"
    roster = [(host, [sock.getsockname()[1]]) for sock in sockets]
    both = Echo(sockets[0], KEY, 0, roster), Echo(sockets[1], KEY, 1, roster)
    await_stamps(sockets[0])
    yield both
    for sock in sockets:
        sock.close()


def await_stamps(sock: socket.socket) -> None:
    """Return when the kernel stamps what arrives.

    It begins to soon after the first socket asks for it; what came before is stamped as it is read.
    """
    held, end = 0.0, time.monotonic() + 10
    while held < 0.001:
        assert time.monotonic() < end, "the kernel stamps nothing"
        sock.sendto(b"", sock.getsockname()[:2])
        time.sleep(0.002)
        [(_, _, stamp)] = [one for one in sock.recvmsg(1, 256)[1] if one[1] == SO_TIMESTAMPNS]
        seconds, nanoseconds = STAMP.unpack(stamp)
        held = time.time() - (seconds + nanoseconds / 1e9)


def test_a_socket_closed_under_it_ends_it() -> None:
    """Where a round is given up while its times are taken, nobody goes on reading what is closed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        open_socket(sock)
        echo = Echo(sock, KEY, 0, [("127.0.0.1", [1]), ("127.0.0.2", [1])])
    with pytest.raises(OSError, match="Bad file descriptor"):
        echo.receive()


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """Return a socket that is in no roster."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        yield sock


def arrives(sock: stdlib.socket.socket, within: float = 0.05) -> bool:
    """Whether something arrives."""
    return bool(select.select([sock], [], [], within)[0])


def asking(ends: Ends) -> tuple[Echo, Echo]:
    """Return the end that asks, and the other."""
    asks = sum(ends[1].ask())
    assert asks == TRIES
    assert sum(ends[0].ask()) == 0
    return ends[1], ends[0]


def request(
    number: int = 0, sender: int = 1, target: int = 0, key: bytes = KEY, kind: int = REQUEST
) -> bytes:
    """Make a datagram as an end makes it."""
    header = ECHO.pack(kind, 0, number, sender, target, 0)
    return header + hashlib.blake2b(header, key=key, digest_size=SEAL).digest()


def test_the_least_round_trip_is_measured_at_one_end(ends: Ends) -> None:
    """One end of a pair asks, the other answers; the asker knows how long it took."""
    one, other = asking(ends)
    while not one.complete():
        other.receive()
        one.receive()
    assert 0 < one.least[0] < 0.01
    assert other.least[1] == 0


def test_how_long_the_answer_was_held_is_no_part_of_it(ends: Ends) -> None:
    """An end that is busy for a while, on either side, doesn't seem farther away."""
    one, other = asking(ends)
    time.sleep(0.5)
    assert other.receive() == TRIES
    time.sleep(0.5)
    one.receive()
    assert 0 < one.least[0] < 0.5  # on however busy a machine


def test_answers_are_no_larger_and_no_more_than_requests(ends: Ends) -> None:
    """Each request is answered once, by as many bytes; a copy of it by none."""
    one, other = asking(ends)
    other.receive()
    answers = [one.sock.recv(9 * SIZE) for _ in range(TRIES)]
    assert {len(answer) for answer in answers} == {SIZE}
    host, port = other.roster[0][0], other.roster[0][1][0]
    for number in range(TRIES):
        one.sock.sendto(request(number), (host, port))
    assert other.receive() == TRIES
    assert not arrives(one.sock)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        bytes(SIZE),
        request()[:-1],
        request() + b"\0",
        request(key=bytes(32)),
        request(sender=0),
        request(sender=7),
        request(target=1),
        request(number=TRIES),
        request(kind=ANSWER),
        request(kind=7),
    ],
    ids=["empty", "zeros", "short", "long", "key", "itself", "stranger", "target", "try", "unasked", "kind"],
)
def test_what_is_not_of_this_round_is_not_answered(ends: Ends, bad: bytes) -> None:
    """Forged, cut, misdirected and impossible requests make a node send nothing and note nothing."""
    one, other = ends
    one.sock.sendto(bad, (other.roster[0][0], one.roster[0][1][0]))
    assert arrives(one.sock, 5) or not bad
    one.receive()
    assert not arrives(other.sock)
    assert not any(one.least)


def test_an_answer_goes_to_the_roster_s_address_whoever_asks(stranger: socket.socket) -> None:
    """A request from elsewhere, even with the key, is answered to the member that it names."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for sock in sockets:
        open_socket(sock)
    node = Echo(sockets[0], KEY, 0, [("127.0.0.1", [sock.getsockname()[1]]) for sock in sockets])
    stranger.sendto(request(), ("127.0.0.1", node.roster[0][1][0]))
    assert arrives(sockets[0], 5)
    node.receive()
    assert arrives(sockets[1], 5)
    assert not arrives(stranger)
    for sock in sockets:
        sock.close()


@given(st.binary(max_size=2 * SIZE))
@settings(max_examples=200)
def test_no_bytes_whatever_are_answered(noise: bytes) -> None:
    """Whatever a stranger sends, a node sends nothing and stays as it was."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        open_socket(sock)
        open_socket(other)
        node = Echo(sock, KEY, 0, [("127.0.0.1", [s.getsockname()[1]]) for s in (sock, other)])
        other.sendto(noise, ("127.0.0.1", node.roster[0][1][0]))
        arrives(sock, 1)
        node.receive()
        assert not any(node.least)
        assert not any(node.answered)
