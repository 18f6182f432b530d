"""What kind of network a cluster stands in: who vouches, what speaks against it, and what would be said.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keepapart.auditing.assess import Audit
from keepapart.auditing.assessment import IfVouched
from keepapart.probe.measured import Trace
from keepapart.signals import hops
from keepapart.signals.network import NetworkFinding, Voucher, refutations, vouchers
from keepapart.signals.router_kind import kind_of, maker_of

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
    on what, by the platform's name; `traces` are routers on the way between some pairs; `shares_link` says
    whether any two are one hop apart; `would` is what would be said if the operator vouched, None where that
    changes nothing.
    """

    finding: NetworkFinding
    vouching: Sequence[tuple[Voucher, str]]
    against: Sequence[NetworkFinding]
    platforms: dict[str, list[str]]
    gateways: Sequence[Gateway]
    traces: Sequence[Trace]
    shares_link: bool
    would: IfVouched | None


def network_report(audit: Audit) -> NetworkReport:
    """Gather it from an audit."""
    ids, said = audit.round.ids, [t for t in audit.judgement.testimonies if t.signal != hops.name]
    platforms: dict[str, list[str]] = {}
    for name, sight in zip(ids, audit.sights, strict=True):
        for platform in sight.platforms:
            platforms.setdefault(platform, []).append(name)
    return NetworkReport(
        finding=audit.network,
        vouching=list(
            vouchers(
                audit.model,
                audit.paths,
                said,
                audit.sights,
                word=audit.word,
                prior=audit.network.prior,
            )
        ),
        against=[] if audit.model == "opaque" else list(refutations(audit.paths, ids, said, audit.sights)),
        platforms=platforms,
        gateways=_gateways(audit),
        traces=_shapes(audit),
        shares_link=bool((audit.paths.least == 1).any()),
        would=audit.if_vouched,
    )


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
    """Return a trace for each number of hops and sort of address, then others, `TRACES` at the most."""
    traces = audit.round.extras.traces if audit.round.extras else ()
    least = audit.paths.least
    first = {(bool(t.public), int(least[t.sender, t.target])): t for t in reversed(traces)}
    shown = [first[shape] for shape in sorted(first)]
    return [*shown, *(t for t in traces if t not in shown)][:TRACES]
