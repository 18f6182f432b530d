"""Proxmox VE, behind the protocol of every cloud: a launch is a clone of a template, on a chosen node.

Rules:
1. The client chooses the identity (`once`, IDENTITY): the VMID follows from the token, within `vmids`. A
   clone is made through its template's node, since nodes know each other's VMIDs only a moment later.
2. A clone can't be made with tags: its name is the token's, and its description holds the tags. `reading`
   reads them there until they are set, so that a clone is never without its owner's name.
3. A launch is clone, tags, start, each looked for before it is done: the same call goes on where the one
   before broke off. While a task runs, that is `UnsettledError`.
4. A clone that can't be started for lack of room is removed before that is said.
5. Ended is ended with all its disks, and with what else names it: backup jobs, replication, HA.
6. What is being cloned can't be ended yet; the call does nothing then, and is to be repeated. Where a node
   died over it, the lock stays, and only `qm unlock` on a node takes it away.
7. Start and stop may be repeated. A guest that is stopped stays on its node.
8. A member that moves is migrated to a node that has no other: a virtual machine as it runs, with its local
   disks; whatever can't go so, once it is stopped. A lock, HA at work or the migration's own task says that
   it is on its way.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from keepapart import clouds
from keepapart.clouds import CLUSTER_TAG, LIVE, NOTE, LaunchRequest
from keepapart.clouds.listed import Listed, ListedCloud
from keepapart.clouds.once import Kind, Namesake, carries, launched, name_of, number_of
from keepapart.clouds.proxmox.addresses import addresses
from keepapart.clouds.proxmox.asking import Nodes, kind_of
from keepapart.clouds.proxmox.placing import Node, NodeList, Place, another, place
from keepapart.clouds.proxmox.reading import (
    BEING_MADE,
    PATH,
    RUN_BY_HA,
    TAGS,
    Guest,
    config,
    guests,
    project,
    read,
    tags_of,
    telling,
    told,
)
from keepapart.clouds.proxmox.settings import Settings, span
from keepapart.clouds.rest import RestError
from keepapart.errors import (
    CapacityError,
    CloudError,
    ConfigError,
    NotFoundError,
    RefusedError,
    UnsettledError,
)
from keepapart.model import Instance

TARGET = "target"  # of a migration: the node
LETTERS = re.compile(r"[a-z0-9_.+-]*")  # of a tag; capitals are stored as small letters
NAME = re.compile(r"[a-z0-9_+-]+")
STOPPED_WITHIN = 30.0  # seconds for the plug to be pulled
SHUTDOWN_WITHIN = 60  # seconds for a guest to shut down by itself, before that


class ProxmoxCloud(ListedCloud):
    """One cluster of Proxmox VE; see `clouds.Cloud`, `Chooser`, `Placer`, `Staying`, `Located`."""

    stays = "a guest that is stopped and started stays on its node"

    def __init__(
        self,
        nodes: Nodes,
        settings: Settings,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("proxmox", settings, lambda: nodes.first(read), nodes.close)
        self._nodes, self._chosen = nodes, settings
        self._sleep, self._clock = sleep, clock
        self._addresses: dict[str, Mapping[str, str]] = {}  # by id, of guests that told them
        self._tasks: dict[str, str] = {}  # by token: the one that its launch waits for
        self._migrations: dict[str, str] = {}  # by id: the task that its migration is

    def parameters(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """Choose the node, and the template to clone; see `placing`."""
        chosen = self._place(tags)
        said = {
            "template": str(chosen.template.vmid),
            "from": chosen.template.node,
            "target": chosen.node,
            "vmids": self._chosen.vmids,
            "pool": self._chosen.pool,
            "storage": self._chosen.storage,
            "full": "1" if self._chosen.full else "",
            NOTE: f"on node {chosen.node}, which has no member",
        }
        return {name: text for name, text in said.items() if text}

    def foresee(self, tags: Mapping[str, str]) -> str:
        """Say on which node the next one would go; one launch is enough there."""
        try:
            return f"on node {self._place(tags).node}, which has no member: one launch is enough"
        except CloudError as error:
            return str(error)

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before, by rules 1 to 4."""
        if not request.parameters:
            request = replace(request, parameters=self.parameters(request.tags))
        self._awaited(request)
        vmid = number_of(request.token, *span(request.parameters["vmids"]))
        launched(
            Kind.IDENTITY,
            request,
            lambda: self._namesakes(vmid, request),
            lambda: self._cloned(vmid, request),
        )
        self._awaited(request)
        guest = self._guest(vmid)
        if guest.lock in BEING_MADE:
            raise UnsettledError(f"{vmid} is being cloned")
        if not TAGS.of_flat(guest.flat).keys() >= request.tags.keys():
            self.tag(str(vmid), request.tags)
        if guest.state == clouds.STOPPED:
            self._tasks[request.token] = self._nodes.task("POST", f"{guest.path}/status/start")
            self._awaited(request)
        found = self._as_listed(str(vmid))
        return replace(found, state=clouds.PENDING) if found.state == clouds.STOPPED else found

    def start(self, instance_id: str) -> None:
        """Start a stopped guest, where it is."""
        guest = self._guest(instance_id)
        if guest.state != clouds.RUNNING:
            self._nodes.task("POST", f"{guest.path}/status/start")

    def placement(
        self, instance_id: str, tags: Mapping[str, str], host: str = "", *, make: bool = True
    ) -> Mapping[str, str]:
        """Choose the node that a member is migrated to; see `placing`."""
        del make
        guest = self._guest(instance_id)
        others = [one for one in self._nodes.first(guests) if one.vmid != guest.vmid]
        taken = self._taken(others, tags)
        target = another(self._all_nodes(), guest, self._chosen.nodes, *taken, host)
        live = {LIVE: "yes"} if guest.type == "qemu" and guest.state == clouds.RUNNING else {}
        return {TARGET: target, **live, NOTE: f"on node {target}, which has no member"}

    def place(self, instance_id: str, parameters: Mapping[str, str]) -> None:
        """Migrate a guest, by rule 8."""
        guest, target = self._guest(instance_id), parameters[TARGET]
        if guest.lock or guest.hastate not in RUN_BY_HA:
            raise UnsettledError(f"Proxmox VE: {instance_id} is busy: {guest.lock or guest.hastate}")
        if guest.node == target:
            self._migrations.pop(instance_id, None)
            return
        if upid := self._migrations.get(instance_id):
            self._see_migrated(instance_id, upid)
        else:
            live = {"online": 1, "with-local-disks": 1} if LIVE in parameters else {}
            path = f"{guest.path}/migrate"
            self._migrations[instance_id] = self._nodes.task("POST", path, {TARGET: target, **live})
        raise UnsettledError(f"Proxmox VE: {instance_id} is being migrated to {target}")

    def stop(self, instance_id: str) -> None:
        """Shut a guest down, and pull the plug where it doesn't listen."""
        guest = self._guest(instance_id)
        if guest.state == clouds.RUNNING:
            body = {"timeout": SHUTDOWN_WITHIN, "forceStop": 1}
            self._nodes.task("POST", f"{guest.path}/status/shutdown", body)

    def terminate(self, instance_id: str) -> None:
        """End a guest for good, by rules 5 and 6."""
        guest = self._guest(instance_id)
        if guest.lock not in BEING_MADE:
            self._ended(guest)

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""
        for name, value in tags.items():
            if not (LETTERS.fullmatch(value) and NAME.fullmatch(name.removeprefix("keepapart:"))):
                raise RefusedError(
                    f"Proxmox VE: no tag can hold {name}={value}", "small letters, digits and _-+. can"
                )
        guest = self._guest(instance_id)
        before = self._nodes.first(lambda rest: tags_of(rest, guest))
        flat = [word for word in guest.flat if not word.startswith(TAGS.prefix)]
        kept = {name: value for name, value in before.items() if name not in flat}
        body = {"tags": ";".join([*flat, *TAGS.flat({**kept, **tags})])}
        self._nodes.change("PUT", f"{guest.path}/config", body)

    def where(self) -> Mapping[str, str]:
        """Tell the cluster's name, within which ids and nodes mean something."""
        return {"cluster": self._nodes.first(project)}

    def _shown(self, one: Listed) -> Instance:
        """Show it with its addresses where it is a cluster's: to ask everybody would take too long."""
        told = self._addresses.get(one.id, {})
        if not told and one.state == clouds.RUNNING and CLUSTER_TAG in self._tags(one):
            told = self._addresses[one.id] = self._nodes.first(lambda rest: addresses(rest, one.alike[PATH]))
        return super()._shown(replace(one, addresses=told))

    def _place(self, tags: Mapping[str, str]) -> Place:
        if not self._chosen.template:
            raise ConfigError(
                "[cloud] template: none is set", "name the template that instances are cloned from"
            )
        cluster = tags.get(CLUSTER_TAG, "")
        if not LETTERS.fullmatch(cluster):
            raise ConfigError(
                f"[cluster] name: no tag of Proxmox VE can hold {cluster!r}",
                "small letters, digits and _-+. can",
            )
        there = self._nodes.first(guests)
        templates = [
            one for one in there if one.template and self._chosen.template in (one.name, str(one.vmid))
        ]
        if not templates:
            raise ConfigError(
                f"[cloud] template: Proxmox VE shows no template {self._chosen.template!r}",
                "look at the name, and at what the token may see",
            )
        return place(self._all_nodes(), templates, self._chosen.nodes, *self._taken(there, tags))

    def _all_nodes(self) -> Sequence[Node]:
        return self._nodes.first(lambda rest: rest.get("/cluster/resources", NodeList, {"type": "node"})).data

    def _taken(self, there: Sequence[Guest], tags: Mapping[str, str]) -> tuple[set[str], list[str]]:
        """Return the nodes of these guests that have members of the cluster, and those of its others."""
        on = {str(one.vmid): one.node for one in there}
        members = self._members(tags)
        others = {one.id for one in self.instances(tags)} - members
        return {on[one] for one in members if one in on}, [on[one] for one in others if one in on]

    def _see_migrated(self, instance_id: str, upid: str) -> None:
        """See that a migration that is over has not failed."""
        try:
            self._nodes.is_over(upid)
        except RestError:
            raise
        except CloudError as error:
            del self._migrations[instance_id]
            raise RefusedError(error.cause, error.mend) from error

    def _namesakes(self, vmid: int, request: LaunchRequest) -> list[Namesake]:
        """Look what has the VMID: ours has our name, and tells our tags."""
        return [self._namesake(one, request) for one in self._nodes.first(guests) if one.vmid == vmid]

    def _namesake(self, guest: Guest, request: LaunchRequest) -> Namesake:
        known = self._nodes.first(lambda rest: config(rest, guest))
        tags = {**telling(known.get("description", "")), **TAGS.of_flat(guest.flat)}
        ours = known.get("name") == name_of(request.token) and carries(tags, request)
        begun = guest.lock in BEING_MADE and "name" not in known
        return Namesake(str(guest.vmid), None if begun else ours)

    def _cloned(self, vmid: int, request: LaunchRequest) -> str:
        said = request.parameters
        body: dict[str, str | int] = {
            "newid": vmid,
            "name": name_of(request.token),
            "description": told(request.tags),
            **{name: said[name] for name in ("pool", "storage") if name in said},
            **({"full": 1} if "full" in said else {}),
            **({"target": said["target"]} if said["target"] != said["from"] else {}),
        }
        path = f"/nodes/{said['from']}/qemu/{said['template']}/clone"
        try:
            self._tasks[request.token] = self._nodes.task("POST", path, body)
        except NotFoundError as error:
            raise RefusedError(error.cause, "the template may be gone: look at [cloud] template") from error
        return str(vmid)

    def _awaited(self, request: LaunchRequest) -> None:
        """See that the task which a launch has begun is over, by rules 3 and 4."""
        upid = self._tasks.get(request.token)
        if upid is None:
            return
        try:
            over = self._nodes.is_over(upid)
        except CloudError as error:
            del self._tasks[request.token]
            if isinstance(error, CapacityError) and kind_of(upid) == "qmstart":
                vmid = number_of(request.token, *span(request.parameters["vmids"]))
                self._tasks[request.token] = self._ended(self._guest(vmid))
            raise
        if not over:
            raise UnsettledError(f"Proxmox VE: {kind_of(upid)} is at work")
        del self._tasks[request.token]

    def _ended(self, guest: Guest) -> str:
        """Have a guest removed, and return the task that does it."""
        if guest.state == clouds.RUNNING:
            stopping = self._nodes.task("POST", f"{guest.path}/status/stop")
            until = self._clock() + STOPPED_WITHIN
            while not self._nodes.is_over(stopping):
                if self._clock() >= until:
                    raise CloudError(f"Proxmox VE: {guest.vmid} doesn't stop within {STOPPED_WITHIN:.0f} s")
                self._sleep(0.5)
        query = {"purge": 1, **({"destroy-unreferenced-disks": 1} if guest.type == "qemu" else {})}
        return self._nodes.task("DELETE", guest.path, query=query)

    def _guest(self, vmid: str | int) -> Guest:
        for guest in self._nodes.first(guests):
            if str(guest.vmid) == str(vmid) and not guest.template:
                return guest
        raise NotFoundError(f"Proxmox VE: there is no guest {vmid}")
