"""Risk: what a failure takes down, and what to replace so that a host's takes one member only. Pure.

1. A cluster of n survives the loss of a host if at least `need` members live on elsewhere: a majority, or a
   number.
2. Unknown is never separate. The cluster is called safe only if it survives in every placement that the
   verdicts allow, unsafe if it does in none, and otherwise neither.
3. The fewest instances are replaced that leave one member on every known host: all but one of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keepapart.domains.fault_domains import Domains
from keepapart.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Risk:
    """What one host failure costs.

    `survives` is None where unknown pairs leave it open. `worst` is the name of the host with the most
    members, None where none is known, and `lost` are the ids on it; `most` is how many members one host may
    take at the most, known or not. `replace` are the ids to replace; `need` is how many must live on.
    """

    need: int
    survives: bool | None
    worst: str | None
    lost: Sequence[str]
    most: int
    replace: Sequence[str]


@dataclass(frozen=True, slots=True)
class Loss:
    """What the failure of a whole domain of `level` costs.

    `lost` are the members known to be in it, `most` as many as may be. `survives` is None where it hangs on
    who else is in it.
    """

    level: str
    name: str
    lost: int
    most: int
    survives: bool | None


def losses(domains: Domains, need: int) -> Iterator[Loss]:
    """Say of each domain, hosts first and stated ones last, what its failure costs (rule 2)."""
    for level, found in domains.levels.items():
        for domain in found:
            lost = len(domain.members)
            survives = _survives(domains.size, need, lost, domain.most)
            yield Loss(level, domain.name, lost, domain.most, survives)


def needed(survive: str | int, size: int) -> int:
    """Return how many members must live on; raises `ConfigError` where there are fewer than asked for."""
    if isinstance(survive, int):
        if survive > size:
            members = "1 member" if size == 1 else f"{size} members"
            raise ConfigError(f"[cluster] survive = {survive}: the cluster has only {members}")
        return survive
    return size // 2 + 1


def risk(ids: Sequence[str], domains: Domains, reached: Sequence[bool], survive: str | int) -> Risk:
    """Say what the failure of any one host does to the cluster of the instances `ids`.

    Of a host's members the first that was reached stays; the others are to be replaced.
    """
    need = needed(survive, len(ids))
    worst = max(domains.hosts, key=lambda host: len(host.members), default=None)
    known = len(worst.members) if worst else min(1, len(ids))
    replace = []
    for host in domains.hosts:
        stays = next((i for i in host.members if reached[i]), host.members[0])
        replace += [ids[i] for i in host.members if i != stays]
    return Risk(
        need=need,
        survives=_survives(len(ids), need, known, domains.most),
        worst=worst.name if worst else None,
        lost=[ids[i] for i in worst.members] if worst else [],
        most=domains.most,
        replace=replace,
    )


def _survives(size: int, need: int, least: int, most: int) -> bool | None:
    """Say whether `need` of `size` members live on where at least `least` and at most `most` are lost."""
    if size - least < need:
        return False
    return True if size - most >= need else None
