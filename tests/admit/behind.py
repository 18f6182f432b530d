"""A proxy before an EC2 API whose DescribeInstances shows what was true some seconds ago, as a replica does.

By `tags` alone: descriptions by id are up to date where `by_id` is 0. Everything else passes as it is.
"""

from __future__ import annotations

import re
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

EVERY = 0.05  # seconds between two looks at what is true
LIST_ALL = b"Action=DescribeInstances&Version=2016-11-15"


class Behind(ThreadingHTTPServer):
    """The proxy; `lists` and `by_id` are the seconds that either is behind."""

    daemon_threads = True

    def __init__(self, upstream: str, lists: float, by_id: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.lists, self.by_id = upstream, lists, by_id
        self.calls: list[tuple[str, str]] = []  # action, and the instance that it named first
        self.headers: Mapping[str, str] = {}
        self._past: list[tuple[float, bytes]] = []

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def forward(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Ask the API itself."""
        request = urllib.request.Request(self.upstream, body, dict(headers))  # noqa: S310  # the lab's own
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  # as above
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    def watch(self, over: threading.Event) -> None:
        """Remember what is true, again and again."""
        while not over.wait(EVERY):
            if self.headers:
                self._past.append((time.monotonic(), self.forward(LIST_ALL, self.headers)[1]))

    def answer(self, seconds: float, asked: Mapping[str, Sequence[str]]) -> bytes:
        """Return what was true so many seconds ago of the instances that were asked for."""
        then = time.monotonic() - seconds
        shown = [text for at, text in self._past if at <= then]
        root = ET.fromstring(shown[-1] if shown else self._past[0][1])  # noqa: S314  # the lab's own
        for reservation in root.iterfind("{*}reservationSet/{*}item"):
            instances = reservation.find("{*}instancesSet")
            assert instances is not None
            for instance in list(instances):
                if not all(_matches(instance, name, values) for name, values in asked.items()):
                    instances.remove(instance)
        return ET.tostring(root)


def _matches(instance: ET.Element, name: str, values: Sequence[str]) -> bool:
    if name.startswith("tag:"):
        tags = {t.findtext("{*}key"): t.findtext("{*}value") for t in instance.iterfind("{*}tagSet/{*}item")}
        return tags.get(name.removeprefix("tag:")) in [re.sub(r"\\(.)", r"\1", v) for v in values]
    where = {"instance-id": "{*}instanceId", "instance-state-name": "{*}instanceState/{*}name"}
    return instance.findtext(where[name]) in values


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Behind

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {k: v for k, v in self.headers.items() if k.lower() in ("authorization", "content-type")}
        said = dict(parse_qsl(body.decode()))
        action = said.get("Action", "")
        self.server.calls.append((action, said.get("InstanceId.1", "")))
        if not self.server.headers:
            self.server.headers = headers
            time.sleep(4 * EVERY)
        status = 200
        if action == "DescribeInstances":
            asked = _filters(said)
            seconds = self.server.by_id if "instance-id" in asked else self.server.lists
            text = self.server.answer(seconds, asked)
        else:
            status, text = self.server.forward(body, headers)
        self.send_response(status)
        self.send_header("Content-Type", "text/xml;charset=UTF-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _filters(said: Mapping[str, str]) -> dict[str, list[str]]:
    names = {key.split(".")[1]: name for key, name in said.items() if re.fullmatch(r"Filter\.\d+\.Name", key)}
    return {
        name: [v for key, v in said.items() if key.startswith(f"Filter.{number}.Value.")]
        for number, name in names.items()
    }


@contextmanager
def behind(upstream: str, lists: float, by_id: float = 0.0) -> Iterator[Behind]:
    """Serve the proxy."""
    over = threading.Event()
    with Behind(upstream, lists, by_id) as server:
        threads = [
            threading.Thread(target=server.serve_forever),
            threading.Thread(target=server.watch, args=(over,)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield server
        finally:
            over.set()
            server.shutdown()
            for thread in threads:
                thread.join()
