"""What is read of a server as Nova shows it, in the words of every cloud.

=========  ===========================================================================================
fact       is
=========  ===========================================================================================
platform   "openstack"
project    the project's id, the region and the API's address: a host id is a hash of the project's id and the
           host's name, and regions share projects' ids while each has its own "compute-1"
host       see `host_ids`
zone       the availability zone of its host
group      its server group, with the strategy "spread" where no two may ever share a host
=========  ===========================================================================================

A server is settled while it is neither building nor moving: any task, and any state but those that run, may
end on another host; during a live migration Nova still shows the host that it leaves.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from keepapart import clouds

STATES = {
    "BUILD": clouds.PENDING,
    "ACTIVE": clouds.RUNNING,
    "PASSWORD": clouds.RUNNING,
    "REBOOT": clouds.RUNNING,
    "HARD_REBOOT": clouds.RUNNING,
    "MIGRATING": clouds.RUNNING,  # live; no host is stated while it has a task
    "SHUTOFF": clouds.STOPPED,
    "SUSPENDED": clouds.STOPPED,
    "PAUSED": clouds.STOPPED,
    "SHELVED": clouds.STOPPED,
    "SHELVED_OFFLOADED": clouds.STOPPED,
    "DELETED": clouds.TERMINATED,
    "SOFT_DELETED": clouds.TERMINATED,
}


class Address(Struct):
    """One address of a server."""

    addr: str
    version: int
    kind: str = field(name="OS-EXT-IPS:type", default="fixed")


class Flavor(Struct):
    """What kind of server it is; Nova tells the particulars from 2.47 on."""

    original_name: str = ""
    extra_specs: dict[str, str] | None = None
    ephemeral: int | None = None  # GiB of a disk that no image and no volume holds


class Server(Struct):
    """A server, as Nova shows it. In a cell that is down only what has no default is known."""

    id: str
    status: str
    tenant_id: str
    name: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    flat: list[str] = field(name="tags", default_factory=list)
    created: str = ""
    fault: dict[str, Any] | None = None
    host_id: str = field(name="hostId", default="")
    task: str | None = field(name="OS-EXT-STS:task_state", default=None)
    zone: str | None = field(name="OS-EXT-AZ:availability_zone", default=None)
    service: str | None = field(name="OS-EXT-SRV-ATTR:host", default=None)
    node: str | None = field(name="OS-EXT-SRV-ATTR:hypervisor_hostname", default=None)
    flavor: Flavor = field(default_factory=Flavor)
    networks: dict[str, list[Address]] = field(name="addresses", default_factory=dict)

    @property
    def state(self) -> str:
        """The word for its state; what has none of ours is its own, and neither running nor gone."""
        return STATES.get(self.status, self.status.lower())

    @property
    def settled(self) -> bool:
        """Whether it stays where it is shown."""
        return self.state == clouds.RUNNING and not self.task

    @property
    def told(self) -> bool:
        """Whether Nova knows it now."""
        return self.status != "UNKNOWN"

    @property
    def tags(self) -> dict[str, str]:
        """Its metadata, and its tags: what stands before a = is the name of one."""
        return {
            **{name: value for name, _, value in (tag.partition("=") for tag in self.flat)},
            **self.metadata,
        }

    def addresses(self, network: str) -> dict[str, str]:
        """Return the first fixed, floating and IPv6 address, of this network where one is named."""
        found = [one for name, ones in self.networks.items() if network in ("", name) for one in ones]
        kinds = {
            "private": [one for one in found if one.kind != "floating" and one.version == 4],
            "public": [one for one in found if one.kind == "floating"],
            "ipv6": [one for one in found if one.version == 6],
        }
        return {kind: ones[0].addr if ones else "" for kind, ones in kinds.items()}


class Group(Struct):
    """A server group, with `policy` and `rules` from 2.64 on, before with `policies`."""

    id: str
    name: str = ""
    policy: str | None = None
    policies: list[str] = field(default_factory=list)
    rules: dict[str, Any] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)

    @property
    def strategy(self) -> str:
        """What it promises: "spread" where no two of it may share a host, else its policy.

        The strict policy may allow several on a host; the soft one is no promise.
        """
        policy = self.policy or next(iter(self.policies), "")
        most = self.rules.get("max_server_per_host", 1)
        return policy if policy != "anti-affinity" else "spread" if most == 1 else f"{most} on a host"


class One(Struct):
    """The answer of GET /servers/ID."""

    server: Server


class Made(Struct):
    """What is told of a server, a group or a flavor that isn't told in full."""

    id: str
    name: str = ""


class MadeServer(Struct):
    """The answer of POST /servers."""

    server: Made


class Flavors(Struct):
    """The answer of GET /flavors."""

    flavors: list[Made]


class Servers(Struct):
    """A page of GET /servers/detail."""

    servers: list[Server]


class Service(Struct):
    """A nova-compute, by the name of its host."""

    host: str


class Services(Struct):
    """The answer of GET /os-services."""

    services: list[Service]


class Groups(Struct):
    """A page of GET /os-server-groups."""

    server_groups: list[Group]
