"""Leases: one holder at a time, and whoever lost it is fenced off."""

from __future__ import annotations

import pytest

from keepapart.errors import LeaseError
from keepapart.store import Store


def nobody_is_dead(_: str) -> bool:
    """Take every holder for alive."""
    return False


def test_second_admission_is_told_who_and_until_when(store: Store) -> None:
    """A held lease isn't given twice; the refusal is one line with the holder and the time."""
    store.leases.acquire("c", "pid 7 on host-a [boot ns 7 1]", 1000.0, 300.0, nobody_is_dead)
    with pytest.raises(LeaseError) as refused:
        store.leases.acquire("c", "pid 8", 1299.0, 300.0, nobody_is_dead)
    assert "pid 7 on host-a holds it until 1970-01-01T00:21:40Z" in str(refused.value)
    assert "boot" not in str(refused.value)


def test_clusters_have_leases_of_their_own(store: Store) -> None:
    """One cluster's admission doesn't hold up another's."""
    of_a = store.leases.acquire("a", "me", 0.0, 10.0, nobody_is_dead)
    store.leases.acquire("b", "me", 0.0, 10.0, nobody_is_dead)
    store.leases.renew(of_a, 5.0)
    expires = [holder.expires for name in "ab" if (holder := store.leases.holder(name))]
    assert expires == [15.0, 10.0]


@pytest.mark.parametrize("how", ["expired", "dead", "given back"])
def test_a_free_lease_is_taken_with_a_greater_token(store: Store, how: str) -> None:
    """Whoever takes a lease over fences off its last holder."""
    first = store.leases.acquire("c", "one", 0.0, 10.0, nobody_is_dead)
    if how == "given back":
        store.leases.give_back(first)
    now = 10.0 if how == "expired" else 1.0
    second = store.leases.acquire("c", "two", now, 10.0, lambda who: how == "dead" and who == "one")
    assert second.token > first.token
    with pytest.raises(LeaseError):
        store.leases.renew(first, now)
    with pytest.raises(LeaseError):
        store.journals.open(first, "r", now, "asked", {})
    assert store.journals.unfinished("c") == []
    store.leases.give_back(first)  # frees nothing that isn't its own
    with pytest.raises(LeaseError):
        store.leases.acquire("c", "three", now, 10.0, nobody_is_dead)


def test_every_write_renews_the_lease(store: Store) -> None:
    """A run that goes on writing keeps its lease."""
    lease = store.leases.acquire("c", "me", 0.0, 10.0, nobody_is_dead)
    store.journals.open(lease, "r", 8.0, "asked", {})
    holder = store.leases.holder("c")
    assert holder is not None
    assert holder.expires == 18.0
    store.journals.append(lease, "r", 1, 16.0, "closing", {})
    with pytest.raises(LeaseError):
        store.leases.acquire("c", "other", 25.0, 10.0, nobody_is_dead)
