"""A stub of the Kubernetes API: nodes by pages, tokens, statuses. Its nodes are the API's own models."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lightkube.models.core_v1 import NodeAddress, NodeCondition, NodeSpec, NodeStatus, NodeSystemInfo, Taint
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Node

TOKEN = "a-token"


def node(
    name: str,
    labels: dict[str, str] | None = None,
    *,
    provider_id: str = "",
    ready: str = "True",
    boot: str = "",
    taint: str = "",
    deleted: bool = False,
    addresses: tuple[tuple[str, str], ...] = (("InternalIP", "10.0.0.1"), ("Hostname", "h")),
) -> dict[str, Any]:
    """Return a node as the API has it."""
    info = NodeSystemInfo(
        "amd64", boot or f"boot-of-{name}", "containerd://2", "6.1", "", "v1.37", "m", "linux", "Debian", "s"
    )
    made = Node(
        metadata=ObjectMeta(name=name, labels=labels or {}),
        spec=NodeSpec(
            providerID=provider_id or None, taints=[Taint(key=taint, effect="NoSchedule")] if taint else None
        ),
        status=NodeStatus(
            conditions=[NodeCondition(type="Ready", status=ready)],
            addresses=[NodeAddress(type=kind, address=address) for kind, address in addresses],
            nodeInfo=info,
        ),
    )
    found: dict[str, Any] = made.to_dict()
    found["metadata"]["resourceVersion"] = "1"
    if deleted:
        found["metadata"]["deletionTimestamp"] = "2026-11-28T00:00:00Z"
    return found


@dataclass
class Stub:
    """What is served: nodes, `page` of them on a page at most, and statuses to be answered instead."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    page: int = 1000
    failing: int = 0  # a status that every call is answered with
    cut: int = 0  # a status that every page but the first is answered with
    once: list[tuple[int, str]] = field(
        default_factory=list
    )  # statuses, and when to come back, for one call each
    asked: list[str] = field(default_factory=list)
    between: list[Callable[[dict[str, Any]], None]] = field(
        default_factory=list
    )  # what others do to a node before it is patched, for one patch each
    url: str = ""

    def kubeconfig(self, token: str = TOKEN) -> str:
        """Return the text of a kubeconfig, which is YAML and so may be JSON."""
        return json.dumps({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "c", "cluster": {"server": self.url}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
        })  # fmt: skip

    def answer(self, path: str, token: str) -> tuple[int, dict[str, Any], str]:
        """Return status, body and when to come back."""
        self.asked.append(path)
        query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        start = int(query.get("continue", 0))
        if self.once:
            code, after = self.once.pop(0)
            return code, status(code), after
        if token != TOKEN:
            return 401, status(401), ""
        if code := self.failing or (self.cut if start else 0):
            return code, status(code), ""
        end = start + min(self.page, int(query.get("limit", self.page)))
        more = (
            {"continue": str(end), "remainingItemCount": len(self.nodes) - end}
            if end < len(self.nodes)
            else {}
        )
        found = {"kind": "NodeList", "apiVersion": "v1", "metadata": {"resourceVersion": "1", **more},
                 "items": self.nodes[start:end]}  # fmt: skip
        return 200, found, ""

    def change(self, path: str, body: dict[str, Any], token: str) -> tuple[int, dict[str, Any]]:
        """Merge a patch into a node, if it is of the node's version; return status and node."""
        self.asked.append(path)
        if token != TOKEN:
            return 401, status(401)
        found = next((one for one in self.nodes if path.endswith(f"/nodes/{one['metadata']['name']}")), None)
        if found is None:
            return 404, status(404)
        had = found["metadata"].get("resourceVersion", "1")
        if self.between:
            self.between.pop()(found)
        if body["metadata"].pop("resourceVersion", had) != found["metadata"].get("resourceVersion", "1"):
            return 409, status(409)
        for name, changed in body["metadata"].items():
            there = found["metadata"].setdefault(name, {})
            there |= changed
            found["metadata"][name] = {key: value for key, value in there.items() if value is not None}
        found["metadata"]["resourceVersion"] = str(int(had) + 1)
        return 200, found


def status(code: int) -> dict[str, Any]:
    """Return what the API says of a call that fails."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": f"by order of a test ({code})", "reason": "Test", "code": code}  # fmt: skip


@contextmanager
def serving() -> Iterator[Stub]:
    """Yield a stub that is served on loopback."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer."""
            self.send(*stub.answer(self.path, self.token()))

        def do_PATCH(self) -> None:
            """Take a merge patch."""
            assert self.headers["Content-Type"] == "application/merge-patch+json"
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send(*stub.change(self.path, body, self.token()), "")

        def token(self) -> str:
            """Return the token that was shown."""
            return self.headers.get("Authorization", "").removeprefix("Bearer ")

        def send(self, code: int, found: dict[str, Any], after: str) -> None:
            """Send an answer."""
            body = json.dumps(found).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if after:
                self.send_header("Retry-After", after)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        stub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield stub
        server.shutdown()
        thread.join()
