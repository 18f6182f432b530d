"""The way into a simulated lab, where hop counts are computed instead of measured."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from keepapart.errors import LabError
from keepapart.lab.client import Lab
from keepapart.lab.transports.made_up import told
from keepapart.model import Service
from keepapart.node.node import Want
from keepapart.reach import Climbed, NodeGroup, Roster, Sighting, Step, Surroundings, Transport
from keepapart.settings import ReachSettings

ETHERNET = 1  # the kind of a guest's device
PORT = 1  # nothing is sent, but a roster names a port: this one where none is asked for


class SimulatedTransport:
    """The way into simulated labs; see `reach.Transport`. What stands after the colon is ID@LAB."""

    def group(self, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> NodeGroup:  # noqa: ARG002
        """Return guests of simulated labs."""
        return SimulatedNodes({name: where or name for name, where in wheres.items()})

    async def close(self) -> None:
        """Nothing stays open."""


def open_transport(_settings: ReachSettings) -> Transport:
    """Open the way in."""
    return SimulatedTransport()


class SimulatedNodes:
    """Guests of simulated labs; see `reach.NodeGroup`. `wheres` are ID@LAB."""

    def __init__(self, wheres: Mapping[str, str]) -> None:
        self.lost: dict[str, str] = {}
        self._guests: dict[str, dict[str, str]] = {}  # lab -> guest -> instance
        for name, where in wheres.items():
            guest, _, lab = where.partition("@")
            self._guests.setdefault(lab, {})[guest] = name
        self._open: set[str] = set()
        self._counts: dict[str, bytes] = {}
        self._roster: list[str] = []

    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:  # noqa: ARG002  # no sockets
        """Find out which guests answer."""
        found: dict[str, list[int]] = {}
        for lab, guests in self._guests.items():
            try:
                up = await asyncio.to_thread(Lab.find(lab or None).connected, list(guests))
            except LabError as error:
                self.lost.update(dict.fromkeys(guests.values(), str(error)))
                continue
            for guest, name in guests.items():
                if guest in up:
                    found[name] = [port or PORT]
                else:
                    self.lost[name] = f"lab {lab!r} has no running guest {guest!r} with a network"
        self._open = set(found)
        return found

    async def join(self, roster: Roster, key: bytes) -> None:  # noqa: ARG002  # no datagrams, no key
        """Remember who takes part."""
        self._roster = list(roster.ids)

    async def begin(self, first: int, samples: int) -> None:
        """Have the labs compute the counts of this batch."""
        here = set(self._roster)
        for lab, guests in self._guests.items():
            present = {guest: name for guest, name in guests.items() if name in here}
            hops = await asyncio.to_thread(Lab.find(lab or None).hops, list(present), first + samples)
            position = {name: at for at, name in enumerate(present.values())}
            order = [position.get(name, -1) for name in self._roster]
            for name, at in position.items():
                column = hops[first:, order, at]
                column[:, [place < 0 for place in order]] = 0  # another lab's guests
                self._counts[name] = column.tobytes()

    async def send(self, wants: Mapping[str, Sequence[Want]]) -> None:
        """Nothing is sent."""

    async def report(self, settle: float) -> Mapping[str, bytes]:  # noqa: ARG002  # nothing to wait for
        """Return the computed counts."""
        return dict(self._counts)

    async def watch(self, by: str, who: Sequence[str]) -> None:
        """Nothing will arrive."""

    async def climb(
        self,
        by: str,  # noqa: ARG002
        port: int,  # noqa: ARG002
        wants: Mapping[str, Sequence[str]],
    ) -> Mapping[str, Sequence[Climbed]]:
        """Find nothing more: what a simulated lab can count it has counted."""
        return {name: [(0, "")] * len(targets) for name, targets in wants.items() if name in self._open}

    async def arrived(
        self,
        port: int,  # noqa: ARG002
        tokens: Mapping[str, Sequence[str]],  # noqa: ARG002
    ) -> Mapping[str, Sequence[bool]]:
        """Nothing arrived."""
        return {}

    async def leave(self) -> None:
        """Nothing was climbed by."""

    async def guests(self) -> Mapping[str, Mapping[str, str]]:
        """Tell of the machines that are made up for guests."""
        return told(
            {
                name: f"{guest}@{lab}"
                for lab, guests in self._guests.items()
                for guest, name in guests.items()
                if name in self._open
            }
        )

    async def metadata(self, wants: Mapping[str, Service]) -> Mapping[str, Mapping[str, str]]:  # noqa: ARG002
        """There is no service: nothing can be sent."""
        return {}

    async def surroundings(self, wants: Mapping[str, Sequence[int]]) -> Mapping[str, Surroundings]:
        """Tell whose address is its own, and what the world says of its gateway, if anything."""
        ways: dict[str, Surroundings] = {}
        for lab, guests in self._guests.items():
            asked = {guest: name for guest, name in guests.items() if name in wants and name in self._open}
            found = await asyncio.to_thread(Lab.find(lab or None).surroundings, list(asked))
            for guest, (own, gateway, mac) in found.items():
                ways[asked[guest]] = own, [(gateway, mac, "eth0", ETHERNET, "veth")] if mac else []
        return ways

    async def routers(
        self,
        wants: Mapping[str, Sequence[Step]],  # noqa: ARG002
        again: bool = False,  # noqa: ARG002
    ) -> Mapping[str, Sequence[Sighting]]:
        """Nobody asks routers."""
        return {}

    async def listen(self) -> None:
        """Nothing is sent."""

    async def times(self, settle: float) -> Mapping[str, bytes]:  # noqa: ARG002
        """Nothing takes any time."""
        return {}

    async def close(self) -> None:
        """Nothing to end."""
