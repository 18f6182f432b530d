"""All servers of a project, each with its group, in one reading."""

from __future__ import annotations

from collections.abc import Container

from keepapart.clouds.listed import Listed
from keepapart.clouds.openstack import host_ids
from keepapart.clouds.openstack.client import Client
from keepapart.clouds.openstack.host_ids import AUTO, COARSE
from keepapart.clouds.openstack.server import Group, Server

NO_GROUP = Group("")


class Project:
    """The servers that one project has in one region; `host_id` and `network` as `Settings` has them."""

    def __init__(self, client: Client, *, host_id: str, network: str) -> None:
        self._client, self._network = client, network
        self._host_id = host_id

    def read(self) -> list[Listed]:
        """Ask for all servers and groups."""
        servers = self._client.servers()
        groups = {member: group for group in self._client.groups() for member in group.members}
        endpoint = self._client.endpoint()
        broken: set[str] = set()
        if self._host_id == AUTO:
            strict = {name: group.id for name, group in groups.items() if group.strategy == "spread"}
            broken = host_ids.broken(servers, strict)
            if broken or host_ids.looks_coarse(endpoint, servers):
                self._host_id = COARSE  # what has once shown stays true
        return [self._listed(one, groups.get(one.id, NO_GROUP), endpoint, broken) for one in servers]

    def _listed(self, server: Server, group: Group, endpoint: str, broken: Container[str]) -> Listed:
        return Listed(
            id=server.id,
            name=server.name,
            state=server.state,
            tags=server.tags,
            whose={
                "platform": "openstack",
                "project": " ".join(filter(None, (server.tenant_id, self._client.region, endpoint))),
            },
            place={
                **host_ids.host(server, self._host_id),
                "zone": server.zone or "",
                "group": group.id,
                "group_strategy": "" if group.id in broken else group.strategy,
            },
            settled=server.settled,
            told=server.told,
            addresses=server.addresses(self._network),
            alike={"flavor": server.flavor.original_name, "group": group.name, "zone": server.zone or ""},
        )
