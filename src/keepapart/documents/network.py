"""The document of `network`: what kind of network it is, and how that is known."""

from __future__ import annotations

from keepapart.documents.audit import NetworkEntry
from keepapart.documents.base import Document, Entry


class VoucherEntry(Entry, frozen=True):
    """Who vouches for the network, and in which words."""

    by: str
    because: str


class AgainstEntry(Entry, frozen=True):
    """What refutes the network; `pair` are the two ids that show it, null where it isn't a pair."""

    because: str
    pair: tuple[str, str] | None


class PlatformEntry(Entry, frozen=True):
    """A platform, and the ids of those who run on it."""

    name: str
    instances: tuple[str, ...]


class GatewayEntry(Entry, frozen=True):
    """A first router, and the ids of those who go out by it.

    `address` is null where those who are farther than a link away are answered for on the link; `kind` says
    what the hardware address is of where that is no host, else null.
    """

    address: str | None
    mac: str | None
    device: str
    maker: str | None
    kind: str | None
    instances: tuple[str, ...]


class RoutersEntry(Entry, frozen=True, rename={"sender": "from", "target": "to"}):
    """The first, second and last router on the way from one instance to another, null where not known.

    `hops` are to the address that members send to; `public` is the other one where the way leads there.
    """

    sender: str
    target: str
    hops: int
    public: str | None
    first: str | None
    second: str | None
    last: str | None


class NetworkDocument(Document, frozen=True, kw_only=True, tag="keepapart.network/1"):
    """What kind of network a cluster stands in.

    `find_out` are steps by which an operator can find out, in words.
    """

    cluster: str
    at: str
    network: NetworkEntry
    vouching: tuple[VoucherEntry, ...]
    against: tuple[AgainstEntry, ...]
    platforms: tuple[PlatformEntry, ...]
    gateways: tuple[GatewayEntry, ...]
    routers: tuple[RoutersEntry, ...]
    find_out: tuple[str, ...]
