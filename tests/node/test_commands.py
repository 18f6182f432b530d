"""What the operator's side may rely on in how a node does what it is told (node/commands.py)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from keepapart.node.commands import Commands
from keepapart.node.node import BURST

PACE = 320  # datagrams a second: a burst is due every 100 ms


@pytest.fixture
def alone() -> Iterator[tuple[Commands, int]]:
    """Return a node that is to send to a port of its own, and the end that its operator writes to."""
    stdin, operator = os.pipe()
    commands = Commands(stdin)
    ports = commands.perform({"do": "open", "family": 4, "port": 0, "flows": 1})["ports"]
    roster = [("127.0.0.1", ports)] * 2
    commands.perform({"do": "join", "index": 0, "key": bytes(32), "roster": roster})
    commands.perform({"do": "begin", "first": 0, "samples": BURST})
    yield commands, operator
    commands.perform({"do": "rest"})
    os.close(stdin)
    os.close(operator)


def send(commands: Commands, count: int) -> float:
    """Have so many datagrams sent; return how long that took in seconds."""
    begun = time.monotonic()
    commands.perform({"do": "send", "pace": PACE, "wants": [(number, [1]) for number in range(count)]})
    return time.monotonic() - begun


def test_a_node_keeps_its_pace_from_one_command_to_the_next(alone: tuple[Commands, int]) -> None:
    """A burst goes out when the last one is paid for, however the operator cuts its wishes up."""
    commands, _ = alone
    send(commands, BURST)
    assert send(commands, BURST) > 0.8 * BURST / PACE


def test_a_node_stops_in_the_middle_of_sending_when_its_operator_speaks_or_is_gone(
    alone: tuple[Commands, int],
) -> None:
    """Nobody speaks to a node that sends, unless to end it."""
    commands, operator = alone
    commands.perform({"do": "begin", "first": 0, "samples": 10 * BURST})
    os.write(operator, b"x")
    assert send(commands, 10 * BURST) < 5 * BURST / PACE


def test_who_may_send_no_echoes_counts_nothing_by_them(
    alone: tuple[Commands, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that lets only root ping is no failure of the node: what it counted by datagrams stands."""

    def forbidden(_: str) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr("keepapart.node.ladder.IcmpLadder", forbidden)
    command = {"do": "climb", "by": "icmp", "port": 0, "patience": 0.0, "targets": ["127.0.0.1"] * 2}
    assert alone[0].perform(command) == {"hops": [0, 0], "tokens": ["", ""]}
    assert alone[0].perform({"do": "leave"}) == {}
