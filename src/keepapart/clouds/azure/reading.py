"""What is read of a subscription: its machines, their sets, what they are doing, and their interfaces.

============  ========================================================================================
fact          is
============  ========================================================================================
platform      "azure"
project       the subscription: numbers of zones mean something within it only
zone          the region and the number of its zone; of a machine in no zone, nothing
host          the dedicated host, where it is on one
host_kind     "dedicated"
group         the availability set or scale set that fault domains are counted in
fault_domain  `platformFaultDomain`, where that set has more than one: racks, within one set
============  ========================================================================================

A scale set with one fault domain spreads its machines as far as it can and shows the same number for all:
that says nothing. Of a set that spans placement groups, numbers count within each. A machine of a host group
whose host isn't told may be on the same host as any other of that group: nothing is stated of it at all.
Nothing is stated either of a machine whose provisioning hasn't succeeded. Source: azure-mgmt-compute 39.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct
from msgspec import field as key

from keepapart import clouds
from keepapart.clouds.listed import Listed
from keepapart.model import Fact

if TYPE_CHECKING:
    from keepapart.clouds.rest import Page, Rest

COMPUTE, NETWORK = "2026-04-01", "2026-03-01"  # versions of the APIs
PREFIX = "keepapart:"
STATES = {
    "starting": clouds.PENDING,
    "running": clouds.RUNNING,
    "stopping": clouds.STOPPING,
    "stopped": clouds.STOPPED,
    "deallocating": clouds.STOPPING,
    "deallocated": clouds.STOPPED,
}

T = TypeVar("T")


class Reference(Struct):
    """What refers to a resource."""

    id: str


class Said(Struct):
    """One of the states of a machine, such as "PowerState/running"."""

    code: str
    message: str | None = None


class View(Struct, rename="camel"):
    """What a machine is doing."""

    statuses: list[Said] = []
    platform_fault_domain: int | None = None
    assigned_host: str | None = None
    placement_group_id: str | None = None


class Properties(Struct, rename="camel"):
    """The parts of a machine."""

    provisioning_state: str = ""
    availability_set: Reference | None = None
    virtual_machine_scale_set: Reference | None = None
    host: Reference | None = None
    host_group: Reference | None = None
    platform_fault_domain: int | None = None
    instance_view: View | None = None


class Machine(Struct):
    """A virtual machine, or one of a uniform scale set: what is read of it."""

    id: str
    name: str
    location: str
    properties: Properties
    tags: dict[str, str] | None = None
    zones: list[str] | None = None

    @property
    def known_as(self) -> str:
        """What it is called here: its resource group, its uniform scale set where it is of one, its name."""
        parts = self.id.lower().split("/")
        return "/".join(filter(None, (parts[4] if len(parts) > 4 else "", self.uniform, parts[-1])))

    @property
    def uniform(self) -> str:
        """The uniform scale set that it is of."""
        parts = self.id.lower().split("/")
        return parts[8] if len(parts) > 10 and parts[7] == "virtualmachinescalesets" else ""

    @property
    def domain(self) -> str:
        """The fault domain that it is in, or was made for; empty where there is none."""
        view = self.properties.instance_view
        for number in (view and view.platform_fault_domain, self.properties.platform_fault_domain):
            if number is not None:
                return str(number)
        return ""


class SetProperties(Struct, rename="camel"):
    """The parts of an availability set or a scale set."""

    platform_fault_domain_count: int = 0
    orchestration_mode: str = ""
    single_placement_group: bool | None = None
    host_group: Reference | None = None


class Group(Struct):
    """An availability set or a scale set."""

    id: str
    properties: SetProperties


class IpProperties(Struct, rename={"address": "privateIPAddress", "version": "privateIPAddressVersion"}):
    """An address of an interface."""

    address: str = ""
    version: str = "IPv4"


class Ip(Struct):
    """A configuration of an interface."""

    properties: IpProperties


class InterfaceProperties(Struct, rename={"addresses": "ipConfigurations", "machine": "virtualMachine"}):
    """The parts of an interface."""

    addresses: list[Ip] = []
    machine: Reference | None = None


class Interface(Struct):
    """A network interface."""

    properties: InterfaceProperties


class Part(Struct, Generic[T]):
    """A page of a list."""

    value: list[T]
    next_link: str | None = key(default=None, name="nextLink")


def read(rest: Rest, subscription: str) -> list[Listed]:
    """Ask for all sets, machines, what these are doing, and their interfaces."""
    from keepapart.clouds.rest import permitted

    network = f"/subscriptions/{subscription}/providers/Microsoft.Network"
    groups, found = machines(rest, subscription)
    interfaces = permitted(
        partial(_list, rest, f"{network}/networkInterfaces", Part[Interface], version=NETWORK)
    )
    addresses = _addresses(interfaces or ())
    return [listed(one, subscription, groups, addresses) for one in found]


def machines(rest: Rest, subscription: str) -> tuple[Mapping[str, SetProperties], list[Machine]]:
    """Ask for all sets, by their ids, and for all machines with what they are doing."""
    from keepapart.clouds.rest import permitted

    compute = f"/subscriptions/{subscription}/providers/Microsoft.Compute"
    found = [
        group
        for kind in ("availabilitySets", "virtualMachineScaleSets")
        for group in permitted(partial(_list, rest, f"{compute}/{kind}", Part[Group])) or ()
    ]
    groups = {group.id.lower(): group.properties for group in found}
    there = _list(rest, f"{compute}/virtualMachines", Part[Machine])
    doing = {
        one.id.lower(): one.properties.instance_view
        for one in _list(rest, f"{compute}/virtualMachines", Part[Machine], statusOnly="true")
    }
    for one in there:
        one.properties.instance_view = doing.get(one.id.lower())
    for group in found:
        if group.properties.orchestration_mode.lower() == "uniform":
            path = f"{group.id}/virtualMachines"
            there += _list(rest, path, Part[Machine], **{"$expand": "instanceView"})
    return groups, there


def _list(rest: Rest, path: str, kind: type[Part[T]], version: str = COMPUTE, **query: str) -> list[T]:
    """Return a whole list: the links to further pages are whole addresses."""
    from keepapart.clouds.rest import Page

    def fetch(link: str) -> Page[T, str]:
        asked = {"api-version": version, **query} if link == path else None
        found = rest.get(link, kind, asked)
        return Page(found.value, found.next_link or None)

    return rest.pages(fetch, path)


def _addresses(interfaces: Sequence[Interface]) -> Mapping[str, Mapping[str, str]]:
    """Return the first address of each kind of each machine."""
    found: dict[str, dict[str, str]] = {}
    for one in interfaces:
        if one.properties.machine:
            those = found.setdefault(one.properties.machine.id.lower(), {})
            for ip in one.properties.addresses:
                those.setdefault(
                    "ipv6" if ip.properties.version == "IPv6" else "private", ip.properties.address
                )
    return found


def listed(
    one: Machine,
    subscription: str,
    groups: Mapping[str, SetProperties],
    addresses: Mapping[str, Mapping[str, str]],
) -> Listed:
    """Return a machine in the words of every cloud."""
    said, view = one.properties, one.properties.instance_view or View()
    within = "/".join(one.id.split("/")[:9]).lower() if one.uniform else ""
    making = said.provisioning_state.lower()
    return Listed(
        id=one.known_as,
        name=one.name,
        state=clouds.STOPPING if making == "deleting" else _state(view),
        tags=tags_of(one),
        whose={"platform": "azure", "project": subscription},
        place=dict(_place(one, view, groups, within)),
        settled=making == "succeeded",
        addresses=addresses.get(one.id.lower(), {}),
        alike={"group": one.known_as.partition("/")[0]},
    )


def tags_of(one: Machine) -> dict[str, str]:
    """Return tags, ours in small letters: Azure keeps whatever letters a name was first written with."""
    tags = one.tags or {}
    return {name.lower() if name.lower().startswith(PREFIX) else name: text for name, text in tags.items()}


def codes(view: View) -> dict[str, str]:
    """Return what a machine's states are, by their kinds: "powerstate" and "provisioningstate"."""
    return {
        kind.lower(): word.lower() for kind, _, word in (each.code.partition("/") for each in view.statuses)
    }


