"""What a watch keeps: news and their deliveries, for their time."""

from __future__ import annotations

import json

from keepapart.model import timestamp
from keepapart.store import Store
from keepapart.store.watches import KEPT

HOOK = "https://example.org/hook"
NOW = 1_800_000_000.0


def keep(store: Store, at: float, *kinds: str, cluster: str = "orders") -> None:
    """Keep news of a time."""
    documents = [json.dumps({"kind": kind, "at": timestamp(at)}) for kind in kinds]
    store.watches.keep(cluster, "{}", documents, [HOOK], at)


def kinds(store: Store, cluster: str = "orders") -> list[str]:
    """List the kinds of news that are kept."""
    return [json.loads(document)["kind"] for _, document in store.watches.news(cluster, 0, 1000)]


def test_news_go_after_their_time_and_so_do_deliveries_that_nobody_took(store: Store) -> None:
    """Each cluster's own; what is younger stays."""
    store.watches.claim("orders", "me", NOW, NOW, bool)
    keep(store, NOW, "moved", "shared")
    keep(store, NOW, "left", cluster="other")
    keep(store, NOW + KEPT - 60, "separate")
    assert kinds(store) == ["moved", "shared", "separate"]
    keep(store, NOW + KEPT + 60, "joined")
    assert kinds(store) == ["separate", "joined"]
    assert kinds(store, "other") == ["left"]
    due = store.watches.due("orders", [HOOK], NOW + 2 * KEPT, 100)
    assert [json.loads(one.document)["kind"] for one in due] == ["separate", "joined"]


def test_numbers_go_on_whatever_goes(store: Store) -> None:
    """A number that was told is never another news': whoever resumes by one misses nothing."""
    keep(store, NOW, "moved")
    first = store.watches.newest("orders")
    keep(store, NOW + 2 * KEPT)
    assert store.watches.newest("orders") == first
    keep(store, NOW + 3 * KEPT, "shared")
    assert store.watches.newest("orders") == first + 1
