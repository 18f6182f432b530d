"""Ways in: how a node comes to run on an instance. One file each, found through an entry point.

A `Transport` is one way in for the length of a run. A `NodeGroup` is the nodes of all instances that are
reached by it in one round; a round asks every group the same things and never knows how they get there.
`transports.py` chooses. Whoever writes a way in has the rules that it must keep, to run, in
`keepapart.testing.reach`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from keepapart.model import Service
from keepapart.node.gateway import Step
from keepapart.node.keyed import HASHES
from keepapart.node.node import Place, Want
from keepapart.node.routes import Way

__all__ = [
    "Asked",
    "Climbed",
    "NodeGroup",
    "Place",
    "Roster",
    "Service",
    "Sighting",
    "Step",
    "Surroundings",
    "Transport",
    "Want",
    "Way",
]

Sighting = tuple[int, str, int]  # a router: the number of its step, its address, how often it answered
Surroundings = tuple[bool, Sequence[Way]]  # whether a node's address is its machine's, and its ways to others
Climbed = tuple[int, str]  # a count, 0 where nothing got through, and a token of what did


@dataclass(frozen=True, slots=True)
class Roster:
    """Who takes part in a round: `places[i]` is the address and the ports of instance `ids[i]`.

    `hashed` is the keyed hash that seals its datagrams, one of `node.keyed.HASHES`. `public` is by instance a
    public address beside that of its place, empty where none is known: nothing is counted to it, but routers
    are looked for on the way there.
    """

    ids: Sequence[str]
    places: Sequence[Place]
    hashed: str = HASHES[0]
    public: Sequence[str] = ()


class NodeGroup(Protocol):
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

    async def watch(self, by: str, who: Sequence[str]) -> None:
        """Have these nodes watch what arrives of climbing by "tcp" or "icmp"."""

    async def climb(
        self, by: str, port: int, wants: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Sequence[Climbed]]:
        """Have nodes count hops by "tcp" (to `port`) or "icmp", where datagrams are filtered.

        One count for each address wanted of a node. What was climbed by is kept up until `leave`.
        """

    async def arrived(self, port: int, tokens: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[bool]]:
        """Have nodes that watch say what arrived at their machine of that which others' tokens stand for."""

    async def leave(self) -> None:
        """Leave what was climbed by."""

    async def guests(self) -> Mapping[str, Mapping[str, str]]:
        """Have nodes tell what they see of the machine that is theirs alone; see `node.hardware`.

        This and what follows may stay unknown: who fails at it is left out, and not lost.
        """

    async def metadata(self, wants: Mapping[str, Service]) -> Mapping[str, Mapping[str, str]]:
        """Have nodes ask these metadata services about their instances; see `node.metadata`.

        Whose node shares its machine with others is never asked: the answers would be the machine's.
        """

    async def surroundings(self, wants: Mapping[str, Sequence[int]]) -> Mapping[str, Surroundings]:
        """Have nodes say whether their address is their machine's own, and which ways lead to these members.

        See `node.routes`.
        """

    async def routers(
        self, wants: Mapping[str, Sequence[Step]], again: bool = False
    ) -> Mapping[str, Sequence[Sighting]]:
        """Have nodes find the routers that are so far on the way to these addresses; see `node.gateway`.

        With `again`, those heard too seldom are asked twice, a second apart.
        """

    async def listen(self) -> None:
        """Have every node answer round trips from now on; see `node.rtt`."""

    async def times(self, settle: float) -> Mapping[str, bytes]:
        """Have every node time round trips, waiting up to `settle` seconds for the last.

        Little-endian doubles, the least seconds to each of the roster, 0 where not measured.
        """

    async def close(self) -> None:
        """End every node. Nothing stays behind."""


@runtime_checkable
class Asked(Protocol):
    """Nodes that can be asked what a round is otherwise told, as those that run on instances themselves can.

    `hashes` has by id, once a node is open, those of `node.keyed.HASHES` that its Python has.
    """

    hashes: dict[str, Sequence[str]]

    async def addresses(self) -> Mapping[str, Sequence[str]]:
        """Start a node on each instance that has no address yet; return the addresses of its machine."""

    async def sources(self, targets: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
        """Have nodes say from which of their addresses they send to each target; empty for no way there."""

    async def settle(self, addresses: Mapping[str, str], lost: Mapping[str, str]) -> None:
        """Take these for the instances' addresses; who is lost for want of one, and why, is said too."""


class Transport(Protocol):
    """One way in, for the length of a run: what it keeps open from one round to the next is its own.

    A plug-in registers under the entry point group ``keepapart.reach``, by the word that stands before the
    colon of a way in, a callable ``open(settings) -> Transport``; `settings` is the configuration's
    `[reach]`. What it needs of other libraries is imported there, where it is used.
    """

    def group(self, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> NodeGroup:
        """Return the nodes of these instances, none of them started yet.

        `wheres` has by id what stands after the colon of each way in, `addresses` by id what the others
        send to, empty where the node is to be asked for it (`Asked`). Raises `ConfigError` for a way in that
        can't be meant.
        """

    async def close(self) -> None:
        """Close what is open. Nothing stays behind."""
