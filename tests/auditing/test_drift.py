"""Labels and facts that don't match what is measured: who is told, with before and after, and who isn't."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.auditing.assess import Audit
from keepapart.auditing.document import audit_document
from keepapart.documents.base import plain
from keepapart.model import Source, Statement
from tests.report.audits import audit_of

BY = "the node's label esxi-host"
A, B, C = (0, 0), (0, 1), (1, 2)  # hosts


def labelled(where: Sequence[tuple[int, int]], labels: str, fact: str = "host", **more: Any) -> Audit:
    """Measure members on these hosts that have these labels, a letter each; `-` is none."""
    said = [
        [Statement(Source.LABEL, BY, {"zone": "z", fact: letter})] if letter != "-" else []
        for letter in labels
    ]
    return audit_of(where, said=said, **more)


def told(audit: Audit) -> list[str]:
    """Return the differences in words."""
    return [str(one) for one in audit.differences]


def test_labels_that_match_are_nothing_to_tell() -> None:
    """Whatever they call hosts; nor are those that nobody wrote, or that say nothing of others."""
    assert told(labelled([A, A, B, C], "aabc")) == []
    assert told(labelled([A, A, B, C], "a---")) == []


def test_one_that_moved_is_told_with_before_and_after() -> None:
    """Its label is of the host that it was on; it is on that of two others now, which say so."""
    (found,) = labelled([A, B, B, A, B], "aabab").differences
    assert (found.id, found.fact) == ("web-2", "host")
    assert (found.second.by, found.second.source, found.second.value) == (BY, Source.LABEL, "a")
    assert (found.first.by, found.first.source, found.first.counts) == ("what is measured", None, False)
    assert str(found) == (
        f"host of web-2: {BY} says a, what is measured says b, with web-3, web-5: neither counts"
    )


def test_a_label_that_is_only_too_fine_is_overruled() -> None:
    """Two members that are measured on one host, whose labels name two: either's may be old."""
    found = labelled([A, A, B], "abc").differences
    assert [(one.id, one.second.value, one.first.value) for one in found] == [
        ("web-1", "a", "b, with web-2"),
        ("web-2", "b", "a, with web-1"),
    ]
    assert all(one.first.counts for one in found)


def test_a_label_of_one_host_of_two_that_are_apart_is_told() -> None:
    """It refutes the counts, and counts itself: not to believe it could be dangerous."""
    audit = labelled([A, B, C], "aac")
    assert [(one.id, one.first.value) for one in audit.differences] == [
        ("web-1", "apart from web-2"),
        ("web-2", "apart from web-1"),
    ]
    assert str(audit.differences[0]).endswith(f"apart from web-2: {BY} counts")
    assert audit.pair("web-1", "web-2").verdict.value == "co-resident"


@pytest.mark.parametrize("fact", ["zone", "partition", "fault_domain"])
def test_what_only_says_different_is_held_against_one_host(fact: str) -> None:
    """Two zones, partitions or fault domains of two that share a host; one of two apart is as it may be."""
    (one, other) = labelled([A, A, B], "abb", fact).differences
    assert {one.fact, other.fact} == {fact}
    assert told(labelled([A, B, C], "aaa", fact)) == []


def test_values_of_two_projects_are_not_compared() -> None:
    """Names mean something within one project."""
    said = [[Statement(Source.LABEL, BY, {"project": p, "host": h})] for p, h in ("1a", "2b", "3c")]
    assert told(audit_of([A, A, B], said=said)) == []


def test_where_nothing_is_measured_nothing_is_told() -> None:
    """Hops that say nothing, members that weren't reached, one that is down."""
    assert told(labelled([A, A, B], "abc", model="opaque")) == []
    assert told(labelled([A, A, B], "abc", lost={"web-2": "timed out"})) == []
    assert told(labelled([A, A, B], "abc", states=["running", "stopped", "running"])) == []


def test_it_is_in_the_document() -> None:
    """As a difference whose first side has no source: it is measured."""
    (found,) = plain(audit_document(labelled([A, B, B, A, B], "aabab")))["facts_differ"]
    measured, label = found["said"]
    assert (measured["source"], measured["value"]) == (None, "b, with web-3, web-5")
    assert (label["source"], label["value"], label["counts"]) == ("label", "a", False)


hosts = st.lists(st.integers(0, 2), min_size=2, max_size=7)


@given(hosts, st.data())
@settings(deadline=None, max_examples=60)
def test_only_whose_label_is_wrong_is_told(where: list[int], data: st.DataObject) -> None:
    """True labels are never told; one that is wrong is, where anybody else is on either host."""
    places = [(0, host) for host in where]
    letters = "".join("abc"[host] for host in where)
    assert told(labelled(places, letters)) == []
    moved = data.draw(st.integers(0, len(where) - 1))
    to = data.draw(st.integers(0, 2).filter(lambda host: host != where[moved]))
    audit = labelled(places, letters[:moved] + "abc"[to] + letters[moved + 1 :])
    touched = {where[moved], to} & {host for k, host in enumerate(where) if k != moved}
    assert bool(audit.differences) == bool(touched)
    if audit.differences:
        assert f"web-{moved + 1}" in {one.id for one in audit.differences}
