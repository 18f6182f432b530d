"""What the history keeps of a large cluster's pairs: every verdict, few words, little room."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from keepapart.auditing.assess import Audit
from keepapart.auditing.document import audit_document
from keepapart.auditing.history import entry_of
from keepapart.auditing.kept_pairs import KeptPairs
from keepapart.auditing.listed_pairs import LISTED, pairs
from keepapart.documents.base import plain
from keepapart.model import Verdict
from tests.report.audits import SHARED, audit_of

LARGE = [(k % 3, k // 2) for k in range(80)]  # two to a host


def kept(audit: Audit) -> KeptPairs:
    """Return what is read back of the entry of an audit."""
    return KeptPairs.of(json.loads(json.dumps(entry_of(audit, "audit"))))


@pytest.mark.parametrize(
    "audit",
    [
        audit_of(SHARED, lost={"web-5": "timed out"}),
        audit_of(LARGE, lost={"web-7": "timed out"}, missing=[(0, 1), (4, 9)]),
        audit_of(LARGE, model="auto"),
        audit_of([], model="auto"),
    ],
    ids=["small", "large", "unvouched", "empty"],
)
def test_every_verdict_is_kept(audit: Audit) -> None:
    """Of every pair the verdict and its strength are read back as they were."""
    found = kept(audit)
    for i, j in combinations(range(len(audit.instances)), 2):
        pair = audit.judgement.pair(i, j)
        kind = found.kind(pair.b, pair.a)
        assert (kind.verdict, kind.strength) == (pair.verdict, pair.strength)


def test_entries_without_kinds_list_what_is_not_separate() -> None:
    """As an earlier keepapart kept a large cluster: what it doesn't list is separate."""
    audit = audit_of(LARGE, lost={"web-7": "timed out"})
    listed = [p for p in plain(audit_document(audit, all_pairs=True))["pairs"] if p["verdict"] != "separate"]
    entry = entry_of(audit, "audit")
    old = {"purpose": "audit", "audit": entry["audit"] | {"pairs": listed}}
    before, now = KeptPairs.of(old), kept(audit)
    for i, j in combinations(audit.ids, 2):
        assert before.kind(i, j).verdict is now.kind(i, j).verdict
    assert before.kind("web-1", "web-3").verdict is Verdict.SEPARATE


def test_nothing_known_of_thousands_takes_little_room() -> None:
    """An entry grows with the instances and not with their pairs."""
    sizes = [len(json.dumps(entry_of(audit_of([(0, 0)] * n, model="opaque"), "audit"))) for n in (600, 1200)]
    assert sizes[1] < 1_000_000
    assert sizes[1] < 2 * sizes[0]


@pytest.mark.parametrize("model", ["opaque", "auto", "routed-host"])
def test_what_is_not_listed_is_counted(model: str) -> None:
    """Listed pairs and those left out are all the pairs; of each kind that is unknown some are listed."""
    audit = audit_of(LARGE * 2, model=model, lost={"web-7": "timed out"}, missing=[(4, 9)])
    document = audit_document(audit)
    assert isinstance(document.pairs_left_out, tuple)
    size = len(audit.instances)
    assert len(document.pairs) + sum(kind.pairs for kind in document.pairs_left_out) == size * (size - 1) // 2
    for verdict, count in audit.counts.items():
        listed = sum(pair.verdict.value == verdict for pair in document.pairs)
        assert listed == min(count, LISTED[Verdict(verdict)])
    unknown = {kind.because for kind in audit.kinds.kinds if kind.verdict is Verdict.UNKNOWN}
    shown = {audit.kinds.kinds[audit.kinds.of[i, j]].because for i, j in _places(audit)}
    assert unknown <= shown


def test_all_pairs_where_they_are_asked_for() -> None:
    """Then nothing is left out, however many instances there are."""
    document = audit_document(audit_of(LARGE), all_pairs=True)
    assert (len(document.pairs), document.pairs_left_out) == (80 * 79 // 2, ())


def _places(audit: Audit) -> list[tuple[int, int]]:
    ids = audit.round.ids
    return [(ids.index(pair.a), ids.index(pair.b)) for pair in pairs(audit)]
