"""Kept audits: in the order in which they were written, whatever the clock said."""

from __future__ import annotations

from keepapart.store import Store


def test_audits_come_newest_first(store: Store) -> None:
    """The last audits of this cluster, and no other's."""
    for number in range(3):
        store.audits.add("c", float(number), f"{number}")
    store.audits.add("d", 9.0, "{}")
    assert store.audits.newest("c", 2) == ["2", "1"]


def test_a_clock_set_back_hides_no_audit(store: Store) -> None:
    """The audit that was written last is the newest, even where an earlier one has a later time."""
    store.audits.add("c", 5000.0, "before the clock was set back")
    store.audits.add("c", 2000.0, "after")
    assert store.audits.newest("c", 1) == ["after"]
