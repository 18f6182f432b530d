"""The [network] section of a world file: what joins the instances, and how it misleads.

Rules:

1. A key that says nothing in this kind of network, or nothing without another, is an error.
2. Shares are of packets, from 0 to `MOST`; a packet is lost, doubled or delayed once on its way, not at
   every router.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

ROUTED_HOST, FLAT, VLANS = "routed-host", "flat", "vlans"
ALWAYS, BY_FLOW, BY_PACKET = "always", "flow", "packet"
HOST, RACK, SPINE, NOWHERE = "host", "rack", "spine", "none"

MOST = 0.9  # of packets lost, doubled or delayed
MOST_EXTRA = 8  # gateways, spines or routers more than there need be
LEAST_TTL = 32  # that may be set on the way
TTL = 64  # what Linux gives its packets, and what counted hops take for granted


def _only(*kinds: str, **more: Any) -> dict[str, Any]:
    return {"kinds": kinds, **more}


@dataclass(frozen=True, slots=True)
class Network:
    """What joins the instances, and whatever makes that hard to see through; docs/lab.md says it in full."""

    kind: str = field(default=ROUTED_HOST, metadata={"choices": (ROUTED_HOST, FLAT, VLANS)})
    family: str = field(default="ipv4", metadata={"choices": ("ipv4", "ipv6")})
    silent: bool = False  # routers never send a packet of their own, ICMP least of all
    vlans: int = field(default=2, metadata=_only(VLANS, range=(1, 200)))

    loss: float = field(default=0.0, metadata={"range": (0, MOST)})
    duplicates: float = field(default=0.0, metadata=_only(ROUTED_HOST, range=(0, MOST)))
    reordered: float = field(default=0.0, metadata=_only(ROUTED_HOST, range=(0, MOST)))
    udp: bool = True  # false: filtered between instances
    tcp: bool = True
    tcp_port: int = field(default=0, metadata={"range": (0, 65535)})  # the one that passes; 0: every one

    extra_gateways: int = field(default=0, metadata=_only(ROUTED_HOST, range=(0, MOST_EXTRA)))
    extra_by: str = field(
        default=ALWAYS, metadata=_only(ROUTED_HOST, choices=(ALWAYS, BY_FLOW, BY_PACKET))
    )  # or 0 to that many, as each flow or packet has it
    spines: int = field(default=1, metadata=_only(ROUTED_HOST, range=(1, MOST_EXTRA)))
    detour: int = field(default=0, metadata=_only(ROUTED_HOST, range=(0, MOST_EXTRA)))
    nat: str = field(default=NOWHERE, metadata=_only(ROUTED_HOST, choices=(NOWHERE, HOST, RACK)))
    rewrite_ttl: int = field(default=0, metadata=_only(ROUTED_HOST, range=(0, 255)))
    rewrite_at: str = field(default=RACK, metadata=_only(ROUTED_HOST, choices=(HOST, RACK, SPINE)))
    initial_ttl: int = field(default=TTL, metadata={"range": (1, 255)})

    def complaint(self, given: Mapping[str, Any], tops: int, *, extra: bool) -> str:
        """Say what is wrong with the keys given, as "KEY: why", or nothing.

        `tops` is how many racks and pods a spine would join, `extra` whether some racks have extra gateways
        of their own.
        """
        for key in fields(self):
            kinds: Sequence[str] = key.metadata.get("kinds", (self.kind,))
            if key.name in given and self.kind not in kinds:
                return f"{key.name}: says nothing unless kind = {' or '.join(map(repr, kinds))}"
        if "extra_by" in given and not self.extra_gateways and not extra:
            return "extra_by: says nothing without extra_gateways"
        if 0 < self.rewrite_ttl < LEAST_TTL:
            return f"rewrite_ttl: {LEAST_TTL} to 255, lest packets end on the way"
        if "rewrite_at" in given and not self.rewrite_ttl:
            return "rewrite_at: says nothing without rewrite_ttl"
        if self.tcp_port and not self.tcp:
            return "tcp_port: says nothing with tcp = false"
        for name in ("spines", "detour"):
            if name in given and tops < 2:
                return f"{name}: says nothing with a single rack or pod"
        if self.rewrite_ttl and self.rewrite_at == SPINE and tops < 2:
            return "rewrite_at: a single rack or pod has no spine"
        if self.silent and self.duplicates:
            return "duplicates: routers that send nothing of their own (silent) can't double a packet"
        return ""
