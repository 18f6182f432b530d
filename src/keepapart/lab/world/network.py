"""The [network] section of a world file: what joins the instances, and how it misleads.

Rules:

1. A key that says nothing in this kind of network, or nothing without another, is an error.
2. Shares are of packets, from 0 to `MOST`; a packet is lost, doubled or delayed once on its way, not at
   every router.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from keepapart.tables import Table

Kind = Literal["routed-host", "flat", "vlans", "leaves", "distributed", "fabric"]
ROUTED_HOST: Final = "routed-host"
FLAT: Final = "flat"
VLANS: Final = "vlans"
LEAVES: Final = "leaves"
DISTRIBUTED: Final = "distributed"
FABRIC: Final = "fabric"
SEGMENTS = (FLAT, VLANS)  # instances share links
ALWAYS, BY_FLOW = "always", "flow"
INNER, STRAIGHT = "inner", "straight"
HOST, RACK, SPINE = "host", "rack", "spine"

MOST = 0.9  # of packets lost, doubled or delayed
MOST_EXTRA = 8  # gateways, spines or routers more than there need be
LEAST_TTL = 32  # that may be set on the way
TTL = 64  # what Linux gives its packets, and what counted hops take for granted

Family = Literal["ipv4", "ipv6"]
Share = Annotated[float, Meta(ge=0, le=MOST)]
Extra = Annotated[int, Meta(ge=0, le=MOST_EXTRA)]
MOST_PORTS = 1_000  # of a rack, that pass its hosts
MOST_FLOATING = 250  # addresses of a rack
Front = Annotated[
    str,
    Meta(
        pattern=r"^172\.(1[6-9]|2[0-9]|3[01])(\.(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})){2}\Z",
        description="a private address such as '172.31.1.1' is wanted",
    ),
]
Mac = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f][02468ace](:[0-9a-f]{2}){5}\Z",
        description="a hardware address such as 'ee:ee:ee:ee:ee:ee' is wanted, of one machine",
    ),
]

ONLY_IN = {  # keys that say something in some kinds of network only
    "vlans": (VLANS,),
    "leaves": (LEAVES,),
    "tenants": (DISTRIBUTED,),
    "gateway_mac": (ROUTED_HOST, VLANS, LEAVES, DISTRIBUTED, FABRIC),
    "duplicates": (ROUTED_HOST,),
    "reordered": (ROUTED_HOST,),
    "extra_gateways": (ROUTED_HOST,),
    "extra_by": (ROUTED_HOST,),
    "spines": (ROUTED_HOST,),
    "detour": (ROUTED_HOST,),
    "nat": (ROUTED_HOST,),
    "rewrite_ttl": (ROUTED_HOST,),
    "rewrite_at": (ROUTED_HOST,),
    "front": (ROUTED_HOST,),
    "turn": (ROUTED_HOST,),
    "machines": (ROUTED_HOST,),
    "bypass": (ROUTED_HOST,),
    "bypass_to": (ROUTED_HOST,),
    "floating": (ROUTED_HOST,),
    "firewalled": (ROUTED_HOST,),
}
_OF_HOSTS = ("duplicates", "reordered", "extra_gateways", "extra_by", "nat", "rewrite_ttl", "rewrite_at")
NOT_WITH = {  # keys of the network and of racks, and those that make no sense beside them
    "front": (*_OF_HOSTS, "machines", "bypass"),
    "machines": (*_OF_HOSTS, "bypass"),
    "bypass": (*_OF_HOSTS, "loss", "udp", "tcp", "tcp_port"),
    "bypass_to": ("spines", "detour"),
    "bridged": (*_OF_HOSTS, "loss", "udp", "tcp", "tcp_port", "bypass", "machines", "front"),
    "floating": ("nat", "front", "machines", "bypass", "bridged"),
    "firewalled": (*_OF_HOSTS, "front", "machines", "bypass", "bridged", "floating"),
}


class Network(Table, frozen=True):
    """What joins the instances, and whatever makes that hard to see through; docs/lab.md says it in full."""

    kind: Kind = ROUTED_HOST
    family: Family = "ipv4"
    silent: bool = False  # routers never send a packet of their own, ICMP least of all
    vlans: Annotated[int, Meta(ge=1, le=200)] = 2
    leaves: Annotated[int, Meta(ge=1, le=MOST_EXTRA)] = 1  # switches of a rack, to which its guests are dealt
    tenants: Annotated[int, Meta(ge=1, le=200)] = 2
    gateway_mac: Mac = ""  # of every gateway, as its guests see it; "": each has its own

    loss: Share = 0.0
    duplicates: Share = 0.0
    reordered: Share = 0.0
    udp: bool = True  # false: filtered between instances
    tcp: bool = True
    tcp_port: Annotated[int, Meta(ge=0, le=65_535)] = 0  # the one that passes; 0: every one

    extra_gateways: Extra = 0
    extra_by: Literal["always", "flow", "packet"] = "always"  # or 0 to that many, by flow or packet
    spines: Annotated[int, Meta(ge=1, le=MOST_EXTRA)] = 1
    detour: Extra = 0
    nat: Literal["none", "host", "rack"] = "none"
    rewrite_ttl: Annotated[int, Meta(ge=0, le=255)] = 0
    rewrite_at: Literal["host", "rack", "spine"] = "rack"
    initial_ttl: Annotated[int, Meta(ge=1, le=255)] = TTL

    front: Front = ""  # the address of every host's inner router; "": there is none
    turn: Literal["inner", "outer", "straight"] = "inner"  # who turns packets between guests of one host
    firewalled: Annotated[int, Meta(ge=0, le=100)] = 0  # so many tenants: from one to another by a firewall
    machines: Extra = 0  # of each host, that hold the instances as containers
    bypass: Annotated[int, Meta(ge=0, le=MOST_PORTS)] = 0  # slots of each rack that are ports past the host
    bypass_to: Literal["rack", "spine"] = "rack"  # where those end
    floating: Annotated[int, Meta(ge=0, le=MOST_FLOATING)] = 0  # slots of each rack with translated addresses

    def complaint(self, given: Mapping[str, Any], tops: int, racks: Set[str]) -> str:
        """Say what is wrong with the keys given, as "KEY: why", or nothing.

        `tops` is how many racks and pods a spine would join, `racks` are the keys that some racks have.
        """
        for key, kinds in ONLY_IN.items():
            if key in given and self.kind not in kinds:
                return f"{key}: says nothing unless kind = {' or '.join(map(repr, kinds))}"
        if "extra_by" in given and not self.extra_gateways and "extra_gateways" not in racks:
            return "extra_by: says nothing without extra_gateways"
        if 0 < self.rewrite_ttl < LEAST_TTL:
            return f"rewrite_ttl: {LEAST_TTL} to 255, so that packets don't end on the way"
        if "rewrite_at" in given and not self.rewrite_ttl:
            return "rewrite_at: says nothing without rewrite_ttl"
        if self.tcp_port and not self.tcp:
            return "tcp_port: says nothing with tcp = false"
        for name in ("spines", "detour"):
            if name in given and tops < 2:
                return f"{name}: says nothing with a single rack or pod"
        if self.rewrite_ttl and self.rewrite_at == SPINE and tops < 2:
            return "rewrite_at: a single rack or pod has no spine"
        if "bypass_to" in given and not self.bypass and "bypass" not in racks:
            return "bypass_to: says nothing without bypass"
        if self.bypass_to == SPINE and tops < 2:
            return "bypass_to: a single rack or pod has no spine"
        if "turn" in given and not self.front:
            return "turn: says nothing without front"
        if self.front and self.family == "ipv6":
            return "front: an IPv4 address, for family = 'ipv4' alone"
        if self.silent and self.duplicates:
            return "duplicates: routers that send nothing of their own (silent) can't double a packet"
        return ""
