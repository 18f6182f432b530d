"""Audits and pairs as JSON documents, in the shapes that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType, convert
from msgspec.structs import asdict

from keepapart.auditing.assess import Audit
from keepapart.auditing.assessment import Assessment
from keepapart.auditing.changes import Changes, Move
from keepapart.auditing.listed_pairs import listing
from keepapart.documents.audit import (
    AuditDocument,
    CheckDocument,
    EvidenceEntry,
    FactsDifferEntry,
    HopsDocument,
    HostEntry,
    IfVouchedEntry,
    InstanceEntry,
    LeftOutEntry,
    LossEntry,
    MissingLevelEntry,
    NetworkEntry,
    PairEntry,
    PodEntry,
    RackEntry,
    RiskEntry,
    SaidEntry,
    SiteEntry,
    StatedEntry,
    StatementEntry,
    StepEntry,
    VerdictCounts,
    YearlyEntry,
)
from keepapart.documents.changes import ChangesEntry, MoveEntry
from keepapart.documents.project import GroupEntry, GroupsDocument
from keepapart.domains.fault_domains import Domains
from keepapart.domains.risk import losses
from keepapart.model import LEVELS, STATED_LEVELS, Pair, Statement, Strength, timestamp
from keepapart.signals.sources import Difference, statements_of

if TYPE_CHECKING:
    from keepapart.auditing.project import ProjectFinding

UNASKED = NetworkEntry(
    model="opaque",
    established=False,
    standing="opaque",
    by=None,
    because="judged by stated facts alone: no packets were sent",
)


def audit_document(
    audit: Assessment,
    *,
    all_pairs: bool = False,
    steps: Iterable[StepEntry] | None = None,
    changes: Changes | UnsetType | None = UNSET,
) -> AuditDocument:
    """Return `keepapart.audit/1`, with the pairs that `listing` chooses.

    The `steps` to take and the `changes` since the audit before are in it where they are given.
    """
    found, listed = audit.domains, listing(audit, all_pairs=all_pairs)
    return AuditDocument(
        cluster=audit.cluster,
        at=timestamp(audit.at),
        instances=_instances(audit),
        hosts=tuple(HostEntry(host.name, tuple(audit.ids[i] for i in host.members)) for host in found.hosts),
        racks=tuple(RackEntry(name, parts) for name, parts in _nested(found, "rack", "host")),
        pods=tuple(PodEntry(name, parts) for name, parts in _nested(found, "pod", "rack")),
        sites=tuple(SiteEntry(name, parts) for name, parts in _nested(found, "site", "pod")),
        levels_missing=_levels_missing(audit),
        zones=_stated(audit, "zone"),
        partitions=_stated(audit, "partition"),
        fault_domains=_stated(audit, "fault_domain"),
        facts_differ=tuple(map(_differing, audit.differences)),
        verdicts=convert(audit.counts, VerdictCounts),
        pairs=tuple(pair_entry(audit.judgement.pair(i, j)) for i, j in listed.places),
        pairs_left_out=tuple(
            LeftOutEntry(kind.verdict, kind.label, kind.because, pairs) for kind, pairs in listed.left_out
        ),
        network=network_entry(audit),
        risk=_risk(audit),
        changes=changes_entry(changes) if isinstance(changes, Changes) else changes,
        next=UNSET if steps is None else tuple(steps),
    )


def move_entries(moves: Iterable[Move]) -> tuple[MoveEntry, ...]:
    """Return moves as documents have them."""
    return tuple(MoveEntry(move.id, move.came_from, move.went_to) for move in moves)


def changes_entry(changes: Changes) -> ChangesEntry:
    """Return what changed as documents have it."""
    return ChangesEntry(
        since=changes.since,
        moved=move_entries(changes.moved),
        joined=tuple(changes.joined),
        left=tuple(changes.left),
        stopped=tuple(changes.stopped),
        started=tuple(changes.started),
        verdicts=dict(changes.verdicts),
    )


def groups_document(found: ProjectFinding) -> GroupsDocument:
    """Return `keepapart.groups/1`."""
    return GroupsDocument(
        project=found.name,
        at=timestamp(found.at),
        by=found.by,
        instances=found.size,
        ungrouped=found.ungrouped,
        groups=tuple(
            GroupEntry(
                name=group.name,
                instances=tuple(group.ids),
                verdicts=convert(group.verdicts, VerdictCounts),
                shared=tuple(HostEntry(name, tuple(ids)) for name, ids in group.shared),
                survives_any_host=group.survives,
                most=group.most,
                down=tuple(group.down),
                quorate=group.quorate,
            )
            for group in found.groups
        ),
        facts_differ=tuple(map(_differing, found.differences)),
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
    return HopsDocument(tuple(audit.ids), matrix)


def network_entry(audit: Assessment) -> NetworkEntry:
    """Say what kind of network it is, whether that is established, and why."""
    if not isinstance(audit, Audit):
        return UNASKED
    routed = audit.network.strength is Strength.STRONG
    return NetworkEntry(
        model="routed-host" if routed else "opaque",
        established=routed,
        standing=audit.network.standing.value,
        by=audit.network.by.value if audit.network.by else None,
        because=audit.network.because,
        if_vouched=UNSET
        if (would := audit.if_vouched) is None
        else IfVouchedEntry(tuple(map(tuple, would.suspected)), convert(would.verdicts, VerdictCounts)),
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


def _instances(audit: Assessment) -> tuple[InstanceEntry, ...]:
    places = {level: audit.domains.of(level) for level in (*LEVELS, *STATED_LEVELS)}
    measured, lost = isinstance(audit, Audit), audit.lost
    return tuple(
        InstanceEntry(
            id=instance.id,
            address=instance.address,
            state=instance.state,
            **{level: names[number] for level, names in places.items()},
            reached=measured and instance.id not in lost,
            because=lost.get(instance.id) or UNSET,
            stated=tuple(map(_statement, statements_of(instance))) or UNSET,
        )
        for number, instance in enumerate(audit.instances)
    )


def _statement(said: Statement) -> StatementEntry:
    return StatementEntry(said.by, said.source, _read(said.at), dict(said.facts))


def _differing(found: Difference) -> FactsDifferEntry:
    first, second = (
        SaidEntry(said.by, said.source, said.value, _read(said.at), said.counts)
        for said in (found.first, found.second)
    )
    return FactsDifferEntry(found.id, found.fact, (first, second), str(found))


def _read(at: float | None) -> str | None:
    return None if at is None else timestamp(at)


def _nested(found: Domains, level: str, below: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each domain of a level by its name, with the names of its parts."""
    for domain in found.at.get(level, ()):
        yield domain.name, tuple(found.at[below][part].name for part in domain.parts)


def _stated(audit: Assessment, level: str) -> tuple[StatedEntry, ...]:
    return tuple(StatedEntry(name, tuple(ids)) for name, ids in audit.members(level).items())


def _levels_missing(audit: Assessment) -> tuple[MissingLevelEntry, ...]:
    return tuple(MissingLevelEntry(level, because) for level, because in audit.missing_levels)


def _risk(audit: Assessment) -> RiskEntry:
    risk, odds = audit.risk, audit.odds
    return RiskEntry(
        need=risk.need,
        running=risk.running,
        down=tuple(risk.down),
        quorate=risk.quorate,
        survives_any_host=risk.survives,
        worst_host=risk.worst,
        lost=tuple(risk.lost),
        most=risk.most,
        replace=tuple(risk.replace),
        spread=tuple(risk.spread),
        domains=tuple(
            LossEntry(
                level=loss.level, name=loss.name, lost=loss.lost, most=loss.most, survives=loss.survives
            )
            for loss in losses(audit.domains, risk)
        ),
        yearly=YearlyEntry(odds.now, odds.spread, odds.most),
    )
