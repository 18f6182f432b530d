"""Pairs between which no datagram passes: counted by ladders of TCP connections or ICMP echoes.

1. They are climbed again, both ways, as often as whoever judges the counts wants more, within bounds.
2. Whoever answers may do so in the target's name: a firewall, a load balancer, an edge router. So the target
   is asked whether what got through has arrived at its machine (`node.arrivals`); what it can't confirm is
   counted and not said to have arrived.
3. A pair counted by TCP that is not confirmed both ways is counted by ICMP too. Where that is confirmed both
   ways it alone stands: a refusal may have been a router's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np

from keepapart.arrays import Mask
from keepapart.probe.measured import BY, Counts, Tally, Wanting
from keepapart.reach import NodeGroup, Roster

LADDERS = 20_000  # about how many may be climbed by each means beyond the first to each; some ten packets
CLIMBS = 16  # ladders each way of a pair
TRIES = 3  # of them where nothing gets through, or nothing is confirmed, though it is elsewhere

Tokens = dict[str, list[tuple[int, str]]]  # by target: who climbed, and the token


class Ladders:
    """The ladders of one round, whose counts go into its tally."""

    def __init__(
        self,
        groups: Sequence[NodeGroup],
        roster: Roster,
        tally: Tally,
        progress: Callable[[str, float], None],
    ) -> None:
        self._groups, self._ids, self._progress, self._tally = groups, roster.ids, progress, tally
        self._addresses = [address for address, _ in roster.places]
        self._row = {name: number for number, name in enumerate(roster.ids)}

    async def climb(self, by: str, port: int, wanting: Wanting, gone: Sequence[int]) -> None:
        """Count by these means the pairs that need it, those of who is `gone` left out."""
        tally, doubtful = self._tally, self._unconfirmed()
        heard = tally.flows > 0
        lacking = wanting(tally) if (heard & (tally.by > 0)).any() else None
        pairs: Mask = ~heard | doubtful | (tally.by > 0) & (lacking if lacking is not None else False)
        np.fill_diagonal(pairs, False)
        pairs[list(gone), :] = pairs[:, list(gone)] = False
        wanted, left = pairs, LADDERS
        for number in range(CLIMBS):
            left -= int(wanted.sum())
            if not wanted.any() or (number and left < 0):
                break
            self._progress(by, number / CLIMBS)
            watching = number < TRIES and bool((wanted & (tally.arrived == 0)).any())
            counts, arrived = await self._once(by, port, wanted, watching=watching)
            if not counts.any():
                break
            tally.drop(doubtful & arrived & arrived.T)
            tally.add_ladders(counts, BY.index(by), arrived)
            heard = tally.flows > 0
            more = wanting(tally) if number else heard  # one flow each way shows nothing of variation
            unheard = ~heard if number < TRIES else np.zeros_like(heard)
            wanted = pairs & (unheard | heard & more if more is not None else unheard)

    def _unconfirmed(self) -> Mask:
        """Say which pairs other ladders counted, not both ways confirmed."""
        tally = self._tally
        both: Mask = (tally.arrived & tally.arrived.T) > 0
        return (tally.flows > 0) & (tally.by > 0) & ~both

    async def _once(self, by: str, port: int, wanted: Mask, *, watching: bool) -> tuple[Counts, Mask]:
        """Climb once for each pair; return the counts and, where nodes are `watching`, what arrived."""
        wants = {
            self._ids[i]: [self._addresses[j] for j in np.flatnonzero(wanted[i]).tolist()]
            for i in np.flatnonzero(wanted.any(axis=1)).tolist()
        }
        counts, arrived = np.zeros(wanted.shape, np.uint8), np.zeros(wanted.shape, np.bool_)
        tokens: Tokens = {}
        if watching:
            who = [self._ids[j] for j in np.flatnonzero(wanted.any(axis=0)).tolist()]
            await asyncio.gather(*(group.watch(by, who) for group in self._groups))
        for climbed in await asyncio.gather(*(group.climb(by, port, wants) for group in self._groups)):
            for name, found in climbed.items():
                row = self._row[name]
                for target, (count, token) in zip(np.flatnonzero(wanted[row]).tolist(), found, strict=True):
                    counts[row, target] = count
                    if count and token:
                        tokens.setdefault(self._ids[target], []).append((row, token))
        if watching and tokens:
            for target, row in await self._confirmed(port, tokens):
                arrived[row, target] = True
        await asyncio.gather(*(group.leave() for group in self._groups))
        return counts, arrived

    async def _confirmed(self, port: int, tokens: Tokens) -> list[tuple[int, int]]:
        """Ask targets what arrived; return target and climber of all that did."""
        asked = {name: [token for _, token in theirs] for name, theirs in tokens.items()}
        return [
            (self._row[name], row)
            for answers in await asyncio.gather(*(group.arrived(port, asked) for group in self._groups))
            for name, said in answers.items()
            for (row, _), yes in zip(tokens[name], said, strict=True)
            if yes
        ]
