"""Audits and pairs as JSON documents, in the shapes that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from keepapart.auditing.assess import Audit
from keepapart.domains.fault_domains import LEVELS
from keepapart.domains.risk import losses
from keepapart.model import Pair, Strength

ALL_PAIRS_UP_TO = 64  # instances; above that only pairs that are not separate are listed unless asked for


def audit_document(audit: Audit, *, all_pairs: bool = False) -> dict[str, Any]:
    """Return `keepapart.audit/1`, with the pairs that `pairs` yields."""
    found = audit.domains
    places = {level: found.of(level) for level in LEVELS}
    return {
        "schema": "keepapart.audit/1",
        "cluster": audit.cluster,
        "at": timestamp(audit.at),
        "instances": [
            {
                "id": instance.id,
                "address": instance.address,
                **{level: names[number] for level, names in places.items()},
                "zone": instance.facts.get("zone"),
                "reached": instance.id not in audit.round.lost,
                **({"because": why} if (why := audit.round.lost.get(instance.id)) else {}),
            }
            for number, instance in enumerate(audit.instances)
        ],
        "hosts": [
            {"name": host.name, "instances": [audit.round.ids[i] for i in host.members]}
            for host in found.hosts
        ],
        **{
            f"{level}s": [
                {"name": domain.name, f"{below}s": [found.at[below][part].name for part in domain.parts]}
                for domain in found.at.get(level, ())
            ]
            for below, level in pairwise(LEVELS)
        },
        "verdicts": audit.counts,
        "pairs": [pair_document(pair) for pair in pairs(audit, all_pairs=all_pairs)],
        "network": network_document(audit),
        "risk": {
            "survives_any_host": audit.risk.survives,
            "worst_host": audit.risk.worst,
            "lost": list(audit.risk.lost),
            "replace": list(audit.risk.replace),
            "domains": [asdict(loss) for loss in losses(found, audit.risk.need)],
            "yearly": {"now": audit.odds.now, "spread": audit.odds.spread},
        },
    }


def check_document(audit: Audit, pair: Pair) -> dict[str, Any]:
    """Return `keepapart.check/1`: one pair, and the network that it was judged in."""
    return {"schema": "keepapart.check/1", **pair_document(pair), "network": network_document(audit)}


def hops_document(audit: Audit) -> dict[str, Any]:
    """Return `keepapart.hops/1`: row = from, column = to, null = not measured, 0 on the diagonal."""
    counts = audit.round.tally.way.tolist()
    matrix = [
        [count or (0 if row == column else None) for column, count in enumerate(line)]
        for row, line in enumerate(counts)
    ]
    return {"schema": "keepapart.hops/1", "ids": list(audit.round.ids), "hops": matrix}


def network_document(audit: Audit) -> dict[str, Any]:
    """Say what kind of network it is, whether that is established, and why."""
    routed = audit.network.strength is Strength.STRONG
    return {
        "model": "routed-host" if routed else "opaque",
        "established": routed,
        "standing": audit.network.standing.value,
        "by": audit.network.by.value if audit.network.by else None,
        "because": audit.network.because,
    }


def pair_document(pair: Pair) -> dict[str, Any]:
    """Return one pair with all its evidence."""
    return {
        "a": pair.a,
        "b": pair.b,
        "verdict": pair.verdict.value,
        "strength": pair.strength.label if pair.strength else None,
        "because": pair.because,
        "evidence": [
            {
                "signal": e.signal,
                "says": e.says.value,
                "strength": e.strength.label,
                "because": e.because,
            }
            for e in pair.evidence
        ],
    }


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
