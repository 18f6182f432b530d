"""What was found before: every audit is kept, with what is to be remembered after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from keepapart.auditing.assess import Audit
from keepapart.auditing.baseline import Baseline
from keepapart.auditing.document import audit_document
from keepapart.store import Store


def record(store: Store, audit: Audit, purpose: str) -> None:
    """Keep an audit; `purpose` is the verb that it was made for. Only a whole audit's names are kept."""
    memory = memory_of(store, audit.cluster).after(audit, naming=purpose == "audit")
    entry = {"purpose": purpose, "audit": audit_document(audit), "memory": memory.document()}
    store.audits.add(audit.cluster, audit.at, json.dumps(entry))


def recall(store: Store, cluster: str, limit: int) -> list[Mapping[str, Any]]:
    """Return kept audits, newest first, as {"purpose", "audit", "memory"}."""
    return [json.loads(entry) for entry in store.audits.newest(cluster, limit)]


def memory_of(store: Store, cluster: str) -> Baseline:
    """Return what is remembered of a cluster."""
    newest = recall(store, cluster, 1)
    return Baseline.of(newest[0]["memory"]) if newest else Baseline()
