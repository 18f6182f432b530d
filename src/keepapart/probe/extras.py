"""What a round gathers beside hop counts: routers, ways out, round trips, what guests see of their machines.

It is asked for after the counts are in, within bounds, and a node that fails at it keeps its counts. Verdicts
rest on part of it: whether an address is a member's own, and what routers and machines refute or vouch for.

1. Guests tell always, as they are opened; in namespaces those alone that have a machine made up for them.
2. Every node says by which ways it reaches others, a few of them where there are more than `FEW` nodes, and
   whether its address is its machine's own.
3. Routers are looked for where there are at most `FEW` nodes, or a pair has no count, and by guests whose
   host they may name: only there can they say what hops don't. Where they can, it is worth asking twice. Last
   routers, at most `FEW` nodes' (traces.py).
4. Round trips where there are at most `FEW` nodes, and pairs enough for times to be learnt from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from keepapart.probe import traces
from keepapart.probe.measured import Extras, Route, Tally, Times, Trace
from keepapart.probe.together import together
from keepapart.reach import NodeGroup, Roster

FEW = 64  # nodes; their round trips are 20,000 datagrams in all
ENOUGH = 7  # nodes, for 18 pairs: what `signals.rtt` needs at the least
WAYS = 4  # members that a node of many says the ways to
SETTLE = 0.1  # seconds to wait for the last answers


async def gather(groups: Sequence[NodeGroup], roster: Roster, tally: Tally) -> Extras:
    """Ask all groups for what they have beside the counts."""
    size = len(roster.ids)
    if size < 2:
        return Extras.nothing(size)
    few, gaps = size <= FEW, bool(np.count_nonzero(tally.least) < size * (size - 1))
    told = await together(group.guests() for group in groups)
    guests = [told.get(name, {}) for name in roster.ids]
    able = traces.landmarks(roster, tally.least, FEW if few else traces.LANDMARKS)
    wants = {name: able[number] if few else able[number][:WAYS] for number, name in enumerate(roster.ids)}
    around = await together(group.surroundings(wants) for group in groups)
    found: list[Trace] = []
    firsts, upstreams = [""] * size, [""] * size
    named = [told.get("maker") == traces.NAMED for told in guests]
    telling = gaps or any(named)
    if few or telling:
        outward = traces.targets(roster, tally.least, named, others=few or gaps)
        looks = traces.looks(roster, tally.least, outward, inward=few)
        steps = {name: traces.steps(roster, theirs) for name, theirs in looks.items()}
        answers = await together(group.routers(steps, telling) for group in groups)
        seen = traces.seen(roster, looks, answers)
        found = traces.traces(roster, tally.least, seen)
        firsts, upstreams = traces.towards_all(roster, outward, seen)
    return Extras(
        firsts=firsts,
        upstreams=upstreams,
        traces=found,
        routes=[[Route(*way) for way in around[name][1]] if name in around else () for name in roster.ids],
        own_address=[around[name][0] if name in around else None for name in roster.ids],
        times=await _round_trips(groups, roster) if few and size >= ENOUGH else None,
        guests=guests,
        metadata=[{}] * size,
    )


async def _round_trips(groups: Sequence[NodeGroup], roster: Roster) -> Times:
    size = len(roster.ids)
    await asyncio.gather(*(group.listen() for group in groups))
    told = await together(group.times(SETTLE) for group in groups)
    one_way = np.zeros((size, size), np.float32)
    for number, name in enumerate(roster.ids):
        if name in told:
            one_way[number] = np.nan_to_num(np.frombuffer(told[name], "<f8"), posinf=0.0).clip(0.0, 10.0)
    return np.maximum(one_way, one_way.T)  # of each pair one asked; the other has 0
