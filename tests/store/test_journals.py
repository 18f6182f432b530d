"""Journals: durable, ordered, and written by nobody but the holder of the lease."""

from __future__ import annotations

import pytest

from keepapart.errors import StoreError
from keepapart.store import Lease, Store


def taken(store: Store) -> Lease:
    """Take the lease of cluster `c`."""
    return store.leases.acquire("c", "me", 0.0, 10.0, lambda _: False)


def test_journal_survives_reopening(url: str) -> None:
    """What was appended is there, in order, for whoever opens the store next."""
    with Store(url) as store:
        lease = taken(store)
        store.journals.open(lease, "r", 1.0, "asked", {"count": 1})
        store.journals.append(lease, "r", 1, 2.0, "intended", {"ids": ["é"]})
    with Store(url) as store:
        assert store.journals.events("r") == [(1.0, "asked", {"count": 1}), (2.0, "intended", {"ids": ["é"]})]
        assert store.journals.unfinished("c") == ["r"]
        assert store.journals.unfinished("other") == []


def test_closing_event_closes_the_run(store: Store) -> None:
    """A run is unfinished until the event that closes it is written, with it or not at all."""
    lease = taken(store)
    store.journals.open(lease, "r", 1.0, "asked", {})
    store.journals.append(lease, "r", 1, 2.0, "finished", {}, closes=True)
    assert store.journals.unfinished("c") == []


def test_an_event_is_never_overwritten(store: Store) -> None:
    """Two writes of one number can't both be: the second is refused."""
    lease = taken(store)
    store.journals.open(lease, "r", 1.0, "asked", {})
    with pytest.raises(StoreError):
        store.journals.append(lease, "r", 0, 2.0, "other", {})
    assert store.journals.events("r") == [(1.0, "asked", {})]
