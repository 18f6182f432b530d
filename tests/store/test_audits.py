"""Kept audits: in the order in which they were written, whatever the clock said."""

from __future__ import annotations

from keepapart.store import Store


def test_audits_come_newest_first(store: Store) -> None:
    """The last audits of this cluster, and no other's."""
    for number in range(3):
        store.audits.add("c", float(number), f"{number}", "{}")
    store.audits.add("d", 9.0, "{}", "{}")
    assert list(store.audits.newest("c", 2)) == ["2", "1"]


def test_the_baseline_is_that_of_the_audit_written_last(store: Store) -> None:
    """It is read by itself, and a cluster without audits has none."""
    store.audits.add("c", 2.0, "older", "1")
    store.audits.add("c", 1.0, "newer", "2")
    assert (store.audits.baseline("c"), store.audits.baseline("d")) == ("2", None)
    assert (store.audits.count("c"), store.audits.count("d")) == (2, 0)


def test_a_clock_set_back_hides_no_audit(store: Store) -> None:
    """The audit that was written last is the newest, even where an earlier one has a later time."""
    store.audits.add("c", 5000.0, "before the clock was set back", "{}")
    store.audits.add("c", 2000.0, "after", "{}")
    assert list(store.audits.newest("c", 1)) == ["after"]
