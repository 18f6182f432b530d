"""How a server gets another host: wherever the scheduler puts it, or on one that an administrator names.

Rules:
1. Stop and start keep a server where it is. Shelved and unshelved, it is scheduled anew: within the server
   group that it was launched into, and within no other, since nothing joins a group later.
2. A server that is shelved leaves its disk as an image or a volume. An ephemeral disk beside it is lost: a
   server that has one, or may have one for all that Nova tells, is never shelved.
3. It has to leave its host before it is unshelved. Where the cloud doesn't see to that at once
   (`shelved_offload_time`), only an administrator can.
4. To a host that is named it goes by live migration as it runs, and is unshelved there where it is stopped.
   Whoever isn't shown names of hosts may not name one.
5. Each call here looks, and sends one thing at most. What was sent and left the server as it was came to
   nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from keepapart import clouds
from keepapart.clouds import LIVE, NOTE
from keepapart.clouds.openstack.client import Client
from keepapart.clouds.openstack.groups import STRICT
from keepapart.clouds.openstack.server import Server, Services
from keepapart.errors import CapacityError, CloudError, DeniedError, RefusedError, UnsettledError
from keepapart.tables import nearest

HOST, SHELVED = "host", "shelved"
UNSHELVED_TO_HOST = 91  # the minor version that takes a host


class Moves:
    """What has been sent to move servers of a project."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sent: set[tuple[str, str]] = set()  # ids, and actions

    def placement(self, server: Server, host: str) -> Mapping[str, str]:
        """Decide by rules 1, 2 and 4 how a server gets another host, or this one."""
        if host:
            self._see(host, server)
            if server.state == clouds.RUNNING:
                return {HOST: host, LIVE: "yes", NOTE: f"on host {host}"}
            _see_shelvable(server)
            return {HOST: host, NOTE: f"on host {host}"}
        _see_shelvable(server)
        return {
            SHELVED: "yes",
            NOTE: f"where Nova's scheduler puts it, shelved and unshelved, {self._within(server)}",
        }

    def place(self, server: Server, parameters: Mapping[str, str]) -> None:
        """Bring a server nearer to where it is to be, by rules 3 to 5."""
        host = parameters.get(HOST, "")
        if server.task:
            raise UnsettledError(f"openstack: {server.id} is {server.task}")
        if server.status == "SHELVED":
            self._off_its_host(server)
        elif server.status == "SHELVED_OFFLOADED":
            if not host:
                return self._forget(server)
            self._send(server, "unshelve", {HOST: host}, UNSHELVED_TO_HOST)
        elif host and server.service == host:
            return self._forget(server)
        elif server.state == clouds.STOPPED:
            _see_shelvable(server)
            self._send(server, "shelve")
        elif LIVE in parameters:
            self._send(server, "os-migrateLive", {HOST: host, "block_migration": "auto"})
        raise CloudError(f"openstack: {server.id} is {server.status}: nobody can say where it is to run now")

    def unshelve(self, server: Server) -> NoReturn:
        """Have a shelved server run, wherever the scheduler finds a host."""
        if server.task:
            raise UnsettledError(f"openstack: {server.id} is {server.task}")
        try:
            self._send(server, "unshelve")
        except RefusedError as error:
            raise CapacityError(error.cause) from error

    def _send(self, server: Server, action: str, said: object = None, minor: int = 0) -> NoReturn:
        sent = server.id, action
        if sent in self._sent:
            self._sent.remove(sent)
            why = f"`openstack server event list {server.id}` may say why"
            raise RefusedError(f"openstack: {action} of {server.id} came to nothing", why)
        self._client.change("POST", f"/servers/{server.id}/action", {action: said}, minor=minor)
        self._sent.add(sent)
        raise UnsettledError(f"openstack: {action} of {server.id} is at work")

    def _off_its_host(self, server: Server) -> NoReturn:
        try:
            self._send(server, "shelveOffload")
        except DeniedError as error:
            raise RefusedError(
                f"openstack: {server.id} keeps its host while it is shelved (shelved_offload_time)",
                "an administrator can have it leave that: `openstack server shelve --offload`",
            ) from error

    def _forget(self, server: Server) -> None:
        self._sent = {(one, action) for one, action in self._sent if one != server.id}

    def _see(self, host: str, server: Server) -> None:
        """See that there is such a host, for whoever may name one."""
        if not server.service:
            raise RefusedError(
                "openstack: only an administrator may name a host, and these credentials aren't shown any",
                "leave --host out",
            )
        there = [
            one.host
            for one in self._client.get("/os-services", {"binary": "nova-compute"}, Services).services
        ]
        if host not in there:
            raise RefusedError(f"openstack: there is no host {host!r}", nearest(host, there))

    def _within(self, server: Server) -> str:
        for group in self._client.groups():
            if server.id in group.members:
                return f"within {STRICT if group.strategy == 'spread' else group.strategy} group {group.name}"
        return "in no server group"


def _see_shelvable(server: Server) -> None:
    """See that nothing is lost when a server is shelved (rule 2)."""
    if server.flavor.ephemeral != 0 and not server.status.startswith("SHELVED"):
        has = "has" if server.flavor.ephemeral else "may have"
        raise RefusedError(
            f"openstack: {server.id} {has} an ephemeral disk, which shelving would lose",
            "an administrator can migrate it as it runs: --host",
        )
