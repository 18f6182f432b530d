"""A history: audits kept one after the other, each with the names that hosts had before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from keepapart.auditing.assess import Audit
from keepapart.auditing.changes import Changes
from keepapart.auditing.history import baseline_of, record
from keepapart.auditing.kept import since_before
from keepapart.domains.naming import Names, assign
from keepapart.model import NOTHING_KNOWN, Controls
from keepapart.store import Store


def keep(
    store: Store,
    *audits: Audit,
    purpose: str = "audit",
    whole: bool = True,
    known: Controls = NOTHING_KNOWN,
) -> list[Changes | None]:
    """Keep audits one after the other, each with the names of the one before; say what changed each time."""
    found = []
    for audit in audits:
        baseline = baseline_of(store, "orders")
        compare = since_before(store, "orders", known)
        named = again(audit, baseline.domain_prior(audit.instances, audit.round).names)
        found.append(compare(named))
        record(store, named, purpose, baseline, whole=whole, known=known)
    return found


def again(audit: Audit, names: Mapping[str, Names]) -> Audit:
    """Return the audit with the names that hosts had before."""
    hosts = audit.domains.hosts
    given = assign([[audit.ids[i] for i in h.members] for h in hosts], "host", names.get("host", Names()))
    named = [replace(host, name=name) for host, name in zip(hosts, given, strict=True)]
    return replace(audit, domains=replace(audit.domains, at={**audit.domains.at, "host": named}))
