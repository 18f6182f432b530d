"""What was found before: every audit is kept, with what is to be remembered after it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from msgspec import convert
from msgspec.structs import replace

from keepapart.auditing.assess import Audit
from keepapart.auditing.baseline import Baseline
from keepapart.auditing.document import audit_document
from keepapart.auditing.kept_pairs import KeptPairs, packed
from keepapart.auditing.listed_pairs import ALL_PAIRS_UP_TO
from keepapart.auditing.moves import moves
from keepapart.documents.audit import VerdictCounts
from keepapart.documents.base import plain
from keepapart.documents.past import HistoryEntry, SayingEntry
from keepapart.store import Store

BEFORE = 20  # audits read beyond those asked for, so that the oldest has something to be compared with
UNWRITTEN = "kept without its evidence, as most pairs of a large cluster are"


def record(store: Store, audit: Audit, purpose: str, baseline: Baseline) -> None:
    """Keep an audit; `purpose` is the verb that it was made for, `baseline` what was remembered before it.

    Only a whole audit's names are kept.
    """
    after = baseline.after(audit, naming=purpose == "audit").document()
    store.audits.add(audit.cluster, audit.at, json.dumps(entry_of(audit, purpose)), json.dumps(after))


def entry_of(audit: Audit, purpose: str) -> dict[str, Any]:
    """Return what is kept of an audit: "purpose", "audit", and of a large cluster "kinds" (`kept_pairs`)."""
    entry = {"purpose": purpose, "audit": plain(audit_document(audit))}
    return entry if len(audit.instances) <= ALL_PAIRS_UP_TO else {**entry, "kinds": packed(audit.kinds)}


def recall(store: Store, cluster: str, limit: int | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield what is kept of audits, as `entry_of` returns it, the newest first."""
    return (json.loads(entry) for entry in store.audits.newest(cluster, limit))


def baseline_of(store: Store, cluster: str) -> Baseline:
    """Return what is remembered of a cluster."""
    kept = store.audits.baseline(cluster)
    return Baseline.of(json.loads(kept)) if kept else Baseline()


def rows(store: Store, cluster: str, limit: int, verb: str | None = None) -> list[HistoryEntry]:
    """Sum up at most `limit` kept audits, newest first, each compared with the one before it.

    With a `verb`, only the audits that were made for it.
    """
    chosen = (
        (_row(number, entry), KeptPairs.of(entry))
        for number, entry in enumerate(recall(store, cluster), 1)
        if verb in (None, entry["purpose"])
    )
    found = list(islice(chosen, limit + BEFORE))
    moved = moves([pairs for _, pairs in found])
    return [replace(row, moved=tuple(names)) for (row, _), names in zip(found, moved, strict=True)][:limit]


def sayings(entries: Iterable[Mapping[str, Any]], a: str, b: str) -> Iterator[SayingEntry]:
    """Yield what each kept audit (newest first) that had both instances said of the pair."""
    for number, entry in enumerate(entries, 1):
        audit = entry["audit"]
        if not {a, b} <= {instance["id"] for instance in audit["instances"]}:
            continue
        listed = next((p for p in audit["pairs"] if {p["a"], p["b"]} == {a, b}), None)
        of_audit = {
            "number": number,
            "at": audit["at"],
            "verb": entry["purpose"],
            "network": audit["network"],
        }
        yield convert({**(listed or _unlisted(entry, a, b)), **of_audit}, SayingEntry)


def _row(number: int, entry: Mapping[str, Any]) -> HistoryEntry:
    audit = entry["audit"]
    return HistoryEntry(
        number=number,
        at=audit["at"],
        verb=entry["purpose"],
        members=len(audit["instances"]),
        reached=sum(instance["reached"] for instance in audit["instances"]),
        hosts=len(audit["hosts"]),
        verdicts=convert(audit["verdicts"], VerdictCounts),
        moved=(),
    )


def _unlisted(entry: Mapping[str, Any], a: str, b: str) -> dict[str, Any]:
    """Return what is kept of a pair that the document doesn't list."""
    kind = KeptPairs.of(entry).kind(a, b)
    return {
        "verdict": kind.verdict.value,
        "strength": kind.label,
        "because": f"{kind.because}; {UNWRITTEN}" if kind.because else UNWRITTEN,
        "evidence": [],
    }
