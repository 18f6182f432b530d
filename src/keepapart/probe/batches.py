"""The batches of a round: which samples are sent, and sent again, until every pair has counts.

1. What is missing is asked for again, only that, until it is there, or asking again brought nothing, or
   `PASSES` are spent. A node that is lost, or that nobody hears and that hears nobody, is not asked for.
   Over IPv6 the first batch goes on to the last pass, some three seconds: addresses of instances and routers
   that have just come up are not used for up to two (RFC 4862, 5.4).
2. Pairs that need more flows get more, only those: batch after batch, as long as whoever judges the counts
   wants more and there are flows and datagrams left.
3. Pairs between which no datagram passes are measured by TCP, where the operator names a port that members
   reach on each other, and else by ICMP: as often as rule 2 asks for (ladders.py).
4. A pair that stays missing is 0 everywhere, and so is every pair of a node that was lost before the end.
   Nothing is ever filled in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from keepapart.arrays import Mask
from keepapart.model import Progress
from keepapart.node.node import Want
from keepapart.probe import SOCKETS
from keepapart.probe.ladders import Ladders
from keepapart.probe.measured import Counts, Tally, Wanting, isolated
from keepapart.probe.together import together
from keepapart.reach import NodeGroup, Roster

PASSES = 8  # at 20 % loss a sample then stays missing once in 400,000
SETTLE = (0.05, 0.25, 0.5)  # seconds to wait for stragglers, by pass; the last goes on
DATAGRAMS = 40_000  # about what the first batch may cost: 200 nodes send one sample each way
MORE_DATAGRAMS = 2_000_000  # what all further batches together may cost


def samples_for(size: int) -> int:
    """Say how many samples each way the first batch takes: 8 of up to 71 nodes, 1 from 142 on.

    Where no path varies, 10,000 pairs with a flow each way show that well enough: see
    `signals.path_confidence`.
    """
    return max(1, min(SOCKETS, DATAGRAMS // max(1, size * (size - 1))))


class Batches:
    """One round's batches of samples, the passes of each, and the tally that they make.

    `sent` is how many datagrams nodes were told to send.
    """

    def __init__(self, groups: Sequence[NodeGroup], roster: Roster, progress: Progress) -> None:
        self.sent = 0
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
            self.sent += missing
            settle = SETTLE[min(number, len(SETTLE) - 1)]
            reported = await together(group.report(settle) for group in self._groups)
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
            gone |= isolated(counts.max(axis=0))
        absent[:, gone, :] = False
        absent[:, :, gone] = False

    def _gone(self) -> list[int]:
        return [number for number, name in enumerate(self._ids) if name in self._lost()]

    def _lost(self) -> set[str]:
        return {name for group in self._groups for name in group.lost}
