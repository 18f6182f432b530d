"""Sources of facts that differ: said in a terminal, on the page and in JSON, each with who says what when."""

from __future__ import annotations

import pytest

from keepapart.auditing.document import audit_document
from keepapart.auditing.stated import StatedAudit, assess_stated
from keepapart.documents import base
from keepapart.model import Instance, Source, Statement
from keepapart.report.html import page
from keepapart.report.terminal import print_audit
from keepapart.settings import ClusterSettings, RiskSettings

Printed = pytest.CaptureFixture[str]
NOW = 1_800_000_000.0
DIFFERS = (
    "host of web-1: the node's label says pve-3 (read 2027-01-15T07:00:00Z), the platform says pve-7:"
    " the platform counts"
)


def moved() -> StatedAudit:
    """Return an audit of one whose label outlived a migration, and of one that says no more than the API."""
    label = Statement(Source.LABEL, "the node's label", {"host": "pve-3"}, at=NOW - 3600)
    instances = [
        Instance("web-1", facts={"host": "pve-7"}, said=[label]),
        Instance("web-2", facts={"host": "pve-3"}, said=[label]),
    ]
    return assess_stated(instances, cluster=ClusterSettings(name="orders"), rates=RiskSettings(), at=NOW)


def test_they_are_printed(capsys: Printed) -> None:
    """A line names the instance, the fact, both sources with their time, and which counts."""
    print_audit(moved(), all_pairs=False)
    out = " ".join(capsys.readouterr().out.split())
    assert f"facts differ: {DIFFERS}" in out
    assert "host of 2 members; by the node's label: host of 2 members" in out


def test_they_are_on_the_page() -> None:
    """They have a section of their own, which isn't there where nothing differs."""
    assert "Facts that differ" in page(moved())
    one = assess_stated(
        [Instance("web-1", facts={"host": "x"})], cluster=ClusterSettings(), rates=RiskSettings(), at=NOW
    )
    assert "Facts that differ" not in page(one)


def test_they_are_in_the_document_and_so_is_all_that_is_stated() -> None:
    """`facts_differ` has both sides and the sentence; each instance has its facts by source and time."""
    found = base.plain(audit_document(moved()))
    assert found["facts_differ"] == (
        {
            "id": "web-1",
            "fact": "host",
            "said": (
                {"by": "the platform", "source": "api", "value": "pve-7", "at": None, "counts": True},
                {
                    "by": "the node's label",
                    "source": "label",
                    "value": "pve-3",
                    "at": "2027-01-15T07:00:00Z",
                    "counts": False,
                },
            ),
            "because": DIFFERS,
        },
    )
    assert found["instances"][0]["stated"][1] == {
        "by": "the node's label",
        "source": "label",
        "at": "2027-01-15T07:00:00Z",
        "facts": {"host": "pve-3"},
    }
    assert found["verdicts"] == {"separate": 1, "co-resident": 0, "unknown": 0}
