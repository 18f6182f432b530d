"""What kind of network it is, for people and as a document: short enough for a bug report."""

from __future__ import annotations

from collections.abc import Sequence

from keepapart.auditing.assess import Audit
from keepapart.auditing.document import network_entry
from keepapart.auditing.network_report import Gateway, NetworkReport
from keepapart.documents.network import (
    AgainstEntry,
    GatewayEntry,
    NetworkDocument,
    PlatformEntry,
    RoutersEntry,
    VoucherEntry,
)
from keepapart.model import Strength, many, timestamp
from keepapart.report import words
from keepapart.report.lines import console, fact
from keepapart.report.platforms import NONE, PLATFORMS
from keepapart.report.terminal import print_if_vouched

GATEWAYS = 8  # that people are shown; a document has them all


def find_out(found: NetworkReport) -> list[str]:
    """Say how an operator can find out what the network is."""
    platform = PLATFORMS.get(next(iter(found.platforms), ""), NONE)
    steps = [platform.find_out or NONE.promises]
    if Strength.WEAK in (found.finding.strength, found.finding.strength_of_two):
        steps += [
            "controls: name pairs that you know to share a host, by `--known-same A,B`, of different racks"
            " and tenants and no instance twice. One that isn't two hops apart shows that hosts are no"
            " gateways; that all are shows only that whoever is farther is on another host",
            "a pair that you know to be apart, as near as there is one, by `--known-separate A,B`: if it is"
            " two hops apart, hosts are no gateways",
            "one throwaway instance: launch it beside a member, on the same host where the platform lets you"
            " choose one, name it with the others, and it is a control",
            "if you know that every host is the gateway of its guests, say so: --model routed-host, or"
            ' [network] model = "routed-host"',
        ]
    if found.vouching and found.shares_link:
        steps.append(
            "two on one link may be guests of one bridge whom their host redirects to each other: where it is"
            " their gateway, `sysctl net.ipv4.conf.all.send_redirects=0` there, and the same of the bridge"
        )
    return steps


def network_document(audit: Audit, found: NetworkReport) -> NetworkDocument:
    """Return `keepapart.network/1`."""
    ids = audit.round.ids
    return NetworkDocument(
        cluster=audit.cluster,
        at=timestamp(audit.at),
        network=network_entry(audit),
        vouching=tuple(VoucherEntry(by.value, because) for by, because in found.vouching),
        against=tuple(
            AgainstEntry(a.because, (ids[a.pair[0]], ids[a.pair[1]]) if a.pair else None)
            for a in found.against
        ),
        platforms=tuple(PlatformEntry(name, tuple(on)) for name, on in found.platforms.items()),
        gateways=tuple(
            GatewayEntry(
                g.address or None,
                g.mac or None,
                g.device,
                g.maker or None,
                g.kind or None,
                tuple(g.instances),
            )
            for g in found.gateways
        ),
        routers=tuple(
            RoutersEntry(
                ids[t.sender],
                ids[t.target],
                int(audit.paths.least[t.sender, t.target]),
                t.public or None,
                t.first or None,
                t.second or None,
                t.last or None,
            )
            for t in found.traces
        ),
        find_out=tuple(find_out(found)),
    )


def print_network(audit: Audit, found: NetworkReport) -> None:
    """Print it."""
    out, ids = console(), audit.round.ids
    fact(out, "network", words.NETWORK[found.finding.standing], (f" – {found.finding.because}", "dim"))
    for by, because in found.vouching:
        fact(out, "for it", f"{by.value}: {because}")
    for each in found.against:
        fact(out, "against", each.because)
    for platform, on in found.platforms.items():
        fact(out, "platform", f"{platform}: {words.listed(on)}")
    for gateway in found.gateways[:GATEWAYS]:
        what = ", ".join(
            part for part in (gateway.mac, gateway.kind or gateway.maker, gateway.device) if part
        )
        fact(
            out, "gateway", f"{gateway.address or 'on the link'} ({what}): {words.listed(gateway.instances)}"
        )
    if more := found.gateways[GATEWAYS:]:
        fact(out, "gateway", f"{len(more):,} more, of {many(_members(more), 'instance')}")
    for trace in found.traces:
        count = int(audit.paths.least[trace.sender, trace.target])
        routers = ", ".join(
            f"{name} {address}"
            for name, address in (("first", trace.first), ("second", trace.second), ("last", trace.last))
            if address
        )
        way, whole = f"{ids[trace.sender]} → {ids[trace.target]}", many(count, "hop")
        towards = f"its public address {trace.public}" if trace.public else whole
        fact(out, "routers", f"{way}: {towards}{f'; {routers}' if routers else ''}")
    for why in dict.fromkeys(audit.round.lost.values()):
        names = [name for name, reason in audit.round.lost.items() if reason == why]
        fact(out, "not reached", f"{words.listed(names)}: {why}")
    print_if_vouched(out, audit)
    for number, step in enumerate(find_out(found), 1):
        fact(out, "find out" if number == 1 else "", step)


def _members(gateways: Sequence[Gateway]) -> int:
    return len({name for gateway in gateways for name in gateway.instances})
