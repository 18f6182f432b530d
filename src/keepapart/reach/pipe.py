"""A node at the far end of two pipes: the form that every way in but the lab's has.

1. `LOADER` runs at the far side and says `READY`. Whatever a login prints before that is skipped, up to
   `NOISE_LIMIT` bytes.
2. The node is handed over and run from memory; from then on it answers each command with a line of JSON
   (node/commands.py). What it says is bounded, read strictly (answers.py) and never evaluated.
3. A node that fails for any reason is dropped from this round and the reason recorded; the other nodes
   continue.
"""

from __future__ import annotations

import asyncio
import marshal
from collections.abc import Coroutine, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Protocol, TypeVar

from keepapart.errors import ReachError
from keepapart.node.arrivals import QUIET
from keepapart.node.commands import LENGTH
from keepapart.node.ladder import LADDERS
from keepapart.node.node import Want
from keepapart.reach import Climbed, Roster, Sighting, Step, Surroundings, answers
from keepapart.reach.answers import decode, plain
from keepapart.reach.bootstrap import LOADER, MAGIC_NUMBER, READY, handed_over

__all__ = ["LOADER", "Pipe", "PipedNodes"]

T = TypeVar("T")

PACE = 2_000  # datagrams a second and node: 200 kB/s at most, and no burst that a receive buffer can't hold
PATIENCE = 10.0  # seconds that a node may take to answer, on top of what it was told to wait or send

CLIMB = 1.0  # seconds that a ladder may take; after them nothing gets through
ASIDE = 5.0  # seconds that a node may take for an answer that no verdict needs

ANSWER_LIMIT = 1 << 20  # bytes of one answer: the counts of 98,000 nodes at 8 samples fit
NOISE_LIMIT = 1 << 16  # bytes that a login may print before the node speaks


class Pipe(Protocol):
    """Two pipes to a process at the far side; any failure is a `ReachError`."""

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""

    async def read_line(self) -> bytes:
        """Receive one line of at most `ANSWER_LIMIT` bytes; empty at the end."""

    async def last_words(self) -> str:
        """Say what is known of why it ended, as the end of a sentence; empty where nothing is."""

    async def close(self) -> None:
        """End the process and wait until it is gone."""


class PipedNodes:
    """Nodes behind pipes; a way in says only how a pipe is opened. See `reach.NodeGroup`."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.lost: dict[str, str] = {}
        self._addresses = addresses
        self._pipes: dict[str, Pipe] = {}
        self._guests: dict[str, Mapping[str, str]] = {}
        self._joining: dict[str, bytes] = {}
        self._size = 0
        self._samples = 0

    async def connect(self, name: str) -> Pipe:
        """Start `LOADER` at an instance."""
        raise NotImplementedError

    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        """Connect to every instance and start its node."""

        async def start(name: str) -> list[int]:
            pipe = self._pipes[name] = await self.connect(name)
            family = ip_address(self._addresses[name]).version
            opening = {"do": "open", "family": family, "port": port, "flows": flows}
            magic = await _patiently(_greet(pipe))
            node = handed_over(compiled=magic == MAGIC_NUMBER)
            await _patiently(pipe.write(node + encoded(opening)))
            answer = await self._answer(pipe)
            ports = answer.get("ports")
            if not isinstance(ports, list) or not ports or len(ports) > flows:
                raise ReachError("its node names no ports")
            if any(type(number) is not int or not 0 < number < 65536 for number in ports):
                raise ReachError("its node names a port that is none")
            self._guests[name] = answers.texts(answer.get("guest"))
            return ports

        return await self._each(self._addresses, start)

    async def join(self, roster: Roster, key: bytes) -> None:
        """Hand every node the roster and the key, together with the first `begin`: that saves a way there."""
        self._size = len(roster.ids)
        places = list(roster.places)
        for number, name in enumerate(roster.ids):
            if name in self._pipes:
                command = {"do": "join", "index": number, "key": key, "roster": places}
                self._joining[name] = encoded(command)

    async def begin(self, first: int, samples: int) -> None:
        """Turn every node to a new batch."""
        self._samples = samples
        command = encoded({"do": "begin", "first": first, "samples": samples})

        async def begin(name: str) -> None:
            pipe, joining = self._pipes[name], self._joining.pop(name, b"")
            await _patiently(pipe.write(joining + command))
            if joining:
                await self._answer(pipe)
            await self._answer(pipe)

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
            name: answers.sightings(answer.get("routers"), families[name], wants[name])
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
        """End every node."""
        pipes, self._pipes = self._pipes, {}
        await asyncio.gather(*(pipe.close() for pipe in pipes.values()), return_exceptions=True)

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
        await _patiently(pipe.write(encoded(command)), extra)
        return await self._answer(pipe, extra)

    async def _answer(self, pipe: Pipe, extra: float = 0.0) -> Mapping[str, Any]:
        line = await _patiently(pipe.read_line(), extra)
        if not line:
            raise ReachError(f"its node ended{await pipe.last_words()}")
        return decode(line)


async def _greet(pipe: Pipe) -> bytes:
    """Skip what a login prints before the node speaks; return the magic number of its bytecode."""
    noise = 0
    said = b""
    while not (line := await pipe.read_line()).startswith(READY):
        if not line:
            raise ReachError(f"python3 did not start there{await pipe.last_words() or _colon(said)}")
        noise += len(line)
        said = line.strip() or said
        if noise > NOISE_LIMIT:
            raise ReachError(f"its login prints more than {NOISE_LIMIT >> 10} KiB before anything else")
    try:
        return bytes.fromhex(line[len(READY) :].decode())
    except ValueError:
        return b""


async def _patiently(work: Coroutine[Any, Any, T], extra: float = 0.0) -> T:
    try:
        async with asyncio.timeout(PATIENCE + extra):
            return await work
    except TimeoutError:
        raise ReachError(f"no answer within {PATIENCE + extra:.0f} s") from None


def _colon(said: bytes) -> str:
    text = plain(said.decode(errors="replace"))
    return f": {text}" if text else ""


def encoded(command: Mapping[str, Any]) -> bytes:
    """Marshal a command as every Python since 3.6 reads it, its length before it; see `node.commands`."""
    body = marshal.dumps(dict(command), 2)
    return b"%0*d" % (LENGTH, len(body)) + body
