"""What an audit says of the year, of what is stated, and of what each failure takes."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from keepapart.auditing.document import audit_document
from keepapart.documents.base import text
from keepapart.domains.yearly import yearly
from tests.report.audits import APART, SHARED, audit_of


def test_the_odds_are_those_of_the_hosts_there_are() -> None:
    """Who shares hosts has the odds of these hosts; spread, those of a host each."""
    found = audit_of([(0, 0), (0, 0), (0, 1)])
    assert found.odds.now == pytest.approx(yearly([2, 1], 2, 0.08, 24))
    assert found.odds.spread == pytest.approx(yearly([1, 1, 1], 2, 0.08, 24))
    assert (found.odds.now or 0) > 100 * found.odds.spread


def test_the_odds_are_not_known_while_somebody_is_on_no_known_host() -> None:
    """An unknown pair leaves the odds open: nobody is counted as alone who may not be."""
    found = audit_of([(0, 0), (0, 1), (0, 2)], missing=[(0, 1)])
    assert found.odds.now is None


def test_what_is_stated_stands_in_the_document() -> None:
    """Zones with their members, each instance's own, and what the loss of each takes at least and at most."""
    zones = [{"zone": "a"}, {"zone": "a"}, {"zone": "a"}, {"zone": "b"}, {}]
    document = json.loads(text(audit_document(audit_of(APART, facts=zones))))
    assert document["zones"] == [
        {"name": "a", "instances": ["web-1", "web-2", "web-3"]},
        {"name": "b", "instances": ["web-4"]},
    ]
    assert (document["partitions"], document["fault_domains"]) == ([], [])
    assert [instance["zone"] for instance in document["instances"]] == ["a", "a", "a", "b", None]
    assert [d for d in document["risk"]["domains"] if d["level"] == "zone"] == [
        {"level": "zone", "name": "a", "lost": 3, "most": 4, "survives": False},
        {"level": "zone", "name": "b", "lost": 1, "most": 2, "survives": True},
    ]


def test_facts_that_nobody_may_change_are_written_too() -> None:
    """A cloud may hand in any mapping, as the lab does of instances that lost their host."""
    facts = [MappingProxyType({"health": "impaired"}), {}]
    document = json.loads(text(audit_document(audit_of([(0, 0), (0, 1)], facts=facts))))
    assert document["instances"][0]["stated"][0]["facts"] == {"health": "impaired"}


def test_a_level_that_is_missing_says_why() -> None:
    """Counts that would put two zones in one rack make none, and the document names the two."""
    audit = audit_of(APART, facts=[{"zone": "a"}, {"zone": "b"}, {}, {}, {}])
    document = json.loads(text(audit_document(audit)))
    because = "hop counts put web-1 and web-2 in one rack, and the platform puts them in zones a and b"
    assert document["levels_missing"] == [{"level": "rack", "because": because}]
    assert document["racks"] == []


@pytest.mark.parametrize("where", [APART, SHARED])
def test_every_domain_says_what_its_failure_takes(where: list[tuple[int, int]]) -> None:
    """Each host and rack is listed with the members that it takes and whether the rest is enough."""
    found = audit_of(where)
    need = found.risk.need
    losses = audit_document(found).risk.domains
    for loss in losses:
        assert loss.survives == (len(where) - loss.lost >= need)
    names = {loss.name for loss in losses}
    assert names == {*found.members("host"), *found.members("rack")}
