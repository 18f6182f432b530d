"""A watch whose audits are made up: the store, the answers and all that comes of them are real."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keepapart.auditing.assess import Audit
from keepapart.auditing.history import baseline_of, record
from keepapart.auditing.kept import since_before
from keepapart.report.ground import Ground
from keepapart.store import Store
from keepapart.watch.auditor import Configured, configured
from keepapart.watch.child import told
from keepapart.watch.loop import Watch
from keepapart.watch.serve import running


@dataclass
class Clock:
    """A clock that goes on only where somebody sleeps by it."""

    now: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass at once."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def config_file(folder: Path, rest: str = "") -> Path:
    """Write a configuration of the cluster `orders`; `rest` are lines of [watch]."""
    path = folder / "keepapart.toml"
    path.write_text(f'[cluster]\nname = "orders"\n[watch]\n{rest}\n')
    return path


class Bench:
    """A watch whose next audits are these, of which the last one is repeated; an exception is a failure."""

    def __init__(self, folder: Path, audits: Iterable[Audit | Exception], rest: str = "") -> None:
        self.path = config_file(folder, rest)
        self.by = configured(str(self.path))
        self.url = self.by.config.store.url
        self.audits = list(audits)
        self.made = 0
        self.clock = Clock()
        self.gate: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self.watch = Watch(
            self.by,
            audit=self.audit,
            draw=lambda: 0.5,
            clock=self.clock,
            of_day=self.clock,
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once, or, where it answers, when `go_on` says so."""
        if self.gate:
            _, event = self.gate
            await event.wait()
            event.clear()
        await self.clock.sleep(seconds)

    def go_on(self) -> None:
        """End the rest between two audits of a watch that answers."""
        assert self.gate
        loop, event = self.gate
        loop.call_soon_threadsafe(event.set)

    async def audit(self, _: Configured) -> Mapping[str, Any]:
        """Make the next audit, and keep it as a real one is kept."""
        found = self.audits[min(self.made, len(self.audits) - 1)]
        self.made += 1
        if isinstance(found, Exception):
            raise found
        object.__setattr__(found, "at", self.clock())
        with Store(self.url) as store:
            compare = since_before(store, "orders")
            record(store, found, "audit", baseline_of(store, "orders"))
        return told(found, compare(found), Ground(), 2.0)

    def once(self, times: int = 1) -> None:
        """Have so many audits made, an hour between them."""

        async def some() -> None:
            for _ in range(times):
                await self.watch.once()
                self.clock.now += 3600

        thread = threading.Thread(target=lambda: asyncio.run(some()))  # a browser has a loop in this one
        thread.start()
        thread.join()

    def news(self) -> list[tuple[int, str]]:
        """List the news that are kept."""
        with Store(self.url) as store:
            return store.watches.news("orders", 0, 1000)


@contextmanager
def answering(bench: Bench, token: str = "") -> Iterator[str]:
    """Have the watch run in a thread, beginning with an audit; yield the address at which it answers."""
    begun, over = threading.Event(), threading.Event()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))

        async def run() -> None:
            bench.gate = asyncio.get_running_loop(), asyncio.Event()
            async with running(bench.watch, token, listening):
                while bench.watch.next is None:
                    await asyncio.sleep(0.01)
                begun.set()
                await asyncio.to_thread(over.wait)

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        thread.start()
        begun.wait(30)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            thread.join()
