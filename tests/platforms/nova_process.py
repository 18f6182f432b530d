"""A real Nova in one process: API, scheduler, conductor, placement, and a nova-compute for each host.

It runs by an interpreter that has nova. Nova's own functional fixtures bring it up; its hypervisor is nova's
fake driver, all else is what runs in production. Arguments are hosts, as `HOST` or, of a service that stands
for several machines, `HOST=NODE,NODE`. The first line that it writes is its port; it ends with its input.

Before it stand thirty lines that answer for Keystone: "demo" may read, "operator" is a member of the project,
"admin" may do anything, the password of all is "secret", and a token lasts until "expire". `/_double` takes
orders by POST:

    {"order": "expire"}                                                  no token holds any more
    {"order": "state", "id": ID, "vm": "active", "task": "migrating"}    what Nova's database says of a server
    {"order": "fault", "path": REGEX, "status": 503, "skip": 0, "times": 1, "after": ""}
                                                                         0 times: until "clear"; "done": true
                                                                         does what is asked, then fails
    {"order": "conf", "group": "api", "name": "max_limit", "value": 2}   as nova.conf would say it
    {"order": "cells", "down": true}                                     no database can be reached, or all
    {"order": "clear"}                                                   no faults; answers what was asked
"""

import json
import os
import re
import secrets
import sys
import threading
import unittest
import warnings
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "true"
os.environ["OS_TEST_TIMEOUT"] = "0"

from nova import monkey_patch

monkey_patch.patch(backend="threading")  # before anything else of nova's

import nova.conf  # noqa: E402
from nova import context, objects  # noqa: E402
from nova.tests import fixtures  # noqa: E402
from nova.tests.functional import integrated_helpers  # noqa: E402
from nova.virt import fake  # noqa: E402
from oslo_messaging import server as messaging  # noqa: E402

HOSTS = dict(one.partition("=")[::2] for one in sys.argv[1:])
PROJECT = "6f70656e737461636b20342065766572"  # the one that nova's fixtures have
PASSWORD = "secret"
ROLES = {"admin": "admin,member,reader", "operator": "member,reader", "demo": "reader"}
DOMAIN = {"id": "default", "name": "Default"}
NOBODY = {"error": {"code": 401, "message": "The request you have made requires authentication."}}

Environ = dict[str, Any]
Start = Callable[..., object]


