"""News to webhooks: CloudEvents 1.0, signed by Standard Webhooks, at least once.

1. What is to be delivered stands in the store's outbox until it was taken with a 2xx: whatever dies, it is
   tried again, with the same id.
2. It is tried as Standard Webhooks suggests, at once and for three days, ever less often, and then given up.
3. The oldest news goes first; one webhook that doesn't answer holds up no other.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx

from keepapart.config import Config
from keepapart.errors import ConfigError, StoreError
from keepapart.settings import WebhookSettings
from keepapart.store import Delivery, Store
from keepapart.watch.loop import Watch

LOG = logging.getLogger(__name__)
SECONDS = 10.0  # that a webhook has to answer
LOOK = 5.0  # seconds between two looks at the outbox
AT_ONCE = 50
HOUR = 3600.0
# Seconds after each try that failed, https://github.com/standard-webhooks, "Deliverability and reliability"
RETRIES = (5.0, 300.0, HOUR / 2, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
DELIVERED, FAILED, GIVEN_UP = "delivered", "failed", "given-up"


def body(number: int, document: str) -> bytes:
    """Return news as a CloudEvent, in the structured form of JSON."""
    news = json.loads(document)
    event = {
        "specversion": "1.0",
        "id": str(number),
        "source": f"/clusters/{quote(news['cluster'], safe='')}",
        "type": f"io.keepapart.members.{news['kind']}",
        "subject": news["id"],
        "time": news["at"],
        "datacontenttype": "application/json",
        "data": news,
    }
    return json.dumps(event).encode()


def signed(key: bytes, number: int, at: int, content: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks for this content; `at` is now, in seconds since the epoch."""
    name = f"msg_{number}"
    what = f"{name}.{at}.".encode() + content
    signature = base64.b64encode(hmac.digest(key, what, hashlib.sha256)).decode()
    return {
        "content-type": "application/cloudevents+json",
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
    }


def keys(config: Config) -> dict[str, bytes]:
    """Return each webhook's key by its address. Raises `ConfigError` for a file that holds none."""
    return {hook.url: _key(config, number, hook) for number, hook in enumerate(config.watch.webhooks, 1)}


def _key(config: Config, number: int, hook: WebhookSettings) -> bytes:
    where = f"{config.path}: [[watch.webhooks]] number {number} secret_file: {hook.secret_file}"
    try:
        held = Path(hook.secret_file).read_text(encoding="ascii").strip()
        key = base64.b64decode(held.removeprefix("whsec_"), validate=True)
    except OSError as error:
        raise ConfigError(f"{where}: {error.strerror}") from None
    except (ValueError, binascii.Error):
        raise ConfigError(f"{where}: holds no key", "whsec_ and base64 is wanted") from None
    if not 24 <= len(key) <= 64:
        raise ConfigError(f"{where}: a key of {len(key)} bytes", "24 to 64 are wanted")
    return key


class Webhooks:
    """What delivers news; `run` never ends by itself. `outcomes` counts."""

    def __init__(
        self,
        watch: Watch,
        client: httpx.AsyncClient,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.outcomes = Counter({DELIVERED: 0, FAILED: 0, GIVEN_UP: 0})
        self._watch, self._client, self._sleep = watch, client, sleep

    async def run(self) -> None:
        """Deliver for ever."""
        while True:
            try:
                await self.once()
            except (StoreError, ConfigError) as error:
                LOG.warning("webhooks: %s", error)
            await self._sleep(LOOK)

    async def once(self) -> None:
        """Try what is due, once."""
        config = self._watch.by.config
        known = keys(config)
        await asyncio.gather(*(self._to(url, key) for url, key in known.items()))

    async def _to(self, url: str, key: bytes) -> None:
        """Deliver to one webhook what is due for it, until it doesn't take it."""
        due = partial(_due, self._watch.cluster, [url], self._watch.of_day())
        for delivery in await self._watch.ask(due):
            if not await self._delivered(delivery, key):
                return

    async def _delivered(self, delivery: Delivery, key: bytes) -> bool:
        content, now = body(delivery.number, delivery.document), self._watch.of_day()
        because = await self._posted(delivery.hook, content, signed(key, delivery.number, int(now), content))
        if not because:
            self.outcomes[DELIVERED] += 1
            await self._watch.ask(lambda store: store.watches.done(delivery))
            return True
        if delivery.tries < len(RETRIES):
            self.outcomes[FAILED] += 1
            LOG.warning("webhook at %s: %s; it is tried again", _host(delivery.hook), because)
            due = now + RETRIES[delivery.tries]
            await self._watch.ask(lambda store: store.watches.postpone(delivery, due))
        else:
            self.outcomes[GIVEN_UP] += 1
            LOG.error(
                "webhook at %s: %s; news %d is given up", _host(delivery.hook), because, delivery.number
            )
            await self._watch.ask(lambda store: store.watches.done(delivery))
        return False

    async def _posted(self, url: str, content: bytes, headers: dict[str, str]) -> str:
        """Post it; return why it wasn't taken, nothing where it was."""
        try:
            async with asyncio.timeout(SECONDS):
                answer = await self._client.post(url, content=content, headers=headers)
        except TimeoutError:
            return f"no answer in {SECONDS:.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return str(error) or type(error).__name__
        return "" if answer.is_success else f"it answered {answer.status_code}"


def _host(url: str) -> str:
    """Return whose a webhook is; what else its address has is a secret, mostly."""
    return httpx.URL(url).host


def _due(cluster: str, hooks: Sequence[str], now: float, store: Store) -> list[Delivery]:
    return store.watches.due(cluster, hooks, now, AT_ONCE)
