"""Kept audits, as they are read before another is made: nothing here computes, nor imports what does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from keepapart.auditing.changes import Changes, changes
from keepapart.documents.base import plain
from keepapart.model import NOTHING_KNOWN, Controls

if TYPE_CHECKING:
    from keepapart.auditing.assess import Audit
    from keepapart.store import Store

WHOLE = "audit"  # the purpose of audits that are of the whole cluster
RELEASED, LOST = "released", "lost"  # events of the journal
RECENT = 100  # audits among which one by the same word of the operator's is looked for


def recall(store: Store, cluster: str, limit: int | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield what is kept of audits, as `entry_of` returns it, the newest first."""
    return (json.loads(entry) for entry in store.audits.newest(cluster, limit))


def is_whole(entry: Mapping[str, Any]) -> bool:
    """Whether a kept entry is of an audit of the whole cluster: what others say of names isn't kept."""
    return bool(entry["purpose"] == WHOLE and entry.get("whole", True))


def written(known: Controls) -> str:
    """Return the operator's word of pairs as it is kept; empty where there is none."""
    return "" if known == NOTHING_KNOWN else json.dumps([sorted(known.same), sorted(known.separate)])


def newest(store: Store, cluster: str, known: Controls | None = None) -> Mapping[str, Any] | None:
    """Return what is kept of the last audit of the whole cluster; None where none is.

    With `known`, of the last few the last that was by this word of the operator's: what others say of it
    would be moves that nobody made.
    """
    if known is None:
        return next((entry for entry in recall(store, cluster) if is_whole(entry)), None)
    there = (entry for entry in recall(store, cluster, RECENT) if is_whole(entry))
    return next((entry for entry in there if entry.get("known", "") == written(known)), None)


def since_before(
    store: Store, cluster: str, known: Controls = NOTHING_KNOWN
) -> Callable[[Audit], Changes | None]:
    """Read what is kept now; return what compares a later audit with it, None where there is nothing yet.

    It is what was found by the same word of the operator's, `known`.
    """
    before, baseline = newest(store, cluster, known), store.audits.baseline(cluster)

    def compare(audit: Audit) -> Changes | None:
        from keepapart.auditing.baseline import Baseline
        from keepapart.auditing.document import audit_document
        from keepapart.domains.naming import NO_NAMES

        if not before:
            return None
        names = Baseline.of(json.loads(baseline)).names if baseline else {}
        hosts = names.get("host", NO_NAMES).of
        return changes(before["audit"], plain(audit_document(audit)), hosts)

    return compare


def unrelieved(store: Store, cluster: str) -> list[str]:
    """Name the members of the newest whole audit whom no run released or found to be gone."""
    if not (entry := newest(store, cluster)):
        return []
    relieved: set[str] = set()
    for _, _, kind, data in store.journals.of_cluster(cluster, (RELEASED, LOST)):
        relieved |= {data["id"]} if kind == RELEASED else data["ids"].keys()
    return [one["id"] for one in entry["audit"]["instances"] if one["id"] not in relieved]
