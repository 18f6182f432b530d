"""Ways in: how a node comes to run on an instance. One file each.

A `Crew` is the nodes of all instances that are reached in one way; a round asks every crew the same
things and never knows how they get there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from keepapart.errors import ConfigError
from keepapart.model import Instance
from keepapart.probe.node import Place, Want


@dataclass(frozen=True, slots=True)
class Roster:
    """Who takes part in a round: `places[i]` is the address and the ports of instance `ids[i]`."""

    ids: Sequence[str]
    places: Sequence[Place]


class Crew(Protocol):
    """The nodes of all instances that are reached in one way.

    `lost` says of every instance that has no node, or has one no more, why; it may grow at any call. A
    lost node is left out of all further answers and never stops the others.
    """

    lost: dict[str, str]

    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        """Start a node on each instance, `flows` sockets each; return the ports that they receive on.

        With a `port` (not 0) that is the only one; otherwise every socket receives.
        """

    async def join(self, roster: Roster, key: bytes) -> None:
        """Hand the roster and the round's key to every node."""

    async def begin(self, first: int, samples: int) -> None:
        """Turn every node to a new batch: the samples from `first` on."""

    async def send(self, wants: Mapping[str, Sequence[Want]]) -> None:
        """Have each node send what it is to send; return when all have."""

    async def report(self, settle: float) -> Mapping[str, bytes]:
        """Collect each node's least hop counts, after waiting up to `settle` seconds for stragglers.

        One byte for each (sample, sender) of the batch, samples × roster long; 0 is not measured.
        """

    async def close(self) -> None:
        """End every node. Nothing stays behind."""


def muster(instances: Sequence[Instance], via: str) -> list[Crew]:
    """Sort instances into crews by their way in; `via` is the default one.

    Raises `ConfigError` where a way in is not one of keepapart's.
    """
    by_way: dict[str, dict[str, str]] = {}
    families: dict[str, str] = {}
    for instance in instances:
        way, _, where = (instance.reach or via).partition(":")
        by_way.setdefault(way, {})[instance.id] = where or instance.id
        families[instance.id] = instance.address
    crews: list[Crew] = []
    for way, wheres in by_way.items():
        addresses = {name: families[name] for name in wheres}
        crews.append(_crew(way, wheres, addresses))
    return crews


def _crew(way: str, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> Crew:
    """Import only the way in that is used: each may need a library of its own."""
    if way == "netns":
        from keepapart.reach.netns import NetnsCrew

        return NetnsCrew(wheres, addresses)
    if way == "local":
        from keepapart.reach.local import LocalCrew

        return LocalCrew(addresses)
    if way == "simulated":
        from keepapart.reach.simulated import SimulatedCrew

        return SimulatedCrew(wheres)
    raise ConfigError(f"reach {way!r} of {min(wheres)!r}: the ways in are netns:NAME and local")
