"""What is read of a node's answers: values of known types and bounded size, whatever the node says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.errors import ReachError
from keepapart.node.gateway import FLOWS
from keepapart.reach.answers import TEXT, TEXTS, climbed, confirmed, sightings, surroundings, texts

STEPS = 3
GATEWAY = ["10.0.0.254", "ee:ee:ee:ee:ee:ee", "eth0", 1, ""]
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(GATEWAY),
    lambda children: st.lists(children, max_size=6) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
).map(lambda document: json.loads(json.dumps(document)))


@pytest.mark.parametrize(
    "told",
    [
        None,
        7,
        "x",
        {},
        [7],
        [[1, "a"]],
        [["1", "10.0.0.1", 2]],
        [[1, 2, 3]],
        [[1, "10.0.0.1", 2, 2]],
        [[True, "10.0.0.1", 2]],
        [[1, "10.0.0.1", True]],
        [[1.0, "10.0.0.1", 2]],
        [[-1, "10.0.0.1", 2]],
        [[3, "10.0.0.1", 2]],
        [[10**400, "10.0.0.1", 2]],
        [[1, "10.0.0.1", 0]],
        [[1, "10.0.0.1", -2]],
        [[1, "10.0.0.1", 4]],
        [[1, "", 2]],
        [[1, "10.0.0.01", 2]],
        [[1, "10.0.0.1 ", 2]],
        [[1, "10.0.0.1\n", 2]],
        [[1, "router.example", 2]],
        [[1, "\x1b[31m10.0.0.1", 2]],
        [[1, "9" * 100_000, 2]],
        [[1, "fe80::1", 2]],
        [[1, "::ffff:10.0.0.1", 2]],
        [[1, "fe80::1%\x1b[31m", 3]],
    ],
    ids=lambda told: repr(told)[:40],
)
def test_malformed_sightings_are_left_out(told: object) -> None:
    """What a node says of routers is decoded strictly: who can't have answered, or so often, did not."""
    assert sightings(told, 4, STEPS) == []
    if isinstance(told, list):
        assert sightings([*told, [1, "10.0.0.1", 3]], 4, STEPS) == [(1, "10.0.0.1", 3)]


def test_a_router_has_one_name_however_it_is_written() -> None:
    """Of an IPv6 address there are many spellings and one meaning; a scope is another machine's affair."""
    told = [[1, "FD00:0:0::0001", 2], [2, "fd00::2%eth0", 2], [2, "10.0.0.1", 2]]
    assert sightings(told, 6, STEPS) == [(1, "fd00::1", 2)]


def test_of_routers_without_end_only_as_many_are_read_as_can_be() -> None:
    """A node that lists a million routers is heard for as many as can have answered it."""
    told = [[1, f"10.{n >> 8 & 255}.{n & 255}.1", 2] for n in range(1_000_000)]
    assert len(sightings(told, 4, STEPS)) == STEPS * FLOWS


@pytest.mark.parametrize(
    "way",
    [
        None,
        "x",
        [],
        GATEWAY[:4],
        [*GATEWAY, ""],
        ["router", *GATEWAY[1:]],
        ["fe80::1%eth0", *GATEWAY[1:]],
        [1, *GATEWAY[1:]],
        ["10.0.0.254", "EE:EE:EE:EE:EE:EE", *GATEWAY[2:]],
        ["10.0.0.254", "ee:ee:ee:ee:ee:ee\n", *GATEWAY[2:]],
        ["10.0.0.254", "ee" * 6, *GATEWAY[2:]],
        [*GATEWAY[:2], ["eth0"], 1, ""],
        [*GATEWAY[:3], True, ""],
        [*GATEWAY[:3], -1, ""],
        [*GATEWAY[:3], 1 << 16, ""],
        [*GATEWAY[:3], 1.0, ""],
        [*GATEWAY[:4], None],
    ],
    ids=lambda way: repr(way)[:40],
)
def test_a_malformed_way_is_none(way: object) -> None:
    """A way out counts only where every part of it can be."""
    assert surroundings({"own": 1, "ways": [way, GATEWAY]}, 16) == (True, [tuple(GATEWAY)])


