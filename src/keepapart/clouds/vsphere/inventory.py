"""What vSphere says of virtual machines and hosts, and what that states.

=========  ===========================================================================================
fact       is
=========  ===========================================================================================
platform   "vmware"
project    the vCenter's own id: hosts mean something within it only. Of an ESXi host asked by itself, which
           has none, the id of its hardware
host       `runtime.host`, by its name, and by its id where two have one name
=========  ===========================================================================================

A virtual machine is settled while it is powered on, its host is connected, and no task of its own runs: one
that migrates is still on the host that it leaves. DRS may move it at any time.

Tags are custom attributes and keys of extraConfig: `keepapart.cluster`, … are ours, and `keepapart.tag.NAME`
are others that we set. A template is no instance.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim

from keepapart import clouds
from keepapart.clouds.listed import Listed
from keepapart.clouds.tags import OTHER, OWN, Spelling
from keepapart.clouds.vsphere.session import OPEN, Session

TAGS = Spelling("keepapart.")
OTHERS = f"{TAGS.prefix}{OTHER}."
STATES = {
    "poweredOn": clouds.RUNNING,
    "poweredOff": clouds.STOPPED,
    "suspended": clouds.STOPPED,
}
MIB = 2**20
PATHS: Mapping[Any, tuple[str, ...]] = {
    vim.VirtualMachine: (
        "name",
        "parent",
        "datastore",
        "config.instanceUuid",
        "config.template",
        "config.extraConfig",
        "config.hardware.memoryMB",
        "customValue",
        "recentTask",
        "runtime.host",
        "runtime.powerState",
        "runtime.connectionState",
        "guest.net",
        "guest.ipAddress",
        "guest.toolsRunningStatus",
    ),
    vim.HostSystem: (
        "name",
        "parent",
        "datastore",
        "runtime.connectionState",
        "runtime.inMaintenanceMode",
        "summary.hardware.uuid",
        "summary.hardware.memorySize",
        "summary.quickStats.overallMemoryUsage",
    ),
    vim.Folder: ("name",),
    vim.ComputeResource: ("name", "resourcePool"),
    vim.ResourcePool: ("name", "owner"),
    vim.Datastore: ("name",),
    vim.Task: ("info.state",),
}
Said = Mapping[str, Any]  # properties by path, those that an object has


@dataclass(frozen=True, slots=True)
class Machine:
    """A virtual machine or template: the object itself, and what is said of it. `memory` is in MiB."""

    itself: Any
    id: str
    name: str
    state: str
    template: bool
    told: bool
    busy: bool
    listens: bool  # its tools run
    host: Any
    folder: Any
    datastores: frozenset[Any]
    memory: int
    tags: Mapping[str, str]
    addresses: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Host:
    """A host, by what it is called, and the compute resource that it is in. Memory is in MiB."""

    itself: Any
    name: str
    within: Any
    serves: bool  # connected, and not in maintenance
    datastores: frozenset[Any]
    memory: int
    used: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that was read; `named` are the other objects, with what is said of them."""

    project: str
    machines: list[Machine]
    hosts: dict[Any, Host]
    named: Mapping[Any, Said]

    def name_of(self, one: Any) -> str:
        """Return the name of an object; empty where it has none."""
        return str(self.named.get(one, {}).get("name", ""))


def read(session: Session) -> Inventory:
    """Read all virtual machines and hosts of a vCenter or an ESXi host."""
    found: dict[Any, Said] = dict(session.retrieve(PATHS))
    hosts = {one: said for one, said in found.items() if isinstance(one, vim.HostSystem)}
    called = _host_names(hosts)
    project = session.content.about.instanceUuid or " ".join(
        sorted(said.get("summary.hardware.uuid") or "" for said in hosts.values())
    )
    fields = _custom_fields(session)
    busy = {one for one, said in found.items() if said.get("info.state") in OPEN}
    machines = ((one, said) for one, said in found.items() if isinstance(one, vim.VirtualMachine))
    return Inventory(
        project=project,
        machines=[_machine(one, said, fields, busy) for one, said in machines],
        hosts={one: _host(one, said, called[one]) for one, said in hosts.items()},
        named=found,
    )


