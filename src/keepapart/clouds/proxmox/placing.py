"""On which node an instance goes: it is chosen, so that one launch is enough, and one move. Pure.

Rules:
1. A node serves that is online, that `nodes` allows, and that has a template: its own, where there are
   several of the name, else any, since a clone may go to another node.
2. Which of them is chosen is a matter of `choosing`. Where no node is left, that is the error.
3. A guest that is moved goes to another node than its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from keepapart.clouds.choosing import Room, emptiest
from keepapart.clouds.proxmox.reading import Guest
from keepapart.errors import ConfigError, RefusedError


class Node(Struct):
    """An item of /cluster/resources?type=node: what is read of it; memory in bytes."""

    node: str
    status: str = ""
    maxmem: int = 0
    mem: int = 0


class NodeList(Struct):
    """The answer of /cluster/resources."""

    data: list[Node]


@dataclass(frozen=True, slots=True)
class Place:
    """The template to clone, and the node that the clone goes to."""

    template: Guest
    node: str


def place(
    nodes: Sequence[Node],
    templates: Sequence[Guest],
    allowed: Collection[str],
    members_on: Collection[str],
    others_on: Sequence[str],
) -> Place:
    """Choose by the rules above. Raises `RefusedError` where none is left, `ConfigError` for one unknown."""
    own = {each.node: each for each in templates}
    (first, *_) = templates
    serving = [each for each in _serving(nodes, allowed) if len(own) == 1 or each.node in own]
    sizes = {each.node: own.get(each.node, first).maxmem for each in serving}
    chosen = _best(serving, members_on, others_on, sizes)
    return Place(own.get(chosen, first), chosen)


def another(
    nodes: Sequence[Node],
    guest: Guest,
    allowed: Collection[str],
    members_on: Collection[str],
    others_on: Sequence[str],
    wanted: str = "",
) -> str:
    """Choose another node for a guest, or see that `wanted` is one.

    Raises as `place` does, and `RefusedError` where `wanted` doesn't serve.
    """
    serving = _serving(nodes, allowed)
    if not wanted:
        others = [each for each in serving if each.node != guest.node]
        return _best(others, members_on, others_on, {each.node: guest.maxmem for each in others})
    names = sorted(each.node for each in serving)
    if wanted not in names:
        raise RefusedError(
            f"Proxmox VE: {wanted!r} is no node that may be used", f"there is {', '.join(names)}"
        )
    if wanted in members_on:
        raise RefusedError(f"Proxmox VE: node {wanted} has another member already")
    return wanted


def _serving(nodes: Sequence[Node], allowed: Collection[str]) -> list[Node]:
    """Return the nodes that are online and allowed."""
    names = {each.node for each in nodes}
    if unknown := sorted(set(allowed) - names):
        raise ConfigError(
            f"[cloud] nodes: there is no node {unknown[0]!r}", f"there is {', '.join(sorted(names))}"
        )
    return [each for each in nodes if each.status == "online" and (not allowed or each.node in allowed)]


def _best(
    serving: Sequence[Node],
    members_on: Collection[str],
    others_on: Sequence[str],
    sizes: Mapping[str, int],
) -> str:
    """Choose by rule 2; `sizes` are the bytes of memory that the guest takes on each node."""
    rooms = [Room(each.node, each.maxmem, each.mem, sizes[each.node]) for each in serving]
    chosen = emptiest(rooms, members_on, others_on)
    if chosen is None:
        there = ", ".join(sorted(each.node for each in serving)) or "none is online"
        raise RefusedError(
            f"Proxmox VE: every node that may be used has a member already: {there}",
            "add a node, or look at [cloud] nodes and template",
        )
    return chosen