def test_an_odd_name_takes_nothing_from_a_way() -> None:
    """A device of a name that can't be shown has none; the hardware address behind it still counts."""
    told = [["", "00:00:5e:00:01:07", "eth0\x1b[2J", 65534, "wire guard"], ["fe80::1", "", "a/b", 1, "veth"]]
    ways = [("", "00:00:5e:00:01:07", "", 65534, ""), ("fe80::1", "", "", 1, "veth")]
    assert surroundings({"own": 0, "ways": told}, 16) == (False, ways)
    assert surroundings({"own": 0, "ways": told * 9}, 3) == (False, [ways[0], ways[1], ways[0]])


@pytest.mark.parametrize("own", [None, "1", 2, -1, True, 1.0, [1]])
def test_an_address_is_its_own_only_by_a_plain_word(own: object) -> None:
    """Whoever says neither 0 nor 1 has said nothing."""
    assert surroundings({"own": own, "ways": [GATEWAY]}, 16) is None
    assert surroundings({"own": 1, "ways": "all"}, 16) == (True, [])


@pytest.mark.parametrize(
    ("by", "token", "expected"),
    [
        ("tcp", "10.0.0.1 4000 1000", "10.0.0.1 4000 1000"),
        ("tcp", "fd00::1 4000 1000", "fd00::1 4000 1000"),
        ("tcp", "fd00:0::1 4000 1000", ""),
        ("tcp", "10.0.0.1 65536 1000", ""),
        ("tcp", "10.0.0.1 4000", ""),
        ("tcp", "10.0.0.1 4000 1000 ", ""),
        ("tcp", "router 4000 1000", ""),
        ("tcp", 4000, ""),
        ("icmp", "17", "17"),
        ("icmp", "-17", ""),
        ("icmp", "17.0", ""),
        ("icmp", "99999", ""),
        ("icmp", "\u0661", ""),
        ("icmp", "10.0.0.1 4000 1000", ""),
        ("icmp", None, ""),
    ],
)
def test_a_token_is_what_its_means_have(by: str, token: object, expected: str) -> None:
    """The end of a connection, or a number of answers, as they are always written; else there is none."""
    assert climbed({"hops": [2], "tokens": [token]}, by, ["x"]) == [(2, expected)]


def test_tokens_that_are_not_all_there_are_none() -> None:
    """Counts stand without them."""
    for tokens in (None, [], ["1"], "12", {"0": "1"}):
        assert climbed({"hops": [2, 0], "tokens": tokens}, "icmp", ["x", "y"]) == [(2, ""), (0, "")]


def test_only_what_is_plainly_said_to_have_arrived_did() -> None:
    """One for each token, each 1 or 0."""
    tokens = ["a", "b", "c", "d"]
    assert confirmed([1, 0, True, 2], tokens) == [True, False, False, False]
    for told in (None, 1, "1111", [1, 1, 1], [1] * 5, {"0": 1}):
        assert confirmed(told, tokens) == [False] * 4


@given(ODD, ODD, ODD)
def test_whatever_a_node_answers_has_known_types_and_sizes(first: Any, second: Any, third: Any) -> None:
    """Every reader returns what its type says, as much as can be, or says that there is nothing to read."""
    answer: Mapping[str, Any] = {"hops": first, "tokens": second, "own": third, "ways": first}
    for by in ("tcp", "icmp"):
        try:
            for count, token in climbed(answer, by, ["x", "y"]):
                assert type(count) is int
                assert type(token) is str
                assert len(token) < 60
        except ReachError as error:
            assert str(error).isprintable()
    assert all(type(one) is bool for one in confirmed(first, ["x"]))
    assert len(sightings(second, 4, STEPS)) <= 9
    if around := surroundings({**answer, "own": 1}, 2):
        assert len(around[1]) <= 2
        for way in around[1]:
            assert [type(part) for part in way] == [str, str, str, int, str]
            assert all(len(part) < 50 and part.isascii() for part in way if isinstance(part, str))
    told = texts(second)
    assert len(told) <= TEXTS
    assert all(type(text) is str and len(text) <= TEXT for text in told.values())
