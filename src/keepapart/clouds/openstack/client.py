"""Who is asked: the project and region that clouds.yaml or the variables OS_… name, by openstacksdk.

Rules:
1. A GET is repeated when a connection fails, when Nova is busy (429, 413) or out of order (5xx). Where it
   says when to come back, that is waited for, if it is within `LONGEST_WAIT`. What changes something is sent
   once: Nova keeps no token, so a second POST whose first was done is a second server.
2. A list is read until a page is empty: how much Nova puts on one is its operator's choice.
3. The first page of servers is asked for without any parameter. With one, even the size of a page, Nova
   leaves out the servers of a cell that is down without a word; else it shows their ids, as far as they fit.
4. A list that changed while it was read is read again. One that doesn't end is an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from keystoneauth1 import exceptions as ksa
from keystoneauth1.adapter import Adapter
from openstack import config

from keepapart.clouds.openstack.errors import refused, translate
from keepapart.clouds.openstack.server import Group, Groups, Server, Servers
from keepapart.errors import CloudError

MINOR = 69  # tags 2.26, flavors within servers 2.47, group policies 2.64, cells that are down 2.69
LONGEST_WAIT = 60.0  # seconds
BUSY = frozenset({413, 429, 500, 502, 503, 504})
READINGS = 3  # of a list that changes meanwhile
MOST_PAGES = 10_000

T = TypeVar("T")


class Client:
    """One project in one region, for whoever may read it. Nothing is asked before the first call."""

    def __init__(
        self,
        cloud: str,
        region: str,
        *,
        timeout: float,
        tries: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Read clouds.yaml and the environment. Raises `ConfigError` where they don't say whom to ask."""
        self._tries, self._sleep = tries, sleep
        try:
            found = config.get_cloud_region(
                cloud=cloud or None, region_name=region or None, api_timeout=timeout, app_name="keepapart"
            )
            self.region = found.get_region_name("compute") or ""
            self._nova = Adapter(
                found.get_session(),
                service_type="compute",
                interface=found.get_interface("compute"),
                region_name=self.region or None,
                endpoint_override=found.get_endpoint("compute"),
                min_version="2.1",
                max_version="2.latest",
            )
        except Exception as error:
            raise translate(error, "") from error
        self._newest = 0

    def endpoint(self) -> str:
        """Return the address of the compute API."""
        return self._tried(self._nova.get_endpoint, "finding the compute API") or ""

    def get(self, path: str, query: Mapping[str, str | int], kind: type[T]) -> T:
        """Ask Nova, in the newest of its versions that is understood here."""

        def ask() -> T:
            answer = self._nova.get(path, params=query, microversion=self._version(), connect_retries=0)
            return msgspec.json.decode(answer.content, type=kind)

        return self._tried(ask, f"GET {path}")

    def change(self, method: str, path: str, said: object = None, *, minor: int = 0) -> bytes:
        """Have Nova change something, and return its answer. Raises what a refusal means.

        `minor` is the version 2.`minor` that this very call needs.
        """
        try:
            version = self._version(minor or MINOR)
            answer = self._nova.request(path, method, json=said, microversion=version, connect_retries=0)
        except Exception as error:
            raise refused(error, f"openstack: {method} {path}") from error
        return bytes(answer.content)

    def speaks(self, minor: int) -> bool:
        """Say whether Nova understands version 2.`minor`."""
        self._tried(self._version, "finding the compute API")
        return self._newest >= minor

    def project(self) -> str:
        """Return the id of the project."""
        return self._tried(self._nova.get_project_id, "logging in") or ""

    def servers(self) -> list[Server]:
        """List every server of the project, in full."""
        for _ in range(READINGS):
            found = self._servers()
            if found is not None:
                return found
        raise CloudError(f"openstack: the list of servers changed while it was read, {READINGS} times")

    def groups(self) -> list[Group]:
        """List the server groups of the project; none where that isn't allowed: then there is a fact less."""
        found: list[Group] = []
        try:
            for _ in range(MOST_PAGES):
                page = self.get("/os-server-groups", {"offset": len(found)}, Groups).server_groups
                if not page or page[0] in found:
                    return found
                found += page
        except CloudError as error:
            if isinstance(error.__cause__, (ksa.Forbidden, ksa.NotFound)):
                return []
            raise
        raise CloudError("openstack: the list of server groups doesn't end")

    def close(self) -> None:
        """Close the connections."""
        self._nova.session.session.close()

    def _servers(self) -> list[Server] | None:
        found: list[Server] = []
        seen: set[str] = set()
        marker: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            try:
                page = self.get("/servers/detail", marker, Servers).servers
            except CloudError as error:
                if marker and isinstance(error.__cause__, ksa.BadRequest):  # the marker was deleted meanwhile
                    return None
                raise
            if not page:
                return found
            ids = {one.id for one in page}
            if len(ids) < len(page) or not seen.isdisjoint(ids):
                return None
            seen |= ids
            found += page
            last = next((one.id for one in reversed(page) if one.told), None)
            if last is None:  # what is in a cell that is down marks no place in a list
                return found
            marker = {"marker": last}
        raise CloudError("openstack: the list of servers doesn't end")

    def _version(self, wanted: int = MINOR) -> str:
        if not self._newest:
            data = self._nova.get_endpoint_data()
            newest = (data.max_microversion if data else None) or (2, 1)
            self._newest = int(newest[1])
        return f"2.{min(wanted, self._newest)}"

    def _tried(self, call: Callable[[], T], doing: str) -> T:
        """Call, and again by rule 1."""
        for number in range(1, self._tries + 1):
            try:
                return call()
            except (
                ksa.HttpError,
                ksa.ConnectFailure,
                ksa.ConnectTimeout,
                ksa.UnknownConnectionError,
            ) as error:
                wait = _wait(error, number)
                if number == self._tries or wait is None:
                    raise translate(error, f"openstack: {doing}") from error
                self._sleep(wait)
            except CloudError:
                raise
            except Exception as error:
                raise translate(error, f"openstack: {doing}") from error
        raise AssertionError("there is one try at least")


def _wait(error: Exception, number: int) -> float | None:
    """Return the seconds until a call may be repeated; None where that is of no use."""
    wait = 2.0 ** (number - 1)
    if isinstance(error, ksa.HttpError):
        if error.http_status not in BUSY:
            return None
        asked = error.response.headers.get("Retry-After", "") if error.response is not None else ""
        wait = float(asked) if asked.isascii() and asked.isdigit() else wait
    return wait if wait <= LONGEST_WAIT else None
