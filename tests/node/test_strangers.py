"""What strangers can do to a node: nothing; and what a node does to others: only what it was told."""

from __future__ import annotations

import ast
import socket
from collections import Counter
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from keepapart.node.node import Node
from keepapart.reach.bootstrap import LOADER, node_source
from tests.node.fuzz import KEY, fuzz


def test_strangers_are_neither_counted_nor_answered() -> None:
    """The short form of `python -m tests.node.fuzz`."""
    fuzz(40_000, seed=1)


class Recorder:
    """A socket that only remembers where it was told to send."""

    family = socket.AF_INET

    def __init__(self, sent: Counter[tuple[str, int]]) -> None:
        self._sent = sent

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 4000

    def setsockopt(self, *_: object) -> None:
        """Take any setting."""

    def sendto(self, _: bytes, place: tuple[str, int]) -> None:
        self._sent[place] += 1


@given(st.integers(2, 40), st.integers(1, 8), st.integers(1, 8), st.data())
def test_a_node_sends_only_to_the_roster_and_within_its_budget(
    size: int, samples: int, sockets: int, data: st.DataObject
) -> None:
    """Every datagram goes to a member's address and port, never to itself, one for each asked for."""
    sent: Counter[tuple[str, int]] = Counter()
    node = Node([Recorder(sent) for _ in range(sockets)], 1)  # type: ignore[misc]  # all that sending needs
    roster = [(f"10.0.0.{number}", [5000 + number]) for number in range(size)]
    me = data.draw(st.integers(0, size - 1))
    node.join(me, KEY, roster)
    node.begin(0, samples)
    bursts: Iterator[int] = node.send([(sample, None) for sample in range(samples)])
    assert sum(bursts) == samples * (size - 1)
    assert sent == {(a, ports[0]): samples for n, (a, ports) in enumerate(roster) if n != me}


def test_what_runs_on_an_instance_is_python_3_6() -> None:
    """The text that is handed over parses with the grammar of Python 3.6, and so does the loader."""
    for text in (node_source().decode(), LOADER):
        ast.parse(text, feature_version=(3, 6))
