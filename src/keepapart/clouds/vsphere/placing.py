"""On which host the next machine goes, and where it is put else, by the names of the configuration. Pure.

Rules:
1. A host serves that is connected and not in maintenance, that `hosts` allows (without it: one of the cluster
   in question), and that has the datastores which the machine needs.
2. Which of them is chosen is a matter of `choosing`.
3. A name that several objects have is no name: the error says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from pyVmomi import vim

from keepapart.clouds.choosing import Room, emptiest
from keepapart.clouds.vsphere.inventory import Host, Inventory, Machine
from keepapart.clouds.vsphere.settings import Settings
from keepapart.errors import ConfigError, RefusedError
from keepapart.tables import nearest


def template(inventory: Inventory, name: str) -> Machine:
    """Return the template of this name. Raises `ConfigError`."""
    if not name:
        raise ConfigError("[cloud] template: none is set", "name the template that instances are cloned from")
    found = [one for one in inventory.machines if one.template and name in (one.name, one.id)]
    if not found:
        known = [one.name for one in inventory.machines if one.template]
        raise ConfigError(f"[cloud] template: there is no template {name!r}", nearest(name, known))
    if len(found) > 1:
        raise ConfigError(f"[cloud] template: {len(found)} are called {name!r}", "write its instanceUuid")
    return found[0]


def one_named(inventory: Inventory, key: str, kind: Any, name: str, within: Any = None) -> Any:
    """Return the object of this type and name, in a compute resource. Raises `ConfigError`."""
    there = {
        one: said
        for one, said in inventory.named.items()
        if isinstance(one, kind) and within in (None, said.get("owner", within))
    }
    found = [one for one, said in there.items() if said.get("name") == name]
    if not found:
        known = sorted({str(said.get("name")) for said in there.values()})
        raise ConfigError(f"[cloud] {key}: there is no {name!r}", nearest(name, known))
    if len(found) > 1:
        raise ConfigError(f"[cloud] {key}: {len(found)} are called {name!r}", "give it a name of its own")
    return found[0]


def serving(inventory: Inventory, settings: Settings, within: Any, needs: Collection[Any]) -> list[Host]:
    """Return the hosts that may be used, by rule 1. Raises `ConfigError` for a name that no host has."""
    names = [one.name for one in inventory.hosts.values()]
    for name in settings.hosts:
        if name not in names:
            raise ConfigError(f"[cloud] hosts: there is no host {name!r}", nearest(name, names))
    return [
        one
        for one in inventory.hosts.values()
        if one.serves
        and (one.name in settings.hosts if settings.hosts else one.within == within)
        and one.datastores.issuperset(needs)
    ]


def another(
    inventory: Inventory, settings: Settings, machine: Machine, taken: Collection[str], wanted: str = ""
) -> Host | str:
    """Return the host that a machine is moved to, or say why it stays where it is.

    `taken` are the names of the hosts that have other members. Raises `RefusedError` where the host `wanted`
    can't be had.
    """
    here = inventory.hosts.get(machine.host)
    if not wanted and here and here.name not in taken:
        return f"it stays on host {here.name}, which has no other member"
    able = serving(inventory, settings, here.within if here else None, machine.datastores)
    if wanted and wanted not in [one.name for one in able]:
        there = ", ".join(sorted(one.name for one in able)) or "none"
        raise RefusedError(f"vsphere: {wanted} is no host that may be used", f"there is {there}")
    named = [one for one in able if wanted in ("", one.name) and one.itself != machine.host]
    chosen = choose(named, machine.memory, taken)
    if chosen is not None:
        return chosen
    why = "every other host that may be used, and has its datastores, has a member already"
    if wanted:
        raise RefusedError(f"vsphere: {machine.name} can't be moved to {wanted}: {why}")
    return why


def choose(
    hosts: Sequence[Host], memory: int, taken: Collection[str], beside: Sequence[str] = ()
) -> Host | None:
    """Return the host to use, by rule 2; `taken` and `beside` are the names of hosts."""
    rooms = [Room(one.name, one.memory, one.used, memory) for one in hosts]
    chosen = emptiest(rooms, taken, beside)
    return next((one for one in hosts if one.name == chosen), None)


def pool_of(inventory: Inventory, settings: Settings, host: Host) -> Any:
    """Return the resource pool for a machine on this host."""
    if settings.resource_pool:
        return one_named(inventory, "resource_pool", vim.ResourcePool, settings.resource_pool, host.within)
    return inventory.named.get(host.within, {}).get("resourcePool")
