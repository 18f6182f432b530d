"""What a round gathers beside hop counts: first routers, round trips, what guests see of their machines.

None of it is needed: it is asked for after the counts are in, in bounds, and whoever fails at it keeps its
counts.

1. Guests tell always, as they are opened; the groups of namespaces have nothing to tell.
2. First routers where there are at most `FEW` nodes, or a pair has no count: only there can they say what
   hops don't, so only there is it worth asking twice. The same few members are everybody's targets, so that
   paths can be compared; those on the own host or link are left out: datagrams would be there too soon.
3. Round trips where there are at most `FEW` nodes, and pairs enough for times to be learnt from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from keepapart.node.gateway import steady
from keepapart.probe.measured import Counts, Extras, Tally, Times
from keepapart.reach import NodeGroup, Roster

FEW = 64  # nodes; their round trips are 20,000 datagrams in all
ENOUGH = 7  # nodes, for 18 pairs: what `signals.rtt` needs at the least
LANDMARKS = 16  # members to choose targets from
TARGETS = 2  # of a node
SETTLE = 0.1  # seconds to wait for the last answers

T = TypeVar("T")


async def gather(groups: Sequence[NodeGroup], roster: Roster, tally: Tally) -> Extras:
    """Ask all groups for what they have beside the counts."""
    size = len(roster.ids)
    if size < 2:
        return Extras.nothing(size)
    told = _merged(await asyncio.gather(*(group.guests() for group in groups)))
    guests = [told.get(name, {}) for name in roster.ids]
    firsts, upstreams = [""] * size, [""] * size
    few = size <= FEW
    gaps = bool(np.count_nonzero(tally.least) < size * (size - 1))
    if few or gaps:
        wants = _targets(roster, tally.least)
        seen = _merged(await asyncio.gather(*(group.routers(wants, gaps) for group in groups)))
        firsts = [steady(seen.get(name, ()), 1) for name in roster.ids]
        upstreams = [steady(seen.get(name, ()), 2) for name in roster.ids]
    times = await _round_trips(groups, roster) if few and size >= ENOUGH else None
    return Extras(firsts, upstreams, times, guests)


def _targets(roster: Roster, least: Counts) -> dict[str, list[int]]:
    """Choose whom each node traces to: the first landmarks that are not near it."""
    size = len(roster.ids)
    landmarks = list(range(0, size, -(-size // LANDMARKS)))
    wants: dict[str, list[int]] = {}
    for number, name in enumerate(roster.ids):
        family = ":" in roster.places[number][0]
        able = [
            at
            for at in landmarks
            if at != number and least[number, at] != 1 and (":" in roster.places[at][0]) == family
        ]
        far = [at for at in able if least[number, at] > 2] or able
        if far:
            wants[name] = far[:TARGETS]
    return wants


async def _round_trips(groups: Sequence[NodeGroup], roster: Roster) -> Times:
    size = len(roster.ids)
    await asyncio.gather(*(group.listen() for group in groups))
    told = _merged(await asyncio.gather(*(group.times(SETTLE) for group in groups)))
    one_way = np.zeros((size, size), np.float32)
    for number, name in enumerate(roster.ids):
        if name in told:
            one_way[number] = np.nan_to_num(np.frombuffer(told[name], "<f8"), posinf=0.0).clip(0.0, 10.0)
    return np.maximum(one_way, one_way.T)  # of each pair one asked; the other has 0


def _merged(parts: Sequence[Mapping[str, T]]) -> dict[str, T]:
    return {name: value for part in parts for name, value in part.items()}
