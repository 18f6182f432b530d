"""History: every audit is kept, with what is to be remembered after it, and what kept ones show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import convert

from keepapart.auditing.assess import Audit
from keepapart.auditing.baseline import Baseline
from keepapart.auditing.changes import Move, all_reached, differing, moves, placed
from keepapart.auditing.document import audit_document, move_entries
from keepapart.auditing.kept import is_whole, newest, recall, written
from keepapart.auditing.kept_pairs import KeptPairs, packed
from keepapart.auditing.listed_pairs import ALL_PAIRS_UP_TO
from keepapart.documents.audit import AuditDocument, FactsDifferEntry, VerdictCounts
from keepapart.documents.base import plain
from keepapart.documents.past import HistoryEntry, SayingEntry
from keepapart.domains.apart import Ties
from keepapart.errors import UsageError
from keepapart.model import NOTHING_KNOWN, Controls
from keepapart.store import Store

BEFORE = 20  # audits read beyond those asked for, so that the oldest has something to be compared with
UNWRITTEN = "kept without its evidence, as most pairs of a large cluster are"


def record(
    store: Store,
    audit: Audit,
    purpose: str,
    baseline: Baseline,
    *,
    whole: bool = True,
    known: Controls = NOTHING_KNOWN,
) -> None:
    """Keep an audit; `purpose` is the verb that it was made for, `baseline` what was remembered before it.

    Only a whole audit's names are kept; by the operator's word of pairs, `known`, only where the last one was
    by the same. `whole` says whether all members were asked for.
    """
    entry = entry_of(audit, purpose, whole=whole, known=known)
    last = newest(store, audit.cluster) if known != NOTHING_KNOWN else None
    supposed = last is not None and last.get("known", "") != entry["known"]
    after = baseline.after(audit, naming=is_whole(entry) and not supposed).document()
    store.audits.add(audit.cluster, audit.at, json.dumps(entry), json.dumps(after))


def entry_of(
    audit: Audit, purpose: str, *, whole: bool = True, known: Controls = NOTHING_KNOWN
) -> dict[str, Any]:
    """Return what is kept of an audit.

    These are its "purpose", whether it is of the "whole" cluster, what was "known" of pairs, the "audit", and
    of a large one "kinds" (`kept_pairs`). Entries of before don't say whether they are whole, and those of
    audits are taken for it.
    """
    entry = {
        "purpose": purpose,
        "whole": whole,
        "known": written(known),
        "audit": plain(audit_document(audit)),
    }
    return entry if len(audit.instances) <= ALL_PAIRS_UP_TO else {**entry, "kinds": packed(audit.kinds)}


def baseline_of(store: Store, cluster: str) -> Baseline:
    """Return what is remembered of a cluster."""
    kept = store.audits.baseline(cluster)
    return Baseline.of(json.loads(kept)) if kept else Baseline()


def whole_audit(store: Store, cluster: str, number: int) -> tuple[AuditDocument, Ties]:
    """Return a kept audit of the whole cluster, counted from the newest, and who may not be put apart in it.

    Raises `UsageError` where that number is none's, or of an audit of some members.
    """
    entry = next(islice(recall(store, cluster, number), number - 1, None), None)
    if not entry:
        kept = store.audits.count(cluster)
        raise UsageError(
            f"--at {number}: {kept} audits of cluster {cluster!r} are kept", "run `keepapart audit`"
        )
    if not is_whole(entry):
        raise UsageError(
            f"--at {number}: that was {entry['purpose']}, not an audit of the whole cluster",
            "`keepapart history` lists those",
        )
    return _with_ties(entry)


def newest_whole(store: Store, cluster: str) -> tuple[AuditDocument, Ties] | None:
    """Return the same of the last audit of the whole cluster; None where none is kept."""
    return _with_ties(entry) if (entry := newest(store, cluster)) else None


def _with_ties(entry: Mapping[str, Any]) -> tuple[AuditDocument, Ties]:
    return convert(entry["audit"], AuditDocument), KeptPairs.of(entry).ties


def rows(store: Store, cluster: str, limit: int, verb: str | None = None) -> list[HistoryEntry]:
    """Sum up at most `limit` kept audits, newest first; with a `verb`, only those that were made for it.

    Audits of the whole cluster say who moved, compared with where it was last known to be before, by the same
    word of the operator's, and what has come to differ.
    """
    chosen = (
        (number, entry)
        for number, entry in enumerate(recall(store, cluster), 1)
        if verb in (None, entry["purpose"]) or is_whole(entry)
    )
    found: list[HistoryEntry] = []
    hosts_by_word: dict[str, dict[str, str]] = {}
    differed: set[tuple[str, str, str]] = set()
    read = list(_enough(chosen, limit, verb))
    for number, entry in reversed(read):
        moved: Sequence[Move] = ()
        new: Sequence[Mapping[str, Any]] = ()
        if is_whole(entry):
            audit, hosts = entry["audit"], hosts_by_word.setdefault(entry.get("known", ""), {})
            moved, differ = moves(audit, hosts), differing(audit)
            new = [one for key, one in differ.items() if key not in differed]
            hosts |= placed(audit)
            differed = {*differ, *(() if all_reached(audit) else differed)}
        if verb in (None, entry["purpose"]):
            found.append(_row(number, entry, moved, new))
    return found[::-1][:limit]


def _enough(
    entries: Iterable[tuple[int, Mapping[str, Any]]], limit: int, verb: str | None
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield entries until there are `limit` of the verb, and `BEFORE` whole ones beyond."""
    shown = beyond = 0
    for number, entry in entries:
        if shown >= limit:
            beyond += is_whole(entry)
        if beyond > BEFORE:
            return
        shown += verb in (None, entry["purpose"])
        yield number, entry


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


def _row(
    number: int, entry: Mapping[str, Any], moved: Sequence[Move], new: Sequence[Mapping[str, Any]]
) -> HistoryEntry:
    audit = entry["audit"]
    return HistoryEntry(
        number=number,
        at=audit["at"],
        verb=entry["purpose"],
        members=len(audit["instances"]),
        reached=sum(instance["reached"] for instance in audit["instances"]),
        hosts=len(audit["hosts"]),
        verdicts=convert(audit["verdicts"], VerdictCounts),
        moved=tuple(move.id for move in moved),
        moves=move_entries(moved),
        facts_differ=convert(new, tuple[FactsDifferEntry, ...]),
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
