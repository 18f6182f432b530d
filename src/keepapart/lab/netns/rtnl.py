"""Netlink requests as bytes, and their sending in bulk.

The encoding is pyroute2's; its sockets aren't used, because each brings an event loop, and the lab opens one
in each of hundreds of namespaces from a single thread. Interfaces go by index: the lab chooses every one.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from keepapart.errors import LabError

LOOPBACK = 1

_NEWLINK, _DELLINK, _NEWADDR, _DELADDR, _NEWROUTE, _DELROUTE = 16, 17, 20, 21, 24, 25
_NEWNEIGH, _NEWRULE, _DELRULE, _NEWQDISC = 28, 32, 33, 36
_GETLINK, _REQUEST = 18, 0x1
_OPERSTATE, _OPERATES = 16, 6
_PATIENCE = 10.0  # seconds for an interface to come up
_ROOT = 0xFFFFFFFF
_ETHERNET = 1
_REQUEST_ACK, _CREATE = 0x5, 0x400
_REPLACE = 0x100
_UP = 1
_PERMANENT, _STATIC_PORT, _TO_BRIDGE = 0x80, 0x40, 0x4
_UNIVERSE = 0
_AF_BRIDGE = 7  # missing from Python's socket module
_STATIC, _MAIN, _ONLINK = 4, 254, 4
_RETURNED, _TO_TABLE = 100, 1
_PARTED = 10  # a priority
_UNICAST, _BLACKHOLE, _UNREACHABLE = 1, 6, 7
_NO_DAD = 0x2
_BATCH = 128  # answers must fit into the receive buffer


def _message(
    kind: Any, number: int, flags: int, attributes: list[tuple[str, Any]], /, **fields: Any
) -> bytes:
    message = kind()
    message.update(fields)
    message["attrs"] = attributes
    message["header"].update(type=number, flags=_REQUEST_ACK | flags, pid=0, sequence_number=0)
    message.encode()
    return bytes(message.data)


def veth(name: str, index: int, mac: str, peer: tuple[str, int, str], peer_namespace: int) -> bytes:
    """Make two joined interfaces: one here, up, its peer (name, index, MAC) in another namespace, down."""
    there, there_index, there_mac = peer
    other = {
        "index": there_index,
        "attrs": [
            ("IFLA_IFNAME", there),
            ("IFLA_ADDRESS", there_mac),
            ("IFLA_NET_NS_FD", peer_namespace),
        ],
    }
    return _message(
        ifinfmsg,
        _NEWLINK,
        _CREATE,
        [
            ("IFLA_IFNAME", name),
            ("IFLA_ADDRESS", mac),
            (
                "IFLA_LINKINFO",
                {
                    "attrs": [
                        ("IFLA_INFO_KIND", "veth"),
                        ("IFLA_INFO_DATA", {"attrs": [("VETH_INFO_PEER", other)]}),
                    ]
                },
            ),
        ],
        index=index,
        flags=_UP,
        change=_UP,
    )


def bridge(name: str, index: int, mac: str) -> bytes:
    """Make a bridge and set it up."""
    info = {"attrs": [("IFLA_INFO_KIND", "bridge")]}
    attributes = [("IFLA_IFNAME", name), ("IFLA_ADDRESS", mac), ("IFLA_LINKINFO", info)]
    return _message(ifinfmsg, _NEWLINK, _CREATE, attributes, index=index, flags=_UP, change=_UP)


def join(index: int, master: int) -> bytes:
    """Make an interface a port of a bridge."""
    return _message(ifinfmsg, _NEWLINK, 0, [("IFLA_MASTER", master)], index=index)


@lru_cache(maxsize=64)
def up(index: int) -> bytes:
    """Set an interface up."""
    return _message(ifinfmsg, _NEWLINK, 0, [], index=index, flags=_UP, change=_UP)


def delete(index: int) -> bytes:
    """Remove an interface, and the peer that it is joined to."""
    return _message(ifinfmsg, _DELLINK, 0, [], index=index)


def address(index: int, ip: str, prefix: int) -> bytes:
    """Give an interface an address."""
    attributes = [("IFA_ADDRESS", ip), ("IFA_LOCAL", ip)]
    v6 = _family(ip) == socket.AF_INET6
    return _message(
        ifaddrmsg,
        _NEWADDR,
        _CREATE | _REPLACE,
        attributes,
        family=_family(ip),
        prefixlen=prefix,
        index=index,
        flags=_NO_DAD if v6 else 0,
    )


def unaddress(index: int, ip: str, prefix: int) -> bytes:
    """Take an address away from an interface."""
    attributes = [("IFA_ADDRESS", ip), ("IFA_LOCAL", ip)]
    return _message(ifaddrmsg, _DELADDR, 0, attributes, family=_family(ip), prefixlen=prefix, index=index)


def route(to: str, prefix: int, *via: tuple[str, int], table: int = _MAIN) -> bytes:
    """Route a prefix through neighbours (address, interface) that need no address in common with us.

    Of several, each flow takes one.
    """
    if len(via) == 1:
        attributes: list[tuple[str, Any]] = [("RTA_GATEWAY", via[0][0]), ("RTA_OIF", via[0][1])]
        return _route(_NEWROUTE, to, prefix, attributes, table=table, type=_UNICAST, flags=_ONLINK)
    ways = [
        {"hops": 0, "flags": _ONLINK, "oif": index, "attrs": [("RTA_GATEWAY", neighbour)]}
        for neighbour, index in via
    ]
    return _route(_NEWROUTE, to, prefix, [("RTA_MULTIPATH", ways)], type=_UNICAST, flags=0)


def unroute(to: str, prefix: int) -> bytes:
    """Take a route away."""
    return _route(_DELROUTE, to, prefix, [], type=_UNICAST, flags=0)


def unreachable(to: str, prefix: int) -> bytes:
    """Refuse what no longer route answers for, so that an aggregate doesn't send it round and round."""
    return _route(_NEWROUTE, to, prefix, [], type=_UNREACHABLE, flags=0)


