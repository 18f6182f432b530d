"""A kept audit says of who may not be put apart what it said when it was made."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings

from keepapart.auditing.assess import Audit
from keepapart.auditing.baseline import Baseline
from keepapart.auditing.history import record, whole_audit
from keepapart.domains.apart import merged, ties
from keepapart.store import Store
from tests.exports.test_safety import audits
from tests.report.audits import audit_of


def same_ties(audit: Audit) -> None:
    """Keep an audit, read it back, and hold its ties against those of its judgement."""
    with TemporaryDirectory() as folder, Store(f"sqlite:///{Path(folder)}/k.db") as store:
        record(store, audit, "audit", Baseline())
        document, kept = whole_audit(store, audit.cluster, 1)
    made = ties(audit.judgement)
    assert [one.id for one in document.instances] == list(audit.ids)
    assert (kept.unknown == made.unknown).all()
    assert (merged(kept) == merged(made)).all()
    together = made.groups[:, None] == made.groups
    assert ((kept.groups[:, None] == kept.groups) == together).all()
    for i in range(len(audit.ids)):
        assert np.array_equal(kept.not_separate(i), made.not_separate(i))


@given(audits())
@settings(deadline=None, max_examples=40)
def test_a_small_cluster_s_ties_are_kept(audit: Audit) -> None:
    """Of up to 64 instances every pair is kept with its evidence."""
    same_ties(audit)


def test_a_large_cluster_s_ties_are_kept() -> None:
    """Of more the kinds of pairs are kept: with one that is lost, one that is down, pairs not measured."""
    where = [(rack, host) for rack in range(3) for host in range(12) for _ in range(2)]
    states = ["running"] * 71 + ["stopped"]
    same_ties(audit_of(where, lost={"web-9": "lost"}, missing=[(0, 20), (30, 50)], states=states))
    same_ties(audit_of(where, model="auto"))
