"""Ways in: how a node comes to run on an instance. One file each.

A `Crew` is the nodes of all instances that are reached in one way; a round asks every crew the same
things and never knows how they get there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from keepapart.config import Reach
from keepapart.errors import ConfigError
from keepapart.model import Instance
from keepapart.probe.node import Place, Want

Sighting = tuple[int, str, int]  # a router: how far away, its address, how often it answered

if TYPE_CHECKING:
    from keepapart.reach.connections import Connections


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

    async def climb(self, by: str, port: int, wants: Mapping[str, Sequence[str]]) -> Mapping[str, list[int]]:
        """Have nodes count hops by "tcp" (to `port`) or "icmp", where datagrams are filtered.

        One count for each address wanted of a node, 0 where nothing got through.
        """

    async def guests(self) -> Mapping[str, Mapping[str, object]]:
        """Have nodes tell what they see of the machine that is theirs alone; see `probe.guest`.

        This and what follows may stay unknown: who fails at it is left out, and not lost.
        """

    async def routers(
        self, wants: Mapping[str, Sequence[int]], again: bool = False
    ) -> Mapping[str, Sequence[Sighting]]:
        """Have nodes find the first routers on the way to these members, by index; see `probe.path`.

        With `again`, those heard too seldom are asked twice, a second apart.
        """

    async def listen(self) -> None:
        """Have every node answer round trips from now on; see `probe.echo`."""

    async def times(self, settle: float) -> Mapping[str, bytes]:
        """Have every node time round trips, waiting up to `settle` seconds for the last.

        Little-endian doubles, the least seconds to each of the roster, 0 where not measured.
        """

    async def close(self) -> None:
        """End every node. Nothing stays behind."""


class Ways:
    """The ways in of one run, and what they keep open from one round to the next.

    `settings` are those of ssh; `via` is the way in of instances that name none. Everything happens on the
    event loop of the first round.
    """

    def __init__(self, settings: Reach = Reach()) -> None:  # noqa: B008  # a frozen value
        self._settings = settings
        self._connections: Connections | None = None

    def muster(self, instances: Sequence[Instance]) -> list[Crew]:
        """Sort instances into crews by their way in.

        Raises `ConfigError` where a way in is not one of keepapart's.
        """
        by_way: dict[str, dict[str, str]] = {}
        addresses = {instance.id: instance.address for instance in instances}
        for instance in instances:
            way, _, where = (instance.reach or self._settings.via).partition(":")
            by_way.setdefault(way, {})[instance.id] = where
        return [
            self._crew(way, wheres, {name: addresses[name] for name in wheres})
            for way, wheres in by_way.items()
        ]

    async def close(self) -> None:
        """Close what is open."""
        if self._connections:
            await self._connections.close()

    def _crew(self, way: str, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> Crew:
        """Import only the way in that is used: each may need a library of its own."""
        if way == "ssh":
            from keepapart.reach.connections import Connections
            from keepapart.reach.ssh import SshCrew

            self._connections = self._connections or Connections(self._settings)
            return SshCrew(self._connections, wheres, addresses)
        if way == "netns":
            from keepapart.reach.netns import NetnsCrew

            return NetnsCrew({name: where or name for name, where in wheres.items()}, addresses)
        if way == "local":
            from keepapart.reach.local import LocalCrew

            return LocalCrew(addresses)
        if way == "simulated":
            from keepapart.reach.simulated import SimulatedCrew

            return SimulatedCrew({name: where or name for name, where in wheres.items()})
        raise ConfigError(
            f"reach {way!r} of {min(wheres)!r}: the ways in are ssh://USER@HOST:PORT, netns:NAME and local"
        )
