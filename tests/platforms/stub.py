"""A platform's API as a stub over real HTTP on loopback: what is answered to a path, and what goes wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from keepapart.clouds import CLUSTER_TAG, Listing, connect
from keepapart.testing.clouds import CloudUnderTest


class Call(NamedTuple):
    """A call that was made."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    target: str = ""  # path and query as they were sent
    raw: bytes = b""

    @property
    def body(self) -> Any:
        """What was sent, as JSON; None where nothing was."""
        return json.loads(self.raw) if self.raw else None


class Reply(NamedTuple):
    """What is answered: JSON, or bytes as they are."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that went away: some tests are about that."""


Answering = Callable[[Call], Reply]


class Stub:
    """A server. `answer` is asked for every call; `faults` are answered first, one a call."""

    def __init__(self, answer: Answering) -> None:
        self.answer, self.calls = answer, list[Call]()
        self.faults: list[Answering] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # head and body are two writes: 40 ms for each answer else

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                sent = {name.title(): text for name, text in self.headers.items()}
                query = dict(parse_qsl(parts.query, True))
                call = Call(self.command, parts.path, query, sent, self.path, raw)
                stub.calls.append(call)
                answer = stub.faults.pop(0) if stub.faults else stub.answer
                body, status, headers = answer(call)
                said = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response_only(status)
                for name, value in ({"Content-Length": str(len(said))} | dict(headers)).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(self) -> None:
        """Serve for ever."""
        self._server.serve_forever()

    def close(self) -> None:
        """Leave the address to whoever else serves it."""
        self._server.server_close()

    @contextmanager
    def serving(self) -> Iterator[Stub]:
        """Serve as long as the context lasts."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    @contextmanager
    def failing(self, _: object = None) -> Iterator[None]:
        """Answer every call with an error, but for a token."""
        before, down = self.answer, Reply({"message": "down"}, 500)
        self.answer = lambda call: before(call) if call.path.endswith("/token") else down
        try:
            yield
        finally:
            self.answer = before

    @contextmanager
    def cut_short(self, _: object = None) -> Iterator[None]:
        """Answer the second page of any list with an error, and all after it."""
        before, pages = self.answer, dict[str, int]()

        def answer(call: Call) -> Reply:
            pages[call.path] = pages.get(call.path, 0) + 1
            return before(call) if pages[call.path] == 1 else Reply({"message": "cut"}, 500)

        self.answer = answer
        try:
            yield
        finally:
            self.answer = before


class Account(Stub):
    """An account at a platform, as its API answers: what it has, page by page.

    `answered` are all answers so far, by what they are, for whoever publishes their shapes. What an account
    does that launches: with `trouble` launches and starts fail so, at once or `late`, once they were
    accepted; while `refused`, launches are never granted.
    """

    provider: ClassVar[str]
    more: ClassVar[Mapping[str, Any]] = {}  # further keys of [cloud]
    troubles: ClassVar[tuple[Any, Any]]  # no room, and a quota that is used up, in the platform's words

    def __init__(self) -> None:
        super().__init__(self.reply)
        self.things: list[dict[str, Any]] = []
        self.answered: list[tuple[str, Any]] = []
        self.trouble: Any = None
        self.late = self.refused = False

    def reply(self, call: Call) -> Reply:
        """Answer as the platform does."""
        raise NotImplementedError

    @contextmanager
    def troubled(self, trouble: object, *, late: bool) -> Iterator[None]:
        """Have this trouble with whatever is launched or started."""
        self.trouble, self.late = trouble, late
        yield
        self.trouble, self.late = None, False

    def no_room(self, *, late: bool) -> AbstractContextManager[None]:
        """Have no room for anything."""
        return self.troubled(self.troubles[0], late=late)

    def no_quota(self, *, late: bool) -> AbstractContextManager[None]:
        """Have a quota that is used up."""
        return self.troubled(self.troubles[1], late=late)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Never grant a launch."""
        self.refused = True
        yield
        self.refused = False

    def told(self, what: str, body: Any, **headers: str) -> Reply:
        """Answer this, and remember what it was."""
        self.answered.append((what, body))
        return Reply(body, headers={name.replace("_", "-"): text for name, text in headers.items()})

    def open(self, **settings: Any) -> Listing:
        """Open the provider here; a call is tried once."""
        return connect(self.provider, {"endpoint": self.endpoint, "tries": 1, **self.more, **settings}, ())

    def listing(self, *ids: str, unknown: str = CloudUnderTest.unknown, **settings: Any) -> CloudUnderTest:
        """Return it as a listing that is held to the rules; of cluster "orders" it has these instances."""
        return CloudUnderTest(
            lambda: self.open(**settings),
            listed=ids,
            tags={CLUSTER_TAG: "orders"},
            unknown=unknown,
            failing=self.failing,
            cut_short=self.cut_short,
        )

    @property
    def cloud(self) -> str:
        """The text of `[cloud]`."""
        keys = {"provider": self.provider, "endpoint": self.endpoint, "tries": 1, **self.more}
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
