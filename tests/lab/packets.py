"""Real packets between the instances of a lab, and what they show."""

from __future__ import annotations

import select
import socket
import sys
import time
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray

from keepapart.lab.client import Lab

PORT, TTL = 7000, 64
RECEIVE = {socket.AF_INET: (socket.IPPROTO_IP, 12), socket.AF_INET6: (socket.IPPROTO_IPV6, 51)}
SEND = {socket.AF_INET: socket.IP_TTL, socket.AF_INET6: socket.IPV6_UNICAST_HOPS}

Arrival = tuple[str, str, int, int, int, str]  # from, to, flow, number, hops, sender's address


def ids_of(lab: Lab) -> list[str]:
    """List the ids of a lab's instances."""
    return [one.id for one in lab.instances()]


def measure(lab: Lab, ids: list[str], patience: float = 5.0) -> NDArray[np.uint8]:
    """Send one datagram from each to each; return the hops that those which arrived had made, 0 if none.

    Less than one hop, which a rewritten time-to-live can make it look, is none.
    """
    hops = np.zeros((len(ids), len(ids)), dtype=np.uint8)
    for sender, receiver, _, _, count, _ in arrivals(lab, ids, patience=patience):
        hops[ids.index(sender), ids.index(receiver)] = max(0, count)
    return hops


def counts_as(twin: Lab, lab: Lab, ids: list[str]) -> bool:
    """Say whether real packets count what the twin computes; a datagram may be lost, not three in a row."""
    computed = twin.hops(ids, 1)[0].tolist()
    return any(measure(lab, ids).tolist() == computed for _ in range(3))


def seen(found: list[Arrival], ids: list[str]) -> list[list[set[int]]]:
    """Return every count that was measured, [from][to]."""
    counts: list[list[set[int]]] = [[set() for _ in ids] for _ in ids]
    for sender, receiver, _, _, count, _ in found:
        counts[ids.index(sender)][ids.index(receiver)].add(count)
    return counts


def arrivals(
    lab: Lab,
    ids: list[str],
    *,
    flows: int = 1,
    each: int = 1,
    size: int = 0,
    patience: float = 5.0,
    quiet: float = 0.1,
) -> list[Arrival]:
    """Send `each` datagrams of `size` bytes from each to each in every flow; return what arrived, in order.

    Waits up to `patience` seconds for as many as were sent, then until none has come for `quiet` seconds.
    """
    addresses = {one.id: one.address for one in lab.describe(ids).values()}
    found: list[Arrival] = []
    with ExitStack() as stack:
        sockets = {
            key: [stack.enter_context(one) for one in made] for key, made in lab.sockets(ids, flows).items()
        }
        by_descriptor = {}
        for key, made in sockets.items():
            for number, one in enumerate(made):
                level, option = RECEIVE[socket.AddressFamily(one.family)]
                one.setsockopt(level, option, 1)
                one.setsockopt(level, SEND[socket.AddressFamily(one.family)], TTL)
                one.bind(("", PORT + number))
            by_descriptor[made[0].fileno()] = (key, made[0])
        expected = len(sockets) * (len(sockets) - 1) * flows * each
        deadline = time.monotonic() + patience

        def take(wait: float) -> bool:
            ready, _, _ = select.select(list(by_descriptor), [], [], wait)
            for descriptor in ready:
                key, one = by_descriptor[descriptor]
                while arrival := _receive(one, key):
                    found.append(arrival)
            return bool(ready)

        for flow in range(flows):
            for number in range(each):
                for key, made in sockets.items():
                    for other in ids:
                        if other != key and addresses[other]:
                            try_send(made[flow], f"{key} {flow} {number}".ljust(size), addresses[other])
                take(0)
        while len(found) < expected and time.monotonic() < deadline:
            take(0.05)
        while take(quiet):
            pass
    return found


def _receive(one: socket.socket, key: str) -> Arrival | None:
    while True:
        try:
            data, ancillary, _, address = one.recvmsg(64, 64)
        except BlockingIOError:
            return None
        except OSError:  # an ICMP error that an earlier datagram met
            continue
        sender, flow, number = data.decode().split()
        hops = TTL - int.from_bytes(ancillary[0][2], sys.byteorder) + 1
        return sender, key, int(flow), int(number), hops, address[0]


def try_send(through: socket.socket, what: str, address: str) -> None:
    """Send one datagram; a pending ICMP error is met by the first try and not by the second."""
    for _ in range(2):
        try:
            through.sendto(what.encode(), (address, PORT))
        except OSError:
            continue
        return
