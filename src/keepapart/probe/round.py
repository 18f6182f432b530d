"""A round: every instance sends to every other, and the counts come home as arrays.

1. Every node is open before any sends, and every node has sent before any reports: nothing is lost to a
   late start.
2. What is missing is asked for again, only that, until it is there, or asking again brought nothing, or
   `PASSES` are spent. A node that is lost, or that nobody hears and that hears nobody, is not asked for.
   Over IPv6 the first batch goes on to the last pass, some three seconds: addresses of instances and routers
   that have just come up are not used for up to two (RFC 4862, 5.4).
3. Pairs that need more flows get more, only those: batch after batch, as long as whoever judges the counts
   wants more and there are flows and datagrams left.
4. Pairs between which no datagram passes are measured by TCP, where the operator names a port that members
   reach on each other, and else by ICMP: as often as rule 3 asks for (ladders.py).
5. A pair that stays missing is 0 everywhere, and so is every pair of a node that was lost before the end.
   Nothing is ever filled in.
6. An instance takes part only if something that was sent to its address arrived at its node, or was answered
   there and its machine has that address. Else its way in may lead to another machine than its address, and
   neither its counts nor what it tells is of this instance.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

import numpy as np

from keepapart.arrays import Mask
from keepapart.errors import UsageError
from keepapart.model import Instance, Progress, silent
from keepapart.node.node import Want
from keepapart.probe.extras import gather
from keepapart.probe.ladders import Ladders
from keepapart.probe.measured import ELSEWHERE, NOTHING_ARRIVED, Counts, Round, Tally, Wanting
from keepapart.reach import NodeGroup, Roster
from keepapart.reach.transports import Transports

PASSES = 8  # at 20 % loss a sample then stays missing once in 400,000
SETTLE = (0.05, 0.25, 0.5)  # seconds to wait for stragglers, by pass; the last goes on
SOCKETS = 8  # of a node; each a flow of its own, and 64 flows each way where all may receive
DATAGRAMS = 40_000  # about what the first batch may cost: 200 nodes send one sample each way
MORE_DATAGRAMS = 2_000_000  # what all further batches together may cost


def samples_for(size: int) -> int:
    """Say how many samples each way the first batch takes: 8 of up to 71 nodes, 1 from 142 on.

    Where no path varies, 10,000 pairs with a flow each way show that well enough: see
    `signals.path_confidence`.
    """
    return max(1, min(SOCKETS, DATAGRAMS // max(1, size * (size - 1))))


async def measure(
    instances: Sequence[Instance],
    transports: Transports,
    *,
    port: int = 0,
    tcp_port: int = 0,
    wanting: Wanting = lambda _tally: None,
    key: Callable[[], bytes] = lambda: secrets.token_bytes(32),
    progress: Progress = silent,
) -> Round:
    """Measure all pairs of `instances` in one round.

    `transports` are the ways in, for this round and others; `port` is the UDP port to receive on (0: any).
    After each batch `wanting` says which pairs need more flows. Raises `ConfigError` for a way in that isn't
    there; what fails at single instances is in `Round.lost`.
    """
    if port and len({i.address for i in instances}) < len(instances):
        raise UsageError("[network] port: one port can't serve instances that share an address")
    ids = [instance.id for instance in instances]
    groups = transports.group(instances)
    try:
        progress("open", 0.0)
        ports: dict[str, list[int]] = {}
        for opened in await asyncio.gather(*(group.open(port, SOCKETS) for group in groups)):
            ports.update(opened)
        present = [instance for instance in instances if instance.id in ports]
        roster = Roster([i.id for i in present], [(i.address, ports[i.id]) for i in present])
        secret = key()
        await asyncio.gather(*(group.join(roster, secret) for group in groups))
        batches = _Batches(groups, roster, progress)
        tally = await batches.run(wanting, flows=SOCKETS if port else SOCKETS**2, tcp_port=tcp_port)
        lost = {name: why for group in groups for name, why in group.lost.items()}
        extras = await gather(groups, roster, tally)
    finally:
        await asyncio.gather(*(group.close() for group in groups))
    return _of_who_took_part(Round(tuple(roster.ids), tally, lost, extras)).among(ids, {})


class _Batches:
    """One round's batches of samples, the passes of each, and the tally that they make."""

    def __init__(self, groups: Sequence[NodeGroup], roster: Roster, progress: Progress) -> None:
        self._groups, self._roster, self._progress = groups, roster, progress
        self._ids = roster.ids
        self._six = any(":" in address for address, _ in roster.places)
        self._row = {name: number for number, name in enumerate(roster.ids)}
        self._tally = Tally.empty(len(roster.ids))

    async def run(self, wanting: Wanting, flows: int, tcp_port: int) -> Tally:
        """Measure every pair, then those that `wanting` names, with at most `flows` samples each way."""
        size = len(self._ids)
        everybody = ~np.eye(size, dtype=np.bool_)
        done = samples_for(size)
        await self._batch(0, done, everybody)
        ladders = Ladders(self._groups, self._roster, self._tally, wanting, self._progress)
        if tcp_port:
            await ladders.climb("tcp", tcp_port, self._gone())
        await ladders.climb("icmp", 0, self._gone())
        left = MORE_DATAGRAMS
        while size > 1 and done < flows and (more := wanting(self._tally)) is not None:
            wanted = (more & everybody).sum()
            samples = int(min(done, flows - done, left // max(1, wanted)))
            if not wanted or not samples:
                break
            await self._batch(done, samples, more & everybody)
            done += samples
            left -= samples * int(wanted)
        self._tally.forget(self._gone())
        self._progress("send", 1.0)
        return self._tally

    async def _batch(self, first: int, samples: int, pairs: Mask) -> None:
        """Have `pairs` measured `samples` times; ask again for what is missing."""
        size = len(self._ids)
        counts = np.zeros((samples, size, size), np.uint8)
        await asyncio.gather(*(group.begin(first, samples) for group in self._groups))
        absent = np.broadcast_to(pairs, counts.shape)
        asked = missing = int(absent.sum())
        patient = self._six and not first
        for number in range(PASSES):
            if not missing:
                break
            self._progress("send", 1 - missing / asked)
            wants = self._wants(
                absent, first, everything=not number and bool(pairs.sum() == size * (size - 1))
            )
            await asyncio.gather(*(group.send(wants) for group in self._groups))
            settle = SETTLE[min(number, len(SETTLE) - 1)]
            for reported in await asyncio.gather(*(group.report(settle) for group in self._groups)):
                for name, least in reported.items():
                    counts[:, :, self._row[name]] = np.frombuffer(least, np.uint8).reshape(samples, size)
            absent = pairs & (counts == 0)
            self._give_up(absent, counts, silent=number > 0 and not patient)
            before, missing = missing, int(absent.sum())
            if number and missing == before and not patient:
                break
        self._tally.add(counts, first=first)

    def _wants(self, absent: Mask, first: int, *, everything: bool) -> dict[str, list[Want]]:
        """Say, for each sender, which samples to send to whom."""
        if everything:
            samples = range(first, first + len(absent))
            return {name: [(sample, None) for sample in samples] for name in self._ids}
        wants: dict[str, list[Want]] = {}
        for sender in np.flatnonzero(absent.any(axis=(0, 2))).tolist():
            wants[self._ids[sender]] = [
                (first + sample, np.flatnonzero(absent[sample, sender]).tolist())
                for sample in np.flatnonzero(absent[:, sender].any(axis=1)).tolist()
            ]
        return wants

    def _give_up(self, absent: Mask, counts: Counts, *, silent: bool) -> None:
        """Ask no more for nodes that are lost, nor, where `silent`, for those that exchanged nothing."""
        gone: Mask = np.array([name in self._lost() for name in self._ids])
        if silent:
            gone |= _isolated(counts.max(axis=0))
        absent[:, gone, :] = False
        absent[:, :, gone] = False

    def _gone(self) -> list[int]:
        return [number for number, name in enumerate(self._ids) if name in self._lost()]

    def _lost(self) -> set[str]:
        return {name for group in self._groups for name in group.lost}


def _isolated(counts: Counts) -> Mask:
    """Say of each node whether it has exchanged not one datagram with anybody."""
    isolated: Mask = (counts.max(axis=0) == 0) & (counts.max(axis=1) == 0)
    return isolated


def _of_who_took_part(measured: Round) -> Round:
    """Return a round without the counts of whoever is lost or took no part in it (rule 6)."""
    tally, extras, ids = measured.tally, measured.extras, measured.ids
    if len(ids) < 2 or extras is None:
        return measured
    unheard, isolated = ~tally.at_address, _isolated(tally.way)
    own = np.array([one is True for one in extras.own_address])
    why = {
        ids[i]: NOTHING_ARRIVED if isolated[i] else ELSEWHERE
        for i in np.flatnonzero(unheard & (~own | (tally.way.max(axis=0) == 0))).tolist()
    }
    tally.forget([number for number, name in enumerate(ids) if name in why])
    return Round(
        ids, tally, {**why, **measured.lost}, extras.without(np.flatnonzero(unheard & ~own).tolist())
    )
