"""What was found before: every audit is kept, with what is to be remembered after it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import convert

from keepapart.auditing.assess import Audit
from keepapart.auditing.baseline import Baseline
from keepapart.auditing.document import audit_document
from keepapart.auditing.moves import moves
from keepapart.documents.audit import VerdictCounts
from keepapart.documents.base import plain
from keepapart.documents.past import HistoryEntry, SayingEntry
from keepapart.store import Store

BEFORE = 20  # audits read beyond those asked for, so that the oldest has something to be compared with
UNLISTED = "kept without its evidence: of a large cluster only pairs that are not separate are kept"


def record(store: Store, audit: Audit, purpose: str, baseline: Baseline) -> None:
    """Keep an audit; `purpose` is the verb that it was made for, `baseline` what was remembered before it.

    Only a whole audit's names are kept.
    """
    memory = baseline.after(audit, naming=purpose == "audit").document()
    entry = {"purpose": purpose, "audit": plain(audit_document(audit)), "memory": memory}
    store.audits.add(audit.cluster, audit.at, json.dumps(entry))


def recall(store: Store, cluster: str, limit: int) -> list[Mapping[str, Any]]:
    """Return kept audits, newest first, as {"purpose", "audit", "memory"}."""
    return [json.loads(entry) for entry in store.audits.newest(cluster, limit)]


def baseline_of(store: Store, cluster: str) -> Baseline:
    """Return what is remembered of a cluster."""
    newest = recall(store, cluster, 1)
    return Baseline.of(newest[0]["memory"]) if newest else Baseline()


def rows(store: Store, cluster: str, limit: int, verb: str | None = None) -> list[HistoryEntry]:
    """Sum up at most `limit` kept audits, newest first, each compared with the one before it.

    With a `verb`, only the audits that were made for it.
    """
    entries = _numbered(store, cluster, limit + BEFORE, verb)
    moved = moves([entry["audit"] for _, entry in entries])
    return [
        HistoryEntry(
            number=number,
            at=entry["audit"]["at"],
            verb=entry["purpose"],
            members=len(entry["audit"]["instances"]),
            reached=sum(instance["reached"] for instance in entry["audit"]["instances"]),
            hosts=len(entry["audit"]["hosts"]),
            verdicts=convert(entry["audit"]["verdicts"], VerdictCounts),
            moved=tuple(names),
        )
        for (number, entry), names in zip(entries, moved, strict=True)
    ][:limit]


def sayings(entries: Sequence[Mapping[str, Any]], a: str, b: str) -> Iterator[SayingEntry]:
    """Yield what each kept audit (newest first) that had both instances said of the pair."""
    for number, entry in enumerate(entries, 1):
        audit = entry["audit"]
        if not {a, b} <= {instance["id"] for instance in audit["instances"]}:
            continue
        pair = next((p for p in audit["pairs"] if {p["a"], p["b"]} == {a, b}), None)
        said = pair or {"verdict": "separate", "strength": None, "because": UNLISTED, "evidence": []}
        of_audit = {
            "number": number,
            "at": audit["at"],
            "verb": entry["purpose"],
            "network": audit["network"],
        }
        yield convert({**said, **of_audit}, SayingEntry)


def _numbered(
    store: Store, cluster: str, limit: int, verb: str | None
) -> list[tuple[int, Mapping[str, Any]]]:
    """Return kept audits with their numbers among all, newest first: at least `limit` where there are."""
    read = limit
    while True:
        entries = recall(store, cluster, read)
        found = [
            (number, entry) for number, entry in enumerate(entries, 1) if verb in (None, entry["purpose"])
        ]
        if len(found) >= limit or len(entries) < read:
            return found
        read *= 4
