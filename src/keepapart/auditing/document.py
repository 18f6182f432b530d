"""Audits and pairs as JSON documents, in the shapes that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations

import numpy as np
from msgspec import UNSET, convert
from msgspec.structs import asdict

from keepapart.auditing.assess import Audit
from keepapart.documents.audit import (
    AuditDocument,
    CheckDocument,
    EvidenceEntry,
    HopsDocument,
    HostEntry,
    InstanceEntry,
    LossEntry,
    NetworkEntry,
    PairEntry,
    PodEntry,
    RackEntry,
    RiskEntry,
    SiteEntry,
    VerdictCounts,
    YearlyEntry,
)
from keepapart.domains.fault_domains import LEVELS, Domains
from keepapart.domains.risk import losses
from keepapart.model import Pair, Strength

ALL_PAIRS_UP_TO = 64  # instances; above that only pairs that are not separate are listed unless asked for


def audit_document(audit: Audit, *, all_pairs: bool = False) -> AuditDocument:
    """Return `keepapart.audit/1`, with the pairs that `pairs` yields."""
    found = audit.domains
    return AuditDocument(
        cluster=audit.cluster,
        at=timestamp(audit.at),
        instances=_instances(audit),
        hosts=tuple(
            HostEntry(host.name, tuple(audit.round.ids[i] for i in host.members)) for host in found.hosts
        ),
        racks=tuple(RackEntry(name, parts) for name, parts in _nested(found, "rack", "host")),
        pods=tuple(PodEntry(name, parts) for name, parts in _nested(found, "pod", "rack")),
        sites=tuple(SiteEntry(name, parts) for name, parts in _nested(found, "site", "pod")),
        verdicts=convert(audit.counts, VerdictCounts),
        pairs=tuple(pair_entry(pair) for pair in pairs(audit, all_pairs=all_pairs)),
        network=network_entry(audit),
        risk=_risk(audit),
    )


def check_document(audit: Audit, pair: Pair) -> CheckDocument:
    """Return `keepapart.check/1`: one pair, and the network that it was judged in."""
    return CheckDocument(**asdict(pair_entry(pair)), network=network_entry(audit))


def hops_document(audit: Audit) -> HopsDocument:
    """Return `keepapart.hops/1`: row = from, column = to, null = not measured, 0 on the diagonal."""
    counts = audit.round.tally.way.tolist()
    matrix = tuple(
        tuple(count or (0 if row == column else None) for column, count in enumerate(line))
        for row, line in enumerate(counts)
    )
    return HopsDocument(tuple(audit.round.ids), matrix)


def network_entry(audit: Audit) -> NetworkEntry:
    """Say what kind of network it is, whether that is established, and why."""
    routed = audit.network.strength is Strength.STRONG
    return NetworkEntry(
        model="routed-host" if routed else "opaque",
        established=routed,
        standing=audit.network.standing.value,
        by=audit.network.by.value if audit.network.by else None,
        because=audit.network.because,
    )


def pair_entry(pair: Pair) -> PairEntry:
    """Return one pair with all its evidence."""
    return PairEntry(
        a=pair.a,
        b=pair.b,
        verdict=pair.verdict,
        strength=pair.strength.label if pair.strength else None,
        because=pair.because,
        evidence=tuple(EvidenceEntry(e.signal, e.says, e.strength.label, e.because) for e in pair.evidence),
    )


def _instances(audit: Audit) -> tuple[InstanceEntry, ...]:
    places = {level: audit.domains.of(level) for level in LEVELS}
    lost = audit.round.lost
    return tuple(
        InstanceEntry(
            id=instance.id,
            address=instance.address,
            host=places["host"][number],
            rack=places["rack"][number],
            pod=places["pod"][number],
            site=places["site"][number],
            zone=instance.facts.get("zone"),
            reached=instance.id not in lost,
            because=lost.get(instance.id) or UNSET,
        )
        for number, instance in enumerate(audit.instances)
    )


def _nested(found: Domains, level: str, below: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each domain of a level by its name, with the names of its parts."""
    for domain in found.at.get(level, ()):
        yield domain.name, tuple(found.at[below][part].name for part in domain.parts)


def _risk(audit: Audit) -> RiskEntry:
    risk, odds = audit.risk, audit.odds
    return RiskEntry(
        survives_any_host=risk.survives,
        worst_host=risk.worst,
        lost=tuple(risk.lost),
        replace=tuple(risk.replace),
        domains=tuple(
            LossEntry(loss.level, loss.name, loss.lost, loss.survives)
            for loss in losses(audit.domains, risk.need)
        ),
        yearly=YearlyEntry(odds.now, odds.spread),
    )


def pairs(audit: Audit, *, all_pairs: bool = False) -> Iterator[Pair]:
    """Yield the pairs that a report lists: all of up to 64 instances or if asked, else those not separate."""
    size = len(audit.round.ids)
    listed: Iterable[Sequence[int]] = combinations(range(size), 2)
    if not all_pairs and size > ALL_PAIRS_UP_TO:
        listed = np.argwhere(np.triu(~audit.judgement.separate, 1)).tolist()
    return (audit.judgement.pair(i, j) for i, j in listed)


def timestamp(at: float) -> str:
    """Write seconds since the epoch as UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
