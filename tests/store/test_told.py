"""What consumers were told for good: given by one at a time, and all of it or nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from keepapart.errors import SharedError
from keepapart.exports import map_of
from keepapart.exports.packing import give_racks
from keepapart.store import Store
from tests.report.audits import APART, audit_of


def test_two_that_give_racks_at_once_give_the_same(store: Store, url: str) -> None:
    """Who comes second waits, and sees what the first one gave: neither changes a rack that is told."""
    seen: list[dict[str, str]] = []

    def second() -> None:
        with Store(url) as other:

            def decide(told: Mapping[str, str]) -> Mapping[str, str]:
                seen.append(dict(told))
                return {}

            other.told.settle("orders", "cassandra", decide)

    thread = threading.Thread(target=second)

    def first(told: Mapping[str, str]) -> Mapping[str, str]:
        assert told == {}
        thread.start()
        return {"a": "rack1", "b": "rack2"}

    store.told.settle("orders", "cassandra", first)
    thread.join()
    assert seen == [{"a": "rack1", "b": "rack2"}]


def test_where_no_rack_is_right_nothing_is_given(store: Store) -> None:
    """Nor is anything forgotten."""
    found = map_of(audit_of(APART))
    before = give_racks(store, "cassandra", found, "3")
    told = store.told.of("orders", "cassandra")
    assert told == {one.id: one.domain for one in before.instances}
    with pytest.raises(SharedError):
        give_racks(store, "cassandra", found, "9", anew=True)
    assert store.told.of("orders", "cassandra") == told
