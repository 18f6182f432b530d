"""A way in as the conformance rules use it, and a round of it, step by step."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from keepapart.reach import NodeGroup, Roster, Transport

SOCKETS, SAMPLES = 4, 4  # of a node; of a batch
SETTLE = 0.25  # seconds for stragglers
PASSES = 4  # how often datagrams that were lost are sent again
PAUSE = 0.05  # seconds between two looks

TransportRule = Callable[["TransportUnderTest"], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class TransportUnderTest:
    """A way in, opened by `open`, to at least two instances that reach each other.

    `wheres` and `addresses` are as `Transport.group` takes them: by id what stands after the colon of each
    way in, and what the others send to. `port` is a UDP port that is free on each; 0 where they share an
    address. `computes` says that hops are computed, and nothing is sent.

    What follows may stay None, which skips the rules that need it. `nowhere` stands after the colon of a way
    in that leads to no instance, `meaningless` after that of one which can't be meant. `die` ends the node of
    an instance of a group, by whatever means. `running` lists whatever of nodes there is at a moment, such as
    processes: a list that is longer when all is closed shows what was left behind.
    """

    open: Callable[[], Transport]
    wheres: Mapping[str, str]
    addresses: Mapping[str, str]
    port: int = 0
    computes: bool = False
    nowhere: str | None = None
    meaningless: str | None = None
    die: Callable[[NodeGroup, str], None] | None = None
    running: Callable[[], Sequence[object]] | None = None
    patience: float = 10.0  # seconds until nothing is left of what was closed

    @cached_property
    def ids(self) -> list[str]:
        """The instances' ids, in the order of every roster here."""
        return sorted(self.wheres)

    @cached_property
    def key(self) -> bytes:
        """The key of every round here."""
        return secrets.token_bytes(32)

    @asynccontextmanager
    async def group(self, wheres: Mapping[str, str] | None = None) -> AsyncIterator[NodeGroup]:
        """Open the way in for the nodes of all instances, or of these; close both afterwards."""
        transport = self.open()
        try:
            group = self.nodes(transport, wheres)
            try:
                yield group
            finally:
                await group.close()
        finally:
            await transport.close()

    def nodes(self, transport: Transport, wheres: Mapping[str, str] | None = None) -> NodeGroup:
        """Return the nodes of all instances, or of these; who has no address gets that of another."""
        chosen, any_address = wheres or self.wheres, self.addresses[self.ids[0]]
        return transport.group(chosen, {name: self.addresses.get(name, any_address) for name in chosen})

    async def started(self, group: NodeGroup) -> Roster:
        """Open a node on each instance, and hand all of them the roster."""
        ports = await group.open(0, SOCKETS)
        missing = [name for name in self.ids if name not in ports]
        assert not missing, f"open: no ports of {missing}; lost are {group.lost}"
        roster = Roster(self.ids, [(self.addresses[name], list(ports[name])) for name in self.ids])
        await group.join(roster, self.key)
        return roster

    async def measured(
        self, group: NodeGroup, roster: Roster, first: int = 0, dead: str = ""
    ) -> Mapping[str, bytes]:
        """Measure every pair in a batch of samples; what was lost on the way is sent again.

        Nothing is awaited of who is `dead`.
        """
        samples = range(first, first + SAMPLES)
        wants = {name: [(sample, None) for sample in samples] for name in roster.ids}
        await group.begin(first, SAMPLES)
        found: Mapping[str, bytes] = {}
        for _ in range(PASSES):
            await group.send(wants)
            found = await group.report(SETTLE)
            missing = {
                (name, by) for name in found for by, n in counted(found, roster.ids, name).items() if not n
            }
            if all(dead in pair for pair in missing):
                break
        return found

    async def gone(self, before: Sequence[object]) -> None:
        """Wait until nothing runs that did not run before. Raises `AssertionError` where it stays."""
        running = self.running or skipped("`running` is not given")
        end = asyncio.get_running_loop().time() + self.patience
        while left := [each for each in running() if each not in before]:
            assert asyncio.get_running_loop().time() < end, f"close: {left} is left behind"
            await asyncio.sleep(PAUSE)


def counted(found: Mapping[str, bytes], ids: Sequence[str], name: str) -> Mapping[str, int]:
    """Return the least count from each other in what a node reported; 0 where a sample is missing."""
    row, size = found[name], len(ids)
    return {by: min(row[at::size], default=0) for at, by in enumerate(ids) if by != name}


def skipped(why: str) -> NoReturn:
    """Skip the test that a rule is run by."""
    import pytest

    pytest.skip(why)
