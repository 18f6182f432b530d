"""Nodes at the far end of two pipes: the form that every way in but the lab's has.

1. What passes through a pipe is said in conversation.py; what it means, in node/commands.py.
2. A node that fails for any reason is dropped from this round and the reason recorded; the other nodes
   continue.
3. Where a way in keeps pipes, a node that did well rests at the end of a round, with nothing open, and serves
   the next one. One that was lost meanwhile is started again, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

from keepapart.errors import ReachError
from keepapart.model import Service
from keepapart.node.arrivals import QUIET
from keepapart.node.ladder import LADDERS
from keepapart.node.node import Want
from keepapart.reach import Climbed, Roster, Sighting, Step, Surroundings, answers
from keepapart.reach.bootstrap import LOADER, MAGIC_NUMBER, handed_over
from keepapart.reach.conversation import Pipe, answer_of, encoded, greet, patiently

__all__ = ["LOADER", "Pipe", "PipedNodes"]

PACE = 2_000  # datagrams a second and node: 200 kB/s at most, and no burst that a receive buffer can't hold
CLIMB = 1.0  # seconds that a ladder may take; after them nothing gets through
ASIDE = 5.0  # seconds that a node may take for an answer without which its counts stand

NO_ADDRESS = "it has no address"


class PipedNodes:
    """Nodes behind pipes; a way in says only how a pipe is opened. See `reach.NodeGroup`.

    `kept` are pipes whose nodes rest, by the place that they lead to, and `places` has that place of each
    instance; both are those of a way in that keeps any.
    """

    def __init__(
        self,
        addresses: Mapping[str, str],
        kept: dict[str, Pipe] | None = None,
        places: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.lost: dict[str, str] = {}
        self.hashes: dict[str, Sequence[str]] = {}
        self._addresses = dict(addresses)
        self._kept, self._places = kept, places
        self._pipes: dict[str, Pipe] = {}
        self._asking: set[str] = set()  # whose answer is awaited
        self._guests: dict[str, Mapping[str, str]] = {}
        self._joining: dict[str, bytes] = {}
        self._size = 0
        self._samples = 0

    async def connect(self, name: str) -> Pipe:
        """Start `LOADER` at an instance."""
        raise NotImplementedError

    async def start(self, name: str) -> bytes:
        """Have a pipe to an instance in `_pipes`, and `LOADER` ready; return which bytecode it takes."""
        pipe = self._pipes[name] = await self.connect(name)
        return await greet(pipe)

    async def addresses(self) -> Mapping[str, Sequence[str]]:
        """Start a node on each instance without an address, and ask for its machine's."""

        async def addresses(name: str) -> list[str]:
            return answers.addresses((await self._first(name, {"do": "addresses"})).get("addresses"))

        return await self._each([name for name, address in self._addresses.items() if not address], addresses)

    async def sources(self, targets: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
        """Ask nodes from which of their addresses they send."""

        async def sources(name: str) -> list[str]:
            told = (await self._ask(name, {"do": "sources", "targets": list(targets[name])})).get("sources")
            return answers.addresses(told)

        return await self._each([name for name in self._pipes if name in targets], sources)

    async def settle(self, addresses: Mapping[str, str], lost: Mapping[str, str]) -> None:
        """Take these addresses."""
        self._addresses |= {name: addresses[name] for name in self._addresses if name in addresses}

        async def lose(name: str) -> None:
            raise ReachError(lost[name])

        await self._each([name for name in self._addresses if name in lost], lose)

    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        """Connect to every instance and start its node."""

        async def start(name: str) -> list[int]:
            family = ip_address(self._addresses[name]).version
            opening = {"do": "open", "family": family, "port": port, "flows": flows}
            started = name in self._pipes
            answer = await (self._ask(name, opening) if started else self._first(name, opening))
            ports = answer.get("ports")
            if not isinstance(ports, list) or not ports or len(ports) > flows:
                raise ReachError("its node names no ports")
            if any(type(number) is not int or not 0 < number < 65536 for number in ports):
                raise ReachError("its node names a port that is none")
            self._guests[name] = answers.texts(answer.get("guest"))
            self.hashes[name] = answers.hashes(answer.get("hashes"))
            return ports

        self.lost.update({n: NO_ADDRESS for n, a in self._addresses.items() if not a and n not in self.lost})
        return await self._each([name for name in self._addresses if name not in self.lost], start)

    async def join(self, roster: Roster, key: bytes) -> None:
        """Hand every node the roster and the key, together with the first `begin`: that saves a way there."""
        self._size = len(roster.ids)
        places = list(roster.places)
        for number, name in enumerate(roster.ids):
            if name in self._pipes:
                command = {"do": "join", "index": number, "key": key, "roster": places}
                command["hashed"] = roster.hashed
                self._joining[name] = encoded(command)

    async def begin(self, first: int, samples: int) -> None:
        """Turn every node to a new batch."""
        self._samples = samples
        command = encoded({"do": "begin", "first": first, "samples": samples})

        async def begin(name: str) -> None:
            pipe, joining = self._pipes[name], self._joining.pop(name, b"")
            self._asking.add(name)
            await patiently(pipe.write(joining + command))
            if joining:
                await answer_of(pipe)
            await answer_of(pipe)
            self._asking.discard(name)

        await self._each(list(self._pipes), begin)

    async def send(self, wants: Mapping[str, Sequence[Want]]) -> None:
        """Tell every node what to send; each paces itself."""

        async def send(name: str) -> None:
            listed = [(sample, None if targets is None else list(targets)) for sample, targets in wants[name]]
            count = sum(self._size if targets is None else len(targets) for _, targets in listed)
            await self._ask(name, {"do": "send", "pace": PACE, "wants": listed}, count / PACE)

        await self._each([name for name in self._pipes if name in wants], send)

    async def report(self, settle: float) -> Mapping[str, bytes]:
        """Collect every node's counts."""

        async def report(name: str) -> bytes:
            answer = await self._ask(name, {"do": "report", "settle": settle}, settle)
            least = answers.octets(answer.get("hops"))
            if len(least) != self._size * self._samples:
                raise ReachError("its node reports something that is not a row of hop counts")
            return least

        return await self._each(list(self._pipes), report)

    async def watch(self, by: str, who: Sequence[str]) -> None:
        """Have these nodes watch what arrives."""

        async def watch(name: str) -> None:
            await self._ask(name, {"do": "watch", "by": by}, QUIET)

        await self._each([name for name in self._pipes if name in set(who)], watch)

    async def climb(
        self, by: str, port: int, wants: Mapping[str, Sequence[str]]
    ) -> Mapping[str, Sequence[Climbed]]:
        """Have every node climb to the addresses wanted of it."""

        async def climb(name: str) -> list[Climbed]:
            targets = list(wants[name])
            command = {"do": "climb", "by": by, "port": port, "patience": CLIMB, "targets": targets}
            answer = await self._ask(name, command, CLIMB * (1 + len(targets) / LADDERS))
            return answers.climbed(answer, by, targets)

        return await self._each([name for name in self._pipes if name in wants], climb)

    async def arrived(self, port: int, tokens: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[bool]]:
        """Have every node say what arrived."""

        async def arrived(name: str) -> list[bool]:
            command = {"do": "arrived", "port": port, "tokens": list(tokens[name])}
            return answers.confirmed((await self._ask(name, command)).get("arrived"), tokens[name])

        return await self._each([name for name in self._pipes if name in tokens], arrived)

    async def leave(self) -> None:
        """Have every node leave what it climbed by."""

        async def leave(name: str) -> None:
            await self._ask(name, {"do": "leave"})

        await self._each(list(self._pipes), leave)

    async def guests(self) -> Mapping[str, Mapping[str, str]]:
        """Return what every node told of its machine when it was opened."""
        return self._guests

    async def metadata(self, wants: Mapping[str, Service]) -> Mapping[str, Mapping[str, str]]:
        """Have nodes ask metadata services."""
        told = await self._aside(
            {name: {"do": "ask", "service": asdict(service)} for name, service in wants.items()}
        )
        return {name: answers.texts(answer.get("told")) for name, answer in told.items()}

    async def surroundings(self, wants: Mapping[str, Sequence[int]]) -> Mapping[str, Surroundings]:
        """Have nodes look around."""
        told = await self._aside(
            {name: {"do": "look around", "targets": list(targets)} for name, targets in wants.items()}
        )
        found = {name: answers.surroundings(answer, len(wants[name])) for name, answer in told.items()}
        return {name: one for name, one in found.items() if one is not None}

    async def routers(
        self, wants: Mapping[str, Sequence[Step]], again: bool = False
    ) -> Mapping[str, Sequence[Sighting]]:
        """Have nodes find routers."""
        told = await self._aside(
            {name: {"do": "trace", "steps": list(steps), "again": again} for name, steps in wants.items()}
        )
        families = {name: ip_address(self._addresses[name]).version for name in told}
        return {
            name: answers.sightings(answer.get("routers"), families[name], len(wants[name]))
            for name, answer in told.items()
        }

    async def listen(self) -> None:
        """Have every node answer round trips."""
        await self._aside({name: {"do": "listen"} for name in self._pipes})

    async def times(self, settle: float) -> Mapping[str, bytes]:
        """Have every node time its round trips."""
        command = {"do": "time", "pace": PACE, "settle": settle}
        told = await self._aside(dict.fromkeys(self._pipes, command))
        found = {name: answers.octets(answer.get("times")) for name, answer in told.items()}
        return {name: times for name, times in found.items() if len(times) == 8 * self._size}

    async def close(self) -> None:
        """End every node, or let it rest where pipes are kept."""
        pipes, self._pipes = self._pipes, {}
        await asyncio.gather(*(self._leave(*each) for each in pipes.items()), return_exceptions=True)

    async def _leave(self, name: str, pipe: Pipe) -> None:
        if self._kept is not None and name not in self._asking and self._places[name] not in self._kept:
            with suppress(ReachError):
                await patiently(pipe.write(encoded({"do": "rest"})))
                self._kept[self._places[name]] = pipe  # its answer is read when it is asked again
                return
        await pipe.close()

    async def _first(self, name: str, command: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give a node its first command of a round, one that rests or a new one; return the answer."""
        if self._kept and (pipe := self._kept.pop(self._places[name], None)):
            self._pipes[name] = pipe
            try:
                await answer_of(pipe)
                return await self._ask(name, command)
            except ReachError:
                self._pipes.pop(name)
                await pipe.close()
        self._asking.add(name)
        magic = await self.start(name)
        pipe = self._pipes[name]
        await patiently(pipe.write(handed_over(compiled=magic == MAGIC_NUMBER) + encoded(command)))
        answer = await answer_of(pipe)
        self._asking.discard(name)
        return answer

    async def _each(self, names: Sequence[str] | Mapping[str, str], action: Any) -> dict[str, Any]:
        """Do `action` for each name at once; who fails is lost, the others go on."""

        async def attempt(name: str) -> tuple[str, Any]:
            try:
                return name, await action(name)
            except ReachError as error:
                self.lost[name] = str(error)
                if pipe := self._pipes.pop(name, None):
                    await pipe.close()
                return name, None

        results = await asyncio.gather(*map(attempt, names))
        return {name: result for name, result in results if name not in self.lost}

    async def _aside(self, commands: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """Ask for what may stay unknown: who fails is asked no more, but not lost, for its counts are in."""

        async def attempt(name: str) -> tuple[str, Mapping[str, Any]]:
            try:
                async with asyncio.timeout(ASIDE):
                    return name, await self._ask(name, commands[name])
            except (ReachError, TimeoutError):
                await self._pipes.pop(name).close()
                return name, {}

        return dict(await asyncio.gather(*(attempt(name) for name in commands if name in self._pipes)))

    async def _ask(self, name: str, command: Mapping[str, Any], extra: float = 0.0) -> Mapping[str, Any]:
        """Give a node a command; return its answer."""
        pipe = self._pipes[name]
        self._asking.add(name)
        await patiently(pipe.write(encoded(command)), extra)
        answer = await answer_of(pipe, extra)
        self._asking.discard(name)
        return answer
