"""Which server group the next launch goes into: what the platform offers is used before retrying.

Rules:
1. `server_group = "auto"`: a strict group of the cluster's own, `keepapart-NAME`, made where it is missing. A
   named group is used as it is and never made.
2. Names aren't unique, and two groups of one name promise nothing between them: of several, everybody takes
   the one with the least id, also who has just made another.
3. A group of the cluster's own that can't be had is done without, and so is one that takes no more members,
   until the process ends: launch, check, release then decide alone, and the launch's note says why. One
   without room is kept: all hosts but those of its members were tried, and there no launch would help.
"""

from __future__ import annotations

from collections.abc import Mapping

from keepapart.clouds import CLUSTER_TAG, NOTE
from keepapart.clouds.openstack.client import Client
from keepapart.clouds.openstack.request import GROUP
from keepapart.clouds.openstack.server import Group
from keepapart.errors import CloudError, RefusedError

AUTO = "auto"
STRICT = "anti-affinity"


class ServerGroups:
    """The server groups of a project, as the next launch may use them."""

    def __init__(self, client: Client, wanted: str) -> None:
        self._client, self._wanted = client, wanted
        self._without: dict[str, str] = {}

    def parameters(self, tags: Mapping[str, str], *, make: bool = True) -> dict[str, str]:
        """Return what the next launch of the cluster that `tags` name says of its group, and a note on it."""
        if not self._wanted:
            return {}
        name = f"keepapart-{tags.get(CLUSTER_TAG, '')}" if self._wanted == AUTO else self._wanted
        try:
            group = self._found(name)
            if group is None and self._wanted == AUTO:
                if not make:
                    return {NOTE: f"in {STRICT} group {name}, to be made"}
                self._make(name)
                group = self._found(name)
        except CloudError as error:
            if self._wanted != AUTO:
                raise
            return {NOTE: f"without server group {name}: {error}"}
        if group is None:
            raise CloudError(f"[cloud] server_group: there is no group {name!r} in this project")
        if group.id in self._without:
            return {NOTE: f"without server group {name}: {self._without[group.id]}"}
        policy = STRICT if group.strategy == "spread" else group.strategy
        return {GROUP: group.id, NOTE: f"in {policy} group {name}"}

    def refused(self, error: RefusedError, request: Mapping[str, str]) -> RefusedError:
        """Say what a launch that was refused means, where its group may be the reason."""
        group = request.get(GROUP, "")
        if not group or "group" not in str(error):
            return error
        self._without[group] = "Nova refused a launch into it"
        return RefusedError(f"{error}; the next launch is without the server group")

    def _found(self, name: str) -> Group | None:
        found = [one for one in self._client.groups() if name in (one.id, one.name)]
        return min(found, key=lambda one: one.id, default=None)

    def _make(self, name: str) -> None:
        policy = {"policy": STRICT} if self._client.speaks(64) else {"policies": [STRICT]}
        self._client.change("POST", "/os-server-groups", {"server_group": {"name": name, **policy}})
