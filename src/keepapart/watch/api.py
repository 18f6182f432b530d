"""What is answered over HTTP; `openapi` describes it.

Nothing here changes anything: all is asked for by GET.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from importlib.resources import files
from itertools import islice
from typing import Any
from urllib.parse import unquote

import jinja2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from keepapart.auditing.history import rows, sayings
from keepapart.auditing.kept import is_whole, recall
from keepapart.documents.base import Document, text
from keepapart.documents.error import ErrorDocument, ErrorEntry, error_document
from keepapart.documents.past import ExplainDocument, HistoryDocument
from keepapart.errors import ConfigError, KeepapartError, SharedError, StoreError, UnknownError, UsageError
from keepapart.store import Store
from keepapart.watch.exported import Wanted, exported, form_of
from keepapart.watch.guard import Guard
from keepapart.watch.loop import Watch
from keepapart.watch.metrics import Metrics
from keepapart.watch.openapi import TIME, described
from keepapart.watch.webhooks import Webhooks

LISTENERS = 64  # to events, at a time
QUIET = 15.0  # seconds after which listeners get a comment, so that nobody between takes them for gone
NEWS = 100  # read at a time
LOOK_BACK = 100  # audits that are searched for a pair
MOST = 1000  # rows of the history
NO_STORE = {"cache-control": "no-store"}
FAILED: Mapping[type[KeepapartError], int] = {  # the first that fits
    ConfigError: 503,
    UsageError: 400,
    SharedError: 409,
    UnknownError: 409,
    KeepapartError: 503,
}
SURVIVES = {True: 200, False: 409, None: 503}
PAGE, LOOK = "keepapart.watch", "keepapart.report"  # packages that have files of the page
FILES = {
    "page.css": (LOOK, "text/css"),
    "watch.css": (PAGE, "text/css"),
    "watch.js": (PAGE, "text/javascript"),
    "icon.svg": (PAGE, "image/svg+xml"),
}

Answer = Callable[[Request], Awaitable[Response]]


class Api:
    """The answers of one watch."""

    def __init__(self, watch: Watch, webhooks: Webhooks) -> None:
        self._watch, self._metrics = watch, Metrics(watch, webhooks)
        self._listeners = 0
        self._ending = asyncio.Event()

    def app(self, token: str) -> Guard:
        """Return the application; with a token only who shows it is answered."""
        cluster = "/v1/clusters/{name}"
        answers: Mapping[str, Answer] = {
            "/": self._page,
            "/files/{name}": self._file,
            "/livez": self._livez,
            "/readyz": self._readyz,
            "/metrics": self._scraped,
            "/openapi.json": self._openapi,
            "/v1/events": self._events,
            cluster: self._cluster,
            f"{cluster}/survives": self._survives,
            f"{cluster}/audit": self._audit,
            f"{cluster}/history": self._history,
            f"{cluster}/pairs/{{a}}/{{b}}": self._pair,
            f"{cluster}/export/{{format}}": self._export,
        }
        routes = [Route(path, self._of_this_cluster(answer)) for path, answer in answers.items()]
        failures = {HTTPException: _refused, KeepapartError: _failed, Exception: _unforeseen}
        return Guard(Starlette(routes=routes, exception_handlers=failures), token)

    def end(self) -> None:
        """End what would go on for ever: the streams of events."""
        self._ending.set()
        self._watch.tell()

    def _of_this_cluster(self, answer: Answer) -> Answer:
        """Have only this cluster answered for, and names taken as they are meant."""

        async def answered(request: Request) -> Response:
            names = {key: unquote(value) for key, value in request.path_params.items()}
            request.scope["path_params"] = names
            if request.url.path.startswith("/v1/clusters/") and names["name"] != self._watch.cluster:
                raise HTTPException(404, f"no cluster {names['name']!r} is watched here")
            return await answer(request)

        return answered

    async def _livez(self, _: Request) -> Response:
        alive = self._watch.alive
        return PlainTextResponse("it lives\n" if alive else "it is stuck\n", 200 if alive else 503, NO_STORE)

    async def _readyz(self, _: Request) -> Response:
        await self._watch.ask(lambda store: store.watches.newest(self._watch.cluster))
        ready = self._watch.seen is not None
        return PlainTextResponse("ready\n" if ready else "not audited yet\n", 200 if ready else 503, NO_STORE)

    async def _scraped(self, request: Request) -> Response:
        content, kind = self._metrics.written(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": kind, **NO_STORE})

    async def _openapi(self, _: Request) -> Response:
        return _json(json.dumps(described()))

    async def _page(self, _: Request) -> Response:
        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        page = environment.from_string(_text(PAGE, "watch.html"))
        newest = await self._watch.ask(lambda store: store.watches.newest(self._watch.cluster))
        return HTMLResponse(
            page.render(cluster=self._watch.cluster, after=max(0, newest - NEWS)), headers=NO_STORE
        )

    async def _file(self, request: Request) -> Response:
        if (name := request.path_params["name"]) not in FILES:
            raise HTTPException(404, "no such file")
        package, kind = FILES[name]
        return Response(_text(package, name), media_type=kind, headers={"cache-control": "no-cache"})

    async def _cluster(self, _: Request) -> Response:
        return _document(self._watch.document())

    async def _survives(self, _: Request) -> Response:
        document = self._watch.survives()
        return _document(document, SURVIVES[document.survives])

    async def _audit(self, request: Request) -> Response:
        at = request.query_params.get("at")
        if at is None and self._watch.seen:
            seen = self._watch.seen
            if request.headers.get("if-none-match") == seen.tag:
                return Response(status_code=304, headers={"etag": seen.tag, "cache-control": "no-cache"})
            return _json(seen.body, headers={"etag": seen.tag, "cache-control": "no-cache"})
        if at is not None and not re.fullmatch(TIME, at):
            raise HTTPException(400, "at: a time as audits have it is wanted: 2026-11-22T22:00:00Z")
        found = await self._watch.ask(lambda store: _kept(store, self._watch.cluster, at))
        if found is None:
            raise HTTPException(404, f"no audit was kept before {at}" if at else "not audited yet")
        return _json(json.dumps(found))

    async def _history(self, request: Request) -> Response:
        limit, cluster = _limit(request.query_params.get("limit", "100")), self._watch.cluster
        found = await self._watch.ask(lambda store: rows(store, cluster, limit, "audit"))
        return _document(HistoryDocument(cluster, tuple(found)))

    async def _pair(self, request: Request) -> Response:
        a, b, cluster = request.path_params["a"], request.path_params["b"], self._watch.cluster
        found = await self._watch.ask(lambda store: tuple(sayings(recall(store, cluster, LOOK_BACK), a, b)))
        if not found:
            raise HTTPException(404, f"{a!r} and {b!r} are not both in any of the last {LOOK_BACK} audits")
        return _document(ExplainDocument(a, b, found))

    async def _export(self, request: Request) -> Response:
        if not (known := self._watch.known):
            return _error("unknown", self._watch.survives().because, 503)
        config, asked = self._watch.by.config, request.query_params
        try:
            form = await asyncio.to_thread(form_of, config, request.path_params["format"])
        except ConfigError:
            raise
        except UsageError as error:
            raise HTTPException(404, str(error)) from None
        several = asked.getlist("set"), asked.getlist("only")
        wanted = Wanted.of(form, asked.get("level"), asked.get("unknown"), *several)
        question = partial(
            exported, cluster=config.cluster.name, at=known.found["audit"]["at"], wanted=wanted
        )
        return Response(await self._watch.ask(question), headers=NO_STORE, media_type=wanted.kind)

    async def _events(self, request: Request) -> Response:
        if self._listeners >= LISTENERS:
            raise HTTPException(503, f"{LISTENERS} listen already")
        given = request.headers.get("last-event-id") or request.query_params.get("after", "")
        known = given.isascii() and given.isdecimal() and len(given) < 16
        after = int(given) if known else await self._newest()
        headers = {**NO_STORE, "x-accel-buffering": "no"}
        return StreamingResponse(self._stream(after), media_type="text/event-stream", headers=headers)

    async def _stream(self, after: int | None) -> AsyncIterator[str]:
        """Yield how the watch goes, whenever that changes, and all news after that number.

        It is None where the store couldn't be asked for the latest: those to come are after what is there
        when it can be.
        """
        self._listeners += 1
        try:
            while not self._ending.is_set():
                changed = self._watch.news  # before it is asked: what changes meanwhile is not missed
                if after is None:
                    after = await self._newest()
                while after is not None and (newer := await self._newer(after)):
                    for number, document in newer:
                        yield f"id: {number}\nevent: news\ndata: {document}\n\n"
                        after = number
                yield f"event: watch\ndata: {text(self._watch.document())}\n\n"
                while not changed.is_set():
                    try:
                        await asyncio.wait_for(changed.wait(), QUIET)
                    except TimeoutError:
                        yield ": quiet\n\n"
        finally:
            self._listeners -= 1

    async def _newest(self) -> int | None:
        try:
            return int(await self._watch.ask(lambda store: store.watches.newest(self._watch.cluster)))
        except StoreError:
            return None

    async def _newer(self, after: int) -> list[tuple[int, str]]:
        cluster = self._watch.cluster
        try:
            return list(await self._watch.ask(lambda store: store.watches.news(cluster, after, NEWS)))
        except StoreError:
            return []  # they come with the next change


def _kept(store: Store, cluster: str, at: str | None) -> Any:
    """Return the audit of the whole cluster that was the last one at a time; None where there is none."""
    entries = (entry["audit"] for entry in recall(store, cluster) if is_whole(entry))
    return next(islice((audit for audit in entries if not at or audit["at"] <= at), 1), None)


def _limit(given: str) -> int:
    if not (given.isascii() and given.isdecimal() and len(given) < 6 and 1 <= int(given) <= MOST):
        raise HTTPException(400, f"limit: a whole number from 1 to {MOST} is wanted")
    return int(given)


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _document(document: Document, status: int = 200, headers: Mapping[str, str] = NO_STORE) -> Response:
    return _json(text(document), status, headers)


def _json(content: str | bytes, status: int = 200, headers: Mapping[str, str] = NO_STORE) -> Response:
    return Response(content, status, dict(headers), media_type="application/json")


def _error(kind: str, what: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    document = ErrorDocument(ErrorEntry(kind, what, None))
    return _document(document, status, {**NO_STORE, **(headers or {})})


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error("usage", error.detail, error.status_code, error.headers)


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, KeepapartError)
    status = next(code for kind, code in FAILED.items() if isinstance(error, kind))
    return _document(error_document(error), status)


async def _unforeseen(_: Request, error: Exception) -> Response:
    return _error("unforeseen", f"unforeseen: {type(error).__name__}", 500)
