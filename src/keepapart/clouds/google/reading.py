"""What is read of a project: its instances, and the resource policies that say what their facts mean.

==============  ======================================================================================
fact            is
==============  ======================================================================================
platform        "google"
project         the project's id
zone            the zone
host            `physicalHostTopology.machine`, which is there where a machine has several hosts, else `host`
host_kind       "project-" or "organization-", then "machine" or "host": ids are of the project where the
                instance has a compact or a workload policy, else of the organization, so that one host has
                two names; and a host's id isn't a machine's
group           the spread policy that the instance has
group_strategy  "partition": of a spread policy
partition       its availability domain in that policy: "separate, discrete hardware"
==============  ======================================================================================

`machine` is in the API's beta alone, which is why that is asked: two hosts may be one machine. `physicalHost`
is left out for that reason, and `block` and `subblock` since their ids have the two scopes as well. A zone
that can't be reached makes the list incomplete: an error. TERMINATED means stopped. Source: the discovery
document of compute.beta, revision 20261106.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from keepapart import clouds
from keepapart.clouds.listed import Listed
from keepapart.clouds.tags import Spelling

if TYPE_CHECKING:
    from keepapart.clouds.rest import Page, Rest

TAGS = Spelling("keepapart-")
PAGE = 500
STATES = {
    "PROVISIONING": clouds.PENDING,
    "STAGING": clouds.PENDING,
    "PENDING": clouds.PENDING,
    "RUNNING": clouds.RUNNING,
    "STOPPING": clouds.STOPPING,
    "SUSPENDING": clouds.STOPPING,
    "PENDING_STOP": clouds.STOPPING,
    "DEPROVISIONING": clouds.STOPPING,
    "TERMINATED": clouds.STOPPED,
    "STOPPED": clouds.STOPPED,
    "SUSPENDED": clouds.STOPPED,
}


class Access(Struct, rename={"nat_ip": "natIP"}):
    """A public address."""

    nat_ip: str = ""


class Interface(Struct, rename={"network_ip": "networkIP", "access": "accessConfigs"}):
    """A network interface."""

    network_ip: str = ""
    access: list[Access] = []


class Topology(Struct):
    """Where an instance runs."""

    host: str = ""
    machine: str = ""


class Scheduling(Struct, rename="camel"):
    """What became of how it was to be placed."""

    availability_domain: int = 0


class Status(Struct, rename="camel"):
    """What the platform says of an instance that runs."""

    physical_host_topology: Topology | None = None
    scheduling: Scheduling | None = None


class Machine(Struct, rename="camel"):
    """An instance: what is read of it."""

    name: str
    zone: str
    status: str
    labels: dict[str, str] = {}
    network_interfaces: list[Interface] = []
    resource_policies: list[str] = []
    resource_status: Status | None = None
    scheduling: dict[str, Any] = {}
    label_fingerprint: str = ""
    creation_timestamp: str = ""

    @property
    def id(self) -> str:
        """What it is called here: its name is unique in its zone."""
        return f"{self.zone.rpartition('/')[2]}/{self.name}"

    @property
    def domain(self) -> str:
        """The availability domain that it is in, or is to start in; empty where there is none."""
        status = self.resource_status.scheduling if self.resource_status else None
        return str((status and status.availability_domain) or self.scheduling.get("availabilityDomain", ""))


class GroupPlacement(Struct, rename="camel"):
    """A placement policy: spread where it counts availability domains."""

    availability_domain_count: int = 0
    collocation: str = ""


class Policy(Struct, rename="camel"):
    """A resource policy; those of snapshots and schedules have neither part."""

    self_link: str
    group_placement_policy: GroupPlacement | None = None
    workload_policy: dict[str, Any] | None = None

    @property
    def spreads(self) -> bool:
        """Whether it spreads instances over availability domains."""
        placement = self.group_placement_policy
        return bool(placement and placement.availability_domain_count > 0 and not placement.collocation)

    @property
    def narrows(self) -> bool:
        """Whether ids of hosts are the project's own under it."""
        return self.workload_policy is not None or (
            self.group_placement_policy is not None and not self.spreads
        )


class Warned(Struct):
    """Why a part of a list may lack something."""

    code: str = ""
    message: str = ""


class Scoped(Struct, rename="camel"):
    """What there is in one zone or region."""

    instances: list[Machine] = []
    resource_policies: list[Policy] = []
    warning: Warned | None = None


class Aggregated(Struct, rename="camel"):
    """A page of a list over all zones or regions."""

    items: dict[str, Scoped] = {}
    next_page_token: str = ""
    unreachables: list[str] = []
    warning: Warned | None = None


def read(rest: Rest, project: str) -> list[Listed]:
    """Ask for the policies of a project, and then for all its instances."""
    from keepapart.clouds.rest import permitted

    scopes = permitted(lambda: rest.pages(partial(_page, rest, project, "resourcePolicies"), ""))
    policies = {path(one.self_link): one for scope in scopes or () for one in scope.resource_policies}
    return [listed(one, project, policies) for one in machines(rest, project)]


def machines(rest: Rest, project: str) -> list[Machine]:
    """Ask for all instances of a project."""
    found = rest.pages(partial(_page, rest, project, "instances"), "")
    return [one for scope in found for one in scope.instances]


def _page(rest: Rest, project: str, what: str, token: str) -> Page[Scoped, str]:
    from keepapart.clouds.rest import Page, RestError

    query: dict[str, str | int] = {"maxResults": PAGE}
    said = rest.get(
        f"/projects/{project}/aggregated/{what}", Aggregated, query | {"pageToken": token} if token else query
    )
    warnings = {name: scope.warning.code for name, scope in said.items.items() if scope.warning}
    lacking = [*said.unreachables, *(name for name, code in warnings.items() if code == "UNREACHABLE")]
    if said.warning and said.warning.code == "UNREACHABLE":
        lacking.append(said.warning.message)
    if lacking:
        raise RestError(f"Google Cloud: the list is incomplete: {lacking[0]} can't be reached", "try again")
    return Page(list(said.items.values()), said.next_page_token or None)


def listed(one: Machine, project: str, policies: Mapping[str, Policy]) -> Listed:
    """Return an instance in the words of every cloud; of one with unknown `policies` no host is stated."""
    zone = one.zone.rpartition("/")[2]
    status = one.resource_status or Status()
    own = [policies.get(path(link)) for link in one.resource_policies]
    known = [policy for policy in own if policy]
    where = status.physical_host_topology or Topology()
    scope = "project" if any(policy.narrows for policy in known) else "organization"
    host = (where.machine or where.host) if len(known) == len(own) else ""  # else its scope can't be told
    spread = next((policy for policy in known if policy.spreads), None)
    domain = status.scheduling.availability_domain if status.scheduling and spread else 0
    interface = one.network_interfaces[0] if one.network_interfaces else Interface()
    return Listed(
        id=one.id,
        name=one.name,
        state=STATES.get(one.status, one.status),
        tags=TAGS.of_labels(one.labels),
        whose={"platform": "google", "project": project},
        place={
            "zone": zone,
            "host": host,
            "host_kind": f"{scope}-{'machine' if where.machine else 'host'}" if host else "",
            "group": path(spread.self_link) if spread else "",
            "group_strategy": "partition" if spread else "",
            "partition": str(domain or ""),
        },
        addresses={
            "private": interface.network_ip,
            "public": next((each.nat_ip for each in interface.access if each.nat_ip), ""),
        },
    )


def path(link: str) -> str:
    """Return the part of a link that names a resource, whichever version of the API it leads to."""
    return link.partition("/projects/")[2] or link.removeprefix("projects/")
