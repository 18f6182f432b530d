"""What a node says is untrusted: bounded, decoded strictly, and never more than one instance's affair."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.errors import ReachError
from keepapart.reach import Roster, conversation
from keepapart.reach.answers import decode, plain
from keepapart.reach.bootstrap import READY
from keepapart.reach.conversation import NOISE_LIMIT
from keepapart.reach.pipe import PipedNodes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)
ANSWERS = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda document: json.dumps(document).encode()),
    st.dictionaries(
        st.sampled_from(
            ["ports", "hops", "error", "times", "routers", "guest", "tokens", "arrived", "own", "ways"]
        ),
        JSON,
    ).map(lambda document: json.dumps(document).encode()),
)


class Scripted:
    """A pipe whose far side says these lines, whatever it is told."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = list(lines)
        self.closed = False

    async def write(self, data: bytes) -> None:
        """Take anything."""

    async def read_line(self) -> bytes:
        return self._lines.pop(0) if self._lines else b""

    def complaint(self) -> str:
        return ""

    async def last_words(self) -> str:
        return ""

    async def close(self) -> None:
        self.closed = True


class ScriptedCrew(PipedNodes):
    """Instances whose nodes say what a test makes up."""

    def __init__(self, said: dict[str, list[bytes]]) -> None:
        super().__init__(dict.fromkeys(said, "10.0.0.1"))
        self.pipes = {name: Scripted(lines) for name, lines in said.items()}

    async def connect(self, name: str) -> Any:
        return self.pipes[name]


async def whole_round(group: PipedNodes) -> dict[str, Any]:
    """Have a group do all that a round asks of it; return what it reports."""
    ports = await group.open(0, 8)
    roster = Roster(["a", "b"], [("10.0.0.1", ports.get(name, [1])) for name in ("a", "b")])
    await group.join(roster, bytes(32))
    await group.begin(0, 2)
    await group.send({"a": [(0, None)], "b": [(0, None)]})
    found: dict[str, Any] = {"hops": await group.report(0.0)}
    await group.watch("tcp", ["a", "b"])
    found["climbed"] = await group.climb("tcp", 1, {"a": ["10.0.0.2"], "b": ["10.0.0.1"]})
    found["arrived"] = await group.arrived(1, {"a": ["10.0.0.2 4000 1000"], "b": ["10.0.0.1 4000 1000"]})
    await group.leave()
    found["guests"] = await group.guests()
    found["around"] = await group.surroundings({"a": [1], "b": [0]})
    found["routers"] = await group.routers({"a": [("10.0.0.1", 1, 1)], "b": [("10.0.0.1", 1, 1)]})
    found["times"] = await group.times(0.0)
    await group.close()
    return found


GOOD = [
    READY + b" 00\n",
    b'{"ports": [4000], "guest": {}}\n',
    b"{}\n",
    b"{}\n",
    b"{}\n",
    json.dumps({"hops": base64.b64encode(bytes([0, 2, 0, 2])).decode()}).encode() + b"\n",
    b"{}\n",
    b'{"hops": [2], "tokens": ["10.0.0.1 4000 1000"]}\n',
    b'{"arrived": [1]}\n',
    b"{}\n",
    b'{"own": 1, "ways": [["10.0.0.254", "ee:ee:ee:ee:ee:ee", "eth0", 1, ""]]}\n',
    b'{"routers": [[0, "10.0.0.254", 3]]}\n',
    json.dumps({"times": base64.b64encode(bytes(16)).decode()}).encode() + b"\n",
]


@given(st.lists(ANSWERS, max_size=len(GOOD)), st.integers(0, len(GOOD)))
@settings(max_examples=120, deadline=None)
def test_whatever_a_node_says_is_its_own_affair(said: list[bytes], after: int) -> None:
    """One that speaks well for a while and then anything at all never disturbs the round or the other."""
    odd = [*GOOD[:after], *(line.replace(b"\n", b" ") + b"\n" for line in said)]
    group = ScriptedCrew({"a": GOOD, "b": odd})
    found = asyncio.run(whole_round(group))
    assert found["hops"]["a"] == bytes([0, 2, 0, 2])
    assert found["climbed"]["a"] == [(2, "10.0.0.1 4000 1000")]
    assert found["arrived"]["a"] == [True]
    assert found["around"]["a"] == (True, [("10.0.0.254", "ee:ee:ee:ee:ee:ee", "eth0", 1, "")])
    assert found["routers"]["a"] == [(0, "10.0.0.254", 3)]
    assert "a" not in group.lost
    assert "b" in group.lost or len(found["hops"]["b"]) == 4
    assert all(why.isprintable() and len(why) < 400 for why in group.lost.values())
    assert all(scripted.closed for scripted in group.pipes.values())


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5000,
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b'{"error": "' + b"x" * 100_000 + b'"}',
        b'{"error": {"a": [1]}}',
        b'{"error": "\\u001b[2J\\n\\u202e"}',
    ],
    ids=lambda line: repr(line[:12]),
)
def test_what_is_no_answer_is_a_plain_reason(line: bytes) -> None:
    """Deep, long, binary and hostile answers become one short printable line."""
    with pytest.raises(ReachError) as raised:
        decode(line)
    assert len(str(raised.value)) < 300
    assert str(raised.value).isprintable()


@given(st.text())
def test_strangers_words_are_made_plain(text: str) -> None:
    """Nothing that could steer a terminal is left of what an instance wrote."""
    assert plain(text).isprintable()
    assert len(plain(text)) <= 200


@pytest.mark.parametrize(
    "noise", [[], [b"Welcome\n"] * 50, [b"\x1b[31m\xff\n"], [b"x" * (NOISE_LIMIT - 1) + b"\n"]], ids=len
)
def test_noise_before_the_node_speaks_is_skipped(noise: list[bytes]) -> None:
    """What a login prints up to the limit changes nothing."""
    group = ScriptedCrew({"a": [*noise, *GOOD], "b": GOOD})
    asyncio.run(whole_round(group))
    assert not group.lost


def test_endless_noise_is_given_up() -> None:
    """More noise than the limit loses the instance."""
    group = ScriptedCrew({"a": [b"y" * 1000 + b"\n"] * 1000, "b": GOOD})
    asyncio.run(whole_round(group))
    assert "prints more than 64 KiB" in group.lost["a"]


def test_a_node_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence lasts only so long."""
    monkeypatch.setattr(conversation, "PATIENCE", 0.05)
    group = ScriptedCrew({"a": [], "b": GOOD})
    forever: Callable[[], Any] = asyncio.Event().wait
    monkeypatch.setattr(group.pipes["a"], "read_line", forever)
    asyncio.run(whole_round(group))
    assert group.lost["a"] == "no answer within 0 s"
