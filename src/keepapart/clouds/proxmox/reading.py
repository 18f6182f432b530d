"""What is read of a cluster, in one reading: its guests, each with its node.

=========  ===========================================================================================
fact       is
=========  ===========================================================================================
platform   "proxmox"
project    the cluster's name, else that of the one node: node names mean something within it only
host       `node` of /cluster/resources; containers of a node share it with its virtual machines
=========  ===========================================================================================

A guest is unsettled while it has a `lock` (it migrates, is cloned, restored, …), while HA does anything with
it but run it, and on a node whose part of the cluster has no quorum: what it knows of the others is old. Of a
node that is offline, guests are "unknown": HA may have started them elsewhere.

A clone can't be made with tags, but with a name and a description. So one that has a name of ours and no tags
of ours has those that its description tells (`told`, `telling`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from keepapart import clouds
from keepapart.clouds import CLUSTER_TAG
from keepapart.clouds.listed import Listed
from keepapart.clouds.once import PREFIX
from keepapart.clouds.rest import RestError
from keepapart.clouds.tags import Spelling

if TYPE_CHECKING:
    from keepapart.clouds.rest import Rest

PATH = "path"
TAGS = Spelling("keepapart-", ".")
STATES = {"running": clouds.RUNNING, "stopped": clouds.STOPPED}
BEING_MADE = frozenset({"clone", "create"})  # locks
RUN_BY_HA = frozenset({"", "started", "stopped", "ignored", "disabled"})  # hastate of a guest that stays
UNKNOWN = re.compile(r"does not exist|no such (VM|CT)")  # how PVE says 404: with status 500
HEAD = "Launched by keepapart:"
TOLD = re.compile(r"^- (\S+) = (.*)$", re.MULTILINE)


class Guest(Struct):
    """An item of /cluster/resources?type=vm: what is read of it."""

    vmid: int
    node: str
    status: str
    name: str = ""
    type: Literal["qemu", "lxc"] = "qemu"
    template: bool | int = 0
    tags: str = ""
    pool: str = ""
    lock: str = ""
    maxmem: int = 0
    hastate: str = ""

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"/nodes/{self.node}/{self.type}/{self.vmid}"

    @property
    def state(self) -> str:
        """The word for its state."""
        if self.lock in BEING_MADE and self.status != "running":
            return clouds.PENDING
        return STATES.get(self.status, self.status)

    @property
    def flat(self) -> list[str]:
        """Its tags, as they are."""
        return list(filter(None, re.split(r"[;, ]", self.tags)))


class Config(Struct):
    """The answer of …/config: what is read of it."""

    data: dict[str, Any]


class Part(Struct):
    """An item of /cluster/status: the cluster, where there is one, or a node."""

    type: str
    name: str
    quorate: int = 1


class Guests(Struct):
    """The answer of /cluster/resources."""

    data: list[Guest]


class Status(Struct):
    """The answer of /cluster/status."""

    data: list[Part]


def read(rest: Rest) -> list[Listed]:
    """Ask one node for all guests of its cluster."""
    status = rest.get("/cluster/status", Status).data
    quorate = all(part.quorate for part in status if part.type == "cluster")
    project = _name(status)
    return [
        Listed(
            id=str(guest.vmid),
            name=guest.name,
            state=guest.state,
            tags=tags_of(rest, guest),
            whose={"platform": "proxmox", "project": project},
            place={"host": guest.node},
            settled=quorate and not guest.lock and guest.hastate in RUN_BY_HA,
            alike={"pool": guest.pool, "node": guest.node, PATH: guest.path},
        )
        for guest in guests(rest)
        if not guest.template
    ]


def project(rest: Rest) -> str:
    """Return what node names and VMIDs mean something within."""
    return _name(rest.get("/cluster/status", Status).data)


def _name(status: Sequence[Part]) -> str:
    named = {part.type: part.name for part in status}  # a node by itself is no cluster
    return named.get("cluster") or named.get("node", "")


def guests(rest: Rest) -> list[Guest]:
    """List every guest of the cluster that the token may see, templates too."""
    return rest.get("/cluster/resources", Guests, {"type": "vm"}).data


def tags_of(rest: Rest, guest: Guest) -> dict[str, str]:
    """Return a guest's tags; one of ours that has none yet is asked for its description."""
    tags = TAGS.of_flat(guest.flat)
    if CLUSTER_TAG in tags or not guest.name.startswith(PREFIX):
        return tags
    return {**tags, **telling(config(rest, guest).get("description", ""))}


def config(rest: Rest, guest: Guest) -> dict[str, Any]:
    """Return what is configured of a guest; nothing of one that is gone by now."""
    try:
        return rest.get(f"{guest.path}/config", Config).data
    except RestError as error:
        if error.status == 404 or UNKNOWN.search(str(error)):
            return {}
        raise


def told(tags: Mapping[str, str]) -> str:
    """Return the description that tells these tags."""
    return "\n".join([HEAD, "", *(f"- {name} = {value}" for name, value in sorted(tags.items()))])


def telling(description: str) -> dict[str, str]:
    """Return the tags that a description tells, if it is one of ours."""
    return dict(TOLD.findall(description)) if description.startswith(HEAD) else {}
