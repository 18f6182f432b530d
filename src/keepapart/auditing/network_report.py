"""What kind of network a cluster stands in: who vouches, what speaks against it, and what would be said.

Pure. `if_vouched` is what the verdicts were, did the operator vouch for the network; an audit shows it where
nobody does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keepapart.auditing.assess import Audit
from keepapart.judging.judge import Judgement, judge
from keepapart.probe.measured import Trace
from keepapart.signals import hops
from keepapart.signals.network import NetworkFinding, NetworkStatus, Voucher, refutations, vouchers
from keepapart.signals.router_kind import kind_of, maker_of

MOST_JUDGED = 2_048  # instances; more show so many suspicions that nobody reads them
TRACES = 8  # that a report shows: one of each shape


@dataclass(frozen=True, slots=True)
class Gateway:
    """A first router: who goes out by it, and what its hardware address says of it, empty where nothing."""

    address: str
    mac: str
    device: str
    maker: str
    kind: str
    instances: Sequence[str]


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """All that is known of a cluster's network.

    `vouching` are those who vouch, in their words, also where `against` refutes them; `platforms` is who runs
    on what, by the platform's name; `traces` are routers on the way between some pairs; `suspected` are the
    groups that would be co-resident, `verdicts` how many pairs there would be of each, were the operator to
    vouch: None where hops speak strongly anyway, or say nothing whoever vouches.
    """

    finding: NetworkFinding
    vouching: Sequence[tuple[Voucher, str]]
    against: Sequence[NetworkFinding]
    platforms: dict[str, list[str]]
    gateways: Sequence[Gateway]
    traces: Sequence[Trace]
    suspected: Sequence[Sequence[str]]
    verdicts: dict[str, int] | None


def network_report(audit: Audit, model: str, word: str = "") -> NetworkReport:
    """Gather it from an audit; `model` and `word` are as in `signals.network.find`."""
    ids, said = audit.round.ids, [t for t in audit.judgement.testimonies if t.signal != hops.name]
    platforms: dict[str, list[str]] = {}
    for name, sight in zip(ids, audit.sights, strict=True):
        if sight.platform:
            platforms.setdefault(sight.platform, []).append(name)
    would = if_vouched(audit)
    return NetworkReport(
        finding=audit.network,
        vouching=list(vouchers(model, audit.paths, said, audit.sights, word=word, prior=audit.network.prior)),
        against=[] if model == "opaque" else list(refutations(audit.paths, ids, said, audit.sights)),
        platforms=platforms,
        gateways=_gateways(audit),
        traces=_shapes(audit),
        suspected=suspected(audit, would),
        verdicts=would.counts if would else None,
    )


def if_vouched(audit: Audit) -> Judgement | None:
    """Return the verdicts as they were, did the operator vouch; None where that changes nothing."""
    if audit.network.standing is not NetworkStatus.UNVOUCHED or len(audit.round.ids) > MOST_JUDGED:
        return None
    said = hops.testimony(audit.paths, audit.network.if_vouched, audit.sights)
    others = [t for t in audit.judgement.testimonies if t.signal != hops.name]
    return judge(audit.round.ids, [said, *others], audit.judgement.assurance)


def suspected(audit: Audit, would: Judgement | None) -> list[list[str]]:
    """Name those who would be co-resident by `would` and aren't known to be, group by group."""
    if would is None:
        return []
    groups: dict[int, list[int]] = {}
    for i, group in enumerate(would.groups.tolist()):
        groups.setdefault(group, []).append(i)
    known = audit.judgement.groups
    return [
        [audit.round.ids[i] for i in members]
        for members in groups.values()
        if len(members) > 1 and len({int(known[i]) for i in members}) > 1
    ]


def _gateways(audit: Audit) -> list[Gateway]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for name, sight in zip(audit.round.ids, audit.sights, strict=True):
        for route in sight.routes:
            found.setdefault((route.gateway, route.gateway_mac, route.device), []).append(name)
    return [
        Gateway(address, mac, device, maker_of(mac), kind_of(mac), names)
        for (address, mac, device), names in found.items()
    ]


def _shapes(audit: Audit) -> list[Trace]:
    """Return a trace for each number of hops, and then others, `TRACES` at the most."""
    traces = audit.round.extras.traces if audit.round.extras else ()
    least = audit.paths.least
    first = {int(least[t.sender, t.target]): t for t in reversed(traces)}
    shown = [first[count] for count in sorted(first)]
    return [*shown, *(t for t in traces if t not in shown)][:TRACES]
