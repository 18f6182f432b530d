"""A watch for programs: audits on a schedule, and what is new after each, as values."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from keepapart.documents.watch import NewsDocument
from keepapart.errors import StoreError
from keepapart.store import Store
from keepapart.watch import auditor
from keepapart.watch.auditor import configured
from keepapart.watch.loop import Watch

MOST = 1_000  # news that are read at a time


@dataclass(frozen=True, slots=True)
class Watched:
    """What one audit of a watch ended with.

    `outcome` is "ok", "shared", "unknown", "no-quorum" or "failed", and then `because` says why; `audit` is
    `keepapart.audit/1` of the last one that succeeded, None where none did yet. `survives` is whether the
    cluster survives the loss of any one host, None where that isn't known, or not any more. `news` is what is
    new since the audit before, each told once, also over restarts.
    """

    outcome: str
    because: str | None
    audit: Mapping[str, Any] | None
    survives: bool | None
    news: Sequence[NewsDocument]


async def follow_async(path: str | Path) -> AsyncGenerator[Watched, None]:
    """Audit by this configuration as `keepapart watch` does, and yield after each audit, for ever.

    It rests while the caller has it, too: `[watch] minutes` are from the end of an audit, or from when the
    next one is asked for, to the next. No failing audit ends it. Where it is closed or cancelled in an audit,
    that ends as by Ctrl-C. Raises `ConfigError`, and `StoreError` where it can't begin.
    """
    watch = Watch(configured(str(path)), audit=auditor.audit, draw=random.random)
    turns = watch.turns()
    try:
        after = await watch.ask(lambda store: store.watches.newest(watch.cluster))
        async for _ in turns:
            try:
                found = await watch.ask(partial(_news, watch.cluster, after))
            except StoreError:  # they come with the next audit
                found = []
            after = max([after, *(number for number, _ in found)])
            yield Watched(
                outcome=watch.outcome or "failed",
                because=watch.because,
                audit=watch.seen.found["audit"] if watch.seen else None,
                survives=watch.survives().survives,
                news=[msgspec.json.decode(document, type=NewsDocument) for _, document in found],
            )
    finally:
        await turns.aclose()


def follow(path: str | Path) -> Generator[Watched, None, None]:
    """Do what `follow_async` does, for who has no event loop."""
    with asyncio.Runner() as runner:
        seen = follow_async(path)
        try:
            while True:
                yield runner.run(anext(seen))
        finally:
            runner.run(seen.aclose())


def _news(cluster: str, after: int, store: Store) -> list[tuple[int, str]]:
    return store.watches.news(cluster, after, MOST)