def silence(family: int) -> bytes:
    """Drop whatever this namespace itself would send; what it forwards isn't touched."""
    attributes = [("FRA_IIFNAME", "lo"), ("FRA_PRIORITY", 1)]
    return _message(fibmsg, _NEWRULE, _CREATE, attributes, family=family, action=_BLACKHOLE)


def returning(above: str, index: int, name: str) -> list[bytes]:
    """Hand all that comes by any interface but one to the router behind that one, whoever it is for.

    The interface's index and name are given. What this namespace sends itself goes as it did.
    """
    family = _family(above)
    nowhere = "0.0.0.0" if family == socket.AF_INET else "::"  # noqa: S104  # a route's destination
    found = [route(nowhere, 0, (above, index), table=_RETURNED)]
    for number, (table, coming) in enumerate(((_MAIN, name), (_MAIN, "lo"), (_RETURNED, "")), 10):
        by = [("FRA_IIFNAME", coming)] if coming else []
        attributes = [*by, ("FRA_PRIORITY", number)]
        found.append(
            _message(fibmsg, _NEWRULE, _CREATE, attributes, family=family, action=_TO_TABLE, table=table)
        )
    return found


def parted(
    coming: str, table: int, above: tuple[str, int], below: tuple[str, int], prefix: int
) -> list[bytes]:
    """Have what comes by one interface reach nobody directly but those that are parted by the same table.

    `above` is the router that all else goes to, `below` is who the interface leads to, each by an address and
    an interface's index; `prefix` is the length of one address.
    """
    nowhere = "0.0.0.0" if _family(above[0]) == socket.AF_INET else "::"  # noqa: S104  # nothing is bound
    return [
        route(nowhere, 0, above, table=table),
        route(below[0], prefix, below, table=table),
        _rule(_NEWRULE, _CREATE, _family(above[0]), coming, table),
    ]


def unparted(coming: str, table: int, family: int) -> bytes:
    """Have what comes by an interface be parted no more."""
    return _rule(_DELRULE, 0, family, coming, table)


def neighbour(index: int, ip: str, mac: str) -> bytes:
    """Make a neighbour known for good: the kernel's table of learnt ones overflows at 1,024 entries."""
    attributes = [("NDA_DST", ip), ("NDA_LLADDR", mac)]
    return _message(
        ndmsg, _NEWNEIGH, _CREATE | _REPLACE, attributes, family=_family(ip), ifindex=index, state=_PERMANENT
    )


