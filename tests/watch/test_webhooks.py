"""News to webhooks: read by the libraries of the two standards, at least once, whatever dies in between."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from cloudevents.v1.http import from_http
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from keepapart.errors import ConfigError
from keepapart.store import Watches
from keepapart.watch.auditor import configured
from keepapart.watch.webhooks import RETRIES, Webhooks, keys
from tests.report.audits import APART, SHARED, audit_of
from tests.watch.bench import Bench, config_file

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
HOOKS = '[[watch.webhooks]]\nurl = "http://one.example/hook"\nsecret_file = "key"\n'
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A watch with a webhook, which finds that two members share a host."""
    (tmp_path / "key").write_text(SECRET + "\n")
    bench = Bench(tmp_path, [audit_of(APART), audit_of(SHARED)], HOOKS)
    bench.once(2)
    return bench


def deliver(bench: Bench, answer: Answer) -> tuple[list[httpx.Request], Webhooks]:
    """Try what is due, once; return what was asked."""
    asked: list[httpx.Request] = []

    def heard(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(request)

    async def once() -> Webhooks:
        async with httpx.AsyncClient(transport=httpx.MockTransport(heard)) as client:
            webhooks = Webhooks(bench.watch, client)
            await webhooks.once()
            return webhooks

    return asked, asyncio.run(once())


def taken(_: httpx.Request) -> httpx.Response:
    """Take it."""
    return httpx.Response(204)


def refused(_: httpx.Request) -> httpx.Response:
    """Don't."""
    return httpx.Response(500)


def test_news_are_cloud_events(bench: Bench) -> None:
    """In the structured form, as the standard's own library reads them."""
    asked, webhooks = deliver(bench, taken)
    event = from_http(dict(asked[0].headers), asked[0].content)
    assert event["type"] == "io.keepapart.members.shared"
    assert (event["source"], event["subject"], event["specversion"]) == ("/clusters/orders", "web-1", "1.0")
    data = event.get_data()
    assert data
    assert data["with"] == ["web-2"]
    assert webhooks.outcomes["delivered"] == len(asked) == len(bench.news())


def test_they_are_signed(tmp_path: Path) -> None:
    """As Standard Webhooks' library verifies it, by the clock of now; what was tampered with is not taken."""
    (tmp_path / "key").write_text(SECRET)
    bench = Bench(tmp_path, [audit_of(SHARED)], HOOKS)
    bench.clock.now = time.time() - 3600
    bench.once()
    asked, _ = deliver(bench, taken)
    first = asked[0]
    assert Webhook(SECRET).verify(first.content, dict(first.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(first.content.replace(b"web-1", b"web-3"), dict(first.headers))


def test_each_is_delivered_once_where_it_is_taken(bench: Bench) -> None:
    """What was taken isn't sent again."""
    assert deliver(bench, taken)[0]
    assert deliver(bench, taken)[0] == []


def test_what_is_not_taken_is_tried_again_with_the_same_id(bench: Bench) -> None:
    """In order, ever less often, and after a restart too: the outbox is in the store."""
    first, webhooks = deliver(bench, refused)
    assert (len(first), webhooks.outcomes["failed"]) == (1, 1)
    bench.clock.now += RETRIES[0]
    again, _ = deliver(bench, taken)
    assert again[0].headers["webhook-id"] == first[0].headers["webhook-id"]
    assert json.loads(again[0].content)["id"] == json.loads(first[0].content)["id"]
    assert len(again) == len(bench.news())


def test_what_nobody_takes_in_three_days_is_given_up(bench: Bench) -> None:
    """Nine more tries, and then the next one's turn."""
    tries = []
    for seconds in (*RETRIES, 0.0):
        asked, webhooks = deliver(bench, refused)
        tries += [request.headers["webhook-id"] for request in asked]
        bench.clock.now += seconds
    assert tries.count(tries[0]) == len(RETRIES) + 1
    assert webhooks.outcomes["given-up"] >= 1
    assert 2.9 * 86400 < sum(RETRIES) < 3.5 * 86400


def test_a_log_has_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever has the whole address of a webhook may post there: its host alone is told."""
    (tmp_path / "key").write_text(SECRET)
    hook = "https://user:S3CRET@hooks.example/T0KEN?key=K3Y"
    bench = Bench(tmp_path, [audit_of(SHARED)], re.sub('url = ".*"', f'url = "{hook}"', HOOKS))
    bench.once()
    for seconds in (*RETRIES, 0.0):
        deliver(bench, refused)
        bench.clock.now += seconds
    assert "webhook at hooks.example: it answered 500; it is tried again" in caplog.text
    assert "given up" in caplog.text
    assert not [secret for secret in ("S3CRET", "T0KEN", "K3Y") if secret in caplog.text]


def test_one_that_does_not_answer_holds_up_no_other(tmp_path: Path) -> None:
    """Each webhook has its own queue."""
    (tmp_path / "key").write_text(SECRET)
    bench = Bench(tmp_path, [audit_of(SHARED)], HOOKS + HOOKS.replace("one", "two"))
    bench.once()

    def half(request: httpx.Request) -> httpx.Response:
        if request.url.host == "one.example":
            raise httpx.ConnectError("refused")
        return httpx.Response(200)

    asked, webhooks = deliver(bench, half)
    hosts = [request.url.host for request in asked]
    assert (hosts.count("one.example"), hosts.count("two.example")) == (1, len(bench.news()))
    assert webhooks.outcomes["failed"] == 1


def test_news_and_deliveries_are_written_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the store fails in between, nothing is told, and the next audit tells it."""
    (tmp_path / "key").write_text(SECRET)
    bench = Bench(tmp_path, [audit_of(SHARED)], HOOKS)
    with monkeypatch.context() as patch:

        def torn(*_: object) -> None:
            raise OSError("the disk is full")

        patch.setattr(Watches, "keep", torn)
        bench.once()
    assert bench.news() == []
    bench.once()
    assert deliver(bench, taken)[1].outcomes["delivered"] == len(bench.news()) == 2


@pytest.mark.parametrize(
    ("held", "match"),
    [
        (None, "No such file"),
        ("whsec_!", "holds no key; whsec_"),
        ("whsec_AAAA", "a key of 3 bytes; 24 to 64"),
    ],
)
def test_a_file_without_a_key_is_a_mistake(tmp_path: Path, held: str | None, match: str) -> None:
    """It is named, with what is wanted."""
    if held:
        (tmp_path / "key").write_text(held)
    with pytest.raises(ConfigError, match=r"\[\[watch.webhooks\]\] number 1 secret_file: .*" + match):
        keys(configured(str(config_file(tmp_path, HOOKS))).config)
