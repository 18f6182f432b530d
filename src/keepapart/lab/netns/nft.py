"""Packet rules as nf_tables requests: a few expressions each, written as the kernel reads them.

pyroute2 knows these messages too, but not how to send them from one thread in hundreds of namespaces; an
encoder of what little the lab needs is shorter than the way around that. No `nft` binary is needed.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from keepapart.errors import LabError
from keepapart.lab.netns.packet_rules import (
    TCP,
    UPLINK,
    Deliver,
    Divert,
    Double,
    Filter,
    Lose,
    Refuse,
    Rewrite,
    Rule,
    Translate,
)

BRIDGE = 7  # AF_BRIDGE, missing from Python's socket module
_NETFILTER = 12
_CONNECTIONS, _DELETE = 1, 2  # a subsystem, and what it does
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_SUBSYSTEM = 10  # nf_tables
_NEWTABLE, _DELTABLE, _NEWCHAIN, _NEWRULE = 0, 2, 3, 6
_REQUEST, _ACK, _CREATE_APPEND = 0x1, 0x4, 0xC00
_NESTED = 0x8000
_PATIENCE = 10.0  # seconds for the kernel to answer

_PREROUTING, _POSTROUTING = 0, 4
_FIRST, _NAT = -300, 100  # priorities; of receivers' translation the latter's negative
_LINK, _NETWORK, _TRANSPORT = 0, 1, 2  # headers
_MARK, _IIF, _PROTOCOL = 3, 4, 16  # meta keys
_EQUAL, _UNEQUAL, _LESS = 0, 1, 2
_VERDICT, _A, _B = 0, 1, 2  # registers of 16 bytes
_WORD = 8  # the first register of 4 bytes, where _A begins; four of them make one of 16
_LAST_WORD = 23
_DROP = 0
_ONE = 1 << 20  # shares are counted in millionths or so
_RANDOM_PORT = 0x10
_OF_SENDER, _OF_RECEIVER = 0, 1  # kinds of translation


def load(rules: Sequence[Rule], family: int, what: str) -> None:
    """Make these rules, in order, all those of the namespace that this process is in.

    `family` is AF_INET, AF_INET6 or `BRIDGE`. Raises `LabError` saying `what` failed, and why.
    """
    chains: dict[bytes, tuple[bytes, int, int, list[Rule]]] = {
        b"in": (b"filter", _PREROUTING, _FIRST, [r for r in rules if not isinstance(r, Deliver | Translate)]),
        b"to": (b"nat", _PREROUTING, -_NAT, [r for r in rules if isinstance(r, Deliver)]),
        b"out": (b"nat", _POSTROUTING, _NAT, [r for r in rules if isinstance(r, Translate)]),
    }
    again = (_NEWTABLE, _DELTABLE, _NEWTABLE)  # what isn't there can't be deleted
    messages = [_message(kind, family, _text(1, b"lab")) for kind in again]
    for name, (kind, hook, priority, its) in chains.items():
        if its:
            where = _nest(4, _number(1, hook), _attribute(2, struct.pack(">i", priority)))
            messages.append(
                _message(_NEWCHAIN, family, _text(1, b"lab"), _text(3, name), where, _text(7, kind))
            )
        for rule in its:
            for expressions in _expressions(rule, family):
                body = _nest(4, *expressions)
                messages.append(_message(_NEWRULE, family, _text(1, b"lab"), _text(2, name), body))
    _send(messages, what)


def forget(family: int, what: str) -> None:
    """Let this namespace forget the connections that it knows, which keep the translation that they met.

    Raises `LabError` as `load` does.
    """
    head = struct.pack("=IHHII", 20, _CONNECTIONS << 8 | _DELETE, _REQUEST | _ACK, 1, 0)
    _exchange([head + struct.pack(">BBH", family, 0, 0)], what)


def _expressions(rule: Rule, family: int) -> Iterable[list[bytes]]:
    """Yield the expressions of each rule that the kernel is to have for this one of ours."""
    v6 = family == socket.AF_INET6
    below = [] if family == BRIDGE else [_meta(_IIF), _compare(_UNEQUAL, struct.pack("=I", UPLINK))]
    match rule:
        case Lose(share):
            yield [*below, *_by_chance(share), _drop()]
        case Double(share):
            yield [*below, *_by_chance(share), _destination(v6), _expression(b"dup", _number(1, _A))]
        case Filter(protocol, port):
            ports = [_load(_TRANSPORT, at, 2) + _compare(_UNEQUAL, struct.pack(">H", port)) for at in (0, 2)]
            chosen = ports if protocol == TCP and port else []
            yield [*below, _meta(_PROTOCOL), _compare(_EQUAL, bytes([protocol])), *chosen, _drop()]
        case Refuse(address):
            sender = ip_address(address).packed
            yield [_load(_NETWORK, 8 if v6 else 12, len(sender)), _compare(_EQUAL, sender), _drop()]
        case Rewrite(ttl):
            sums = [] if v6 else [_number(6, 1), _number(7, 10)]  # IPv4's header has a checksum
            yield [_set(bytes([ttl])), _store(_NETWORK, 7 if v6 else 8, 1, *sums)]
        case Translate(prefix, length, address, leaving):
            within = ip_address(prefix).packed[: length // 8]
            source, destination = (8, 24) if v6 else (12, 16)
            flags = _RANDOM_PORT if length < ip_address(prefix).max_prefixlen else 0
            yield [
                _load(_NETWORK, source, len(within)),
                _compare(_EQUAL, within),
                *([_load(_NETWORK, destination, len(within)), _compare(_UNEQUAL, within)] if leaving else []),
                _set(ip_address(address).packed),
                _expression(b"nat", *_numbers(_OF_SENDER, family, _A), _number(7, flags)),
            ]
        case Deliver(address, to):
            yield [
                _destination(v6),
                _compare(_EQUAL, ip_address(address).packed),
                _set(ip_address(to).packed),
                _expression(b"nat", *_numbers(_OF_RECEIVER, family, _A)),
            ]
        case Divert():
            yield from _diverted(rule)


def _diverted(rule: Divert) -> Iterable[list[bytes]]:
    mac, *others = (bytes.fromhex(each.replace(":", "")) for each in (rule.mac, *rule.macs))
    for_it = [_load(_LINK, 0, 6), _compare(_EQUAL, mac)]
    if rule.share:
        yield [*for_it, *_by_chance(rule.share), _set(others[0]), _store(_LINK, 0, 6)]
        return
    choices = len(others) + 1
    if not rule.by_flow:
        yield [*for_it, _chance(choices), _expression(b"meta", _number(2, _MARK), _number(3, _A))]
    else:
        for v6, address, length in ((False, 12, 8), (True, 8, 32)):
            is_it = [_load(_LINK, 12, 2), _compare(_EQUAL, b"\x86\xdd" if v6 else b"\x08\x00")]
            yield [
                *for_it,
                *is_it,
                _load(_NETWORK, address, length, _WORD),
                _load(_TRANSPORT, 0, 4, _WORD + length // 4),
                _expression(
                    b"hash",
                    *(_number(1, _WORD), _number(2, _LAST_WORD), _number(3, length + 4)),
                    *(_number(4, choices), _number(5, rule.seed), _number(7, 0)),
                ),
                _expression(b"meta", _number(2, _MARK), _number(3, _LAST_WORD)),
            ]
    for number, other in enumerate(others, 1):
        marked = [_meta(_MARK), _compare(_EQUAL, struct.pack("=I", number))]
        yield [*for_it, *marked, _set(other), _store(_LINK, 0, 6)]


def _meta(key: int) -> bytes:
    return _expression(b"meta", _number(1, _A), _number(2, key))


def _load(header: int, offset: int, length: int, register: int = _A) -> bytes:
    return _expression(
        b"payload", _number(1, register), _number(2, header), _number(3, offset), _number(4, length)
    )


def _store(header: int, offset: int, length: int, *checksum: bytes) -> bytes:
    return _expression(
        b"payload", _number(2, header), _number(3, offset), _number(4, length), _number(5, _A), *checksum
    )


def _destination(v6: bool) -> bytes:
    return _load(_NETWORK, 24 if v6 else 16, 16 if v6 else 4)


def _compare(how: int, data: bytes) -> bytes:
    return _expression(b"cmp", _number(1, _A), _number(2, how), _nest(3, _attribute(1, data)))


def _set(data: bytes) -> bytes:
    return _expression(b"immediate", _number(1, _A), _nest(2, _attribute(1, data)))


def _drop() -> bytes:
    return _expression(b"immediate", _number(1, _VERDICT), _nest(2, _nest(2, _number(1, _DROP))))


def _chance(choices: int) -> bytes:
    return _expression(b"numgen", _number(1, _A), _number(2, choices), _number(3, 1))


def _by_chance(share: float) -> list[bytes]:
    turned = _expression(
        b"byteorder", _number(1, _A), _number(2, _A), _number(3, 1), _number(4, 4), _number(5, 4)
    )
    return [_chance(_ONE), turned, _compare(_LESS, struct.pack(">I", round(share * _ONE)))]


def _expression(name: bytes, *attributes: bytes) -> bytes:
    return _nest(1, _text(1, name), _nest(2, *attributes))


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack(">I", value))


def _numbers(*values: int) -> list[bytes]:
    """Return attributes that are numbered from 1."""
    return [_number(kind, value) for kind, value in enumerate(values, 1)]


def _text(kind: int, text: bytes) -> bytes:
    return _attribute(kind, text + b"\0")


def _nest(kind: int, *attributes: bytes) -> bytes:
    return _attribute(kind | _NESTED, b"".join(attributes))


def _message(kind: int, family: int, *attributes: bytes) -> bytes:
    body = struct.pack(">BBH", family, 0, 0) + b"".join(attributes)
    head = struct.pack("=IHHII", 16 + len(body), _SUBSYSTEM << 8 | kind, _REQUEST | _CREATE_APPEND, 1, 0)
    return head + body


def _edge(kind: int) -> bytes:
    return struct.pack("=IHHII", 20, kind, _REQUEST, 0, 0) + struct.pack(">BBH", 0, 0, _SUBSYSTEM)


def _send(messages: Sequence[bytes], what: str) -> None:
    # The last one's answer stands for all: one for each of many rules would overflow the receive buffer.
    *others, last = messages
    flags = struct.pack("=H", _REQUEST | _ACK | _CREATE_APPEND)
    _exchange([_edge(_BATCH_BEGIN), *others, last[:6] + flags + last[8:], _edge(_BATCH_END)], what)


def _exchange(messages: Sequence[bytes], what: str) -> None:
    """Send these, and await what is wrong with any or the last one's answer."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETFILTER) as link:
        link.settimeout(_PATIENCE)
        try:
            link.sendto(b"".join(messages), (0, 0))
            _, _, _, _, _, error = struct.unpack_from("=IHHIIi", link.recv(65536))
            if error:
                raise OSError(-error, os.strerror(-error))
        except OSError as error:
            reason = error.strerror or errno.errorcode.get(error.errno or 0, "no answer")
            raise LabError(f"{what}: the kernel refuses its packet rules (nf_tables): {reason}") from error
