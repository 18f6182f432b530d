"""One simulated round of a world, by the very code of a real one, and what the verdicts are worth.

Only the packets, and what nodes tell, are drawn: who is asked again, who gets more flows and when a round
ends is `probe.batches`' doing, and the verdicts are `assess`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from campaign.score import NOBODY, OPERATOR, PLATFORM
from campaign.world import World
from keepapart.auditing.assess import Audit, assess
from keepapart.lab.transports.simulated import SimulatedNodes
from keepapart.model import Instance
from keepapart.node.node import Want
from keepapart.probe.measured import Counts
from keepapart.probe.round import measure
from keepapart.reach import Climbed, NodeGroup, Roster, Surroundings
from keepapart.reach.transports import Transports
from keepapart.settings import ClusterSettings
from keepapart.signals.hops import wanting

CLUSTER = ClusterSettings()
WORDS = {  # the operator's and the platform's, by who vouches for a network
    NOBODY: ("auto", ""),
    PLATFORM: ("auto", "routed-host"),
    OPERATOR: ("routed-host", ""),
}


class Drawn(Transports):
    """The way into a world: its group's datagrams are drawn."""

    def __init__(self, world: World, chance: np.random.Generator) -> None:
        super().__init__()
        self._world, self._chance = world, chance

    def group(self, instances: Sequence[Instance]) -> list[NodeGroup]:
        """One group is all."""
        return [DrawnNodes(self._world, self._chance, instances)]


class DrawnNodes(SimulatedNodes):
    """The nodes of a whole world; see `reach.NodeGroup`. They tell what the world says that they see."""

    def __init__(self, world: World, chance: np.random.Generator, instances: Sequence[Instance]) -> None:
        super().__init__({})
        ids = [i.id for i in instances]
        self.lost = {ids[number]: "there is no way in" for number in world.dead}
        self._world, self._chance, self._ids = world, chance, ids
        self._place = {name: number for number, name in enumerate(ids)}
        self._at = {i.address: number for number, i in enumerate(instances)}
        self._alive: list[int] = [n for n, name in enumerate(ids) if name not in self.lost]
        self._passes: Counts = np.zeros((0, 0, 0), np.uint8)
        self._arrived = self._passes
        self._climbs = 0

    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:  # noqa: ARG002  # no sockets
        """Answer for everybody alive."""
        return {self._ids[number]: [1] for number in self._alive}

    async def join(self, roster: Roster, key: bytes) -> None:
        """Nothing to hand over."""

    async def begin(self, first: int, samples: int) -> None:
        """Draw what the datagrams of this batch will count."""
        counts = self._world.draw(self._chance, first, samples)
        if self._world.deaf is not None:
            counts[:, self._world.deaf] = 0
        if not self._world.udp:
            counts[:] = 0
        self._passes = counts[:, self._alive][:, :, self._alive]
        self._arrived = np.zeros_like(self._passes)
        self._first = first

    async def send(self, wants: Mapping[str, Sequence[Want]]) -> None:
        """Let arrive what isn't lost."""
        sent = np.zeros(self._passes.shape, np.bool_)
        everybody = list(range(len(self._alive)))
        for place, number in enumerate(self._alive):
            for sample, targets in wants.get(self._ids[number], ()):
                sent[sample - self._first, place, everybody if targets is None else list(targets)] = True
        if self._world.loss:
            sent &= self._chance.random(sent.shape) >= self._world.loss
        self._arrived[sent] = self._passes[sent]

    async def report(self, settle: float) -> Mapping[str, bytes]:  # noqa: ARG002  # nothing to wait for
        """Return each receiver's counts."""
        return {self._ids[n]: self._arrived[:, :, at].tobytes() for at, n in enumerate(self._alive)}

    async def climb(
        self,
        by: str,  # noqa: ARG002  # all means count alike
        port: int,  # noqa: ARG002
        wants: Mapping[str, Sequence[str]],
    ) -> Mapping[str, Sequence[Climbed]]:
        """Count once by other means, where it is datagrams that are filtered."""
        if self._world.udp:
            return {name: [(0, "")] * len(targets) for name, targets in wants.items()}
        counts = self._world.draw(self._chance, self._climbs, 1)[0]
        self._climbs += 1
        return {
            name: [(int(counts[self._place[name], self._at[to]]), "here") for to in targets]
            for name, targets in wants.items()
        }

    async def arrived(
        self,
        port: int,  # noqa: ARG002
        tokens: Mapping[str, Sequence[str]],
    ) -> Mapping[str, Sequence[bool]]:
        """All that got through arrived, but at whom somebody answers for."""
        elsewhere = self._world.answered_for
        return {
            name: [elsewhere is None or not elsewhere[self._place[name]]] * len(theirs)
            for name, theirs in tokens.items()
        }

    async def guests(self) -> Mapping[str, Mapping[str, str]]:
        """Tell what each sees of its machine."""
        told = self._world.guests
        return {self._ids[number]: told[number] for number in self._alive} if told else {}

    async def surroundings(self, wants: Mapping[str, Sequence[int]]) -> Mapping[str, Surroundings]:
        """Say whose address is its own, and each one's ways out."""
        own, ways = self._world.own, self._world.ways
        return {
            name: (own is None or bool(own[at]), ways[at] if ways else [])
            for name, at in ((name, self._place[name]) for name in wants)
        }


def play(world: World, seed: int, runner: asyncio.Runner, judged_by: Sequence[str]) -> dict[str, Audit]:
    """Measure a world in one round, and judge it by the word of each of these."""
    names = [f"i{number}" for number in range(world.cloud.size)]
    addresses = [f"10.0.0.{number}" for number in range(world.cloud.size)]
    facts = world.told or [{}] * len(names)
    instances = [Instance(n, address=a, facts=f) for n, a, f in zip(names, addresses, facts, strict=True)]
    ways = Drawn(world, np.random.default_rng(seed))
    measured = runner.run(measure(instances, ways, wanting=partial(wanting, "auto")))
    found = {}
    for by in judged_by:
        model, word = WORDS[by]
        found[by] = assess(instances, measured, cluster=CLUSTER, model=model, word=word)
    return found