def _state(view: View) -> str:
    found = codes(view)
    if power := found.get("powerstate"):
        return STATES.get(power, power)
    making = found.get("provisioningstate", "unknown").partition("/")[0]  # a reason may follow
    return clouds.PENDING if making == "creating" else making


def _place(
    one: Machine, view: View, groups: Mapping[str, SetProperties], within: str
) -> Iterator[tuple[Fact, str]]:
    """Yield what is stated of where a machine is; `within` is the uniform scale set that it is of."""
    said = one.properties
    group = within or next(
        (each.id.lower() for each in (said.availability_set, said.virtual_machine_scale_set) if each), ""
    )
    known = groups.get(group)
    host = (said.host and said.host.id) or view.assigned_host or ""
    if host:
        yield "host", host.lower()
        yield "host_kind", "dedicated"
    elif said.host_group or (known.host_group if known else said.virtual_machine_scale_set):
        return  # it may be on a dedicated host that isn't told
    if one.zones:
        yield "zone", f"{one.location}-{one.zones[0]}"
    elif known and known.platform_fault_domain_count > 1 and view.platform_fault_domain is not None:
        part = view.placement_group_id or ""
        if part or not within or known.single_placement_group:
            yield "group", "/".join(filter(None, (group, part)))
            yield "fault_domain", str(view.platform_fault_domain)
