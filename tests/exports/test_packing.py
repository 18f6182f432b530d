"""Racks for good: as many as asked for, balanced, and the same ever after."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.documents.domains import DomainsDocument
from keepapart.errors import SharedError, UsageError
from keepapart.exports import formats, map_of
from keepapart.exports.packing import packed
from tests.report.audits import audit_of


def placed(hosts: list[int], names: list[str]) -> DomainsDocument:
    """Return the map of instances on these hosts."""
    return map_of(audit_of([(0, host) for host in hosts], ids=names))


def racks(found: DomainsDocument) -> dict[str, str]:
    """Return each instance's rack."""
    return {one.id: one.domain or "" for one in found.instances}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=10), st.integers(1, 4))
def test_a_host_is_in_one_rack_and_racks_are_even(hosts: list[int], count: int) -> None:
    """No host is in two racks; there are as many as asked for, and moving one host evens out nothing more."""
    found = placed(hosts, [f"n{i}" for i in range(len(hosts))])
    if len(set(hosts)) < count:
        with pytest.raises(SharedError):
            packed(found, str(count), {})
        return
    given_racks = racks(packed(found, str(count), {}))
    of = list(given_racks.values())
    assert all(of[i] == of[j] for i, j in combinations(range(len(of)), 2) if hosts[i] == hosts[j])
    assert set(of) == {f"rack{number}" for number in range(1, count + 1)}
    largest = max(hosts.count(host) for host in hosts)
    assert max(map(of.count, of)) - min(map(of.count, of)) <= largest


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 5), min_size=3, max_size=10), st.data())
def test_what_was_told_stays(hosts: list[int], data: st.DataObject) -> None:
    """As instances come and go, nobody's rack changes."""
    told: dict[str, str] = {}
    for size in range(1, len(hosts) + 1):
        there = sorted(data.draw(st.sets(st.sampled_from(range(size)), min_size=1)) | {size - 1})
        found = placed([hosts[i] for i in there], [f"n{i}" for i in there])
        now = racks(packed(found, "1", told))
        assert all(told.get(name, rack) == rack for name, rack in now.items())
        told |= now


def test_domains_that_are_no_racks_are_none() -> None:
    """Nobody is told a rack that isn't kept: a host each would be racks, and another tomorrow."""
    with pytest.raises(UsageError, match="racks are given for good"):
        formats()["cassandra"].render(placed([0, 1], ["a", "b"]))


def test_racks_that_can_t_be_are_an_error() -> None:
    """Two that were told two racks and share a host now: neither is right, and both are named."""
    found = placed([0, 0, 1], ["a", "b", "c"])
    with pytest.raises(SharedError, match=r"a was told rack1 and b rack2, and they share host-1.*replace b"):
        packed(found, "2", {"a": "rack1", "b": "rack2"})


def test_a_new_node_goes_to_the_smallest_rack() -> None:
    """Those there keep theirs, whatever they are called; a co-resident of one goes where that is."""
    found = placed([0, 1, 2, 3, 1], ["a", "b", "c", "new", "beside-b"])
    now = racks(packed(found, "3", {"a": "rack1", "b": "RAC9", "c": "rack2"}))
    assert now == {"a": "rack1", "b": "RAC9", "c": "rack2", "new": "rack1", "beside-b": "RAC9"}
