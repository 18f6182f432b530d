"""What is read of a tenancy: its instances, compartment after compartment, and their addresses.

============  ========================================================================================
fact          is
============  ========================================================================================
platform      "oracle", as firmware has it
project       the tenancy: names of availability domains are its own
zone          the availability domain, such as "qIZq:PHX-AD-1"
fault_domain  within that: "not on the same physical hardware"
host          the dedicated host, where the instance is on one
host_kind     "dedicated"
whole_host    "true" for bare metal
============  ========================================================================================

An instance that has to be on some group of hosts, and of which no host is told, may be on any of those:
nothing is stated of where it is. Source: oci 2.189.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct

from keepapart import clouds
from keepapart.clouds.listed import Listed
from keepapart.clouds.oci.settings import Settings
from keepapart.clouds.tags import Spelling
from keepapart.model import Fact

if TYPE_CHECKING:
    from keepapart.clouds.rest import Rest

TAGS = Spelling("keepapart-")
PAGE = 500
STATES = {
    "PROVISIONING": clouds.PENDING,
    "STARTING": clouds.PENDING,
    "MOVING": clouds.PENDING,
    "RUNNING": clouds.RUNNING,
    "STOPPING": clouds.STOPPING,
    "TERMINATING": clouds.STOPPING,
    "STOPPED": clouds.STOPPED,
    "TERMINATED": clouds.TERMINATED,
}

T = TypeVar("T")


class Machine(Struct, rename="camel"):
    """An instance: what is read of it."""

    id: str
    compartment_id: str
    availability_domain: str
    lifecycle_state: str
    shape: str
    display_name: str | None = None
    fault_domain: str | None = None
    freeform_tags: dict[str, str] | None = None
    dedicated_vm_host_id: str | None = None
    placement_constraint_details: dict[str, Any] | None = None
    time_created: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """Its tags, ours by their own names."""
        return TAGS.of_labels(self.freeform_tags or {})


class Compartment(Struct):
    """A compartment."""

    id: str


class Attachment(Struct, rename="camel"):
    """Which interface is whose."""

    instance_id: str
    lifecycle_state: str
    vnic_id: str | None = None


class Vnic(Struct, rename="camel"):
    """An interface."""

    is_primary: bool | None = None
    private_ip: str | None = None
    public_ip: str | None = None
    ipv6_addresses: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Tenancy:
    """A tenancy in one region, and the two APIs that tell of it."""

    id: str
    region: str
    compute: Rest
    identity: Rest

    def close(self) -> None:
        """Close both."""
        self.compute.close()
        self.identity.close()


def read(tenancy: Tenancy, settings: Settings) -> list[Listed]:
    """Ask for all instances, compartment after compartment."""
    compartments = settings.compartments or _compartments(tenancy)
    found = [one for each in compartments for one in machines(tenancy.compute, each)]
    addresses = _addresses(tenancy.compute, compartments) if settings.addresses else {}
    return [listed(one, tenancy.id, addresses.get(one.id, {})) for one in found]


def everywhere(tenancy: Tenancy, settings: Settings) -> list[Machine]:
    """Ask for all instances, without their addresses."""
    compartments = settings.compartments or _compartments(tenancy)
    return [one for each in compartments for one in machines(tenancy.compute, each)]


def machines(compute: Rest, compartment: str, **only: str) -> list[Machine]:
    """Ask for the instances of one compartment."""
    return pages(compute, "/instances", Machine, compartmentId=compartment, **only)


def _compartments(tenancy: Tenancy) -> list[str]:
    """Return the tenancy itself, and all compartments in it that may be seen."""
    below = pages(
        tenancy.identity,
        "/compartments",
        Compartment,
        compartmentId=tenancy.id,
        compartmentIdInSubtree="true",
        accessLevel="ACCESSIBLE",
        lifecycleState="ACTIVE",
    )
    return list(dict.fromkeys([tenancy.id, *(one.id for one in below)]))


def _addresses(compute: Rest, compartments: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """Return the addresses of each instance's primary interface."""
    found = {}
    for each in compartments:
        for link in pages(compute, "/vnicAttachments", Attachment, compartmentId=each):
            if link.lifecycle_state != "ATTACHED" or not link.vnic_id:
                continue
            vnic = compute.get(f"/vnics/{link.vnic_id}", Vnic)
            if vnic.is_primary:
                found[link.instance_id] = {
                    "private": vnic.private_ip or "",
                    "public": vnic.public_ip or "",
                    "ipv6": next(iter(vnic.ipv6_addresses or ()), ""),
                }
    return found


def pages(rest: Rest, path: str, kind: type[T], **query: str) -> list[T]:
    """Return a whole list: a header says where the next page begins."""
    from keepapart.clouds.rest import Page

    def fetch(cursor: str) -> Page[T, str]:
        more = {"page": cursor} if cursor else {}
        answer = rest.ask("GET", path, {**query, "limit": PAGE, **more})
        items: list[T] = rest.read(answer, list[kind])  # type: ignore[valid-type]
        return Page(items, answer.headers.get("opc-next-page") or None)

    return rest.pages(fetch, "")


def listed(one: Machine, tenancy: str, addresses: Mapping[str, str]) -> Listed:
    """Return an instance in the words of every cloud."""
    return Listed(
        id=one.id,
        name=one.display_name or "",
        state=STATES.get(one.lifecycle_state, one.lifecycle_state),
        tags=one.tags,
        whose={"platform": "oracle", "project": tenancy},
        place=dict(_place(one)),
        addresses=addresses,
    )


def _place(one: Machine) -> Iterator[tuple[Fact, str]]:
    metal = one.shape.startswith("BM.")
    if one.placement_constraint_details and not metal and not one.dedicated_vm_host_id:
        return
    yield "zone", one.availability_domain
    yield "fault_domain", one.fault_domain or ""
    if one.dedicated_vm_host_id:
        yield "host", one.dedicated_vm_host_id
        yield "host_kind", "dedicated"
    if metal:
        yield "whole_host", "true"
