"""Pairs between which no datagram passes: counted by ladders of TCP connections or ICMP echoes.

1. They are climbed again, both ways: where nothing got through, `TRIES` times; else once, and then as often
   as whoever judges the counts wants more. Nobody climbs again where these means get through nowhere.
2. Whoever answers may do so in the target's name: a firewall, a load balancer, an edge router. So the target
   is asked whether what got through has arrived at its machine (`node.arrivals`); what it can't confirm is
   counted and not said to have arrived.
3. What was climbed by is left only when the target has looked, so no member is climbed to by more than
   `AT_ONCE` others at a time: a service has room for so few connections that nobody speaks on.
4. A pair counted by TCP that is not confirmed both ways is counted by ICMP too. Where that is confirmed both
   ways it alone stands: a refusal may have been a router's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from keepapart.arrays import Mask
from keepapart.model import Progress
from keepapart.probe.measured import BY, Counts, Tally, Wanting
from keepapart.probe.together import together
from keepapart.reach import NodeGroup, Roster

LADDERS = 20_000  # by each means, some ten packets each; one each way of a pair is always climbed
CLIMBS = 16  # ladders each way of a pair
TRIES = 3  # climbs that are watched for what arrives, and further ones where nothing gets through

AT_ONCE = 8

Turn = dict[int, list[int]]  # who climbs to whom
Tokens = dict[str, list[tuple[int, str]]]  # by target: who climbed, and the token


class Ladders:
    """The ladders of one round, whose counts go into its tally."""

    def __init__(
        self,
        groups: Sequence[NodeGroup],
        roster: Roster,
        tally: Tally,
        wanting: Wanting,
        progress: Progress,
    ) -> None:
        self._groups, self._ids, self._tally = groups, roster.ids, tally
        self._wanting, self._progress = wanting, progress
        self._addresses = [address for address, _ in roster.places]
        self._row = {name: number for number, name in enumerate(roster.ids)}

    async def climb(self, by: str, port: int, gone: Sequence[int]) -> None:
        """Count by these means the pairs that need it, those of who is `gone` left out."""
        unconfirmed = self._unconfirmed()
        needed = self._uncounted() | unconfirmed | self._lacking(self._tally.by > 0)
        np.fill_diagonal(needed, False)
        needed[list(gone), :] = needed[:, list(gone)] = False
        wanted, left = needed, LADDERS
        for climbs in range(CLIMBS):
            left -= int(wanted.sum())
            if not wanted.any() or (climbs and left < 0):
                break
            self._progress(by, climbs / CLIMBS)
            watching = climbs < TRIES and bool((wanted & (self._tally.arrived == 0)).any())
            counts, arrived = await self._once(by, port, wanted, watching=watching)
            if not counts.any():
                break
            self._tally.drop(unconfirmed & arrived & arrived.T)
            self._tally.add_ladders(counts, BY.index(by), arrived, number=climbs)
            wanted = needed & self._again(climbs + 1)

    def _again(self, climbs: int) -> Mask:
        """Say which pairs it is worth climbing between again, after so many climbs."""
        counted = ~self._uncounted()
        lacking = counted if climbs == 1 else self._lacking(counted)  # one flow shows nothing of variation
        return lacking | ~counted if climbs <= TRIES else lacking

    def _uncounted(self) -> Mask:
        """Say which pairs have no count."""
        uncounted: Mask = self._tally.flows == 0
        return uncounted

    def _unconfirmed(self) -> Mask:
        """Say which pairs other ladders counted, not both ways confirmed."""
        both: Mask = (self._tally.arrived & self._tally.arrived.T) > 0
        return ~self._uncounted() & (self._tally.by > 0) & ~both

    def _lacking(self, pairs: Mask) -> Mask:
        """Say which of these pairs need more flows than they have."""
        lacking = self._wanting(self._tally) if pairs.any() else None
        return np.zeros_like(pairs) if lacking is None else pairs & lacking

    async def _once(self, by: str, port: int, wanted: Mask, *, watching: bool) -> tuple[Counts, Mask]:
        """Climb once for each pair; return the counts and, where nodes are `watching`, what arrived."""
        counts, arrived = np.zeros(wanted.shape, np.uint8), np.zeros(wanted.shape, np.bool_)
        if watching:
            who = [self._ids[target] for target in np.flatnonzero(wanted.any(axis=0)).tolist()]
            await asyncio.gather(*(group.watch(by, who) for group in self._groups))
        for turn in turns(wanted):
            tokens = await self._turn(by, port, turn, counts)
            if watching and tokens:
                for target, row in await self._confirmed(port, tokens):
                    arrived[row, target] = True
            await asyncio.gather(*(group.leave() for group in self._groups))
        return counts, arrived

    async def _turn(self, by: str, port: int, turn: Turn, counts: Counts) -> Tokens:
        """Have everybody climb whose turn it is; fill in the counts, and return the tokens."""
        wants = {self._ids[row]: [self._addresses[to] for to in targets] for row, targets in turn.items()}
        tokens: Tokens = {}
        climbed = await together(group.climb(by, port, wants) for group in self._groups)
        for name, found in climbed.items():
            row = self._row[name]
            for target, (count, token) in zip(turn[row], found, strict=True):
                counts[row, target] = count
                if count and token:
                    tokens.setdefault(self._ids[target], []).append((row, token))
        return tokens

    async def _confirmed(self, port: int, tokens: Tokens) -> list[tuple[int, int]]:
        """Ask targets what arrived; return target and climber of all that did."""
        asked = {name: [token for _, token in theirs] for name, theirs in tokens.items()}
        answers = await together(group.arrived(port, asked) for group in self._groups)
        return [
            (self._row[name], row)
            for name, said in answers.items()
            for (row, _), yes in zip(tokens[name], said, strict=True)
            if yes
        ]


def turns(wanted: Mask) -> list[Turn]:
    """Split pairs [n, n], from and to, into turns in which nobody is climbed to by more than `AT_ONCE`."""
    climbers, targets = np.nonzero(wanted)
    order = np.lexsort(((climbers - targets) % len(wanted), targets))
    climbers, targets = climbers[order], targets[order]
    turn_of = (np.arange(len(targets)) - np.searchsorted(targets, targets)) // AT_ONCE
    found: list[Turn] = [{} for _ in range(int(turn_of.max(initial=-1)) + 1)]
    for turn, climber, target in zip(turn_of.tolist(), climbers.tolist(), targets.tolist(), strict=True):
        found[turn].setdefault(climber, []).append(target)
    return found
