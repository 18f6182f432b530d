"""The process of `nova_process.py`, as tests use it: servers placed at will, faults, and clouds.yaml."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.platforms.own_venv import own_venv

PROCESS = Path(__file__).with_name("nova_process.py")
HOSTS = ("compute-1", "compute-2", "compute-3", "pod=nova007-3,nova007-9")
NOVA = ("nova==34.0.0", "openstack-placement==16.0.0", "oslotest", "wsgi-intercept", "ddt", "testresources",
        "testscenarios", "requests-mock", "fixtures", "testtools")  # fmt: skip
IMAGE = "155d900f-4e14-4e4c-a73d-069cbf4541e6"  # of nova's fixtures
PATIENCE = 30.0  # seconds; a launch takes one
STILL = ("ACTIVE", "ERROR", "SHELVED_OFFLOADED", "SHUTOFF")


@dataclass(frozen=True)
class Nova:
    """The process, asked as its administrator."""

    base: str
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def auth(self) -> dict[str, str]:
        """What clouds.yaml says of the project, but for the user."""
        return {
            "auth_url": f"{self.base}/identity/v3",
            "project_name": "demo",
            "user_domain_id": "default",
            "project_domain_id": "default",
            "password": "secret",
        }

    def call(self, method: str, path: str, said: Any = None, version: str = "2.74") -> Any:
        """Ask the API; a token is got where there is none that holds."""
        for _ in range(2):
            headers = {"OpenStack-API-Version": f"compute {version}"}
            answer = self.session.request(method, f"{self.base}/v2.1{path}", json=said, headers=headers)
            if answer.status_code != 401:
                break
            user = {"name": "admin", "password": "secret"}
            identity: Any = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
            token = self.session.post(f"{self.base}/identity/v3/auth/tokens", json=identity)
            self.session.headers["X-Auth-Token"] = token.headers["X-Subject-Token"]
        gone = method == "DELETE" and answer.status_code == 404
        assert answer.ok or gone, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def order(self, order: str, **what: Any) -> Any:
        """Give an order to the process."""
        answer = self.session.post(f"{self.base}/_double", json={"order": order, **what})
        assert answer.ok, answer.text
        return answer.json()

    def launch(self, *names: str, host: str = "", group: str = "", **more: Any) -> list[str]:
        """Launch servers on this host, or node, and wait until they stay as they are. Return their ids."""
        where = {"hypervisor_hostname" if host.startswith("nova007") else "host": host} if host else {}
        common = {"flavorRef": "1", "imageRef": IMAGE, "networks": "none", **where, **more}
        hints = {"os:scheduler_hints": {"group": group}} if group else {}
        said = [{"server": {"name": name, **common}, **hints} for name in names]
        found = [str(self.call("POST", "/servers", one)["server"]["id"]) for one in said]
        for one in found:
            self.until(one, lambda shown: shown["status"] in STILL and self.listed(shown["id"]) in STILL)
        return found

    def group(self, name: str, policy: str, **rules: int) -> str:
        """Make a server group. Return its id."""
        said = {"server_group": {"name": name, "policy": policy, **({"rules": rules} if rules else {})}}
        return str(self.call("POST", "/os-server-groups", said)["server_group"]["id"])

    def act(self, server: str, said: Mapping[str, Any], until: str, version: str = "2.74") -> None:
        """Have something done with a server, and wait for the status that it leads to."""
        self.call("POST", f"/servers/{server}/action", said, version)
        self.until(server, lambda shown: shown["status"] == until and not shown["OS-EXT-STS:task_state"])

    def shown(self, server: str) -> dict[str, Any]:
        """Return a server as the administrator sees it."""
        found: dict[str, Any] = self.call("GET", f"/servers/{server}")["server"]
        return found

    def listed(self, server: str) -> str:
        """Return the status of a server in a list, which may be behind: it has launches that are over."""
        servers = self.call("GET", "/servers/detail")["servers"]
        return next((str(one["status"]) for one in servers if one["id"] == server), "")

    def until(self, server: str, seen: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until a server is shown so."""
        deadline = time.monotonic() + PATIENCE
        while not seen(shown := self.shown(server)):
            assert time.monotonic() < deadline, f"{server} is {shown['status']} still"
            time.sleep(0.1)

    def services(self, status: str) -> None:
        """Have every nova-compute be "enabled" or "disabled": then the scheduler finds no host."""
        for one in self.call("GET", "/os-services?binary=nova-compute")["services"]:
            self.call("PUT", f"/os-services/{one['id']}", {"status": status})

    def configure(self, group: str | None, name: str, value: object) -> None:
        """Change what nova.conf says."""
        self.order("conf", group=group, name=name, value=value)

    def clear(self, keep: Collection[str]) -> None:
        """Delete everything but these servers, and forget faults."""

        def others() -> list[str]:
            listed = self.call("GET", "/servers")["servers"]
            return [one["id"] for one in listed if one["id"] not in keep]

        self.order("clear")
        self.configure("api", "max_limit", 1000)
        for one in others():
            self.call("DELETE", f"/servers/{one}")
        for group in self.call("GET", "/os-server-groups")["server_groups"]:
            self.call("DELETE", f"/os-server-groups/{group['id']}")
        deadline = time.monotonic() + PATIENCE
        while others():
            assert time.monotonic() < deadline, "servers are left"
            time.sleep(0.1)
        self.order("clear")


@contextmanager
def serving(hosts: Sequence[str] = HOSTS, apart: str = "compute-3") -> Iterator[Nova]:
    """Yield a Nova, with the host `apart` in another zone; skip the test where it can't be had."""
    command = [str(own_venv("nova", *NOVA)), str(PROCESS), *hosts]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        port = child.stdout.readline().strip()
        assert port, "nova doesn't come up"
        nova = Nova(f"http://127.0.0.1:{port}")
        if apart:
            zone = {"aggregate": {"name": "b", "availability_zone": "b"}}
            made = nova.call("POST", "/os-aggregates", zone)["aggregate"]["id"]
            nova.call("POST", f"/os-aggregates/{made}/action", {"add_host": {"host": apart}})
        try:
            yield nova
        finally:
            nova.session.close()
            child.stdin.close()
