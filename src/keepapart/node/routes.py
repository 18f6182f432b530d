"""Routes: by which router and which device packets leave an instance, as its kernel has it.

Handed over to every instance together with node.py: standard library only, Python 3.6 or later. The kernel
is asked by netlink, on a socket of the instance's own network namespace; that takes no privilege and sends
nothing.

1. A route is looked up as the kernel would for a packet to that address, with all its tables and rules.
2. A hardware address is what the neighbour table has, once something was sent that way: the next router's,
   or, where the target is on the link, the target's own. If that target is more than one hop away, it is that
   of a router that answers for it (proxy ARP).
3. An address is the instance's own if the kernel delivers to it locally, and packets arrive there by the way
   that they leave by: a device that has the address is that of all ways out. Where none has it that anything
   arrives by (loopback, dummy, VRF), no other device may be up. To a second card packets come by other
   routers than those that are seen here. To bind the address would show less: a machine may be set to let any
   be bound (`ip_nonlocal_bind`).
4. A device that hands on to a tunnel is one: a VLAN of it, or a bridge that has it for a port.
5. What the kernel doesn't tell is left empty.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from keepapart.node.stdlib import socket

Way: TypeAlias = "tuple[str, str, str, int, str]"  # see `probe.measured.Route`

NETLINK_ROUTE = 0
GET_LINK, GET_ADDRESS, NEW_ROUTE, GET_ROUTE, GET_NEIGHBOUR = 18, 22, 24, 26, 30
FAILED, DONE = 2, 3
ASKS, ASKS_FOR_ALL = 0x1, 0x301  # flags
MESSAGE = struct.Struct("=IHHII")  # length, kind, flags, number, port
ATTRIBUTE = struct.Struct("=HH")  # length, kind
ROUTE = struct.Struct("=BBBBBBBBI")  # family, bits of target and source, tos, table, by, scope, type, flags
NEIGHBOUR = struct.Struct("=BBHiHBB")  # family, two of padding, device, state, flags, type
ADDRESS = struct.Struct("=BBBBi")  # family, bits of the network, flags, scope, device
LINK = struct.Struct("=BBHiII")  # family, padding, type, device, flags, change
ROUTE_TO, ROUTE_DEVICE, ROUTE_GATEWAY, ROUTE_VIA = 1, 4, 5, 18  # attributes
NEIGHBOUR_ADDRESS, NEIGHBOUR_HARDWARE, NEIGHBOUR_DEVICE = 1, 2, 8
LINK_NAME, LINK_BELOW, LINK_ABOVE, LINK_INFO, LINK_MASK, INFO_KIND = 3, 5, 10, 18, 29, 1
ADDRESS_OF, ADDRESS_LOCAL = 1, 2  # the far end's on a point-to-point link, and the machine's own
UNUSABLE = 0x68  # flags of an address: found to be somebody else's, going out of use, not in use yet
EVERYWHERE = 0  # the scope of an address that is not of one link or one machine
UP = 1  # flag of a device
NO_COUNTERS = 8  # of what to leave out of a link's description
ONWARD, LOCAL = 1, 2  # types of routes: to others, and to an address of the machine's own
LISTED = 1 << 15  # bytes of an answer; the kernel cuts what is longer up to fit
LOOPBACK = 772  # type of a device
TUNNELS = ("erspan", "geneve", "gretap", "ip6erspan", "ip6gretap", "vxlan")  # that may be below others
PAIR = "veth"  # whose other end is below it, mostly in another namespace
TO_NOBODY = ("dummy", "vrf")  # kinds of devices that nothing arrives by
WORLD = ("192.0.2.1", "2001:db8::1")  # of nobody (RFC 5737, RFC 3849): what the default route leads to
PORT = 9  # any
HARDWARE = 6  # bytes of an address as Ethernet has them


class Kernel:
    """The routing tables of one network namespace, asked on a netlink socket that was born in it.

    The kernel has answered when a request is sent, so nothing is waited for. Any call may raise `OSError`.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.number = 0
        self.neighbours: dict[tuple[int, int], dict[bytes, bytes]] = {}
        self.devices: dict[int, tuple[str, int, str]] = {}

    def delivers(self, address: str) -> bool:
        """Whether an address is the machine's own."""
        found = self._route(address)
        return found is not None and found[0] == LOCAL

    def addresses(self) -> list[str]:
        """Return the machine's addresses that others may send to, of both families."""
        return [
            socket.inet_ntop(_family(packed), packed)
            for packed, flags, scope, _ in self._addresses()
            if scope == EVERYWHERE and not flags & UNUSABLE
        ]

    def arrives(self, address: str, ways: Sequence[Way]) -> bool:
        """Whether what is sent to an own address comes by the device of all these ways (rule 3)."""
        wanted, out = _packed(address), {way[2] for way in ways}
        having = {device for packed, _, _, device in self._addresses() if packed == wanted}
        arriving = self._arriving()
        by = {name for device, name in arriving if device in having}
        if by or not out:
            return by >= out
        return out >= {name for _, name in arriving}

    def _arriving(self) -> list[tuple[int, str]]:
        """List the devices that are up and that packets arrive by: their numbers and names."""
        found = []
        request = LINK.pack(0, 0, 0, 0, 0, 0) + _attribute(LINK_MASK, struct.pack("=I", NO_COUNTERS))
        for _, told in self.ask(GET_LINK, request, ASKS_FOR_ALL):
            if len(told) >= LINK.size:
                _, _, hardware, device, flags, _ = LINK.unpack_from(told)
                name, kind = _named(told)
                if flags & UP and hardware != LOOPBACK and kind not in TO_NOBODY:
                    found.append((device, name))
        return found

    def _addresses(self) -> list[tuple[bytes, int, int, int]]:
        """List the machine's addresses: packed, with flags, scope and device."""
        found = []
        for _, told in self.ask(GET_ADDRESS, ADDRESS.pack(0, 0, 0, 0, 0), ASKS_FOR_ALL):
            if len(told) < ADDRESS.size:
                continue
            _, _, flags, scope, device = ADDRESS.unpack_from(told)
            named = attributes(told, ADDRESS.size)
            packed = named.get(ADDRESS_LOCAL) or named.get(ADDRESS_OF, b"")
            if len(packed) in (4, 16):
                found.append((packed, flags, scope, device))
        return found

    def way(self, address: str) -> Way | None:
        """Return the way to an address: next router, hardware address, device, its type and kind."""
        found = self._route(address)
        if found is None or found[0] != ONWARD:
            return None
        _, gateway, device = found
        hop = gateway or _packed(address)
        hardware = self._neighbours(_family(hop), device).get(hop, b"")
        shown = ":".join(["{:02x}".format(byte) for byte in hardware])
        router = socket.inet_ntop(_family(gateway), gateway) if gateway else ""
        name, kind, software = self._device(device)
        known = len(hardware) == HARDWARE and any(hardware)
        return router, shown if known else "", name, kind, software

    def _route(self, address: str) -> tuple[int, bytes, int] | None:
        """Look up a route: its type, its gateway (packed, empty for none) and its device."""
        target = _packed(address)
        request = ROUTE.pack(_family(target), 8 * len(target), 0, 0, 0, 0, 0, 0, 0)
        for kind, told in self.ask(GET_ROUTE, request + _attribute(ROUTE_TO, target)):
            found = attributes(told, ROUTE.size)
            gateway = found.get(ROUTE_GATEWAY) or found.get(ROUTE_VIA, b"")[2:]
            if kind == NEW_ROUTE and len(found.get(ROUTE_DEVICE, b"")) == 4 and len(gateway) in (0, 4, 16):
                (device,) = struct.unpack("=I", found[ROUTE_DEVICE])
                # older kernels name the target itself as the gateway of what is on the link
                return ROUTE.unpack_from(told)[7], b"" if gateway == target else gateway, device
        return None

    def _neighbours(self, family: int, device: int) -> dict[bytes, bytes]:
        """Return the hardware addresses of all that a device has for a neighbour."""
        if (family, device) not in self.neighbours:
            found = self.neighbours[family, device] = {}
            request = NEIGHBOUR.pack(family, 0, 0, 0, 0, 0, 0)
            request += _attribute(NEIGHBOUR_DEVICE, struct.pack("=I", device))
            for _, told in self.ask(GET_NEIGHBOUR, request, ASKS_FOR_ALL):
                named = attributes(told, NEIGHBOUR.size)
                if len(told) >= NEIGHBOUR.size and NEIGHBOUR.unpack_from(told)[3] == device:
                    found[named.get(NEIGHBOUR_ADDRESS, b"")] = named.get(NEIGHBOUR_HARDWARE, b"")
        return self.neighbours[family, device]

    def _device(self, device: int) -> tuple[str, int, str]:
        """Return a device's name, type and kind."""
        if device not in self.devices:
            self.devices[device] = ("", 0, "")
            request = LINK.pack(0, 0, 0, device, 0, 0)
            request += _attribute(LINK_MASK, struct.pack("=I", NO_COUNTERS))
            for _, told in self.ask(GET_LINK, request):
                name, kind = _named(told)
                hardware = LINK.unpack_from(told)[2] if len(told) >= LINK.size else 0
                self.devices[device] = name, hardware, (kind and self._tunnel(device)) or kind
        return self.devices[device]

    def _tunnel(self, device: int) -> str:
        """Return the kind of the tunnel that a software device hands on to; empty for none (rule 4)."""
        below: dict[int, list[int]] = {}
        kinds: dict[int, str] = {}
        request = LINK.pack(0, 0, 0, 0, 0, 0) + _attribute(LINK_MASK, struct.pack("=I", NO_COUNTERS))
        for _, told in self.ask(GET_LINK, request, ASKS_FOR_ALL):
            if len(told) < LINK.size:
                continue
            number, named = LINK.unpack_from(told)[3], attributes(told, LINK.size)
            kinds[number] = _named(told)[1]
            above, lower = _number(named.get(LINK_ABOVE, b"")), _number(named.get(LINK_BELOW, b""))
            if above:
                below.setdefault(above, []).append(number)
            if lower and kinds[number] != PAIR:
                below.setdefault(number, []).append(lower)
        reached = [device]
        for one in reached:
            reached += [other for other in below.get(one, ()) if other not in reached]
        return next((kinds[one] for one in reached if kinds.get(one) in TUNNELS), "")

    def ask(self, kind: int, body: bytes, flags: int = ASKS) -> Iterator[tuple[int, bytes]]:
        """Ask; yield what kind each message of the answer is, and what it holds."""
        self.number += 1
        self.sock.send(MESSAGE.pack(MESSAGE.size + len(body), kind, flags, self.number, 0) + body)
        while True:
            answer = self.sock.recv(LISTED)
            at = 0
            while at + MESSAGE.size <= len(answer):
                length, kind, _, number, _ = MESSAGE.unpack_from(answer, at)
                if kind in (FAILED, DONE) or length < MESSAGE.size:
                    return
                if number == self.number:
                    yield kind, answer[at + MESSAGE.size : at + length]
                at += (length + 3) & ~3
            if flags == ASKS:
                return


