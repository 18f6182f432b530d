"""Risk: what a failure takes down, and what to replace so that a host's takes one member only. Pure.

1. A cluster of n survives a host if at least `need` members live on elsewhere: a majority, or a number.
2. Unknown is never separate: an instance may share a host with every instance that it is not known to be
   apart from. The cluster is called safe only if it survives even the worst of that, unsafe if a known host
   is enough to bring it down, and otherwise neither.
3. The fewest instances to replace until every known host has one member: all but one of each host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keepapart.domains.fault_domains import Domains, Grouping
from keepapart.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Risk:
    """What one host failure costs.

    `survives` is None where unknown pairs leave it open. `worst` is the name of the host with the most
    members, None where none is known; `lost` are the ids on it; `replace` the ids to replace; `need` how many
    members must live on.
    """

    need: int
    survives: bool | None
    worst: str | None
    lost: Sequence[str]
    replace: Sequence[str]


@dataclass(frozen=True, slots=True)
class Loss:
    """What the failure of a whole domain of `level` costs.

    `lost` are the members known to be in it. `survives` is None where it hangs on who may be in it besides.
    """

    level: str
    name: str
    lost: int
    survives: bool | None


def losses(domains: Domains, need: int) -> Iterator[Loss]:
    """Say of each domain, hosts first, whether `need` members live on without it (rule 2)."""
    for level, found in domains.at.items():
        for domain in found:
            lost = len(domain.members)
            survives = domains.size - domain.most >= need
            fails = domains.size - lost < need
            yield Loss(level, domain.name, lost, False if fails else True if survives else None)


def needed(survive: str | int, size: int) -> int:
    """Return how many members must live on; raises `ConfigError` where there are fewer than asked for."""
    if isinstance(survive, int):
        if survive > size:
            members = "1 member" if size == 1 else f"{size} members"
            raise ConfigError(f"[cluster] survive = {survive}: the cluster has only {members}")
        return survive
    return size // 2 + 1


def risk(judgement: Grouping, domains: Domains, reached: Sequence[bool], survive: str | int) -> Risk:
    """Say what the failure of any one host does to the cluster.

    Of a host's members the first that was reached stays; the others are to be replaced.
    """
    ids = judgement.ids
    need = needed(survive, len(ids))
    worst = max(domains.hosts, key=lambda host: len(host.members), default=None)
    known = len(worst.members) if worst else min(1, len(ids))
    possible = int(judgement.possible.max(initial=0))
    survives = False if len(ids) - known < need else True if len(ids) - possible >= need else None
    replace = []
    for host in domains.hosts:
        stays = next((i for i in host.members if reached[i]), host.members[0])
        replace += [ids[i] for i in host.members if i != stays]
    return Risk(
        need,
        survives,
        worst.name if worst else None,
        [ids[i] for i in worst.members] if worst else [],
        replace,
    )
