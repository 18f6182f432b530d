"""OpenStack, behind the protocol of every cloud.

Rules:
1. Nova remembers no token and takes any name twice (`once`, NOTHING): a server is named after its token, with
   its tags in the call itself, and one that may have been launched is looked for in the whole list. While
   a cell is down, its servers are not told; then it isn't certain either.
2. Nova accepts first and schedules then: a launch is settled once the server has a host, or has failed.
3. A server that failed for want of a host is deleted, since it stays in its group, and that is "no room".
   What failed otherwise is shown as it is, and admission turns it down.
4. Start and stop may be repeated: Nova refuses what is so already, and that is no error. A stopped server
   stays on its host; how one gets another, `moving` says.
5. Port and disk are made by Nova for the server, and go with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

import msgspec
from keystoneauth1 import exceptions as ksa

from keepapart import clouds
from keepapart.clouds import LaunchRequest
from keepapart.clouds.listed import ListedCloud
from keepapart.clouds.once import Kind, Namesake, carries, launched, name_of
from keepapart.clouds.openstack import request as said
from keepapart.clouds.openstack.client import Client
from keepapart.clouds.openstack.groups import ServerGroups
from keepapart.clouds.openstack.listing import Project
from keepapart.clouds.openstack.moving import Moves
from keepapart.clouds.openstack.server import Flavors, MadeServer, One, Server
from keepapart.clouds.openstack.settings import Settings
from keepapart.clouds.user_data import UserData
from keepapart.errors import (
    CapacityError,
    CloudError,
    ConfigError,
    NotFoundError,
    RefusedError,
    UnsettledError,
)
from keepapart.model import Instance
from keepapart.tables import nearest

NO_ROOM = re.compile(r"No valid host was found|group policy was violated|Insufficient compute resources")
ENDING = frozenset({"deleting", "soft-deleting"})  # tasks


class OpenStackCloud(ListedCloud):
    """One project in one region; see `clouds.Cloud`, `Chooser`, `Placer`, `Staying`, `Located`, `Booting`."""

    stays = "a stopped server keeps its host"
    user_data = UserData(49_149)  # 65,532 in base64, of 65,535

    def __init__(self, client: Client, settings: Settings) -> None:
        project = Project(client, host_id=settings.host_id, network=settings.network)
        super().__init__("openstack", settings, project.read, client.close)
        self._client, self._chosen = client, settings
        self._groups = ServerGroups(client, settings.server_group)
        self._moves = Moves(client)
        self._made: dict[str, str] = {}  # ids by token, of launches that were answered
        self._failed: dict[str, tuple[str, str]] = {}  # by token: a server that found no host, and why

    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Decide what the next launch says; see `request` and `groups`."""
        return {**said.parameters(self._chosen, self._flavor()), **self._groups.parameters(tags)}

    def foresee(self, tags: Mapping[str, str]) -> str:
        """Say which server group the next launch would use, and make none."""
        try:
            return self._groups.parameters(tags, make=False).get(clouds.NOTE, "")
        except CloudError as error:
            return str(error)

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one server, or return the one that this token launched before, by rules 1 to 3."""
        if not request.parameters:
            request = replace(request, parameters=self.parameters(request.tags))
        if request.token in self._failed:
            self._gone(request.token)
        found = launched(Kind.NOTHING, request, lambda: self._namesakes(request), lambda: self._sent(request))
        server = self._server(found)
        if server.status == "BUILD" and not server.host_id:
            raise UnsettledError(f"openstack: {found} is being scheduled")
        fault = str((server.fault or {}).get("message", ""))
        if server.status == "ERROR" and NO_ROOM.search(fault):
            self._made.pop(request.token, None)
            self._failed[request.token] = found, fault
            self._gone(request.token)
        return self._as_listed(found)

    def start(self, instance_id: str) -> None:
        """Start a stopped server, where it is; one that is shelved may land on another host."""
        server = self._server(instance_id)
        if server.status.startswith("SHELVED"):
            self._moves.unshelve(server)
        self._act(instance_id, "os-start", clouds.RUNNING)

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Decide how a member gets another host, or this one; see `moving`."""
        del tags, make
        return self._moves.placement(self._server(instance_id), host)

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Have a server leave its host, or be on the one that was named; see `moving`."""
        self._moves.place(self._server(instance_id), parameters)

    def stop(self, instance_id: str) -> None:
        """Stop a server; it keeps its host."""
        self._act(instance_id, "os-stop", clouds.STOPPED)

    def terminate(self, instance_id: str) -> None:
        """End a server for good, with its port and disk."""
        self._client.change("DELETE", f"/servers/{instance_id}")

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""
        self._client.change("POST", f"/servers/{instance_id}/metadata", {"metadata": dict(tags)})

    def where(self) -> Mapping[str, str]:
        """Tell the project, the region and the API's address."""
        told = {
            "project": self._client.project(),
            "region": self._client.region,
            "endpoint": self._client.endpoint(),
        }
        return {name: text for name, text in told.items() if text}

    def _gone(self, token: str) -> NoReturn:
        """Delete a server that found no host, and say so once it is gone (rule 3)."""
        server, fault = self._failed[token]
        with suppress(NotFoundError):
            self._client.change("DELETE", f"/servers/{server}")
            raise UnsettledError(f"openstack: {server} found no host, and is being deleted")
        del self._failed[token]
        raise CapacityError(f"openstack: {fault}")

    def _flavor(self) -> str:
        wanted = self._chosen.flavor
        if not wanted:
            raise ConfigError("[cloud] flavor: none is set", "name one: `openstack flavor list`")
        there = self._client.get("/flavors", {}, Flavors).flavors
        for one in there:
            if wanted in (one.id, one.name):
                return one.id
        raise ConfigError(
            f"[cloud] flavor: there is no {wanted!r}", nearest(wanted, [one.name for one in there])
        )

    def _namesakes(self, request: LaunchRequest) -> list[Namesake]:
        if known := self._made.get(request.token):
            return [Namesake(known, ours=True)]
        name = name_of(request.token)
        there = self._client.servers()
        untold = [Namesake(one.id, None) for one in there if not one.told and request.sent is not None]
        named = [one for one in there if one.name == name and one.task not in ENDING]
        return [*untold, *(Namesake(one.id, carries(one.tags, request), one.created) for one in named)]

    def _sent(self, request: LaunchRequest) -> str:
        try:
            answer = self._client.change("POST", "/servers", said.call(request))
        except NotFoundError as error:
            raise RefusedError(error.cause) from error
        except RefusedError as error:
            raise self._groups.refused(error, request.parameters) from error
        made = msgspec.json.decode(answer, type=MadeServer).server.id
        self._made[request.token] = made
        return made

    def _server(self, instance_id: str) -> Server:
        try:
            return self._client.get(f"/servers/{instance_id}", {}, One).server
        except CloudError as error:
            if isinstance(error.__cause__, ksa.NotFound):
                raise NotFoundError(error.cause) from error
            raise

    def _act(self, instance_id: str, action: str, wanted: str) -> None:
        try:
            self._client.change("POST", f"/servers/{instance_id}/action", {action: None})
        except CloudError as error:
            if not isinstance(error.__cause__, ksa.Conflict) or self._server(instance_id).state != wanted:
                raise