class Server(ThreadingMixIn, WSGIServer):
    """Answers several requests at once."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Front:
    """What stands before Nova's API: Keystone's part, faults, and the orders of a test."""

    def __init__(self, api: Callable[[Environ, Start], Iterable[bytes]]) -> None:
        self.api = api
        self.base = ""
        self.tokens: dict[str, str] = {}
        self.faults: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.cells: Any = None

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        if path == "/_double":
            return said(start, 200, self.order(**json.loads(body(environ))))
        whole = f"{path}?{query}" if query else path
        self.asked.append(f"{environ['REQUEST_METHOD']} {whole}")
        for fault in self.faults:
            if re.search(fault["path"], f"{environ['REQUEST_METHOD']} {whole}") and due(fault):
                if fault["done"]:
                    self.answered(environ, lambda *_: None)
                after = [("Retry-After", fault["after"])] if fault["after"] else []
                return said(start, fault["status"], {"fault": {"message": "by order of a test"}}, *after)
        return self.answered(environ, start)

    def answered(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Let Keystone's part or Nova answer."""
        path = environ["PATH_INFO"]
        if path.startswith("/identity"):
            return self.keystone(path, environ, start)
        user = self.tokens.get(environ.get("HTTP_X_AUTH_TOKEN", ""))
        if not user and path.strip("/") not in ("", "v2.1"):
            return said(start, 401, NOBODY)
        environ["HTTP_X_AUTH_USER"] = user or "nobody"
        environ["HTTP_X_AUTH_PROJECT_ID"] = PROJECT
        environ["HTTP_X_ROLES"] = ROLES.get(user or "", "reader")
        return self.api(environ, start)

    def keystone(self, path: str, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer for Keystone: its versions, and a token for the right password."""
        if not path.endswith("/auth/tokens"):
            links = [{"rel": "self", "href": f"{self.base}/identity/v3/"}]
            version = {"id": "v3.14", "status": "stable", "links": links}
            one = path.rstrip("/").endswith("v3")
            return said(start, 200, {"version": version} if one else {"versions": {"values": [version]}})
        identity = json.loads(body(environ))["auth"]["identity"]
        user = identity.get("password", {}).get("user", {})
        held = self.tokens.get(identity.get("token", {}).get("id", ""), "")
        name = user.get("name", "") if user.get("password") == PASSWORD else held
        if name not in ROLES:
            return said(start, 401, NOBODY)
        token = secrets.token_hex(8)
        self.tokens[token] = name
        return said(start, 201, {"token": granted(name, self.base)}, ("X-Subject-Token", token))

    def order(self, order: str, **what: Any) -> object:
        """Do what a test says."""
        if order == "expire":
            self.tokens.clear()
        elif order == "fault":
            self.faults.append({"skip": 0, "times": 1, "after": "", "done": False, **what})
        elif order == "state":
            admin = context.get_admin_context()
            cell = objects.InstanceMapping.get_by_instance_uuid(admin, what["id"]).cell_mapping
            with context.target_cell(admin, cell) as inside:
                instance = objects.Instance.get_by_uuid(inside, what["id"])
                instance.vm_state, instance.task_state = what["vm"], what["task"]
                instance.save()
        elif order == "conf":
            nova.conf.CONF.set_override(what["name"], what["value"], group=what["group"])
        elif order == "cells":
            self.cells = fixtures.DownCellFixture() if what["down"] else self.cells.cleanUp()
            if self.cells:
                self.cells.setUp()
        elif order == "clear":
            self.faults.clear()
            asked, self.asked = self.asked, []
            return asked
        else:
            raise ValueError(order)
        return None


class Nova(integrated_helpers._IntegratedTestBase):
    """Nova's own functional test bed, made to serve instead of to test."""

    CAST_AS_CALL = False
    microversion = "latest"

    def _setup_services(self) -> None:
        self.flags(api_paste_config=os.path.join(sys.prefix, "etc/nova/api-paste.ini"), group="wsgi")  # noqa: PTH118
        nova.conf.CONF.register_opts(messaging._pool_opts)
        self.flags(executor_thread_pool_size=4)  # each idle thread wakes every second, for good
        super()._setup_services()

    def _setup_compute_service(self) -> object:
        self.flags(compute_driver="fake.MediumFakeDriver")
        fake.FakeDriver._set_nodes = set_nodes
        first, *_ = [self._start_compute(host) for host in HOSTS]
        return first

    def runTest(self) -> None:  # noqa: N802
        """Serve until standard input ends."""
        warnings.resetwarnings()
        warnings.simplefilter("ignore")  # the fixtures make deprecations errors, which wedge launches
        front = Front(self.api_fixture.app())
        server = make_server("127.0.0.1", 0, front, Server, Quiet)
        front.base = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"{server.server_port}\n")
        sys.stdout.flush()
        sys.stdin.read()
        server.shutdown()


def set_nodes(driver: Any, hosts: Iterable[str]) -> None:
    """Have a service stand for the machines that the arguments name."""
    driver._nodes = [node for host in hosts for node in (HOSTS.get(host) or host).split(",")]


def due(fault: dict[str, Any]) -> bool:
    """Say whether a fault happens now, and count it; `times` 0 is for ever."""
    if fault["skip"]:
        fault["skip"] -= 1
        return False
    if fault["times"] == 1:
        fault["path"] = "(?!)"  # fits nothing any more
    fault["times"] = max(0, fault["times"] - 1)
    return True


def body(environ: Environ) -> bytes:
    """Read what was sent."""
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def said(start: Start, status: int, answer: object, *headers: tuple[str, str]) -> Iterable[bytes]:
    """Answer in JSON."""
    start(f"{status} said", [("Content-Type", "application/json"), *headers])
    return [json.dumps(answer).encode()]


def granted(name: str, base: str) -> dict[str, Any]:
    """Return what Keystone says of a token."""

    def service(kind: str, url: str) -> dict[str, Any]:
        end = {"region": "RegionOne", "region_id": "RegionOne", "url": url}
        ends = [
            {"id": f"{kind}-{each}", "interface": each, **end} for each in ("public", "internal", "admin")
        ]
        return {"type": kind, "name": kind, "id": kind, "endpoints": ends}

    return {
        "methods": ["password"],
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "user": {"id": name, "name": name, "domain": DOMAIN},
        "project": {"id": PROJECT, "name": "demo", "domain": DOMAIN},
        "roles": [{"id": "r1", "name": "reader"}],
        "is_domain": False,
        "audit_ids": ["one"],
        "catalog": [service("compute", f"{base}/v2.1"), service("identity", f"{base}/identity/v3")],
    }


if __name__ == "__main__":
    unittest.TextTestRunner(verbosity=0).run(unittest.TestSuite([Nova("runTest")]))