def listed(inventory: Inventory) -> list[Listed]:
    """Return every virtual machine as an instance, with what that states."""
    found = []
    for one in inventory.machines:
        host = inventory.hosts.get(one.host)
        if one.template:
            continue
        found.append(
            Listed(
                id=one.id,
                name=one.name,
                state=one.state,
                tags=one.tags,
                whose={"platform": "vmware", "project": inventory.project},
                place={"host": host.name if host else _id_of(one.host)},
                settled=not one.busy,
                told=one.told,
                addresses=one.addresses,
                alike={
                    "cluster": inventory.name_of(host.within) if host else "",
                    "folder": inventory.name_of(one.folder),
                    "host": inventory.name_of(one.host),
                },
            )
        )
    return found


def extra_config(tags: Mapping[str, str]) -> list[Any]:
    """Return tags as the keys of extraConfig that hold them."""
    found = []
    for name, text in tags.items():
        word = name.removeprefix("keepapart:")
        key = f"{TAGS.prefix}{word}" if word in OWN and word != name else f"{OTHERS}{name}"
        found.append(vim.option.OptionValue(key=key, value=text))
    return found


def _machine(machine: Any, said: Said, fields: Mapping[int, str], busy: set[Any]) -> Machine:
    return Machine(
        itself=machine,
        id=said.get("config.instanceUuid") or _id_of(machine),
        name=str(said.get("name", "")),
        state=_state(said),
        template=bool(said.get("config.template")),
        told="config.instanceUuid" in said,
        busy=not busy.isdisjoint(said.get("recentTask", ())),
        listens=said.get("guest.toolsRunningStatus") == "guestToolsRunning",
        host=said.get("runtime.host"),
        folder=said.get("parent"),
        datastores=frozenset(said.get("datastore", ())),
        memory=int(said.get("config.hardware.memoryMB") or 0),
        tags=_tags(said, fields),
        addresses=_addresses(said),
    )


def _host(host: Any, said: Said, name: str) -> Host:
    return Host(
        itself=host,
        name=name,
        within=said.get("parent"),
        serves=str(said.get("runtime.connectionState")) == "connected"
        and not said.get("runtime.inMaintenanceMode"),
        datastores=frozenset(said.get("datastore", ())),
        memory=int(said.get("summary.hardware.memorySize") or 0) // MIB,
        used=int(said.get("summary.quickStats.overallMemoryUsage") or 0),
    )


def _id_of(one: Any) -> str:
    return str(one._moId) if one else ""


def _state(said: Said) -> str:
    connection = str(said.get("runtime.connectionState", "unknown"))
    power = str(said.get("runtime.powerState", "unknown"))
    return connection if connection != "connected" else STATES.get(power, power)


def _host_names(hosts: Mapping[Any, Said]) -> dict[Any, str]:
    """Return what each host is called: its name, with its id where that isn't its alone."""
    taken = Counter(said.get("name", "") for said in hosts.values())
    return {
        one: said["name"] if taken[said.get("name", "")] == 1 and said.get("name") else _id_of(one)
        for one, said in hosts.items()
    }


def _custom_fields(session: Session) -> dict[int, str]:
    manager = session.content.customFieldsManager  # an ESXi host has none
    return {one.key: one.name for one in manager.field} if manager else {}


def _tags(said: Said, fields: Mapping[int, str]) -> dict[str, str]:
    ours = {
        one.key.removeprefix(OTHERS): str(one.value)
        for one in said.get("config.extraConfig", ())
        if one.key.startswith(TAGS.prefix)
    }
    own = {fields[one.key]: one.value for one in said.get("customValue", ()) if one.key in fields}
    return TAGS.of_labels({**own, **ours})


def _addresses(said: Said) -> dict[str, str]:
    """Return the addresses that the guest's tools tell, without those of one link only."""
    told = [
        said.get("guest.ipAddress"),
        *(a for net in said.get("guest.net", ()) for a in net.ipAddress or ()),
    ]
    found = [ipaddress.ip_address(text) for text in told if text]
    good = [one for one in found if not (one.is_link_local or one.is_loopback)]
    return {
        "private": next((str(one) for one in good if one.version == 4), ""),
        "ipv6": next((str(one) for one in good if one.version == 6), ""),
    }
