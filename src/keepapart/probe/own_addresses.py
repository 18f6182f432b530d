"""Which addresses members have: what they send to, where nobody said, and public ones beside that.

1. Where nobody said what to send to, each node names its machine's addresses, that of its way to the world
   first. One family is chosen for all: IPv4 where everybody has it, else IPv6.
2. For a start each has its first address that no other machine has: a bridge for containers has the same one
   everywhere. Then each says from which of its own it sends to the others', and the one that most are sent to
   from is its address.
3. Where two come out with one address, they are one machine, or stand in networks of the same numbers:
   neither takes part.
4. A public address is told by the list of members or the platform, else it is that of the way in by ssh.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from keepapart.addresses import is_public
from keepapart.model import Instance
from keepapart.probe.together import together
from keepapart.reach import Asked, NodeGroup

ONE_MACHINE = "they are one machine, or stand in networks of the same numbers"
NOT_OF_THE_FAMILY = "it has no address of the family, IPv4 or IPv6, that the others have"
SAMPLED = 64  # others that a node says its own address towards


async def learn(instances: Sequence[Instance], groups: Sequence[NodeGroup]) -> Sequence[Instance]:
    """Return the instances with the addresses that were asked for; who has none is lost, and says why."""
    if all(instance.address for instance in instances):
        return instances
    asked = [group for group in groups if isinstance(group, Asked)]
    told = await together(group.addresses() for group in asked)
    known = {instance.id: instance.address for instance in instances if instance.address}
    first = provisional(told, known)
    everywhere = list(dict.fromkeys([*known.values(), *first.values()]))
    targets = {name: [other for other in everywhere if other != own][:SAMPLED] for name, own in first.items()}
    sources = await together(group.sources(targets) for group in asked)
    found = {name: settled(own, told[name], sources.get(name, ())) for name, own in first.items()}
    lost = _lost(known, found) | dict.fromkeys(told.keys() - first.keys(), NOT_OF_THE_FAMILY)
    found = {name: address for name, address in found.items() if name not in lost}
    await asyncio.gather(*(group.settle(found, lost) for group in asked))
    return [replace(i, address=i.address or found.get(i.id, "")) for i in instances]


def provisional(told: Mapping[str, Sequence[str]], known: Mapping[str, str]) -> dict[str, str]:
    """Choose for each machine, of the addresses that it told, one of the family of all and of no other's."""
    everybody = [*told.values(), *([address] for address in known.values())]
    six = not all(any(":" not in address for address in own) for own in everybody if own)
    fitting = {name: [address for address in own if (":" in address) == six] for name, own in told.items()}
    owners = Counter(address for own in fitting.values() for address in set(own))
    return {
        name: next((address for address in own if owners[address] == 1), own[0])
        for name, own in fitting.items()
        if own
    }


def settled(first: str, own: Sequence[str], sources: Sequence[str]) -> str:
    """Return the one of its `own` addresses that a machine sends to most from, else its `first` one."""
    used = Counter(source for source in sources if source in own and (":" in source) == (":" in first))
    return used.most_common(1)[0][0] if used else first


def _lost(known: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    owners: dict[str, list[str]] = {}
    for name, address in [*known.items(), *found.items()]:
        owners.setdefault(address, []).append(name)
    return {
        name: f"it has the address {address}, as {other} has: {ONE_MACHINE}; "
        "write NAME=ADDRESS where they are two"
        for address, names in owners.items()
        if len(names) > 1
        for name, other in zip(names, [*names[1:], names[0]], strict=True)
        if name in found
    }


def public_address(instance: Instance) -> str:
    """Return the public IPv4 address that an instance has beside the listed one; empty where none is told."""
    word, _, where = instance.reach.partition(":")
    told = (instance.public, _host(where) if word == "ssh" else "")
    return next((one for one in told if one != instance.address and is_public(one)), "")


def _host(where: str) -> str:
    """Return the host of a way in by ssh: "//user@host:port", or a name alone."""
    try:
        return urlsplit(where if where.startswith("//") else f"//{where}").hostname or ""
    except ValueError:
        return ""
