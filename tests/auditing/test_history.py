"""Kept audits: what the next one is told of."""

from __future__ import annotations

import json
from pathlib import Path

from keepapart.auditing.baseline import Baseline
from keepapart.auditing.history import baseline_of
from keepapart.domains.naming import Names
from keepapart.store import Store


def test_a_clock_set_back_revives_nothing(tmp_path: Path) -> None:
    """What the audit written last says is known, whatever the clock said when an earlier one was made."""
    with Store(f"sqlite:///{tmp_path / 'keepapart.db'}") as store:
        for at, host in ((5000.0, "host-1"), (2000.0, "host-2")):
            memory = Baseline({"host": Names({"a": host}, 2)})
            store.audits.add("c", at, "{}", json.dumps(memory.document()))
        assert baseline_of(store, "c").names["host"].of == {"a": "host-2"}
