"""Placement groups, and which racks they leave for the next instance. Pure.

Rules, as EC2 has them:
1. `spread`: each running instance of the group in a rack of its own, at most `SPREAD_LIMIT` a zone.
2. `partition`: the zone's racks are dealt among the partitions; an instance is in a rack of its partition's.
   Where no partition is named, the one with the fewest instances that has room is chosen.
3. `cluster`: all in one rack.
4. An instance stays in its zone for good; where none is named at launch, any zone may serve.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

SPREAD, PARTITION, CLUSTER = "spread", "partition", "cluster"
SPREAD_LIMIT = 7
MAX_PARTITIONS = 7


@dataclass(frozen=True, slots=True)
class Rack:
    """A rack by name, and the zone that it stands in."""

    name: str
    zone: str


@dataclass(slots=True)
class PlacementGroup:
    """A placement group."""

    name: str
    id: str
    strategy: str
    partitions: int = 0
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupMember:
    """Where a running instance of a group is."""

    rack: Rack
    partition: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Racks that would keep the group's promise, and the partition that they belong to (0: none)."""

    racks: tuple[str, ...]
    partition: int = 0


class SpreadLimitError(Exception):
    """Every zone in question holds as many running instances of the spread group as it may."""


def choices(
    racks: Sequence[Rack],
    zone: str,
    group: PlacementGroup | None,
    members: Sequence[GroupMember],
    partition: int = 0,
) -> Iterator[Choice]:
    """Yield what may serve the next instance, best first. Raises `SpreadLimitError`.

    `zone` is empty where any will do; `members` are those of the group's running instances.
    """
    there = [rack for rack in racks if zone in ("", rack.zone)]
    if group is None:
        yield Choice(tuple(rack.name for rack in there))
    elif group.strategy == SPREAD:
        yield Choice(_spread(there, members))
    elif group.strategy == CLUSTER:
        together = [member.rack for member in members] or there
        yield from (Choice((rack.name,)) for rack in together if rack in there)
    else:
        wanted = [partition] if partition else _emptiest(group.partitions, members)
        for number in wanted:
            yield Choice(_dealt(there, number, group.partitions), number)


def _spread(there: Sequence[Rack], members: Sequence[GroupMember]) -> tuple[str, ...]:
    full = [zone for zone, count in _by_zone(members).items() if count >= SPREAD_LIMIT]
    open_to_it = [rack for rack in there if rack.zone not in full]
    if there and not open_to_it:
        raise SpreadLimitError
    taken = {member.rack for member in members}
    return tuple(rack.name for rack in open_to_it if rack not in taken)


def _by_zone(members: Sequence[GroupMember]) -> Mapping[str, int]:
    zones = [member.rack.zone for member in members]
    return {zone: zones.count(zone) for zone in zones}


def _emptiest(partitions: int, members: Sequence[GroupMember]) -> list[int]:
    taken = [member.partition for member in members]
    return sorted(range(1, partitions + 1), key=lambda number: (taken.count(number), number))


def _dealt(there: Sequence[Rack], number: int, partitions: int) -> tuple[str, ...]:
    by_zone: dict[str, list[str]] = {}
    for rack in there:
        by_zone.setdefault(rack.zone, []).append(rack.name)
    return tuple(
        name
        for names in by_zone.values()
        for place, name in enumerate(names)
        if place % partitions == number - 1
    )
