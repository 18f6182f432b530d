"""Quorums and shards: which sets one host takes, as their systems list them."""

from __future__ import annotations

import json

import pytest

from keepapart.errors import UsageError
from keepapart.exports import map_of
from keepapart.exports.sets import findings, read_sets, report
from tests.report.audits import audit_of

FOUND = map_of(
    audit_of(((0, 0), (0, 0), (0, 1), (0, 2), (0, 2), (0, 3)))
)  # 1 and 2 share a host, 4 and 5 too
NODES = """\
{a} 10.0.0.1:6379@16379,web-1 myself,master - 0 0 1 connected 0-5460
{b} 10.0.0.3:6379@16379 master - 0 0 2 connected 5461-10922
{c} 10.0.0.4:6379@16379 master - 0 0 3 connected 10923-16383
{d} 10.0.0.2:6379@16379 slave {a} 0 0 1 connected
{e} 10.0.0.6:6379@16379 slave {b} 0 0 2 connected
{f} 10.0.0.5:6379@16379 slave {c} 0 0 3 connected
{g} :0@0 slave,fail,noaddr {a} 0 0 1 disconnected
""".format(**{letter: letter * 40 for letter in "abcdef"}, g="0" * 40)


def test_redis_masters_beside_their_replicas() -> None:
    """A master whose only replica shares its host is lost with it; one whose replica doesn't is not."""
    told = {each.of.name: each for each in findings(FOUND, read_sets(NODES))}
    assert [name for name, each in told.items() if not each.survives] == [
        "master 10.0.0.1:6379",
        "master 10.0.0.4:6379",
    ]
    assert told["master 10.0.0.1:6379"].lost == ["web-1", "web-2"]
    assert (told["masters"].of.need, told["masters"].survives) == (2, True)


def test_mongodb_s_shards() -> None:
    """Each shard is a set of which more than half must live; names of hosts and addresses are both known."""
    shards = {
        "shards": [
            {"_id": "one", "host": "one/web-1.example:27017,web-2.example:27017,web-3.example:27017"},
            {"_id": "two", "host": "two/10.0.0.1:27017,10.0.0.3:27017,10.0.0.6:27017"},
        ]
    }
    text, survives = report(FOUND, read_sets(json.dumps(shards)))
    assert not survives
    assert text.splitlines() == [
        "LOST      shard one: host-1 takes 2 of 3 (web-1, web-2); 2 must live",
        "survives  shard two: host-1 takes 1 of 3 (web-1); 2 must live",
    ]


def test_etcd_is_one_set() -> None:
    """Without sets all instances are one; lines name others."""
    text, survives = report(FOUND)
    assert survives
    assert text == "survives  orders: host-1 takes 2 of 6 (web-1, web-2); 4 must live\n"
    text, survives = report(FOUND, read_sets("# etcd\netcd: web-4 web-5 web-6\n"))
    assert not survives
    assert "etcd: host-3 takes 2 of 3" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("etcd: web-1 web-9", "etcd: 'web-9' is no instance"),
        ("web-1 web-2", "line 1 of the sets"),
        ('{"shards": 1}', "no answer of listShards"),
    ],
)
def test_what_is_no_set_is_refused(text: str, said: str) -> None:
    """One line says what is wrong."""
    with pytest.raises(UsageError, match=said):
        report(FOUND, read_sets(text))
