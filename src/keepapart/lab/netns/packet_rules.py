"""What a router or a switch does to the packets that pass it: values; `nft` tells them to the kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from keepapart.lab.world.network import Network

UPLINK = 2  # the index of a host's interface that leads up


@dataclass(frozen=True, slots=True)
class Lose:
    """Drop this share of the packets that come from below; on a switch, of all."""

    share: float


@dataclass(frozen=True, slots=True)
class Double:
    """Send this share of the packets that come from below twice."""

    share: float


@dataclass(frozen=True, slots=True)
class Filter:
    """Drop a protocol's packets that come from below; where a port is named, all but those to or from it."""

    protocol: int
    port: int = 0


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Set the time-to-live of every packet that passes."""

    ttl: int


@dataclass(frozen=True, slots=True)
class Translate:
    """Give packets from within a prefix (only those `leaving` it) this address and any port as sender's.

    Where the prefix is of one address, its ports stay as they are.
    """

    prefix: str
    length: int
    address: str
    leaving: bool


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand what is sent to one address on to another."""

    address: str
    to: str


@dataclass(frozen=True, slots=True)
class Divert:
    """On a switch: hand packets for one MAC to another, by chance.

    Of `macs` and the receiver itself each is as likely; the choice is a flow's (`by_flow`) or a packet's.
    With a `share` instead, that share of packets goes to the only one of `macs`.
    """

    mac: str
    macs: tuple[str, ...]
    by_flow: bool = False
    seed: int = 0
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Refuse:
    """Drop all that comes from this address."""

    address: str


Rule: TypeAlias = Lose | Double | Filter | Refuse | Rewrite | Translate | Deliver | Divert

TCP, UDP = 6, 17


def filters(network: Network) -> tuple[Rule, ...]:
    """List what happens to every packet between two instances in any kind of network."""
    found: list[Rule] = []
    if network.loss:
        found.append(Lose(network.loss))
    if not network.udp:
        found.append(Filter(UDP))
    if not network.tcp or network.tcp_port:
        found.append(Filter(TCP, network.tcp_port))
    return tuple(found)