def forward(index: int, mac: str) -> bytes:
    """Tell a bridge for good which port an instance is behind, so that it needn't flood all ports."""
    return _message(
        ndmsg,
        _NEWNEIGH,
        _CREATE | _REPLACE,
        [("NDA_LLADDR", mac)],
        family=_AF_BRIDGE,
        ifindex=index,
        state=_STATIC_PORT,  # a permanent one would be the bridge's own address
        flags=_TO_BRIDGE,
    )


def throttle(index: int, rate: int, burst: int, limit: int) -> bytes:
    """Let an interface send no more than `rate` bytes a second once `burst` are through; `limit` may wait.

    That is a token bucket (tbf), the only thing of the kind that even small kernels have.
    """
    a_rate = struct.pack("=BBHhHI", 0, _ETHERNET, 0, 0, 0, rate)
    options = struct.pack("=12s12sIII", a_rate, b"", limit, 0, 0)
    inner = struct.pack("=HH", 4 + len(options), 1) + options + struct.pack("=HHI", 8, 6, burst)
    body = struct.pack("=BxxxiIII", 0, index, 0, _ROOT, 0)
    body += struct.pack("=HH4s", 8, 1, b"tbf\0") + struct.pack("=HH", 4 + len(inner), 0x8000 | 2) + inner
    return struct.pack("=IHHII", 16 + len(body), _NEWQDISC, _REQUEST_ACK | _CREATE | _REPLACE, 0, 0) + body


def send(messages: Sequence[bytes], what: str) -> None:
    """Perform requests in the namespace that this process is in, in order.

    Raises `LabError` saying `what` failed and the kernel's reason for the first request that it refused.
    """
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    ) as link:
        for start in range(0, len(messages), _BATCH):
            batch = messages[start : start + _BATCH]
            try:
                link.sendto(b"".join(batch), (0, 0))
                for _ in batch:
                    _, _, _, _, _, error = struct.unpack_from("=IHHIIi", link.recv(65536))
                    if error:
                        raise OSError(-error, os.strerror(-error))
            except OSError as error:
                raise LabError(f"{what}: {error.strerror or errno.errorcode[error.errno or 0]}") from error


def await_up(indices: Sequence[int], what: str) -> None:
    """Wait until these interfaces of the namespace that this process is in really send.

    Of two joined interfaces the one that was set up first, and any that is a bridge's, does so only once a
    worker of the kernel's has noticed the other, sooner or later; in newer kernels also when one asks for the
    interface, as this does.
    Raises `LabError` where one doesn't come up.
    """
    end = time.monotonic() + _PATIENCE
    with socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE
    ) as link:
        for index in indices:
            question = struct.pack("=IHHIIBxHiII", 32, _GETLINK, _REQUEST, 0, 0, 0, 0, index, 0, 0)
            while True:
                link.sendto(question, (0, 0))
                if _operates(link.recv(65536)):
                    break
                if time.monotonic() > end:
                    raise LabError(f"{what}: its interface {index} does not come up")
                time.sleep(0.001)


def _operates(answer: bytes) -> bool:
    kind = struct.unpack_from("=IH", answer)[1]
    at = 32
    while kind == _NEWLINK and at < len(answer):
        length, name = struct.unpack_from("=HH", answer, at)
        if name == _OPERSTATE:
            return answer[at + 4] == _OPERATES
        at += (length + 3) & ~3
    return False


def _route(number: int, to: str, prefix: int, attributes: list[tuple[str, Any]], **fields: Any) -> bytes:
    if prefix:
        attributes = [("RTA_DST", to), *attributes]
    return _message(
        rtmsg,
        number,
        _CREATE | _REPLACE if number == _NEWROUTE else 0,
        attributes,
        family=_family(to),
        dst_len=prefix,
        proto=_STATIC,
        scope=_UNIVERSE,
        **{"table": _MAIN, **fields},
    )


def _rule(number: int, flags: int, family: int, coming: str, table: int) -> bytes:
    attributes = [("FRA_IIFNAME", coming), ("FRA_PRIORITY", _PARTED)]
    return _message(fibmsg, number, flags, attributes, family=family, action=_TO_TABLE, table=table)


def _family(ip: str) -> int:
    return socket.AF_INET if ip_address(ip).version == 4 else socket.AF_INET6
