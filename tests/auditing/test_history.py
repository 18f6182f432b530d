"""Kept audits: what the next one is told of."""

from __future__ import annotations

import json
from pathlib import Path

from keepapart.auditing.baseline import Baseline
from keepapart.auditing.history import baseline_of, rows
from keepapart.domains.naming import Names
from keepapart.model import Controls, timestamp
from keepapart.store import Store
from tests.auditing.keeping import keep
from tests.report.audits import APART, SHARED, audit_of


def test_a_clock_set_back_revives_nothing(tmp_path: Path) -> None:
    """What the audit written last says is known, whatever the clock said when an earlier one was made."""
    with Store(f"sqlite:///{tmp_path / 'keepapart.db'}") as store:
        for at, host in ((5000.0, "host-1"), (2000.0, "host-2")):
            memory = Baseline({"host": Names({"a": host}, 2)})
            store.audits.add("c", at, "{}", json.dumps(memory.document()))
        assert baseline_of(store, "c").names["host"].of == {"a": "host-2"}


def test_what_the_operator_supposes_of_a_pair_moves_nobody(tmp_path: Path) -> None:
    """An audit by his word is compared with those by the same, and others are as if it weren't there."""
    word = Controls(same=[("i-0", "i-1")])
    with Store(f"sqlite:///{tmp_path / 'keepapart.db'}") as store:
        assert keep(store, audit_of(APART, at=100.0)) == [None]
        names = baseline_of(store, "orders").names
        assert keep(store, audit_of(SHARED, at=200.0), known=word) == [None]
        assert baseline_of(store, "orders").names == names
        (plain,) = keep(store, audit_of(APART, at=300.0))
        (by_word,) = keep(store, audit_of(APART, at=400.0), known=word)
        assert plain is not None
        assert not plain.moved
        assert by_word is not None
        assert by_word.since == timestamp(200.0)
        assert [bool(row.moves) for row in rows(store, "orders", 9)] == [True, False, False, False]
