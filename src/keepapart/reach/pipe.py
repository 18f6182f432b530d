"""A node at the far end of two pipes: the form that every way in but the lab's has.

The source of `probe/node.py` is handed over first and run from memory; from then on each side speaks JSON,
a document a line. What the far side says is bounded, decoded strictly and never evaluated.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from ipaddress import ip_address
from typing import Any, Protocol

from keepapart.errors import ReachError
from keepapart.probe.node import LINE_LIMIT, Want
from keepapart.reach import Roster

PACE = 2_000  # datagrams a second and node: 200 kB/s at most, and no burst that a receive buffer can't hold
PATIENCE = 10.0  # seconds that a node may take to answer, beside what it was told to wait or send

# What python3 -c runs at the far side: read the node's source, exactly that much, and become it.
LOADER = (
    "import os,sys\n"
    "n,s=int(sys.argv[1]),b''\n"
    "while len(s)<n:\n"
    " c=os.read(0,n-len(s))\n"
    " s+=c or sys.exit(0)\n"
    "exec(compile(s,'node.py','exec'),{'__name__':'__main__'})"
)


def node_source() -> bytes:
    """Return the source of the node, as it is handed over."""
    return files("keepapart.probe").joinpath("node.py").read_bytes()


class Pipe(Protocol):
    """Two pipes to a process at the far side; any failure is a `ReachError`."""

    async def write(self, data: bytes) -> None:
        """Send all of `data`."""

    async def read_line(self) -> bytes:
        """Receive one line of at most `LINE_LIMIT` bytes; empty at the end."""

    async def close(self) -> None:
        """End the process and wait until it is gone."""


class PipeCrew:
    """Nodes behind pipes; a way in says only how a pipe is opened. See `reach.Crew`."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.lost: dict[str, str] = {}
        self._addresses = addresses
        self._pipes: dict[str, Pipe] = {}
        self._size = 0
        self._samples = 0

    async def connect(self, name: str) -> Pipe:
        """Start `LOADER` at an instance, its length argument being `len(node_source())`."""
        raise NotImplementedError

    async def open(self, port: int, flows: int) -> Mapping[str, list[int]]:
        """Connect to every instance and start its node."""
        source = node_source()

        async def start(name: str) -> list[int]:
            pipe = self._pipes[name] = await self.connect(name)
            await pipe.write(source)
            family = ip_address(self._addresses[name]).version
            answer = await self._ask(name, {"do": "open", "family": family, "port": port, "flows": flows})
            ports = answer.get("ports")
            if not isinstance(ports, list) or not ports or len(ports) > flows:
                raise ReachError("its node names no ports")
            if any(type(number) is not int or not 0 < number < 65536 for number in ports):
                raise ReachError("its node names a port that is none")
            return ports

        return await self._each(self._addresses, start)

    async def join(self, roster: Roster, key: bytes) -> None:
        """Hand every node the roster and the key."""
        self._size = len(roster.ids)
        index = {name: number for number, name in enumerate(roster.ids)}
        base = {"do": "join", "key": key.hex(), "roster": list(roster.places)}

        async def join(name: str) -> None:
            await self._ask(name, {**base, "index": index[name]})

        await self._each([name for name in self._pipes if name in index], join)

    async def begin(self, first: int, samples: int) -> None:
        """Turn every node to a new batch."""
        self._samples = samples

        async def begin(name: str) -> None:
            await self._ask(name, {"do": "begin", "first": first, "samples": samples})

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
            try:
                least = base64.b64decode(answer.get("hops", ""), validate=True)
            except (TypeError, ValueError, binascii.Error):
                least = b""
            if len(least) != self._size * self._samples:
                raise ReachError("its node reports something that is not a row of hop counts")
            return least

        return await self._each(list(self._pipes), report)

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

    async def _ask(self, name: str, command: Mapping[str, Any], extra: float = 0.0) -> Mapping[str, Any]:
        pipe = self._pipes[name]
        try:
            async with asyncio.timeout(PATIENCE + extra):
                await pipe.write(json.dumps(command).encode() + b"\n")
                line = await pipe.read_line()
        except TimeoutError:
            raise ReachError(f"no answer within {PATIENCE + extra:.0f} s") from None
        if not line:
            raise ReachError("its node ended")
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ReachError("its node says something that is not an answer")
        if "error" in answer:
            raise ReachError(f"its node failed: {str(answer['error'])[:200]}")
        return answer


__all__ = ["LINE_LIMIT", "LOADER", "PACE", "Pipe", "PipeCrew", "node_source"]
