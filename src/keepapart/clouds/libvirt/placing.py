"""On which host a domain goes: what may be chosen, and what is there already. Pure.

A host whose machine isn't known (`places`) is never chosen: nobody could tell it from the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from keepapart.clouds.choosing import Room, emptiest
from keepapart.clouds.libvirt.host import Domain, Host
from keepapart.clouds.libvirt.places import machines


@dataclass(frozen=True, slots=True)
class Where:
    """A host that is known: its address, what its machine is called, and its memory in KiB.

    `migrates` says whether domains may come to it, and leave it, as they run.
    """

    uri: str
    machine: str
    memory: int
    free: int
    migrates: bool


@dataclass(frozen=True, slots=True)
class There:
    """A domain, and a host that has it; `machine` is empty where that isn't known."""

    domain: Domain
    uri: str
    machine: str


def known(hosts: Sequence[Host]) -> list[Where]:
    """Return the hosts that may be chosen."""
    called = machines(hosts)
    return [
        Where(each.uri, called[each.uri], each.memory, each.free, each.migrates)
        for each in hosts
        if called[each.uri]
    ]


def everywhere(hosts: Sequence[Host]) -> list[There]:
    """Return every domain of every host, active ones first."""
    called = machines(hosts)
    found = [There(one, each.uri, called[each.uri]) for each in hosts for one in each.domains]
    return sorted(found, key=lambda one: not one.domain.active)


def choose(
    hosts: Sequence[Where], wanted: Mapping[str, int], taken: Collection[str], beside: Sequence[str] = ()
) -> Where | None:
    """Return the host to use, by `choosing`; `wanted` is the memory in KiB by address, others don't serve.

    `taken` and `beside` are the machines that have members, and other instances of the cluster.
    """
    serving = {each.machine: each for each in hosts if each.uri in wanted}
    rooms = [
        Room(each.machine, each.memory, each.memory - each.free, wanted[each.uri])
        for each in serving.values()
    ]
    chosen = emptiest(rooms, taken, beside)
    return serving[chosen] if chosen else None
