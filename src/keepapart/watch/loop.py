"""One audit after the other, and what is known from them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from keepapart.admit.holder import holder_id, is_dead
from keepapart.auditing.outcome import FAILED
from keepapart.clock import since_boot
from keepapart.documents.base import text
from keepapart.documents.watch import SurvivesDocument, WatchDocument
from keepapart.errors import ConfigError, KeepapartError, OperationError, UnforeseenError
from keepapart.model import timestamp
from keepapart.watch.auditor import Configured
from keepapart.watch.kept import asked
from keepapart.watch.news import Told, news
from keepapart.watch.schedule import pause

LONGEST = 600.0  # seconds that an audit may take at the least, however short the interval
STALE = 3  # intervals after which an audit says nothing any more
STUCK = 2  # intervals after which a loop that hasn't turned is stuck
LOG = logging.getLogger(__name__)

Audit = Callable[[Configured], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last audit showed that succeeded, as `child.audited` returns it, `made` so long after boot."""

    made: float
    found: Mapping[str, Any]
    body: bytes

    @property
    def tag(self) -> str:
        """Return what tells the document from others."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


class Watch:
    """The watch of one cluster: its state, and `run`, which never ends by itself.

    `audit` makes an audit; `clock` are seconds that nobody sets, `of_day` those since the epoch; `draw` is
    from 0 to 1.
    """

    def __init__(
        self,
        by: Configured,
        *,
        audit: Audit,
        draw: Callable[[], float],
        clock: Callable[[], float] = since_boot,
        of_day: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.by = by
        self.outcomes: Counter[str] = Counter()
        self.moves = self.sent = 0
        self.failures = 0
        self.outcome: str | None = None
        self.because: str | None = None
        self.seen: Seen | None = None
        self.next: float | None = None
        self.auditing = False
        self.news = asyncio.Event()  # set, and another one put in its place, when there is something new
        self._audit, self._draw, self._sleep = audit, draw, sleep
        self.clock, self.of_day = clock, of_day
        self._turned = clock()
        self._wake = asyncio.Event()

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.by.config.cluster.name

    @property
    def interval(self) -> float:
        """Seconds from the end of an audit to the start of the next."""
        return self.by.config.watch.minutes * 60

    @property
    def longest(self) -> float:
        """Seconds that an audit may take."""
        return max(self.interval, LONGEST)

    @property
    def alive(self) -> bool:
        """Whether the loop turns, whatever audits find."""
        return self.clock() - self._turned <= STUCK * self.longest

    @property
    def known(self) -> Seen | None:
        """What was seen last, while it may be believed (rule 3 of the package)."""
        if self.seen is None:
            return None
        age = max(self.clock() - self.seen.made, self.of_day() - self.seen.found["at"])
        return self.seen if age <= STALE * max(self.interval, 60.0) else None

    async def ask(self, question: Callable[[Any], Any]) -> Any:
        """Ask the store. Raises `StoreError`."""
        return await asked(self.by.config.store.url, question)

    async def run(self) -> None:
        """Audit for ever."""
        async for _ in self.turns():
            pass

    async def turns(self) -> AsyncGenerator[None, None]:
        """Audit for ever; go on after each audit, before the rest that follows it."""
        while True:
            await self.once()
            seconds = pause(self.interval, self.by.config.watch.jitter, self.failures, self._draw())
            self.next = self.of_day() + seconds
            self.tell()
            yield
            await self._rest(seconds)

    def again(self, by: Configured) -> None:
        """Go on by another configuration of the same cluster, beginning at once.

        Raises `ConfigError` for what only a new start can change.
        """
        for what, of in (("[cluster] name", lambda it: it.cluster.name), ("[watch] listen", _listens)):
            if of(by.config) != of(self.by.config):
                raise ConfigError(f"{by.config.path}: {what}: takes a restart")
        self.by = by
        self._wake.set()

    async def once(self) -> None:
        """Make one audit, and learn from it what there is to learn."""
        self._turned, self.auditing, self.next = self.clock(), True, None
        self.tell()
        try:
            await self._learn(self.by)
        except Exception as error:  # no audit ends the watch
            told = error if isinstance(error, KeepapartError) else UnforeseenError(error)
            self.failures += 1
            self.outcome, self.because = FAILED, str(told)
            self.outcomes[FAILED] += 1
            LOG.warning("%s: the audit failed: %s", self.cluster, told)
        finally:
            self._turned, self.auditing = self.clock(), False

    async def _learn(self, by: Configured) -> None:
        me = holder_id()
        until = self.of_day() + self.longest + 60
        claim = partial(_claim, self.cluster, me, until, self.of_day())
        if not await self.ask(claim):
            raise OperationError(f"another `keepapart watch` audits {self.cluster!r} now")
        try:
            async with asyncio.timeout(self.longest):
                found = await self._audit(by)
        except TimeoutError:
            raise OperationError(f"the audit took longer than {self.longest / 60:.0f} minutes") from None
        else:
            body = json.dumps(found["audit"]).encode()
            self.seen = Seen(self.clock(), found, body)
            self.outcome, self.because, self.failures = found["outcome"], None, 0
            self.outcomes[found["outcome"]] += 1
            self.moves += found["moved"]
            self.sent += found["sent"]
            LOG.info("%s: %s", self.cluster, found["answer"]["text"])
            await self._keep_news(found["audit"])
        finally:
            await self.ask(lambda store: store.watches.release(self.cluster, me))

    async def _keep_news(self, audit: Mapping[str, Any]) -> None:
        kept = await self.ask(lambda store: store.watches.told(self.cluster))
        told, found = news(Told.read(kept) if kept else None, audit)
        documents = [text(each) for each in found]
        hooks = [hook.url for hook in self.by.config.watch.webhooks]
        keep = (self.cluster, told.written(), documents, hooks, self.of_day())
        await self.ask(lambda store: store.watches.keep(*keep))
        for each in found:
            LOG.warning("%s: %s", self.cluster, each.text)

    async def _rest(self, seconds: float) -> None:
        """Sleep, unless woken."""
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sleeping, waking):
                task.cancel()
            await asyncio.gather(sleeping, waking, return_exceptions=True)
            self._wake.clear()

    def tell(self) -> None:
        """Tell who waits for `news` that something is new."""
        self.news.set()
        self.news = asyncio.Event()

    def document(self) -> WatchDocument:
        """Say how the watch goes."""
        return WatchDocument(
            cluster=self.cluster,
            auditing=self.auditing,
            at=self.seen.found["audit"]["at"] if self.seen else None,
            next=timestamp(self.next) if self.next else None,
            survives=self.survives().survives,
            outcome=self.outcome,
            failures=self.failures,
            because=self.because,
        )

    def survives(self) -> SurvivesDocument:
        """Say whether the cluster survives the loss of any one host."""
        at = self.seen.found["audit"]["at"] if self.seen else None
        if not (known := self.known):
            because = f"the last audit that succeeded is of {at}" if at else self.because or "not audited yet"
            return SurvivesDocument(cluster=self.cluster, at=at, survives=None, because=because)
        risk = known.found["audit"]["risk"]
        survives = risk["survives_any_host"] if risk["quorate"] else False
        because = known.found["answer"]["text"]
        return SurvivesDocument(cluster=self.cluster, at=at, survives=survives, because=because)


def _claim(cluster: str, me: str, until: float, now: float, store: Any) -> bool:
    return bool(store.watches.claim(cluster, me, until, now, is_dead))


def _listens(config: Any) -> tuple[str, str]:
    return config.watch.listen, config.watch.token_file
