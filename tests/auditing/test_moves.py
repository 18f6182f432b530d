"""Moves between audits: only what both knew of, and never out of ignorance."""

from __future__ import annotations

import json
from collections.abc import Sequence

from keepapart.auditing.assess import Audit
from keepapart.auditing.history import entry_of
from keepapart.auditing.kept_pairs import KeptPairs
from keepapart.auditing.moves import moves
from tests.report.audits import APART, SHARED, audit_of


def moved(*audits: Audit) -> Sequence[Sequence[str]]:
    """Return what moved, for audits given oldest first, in that order."""
    kept = [KeptPairs.of(json.loads(json.dumps(entry_of(audit, "audit")))) for audit in audits]
    return moves(kept[::-1])[::-1]


def test_nothing_before_nothing_moved() -> None:
    """The first audit has nothing to be compared with, and an equal one shows no move."""
    assert moved(audit_of(SHARED), audit_of(SHARED)) == [[], []]


def test_two_that_come_together_or_part() -> None:
    """Where co-residents change, both are named."""
    assert moved(audit_of(APART), audit_of(SHARED), audit_of(APART))[1:] == [["web-1", "web-2"]] * 2


def test_not_being_reached_is_no_move() -> None:
    """An instance that can't be reached hasn't moved, and is compared with what was known before that."""
    unreached = audit_of(SHARED, lost={"web-2": "timed out"})
    assert moved(audit_of(SHARED), unreached, audit_of(SHARED)) == [[], [], []]
    assert moved(audit_of(SHARED), unreached, audit_of(APART))[2] == ["web-1", "web-2"]


def test_coming_and_going_is_no_move() -> None:
    """Who joins or leaves the cluster changes nobody's place."""
    assert moved(
        audit_of(SHARED[:3]), audit_of(SHARED), audit_of(SHARED[1:], ids=["web-2", "c", "d", "e"])
    ) == [
        [],
        [],
        [],
    ]


def test_a_check_of_two_in_between_hides_nothing() -> None:
    """An audit of only some instances doesn't make the others' places forgotten."""
    two = audit_of(SHARED[3:], ids=["web-4", "web-5"])
    assert moved(audit_of(SHARED), two, audit_of(APART))[2] == ["web-1", "web-2"]


def test_large_clusters_keep_only_what_is_not_separate() -> None:
    """Pairs that a large audit doesn't list count as separate there."""
    where = [(k % 3, k) for k in range(70)]
    assert moved(audit_of(where), audit_of([(0, 0), (0, 0), *where[2:]]))[1] == ["web-1", "web-2"]