def own_addresses(sock: socket.socket) -> list[str]:
    """Return the machine's addresses that others may send to, those that it sends to the world from first.

    `sock` is a netlink socket of the instance's.
    """
    preferred = [source(address) for address in WORLD]
    try:
        there = Kernel(sock).addresses()
    except OSError:
        there = []
    ordered = [address for address in preferred if address] + there
    return [address for number, address in enumerate(ordered) if address not in ordered[:number]]


def source(target: str) -> str:
    """Return the address that this machine sends to another from; nothing is sent. Empty for no way there."""
    sock = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.connect((target, PORT))
        return str(sock.getsockname()[0])
    except OSError:
        return ""
    finally:
        sock.close()


def surroundings(sock: socket.socket, own: str, others: Sequence[str]) -> tuple[bool, list[Way]]:
    """Say whether `own` is this machine's (rule 3), and by which different ways it reaches `others`.

    `sock` is a netlink socket of the instance's. Raises `OSError` where the kernel doesn't answer.
    """
    kernel = Kernel(sock)
    ways: list[Way] = []
    for address in others:
        way = kernel.way(address)
        if way and way not in ways:
            ways.append(way)
    return kernel.delivers(own) and kernel.arrives(own, ways), ways


def _family(packed: bytes) -> int:
    return int(socket.AF_INET if len(packed) == 4 else socket.AF_INET6)


def _packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def _number(value: bytes) -> int:
    """Read the number of a device; 0, which is none's, where there is none."""
    return int(struct.unpack("=I", value)[0]) if len(value) == 4 else 0


def _named(link: bytes) -> tuple[str, str]:
    """Return a device's name and kind."""
    found = attributes(link, LINK.size)
    kind = attributes(found.get(LINK_INFO, b""), 0).get(INFO_KIND, b"")
    return _text(found.get(LINK_NAME, b"")), _text(kind)


def _text(value: bytes) -> str:
    return value.split(b"\0")[0].decode("ascii", "replace")


def _attribute(kind: int, value: bytes) -> bytes:
    """Write an attribute whose value's length is a multiple of four."""
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(value), kind) + value


def attributes(message: bytes, at: int) -> dict[int, bytes]:
    """Read the attributes of a message from a place on."""
    found: dict[int, bytes] = {}
    while at + ATTRIBUTE.size <= len(message):
        length, kind = ATTRIBUTE.unpack_from(message, at)
        if length < ATTRIBUTE.size:
            break
        found[kind] = message[at + ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found
