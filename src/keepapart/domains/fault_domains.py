"""Fault domains: from verdicts to hosts, from hop levels to racks, pods and sites. Pure.

1. Co-resident instances form one host. An instance that is co-resident with no other forms a host of its own
   only if it is known to be separate from every other instance that was measured; else its host is unknown.
2. An instance that was not measured is placed only by what else is known of it, and doesn't keep others from
   being placed.
3. Hop counts join hosts into the domains above, by the rules of `levels`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import numpy as np

from keepapart.arrays import Labels, Mask, Sizes
from keepapart.domains.levels import Group, levels_above
from keepapart.domains.naming import NO_NAMES, Names, assign
from keepapart.judging.judge import Judgement
from keepapart.probe.measured import Counts

# From the innermost out, in the words of those who build Clos networks: racks under one row of aggregation
# switches are a pod, pods under one spine a site. What is beyond has no name, and makes no level.
LEVELS = ("host", "rack", "pod", "site")


class Grouping(Protocol):
    """What a judgement says of co-residents, whether it was made of all pairs or of labels."""

    @property
    def ids(self) -> Sequence[str]:
        """The instances."""

    @property
    def groups(self) -> Labels:
        """The number of each one's group of co-residents, [n]."""

    @property
    def possible(self) -> Sizes:
        """How many instances each is not separate from, itself among them, [n]."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Instances that fail together: `members`, by index.

    `parts` are the domains of the level below that it consists of, by index; a host has none. `most` is how
    many instances may be in it, its members among them: who is not known to be elsewhere may be here.
    """

    name: str
    members: tuple[int, ...]
    parts: tuple[int, ...]
    most: int


@dataclass(frozen=True, slots=True)
class DomainPrior:
    """What was known before this audit: names, by level, and the counts that made levels.

    `spans` are the most hops within a rack, within a pod, and so on; empty on a network not seen before.
    """

    names: Mapping[str, Names] = field(default_factory=dict)
    spans: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Domains:
    """The fault domains among `size` instances.

    `at` has the hosts, and the domains of each level above that there is; `spans` is as in `DomainPrior`.
    """

    size: int
    at: Mapping[str, Sequence[Domain]]
    spans: tuple[int, ...] = ()

    @property
    def hosts(self) -> Sequence[Domain]:
        """The hosts."""
        return self.at["host"]

    def of(self, level: str) -> list[str | None]:
        """Name each instance's domain at a level; None where nothing places it."""
        names: list[str | None] = [None] * self.size
        for domain in self.at.get(level, ()):
            for i in domain.members:
                names[i] = domain.name
        return names


NOTHING = DomainPrior()


def domains(
    judgement: Judgement, counts: Counts | None, reached: Sequence[bool], before: DomainPrior = NOTHING
) -> Domains:
    """Group instances into hosts, hosts into racks, and so on.

    `reached` says which instances took part in the round; `counts` are least hop counts [n, n] where they may
    be believed, 0 elsewhere, or None where none may be: then there are only hosts.
    """
    took_part = np.array(reached, np.bool_)
    unknown = judgement.unknown
    doubted = unknown.any(axis=1, where=took_part)
    placed = took_part & ~doubted | ~unknown.any(axis=1) | _joined(judgement)
    hosts = _hosts(judgement, placed)
    above = levels_above(hosts, counts, took_part, before.spans) if counts is not None else ()
    found = list(islice(above, len(LEVELS) - 1))
    at = {
        level: _named(level, groups, judgement.ids, before)
        for level, groups in zip(LEVELS, [hosts, *(groups for groups, _ in found)], strict=False)
    }
    return Domains(len(judgement.ids), at, tuple(span for _, span in found))


def domains_by_label(judgement: Grouping, before: DomainPrior = NOTHING) -> Domains:
    """Group instances into hosts by what labels alone say of them; what is above takes hop counts."""
    hosts = _hosts(judgement, _joined(judgement) | (judgement.possible == 1))
    return Domains(len(judgement.ids), {"host": _named("host", hosts, judgement.ids, before)})


def _named(level: str, groups: Sequence[Group], ids: Sequence[str], before: DomainPrior) -> list[Domain]:
    had = before.names.get(level, NO_NAMES)
    names = assign([[ids[i] for i in group.members] for group in groups], level, had)
    return [
        Domain(name, group.members, group.parts, group.most)
        for name, group in zip(names, groups, strict=True)
    ]


def _joined(judgement: Grouping) -> Mask:
    """Return who is co-resident with anyone."""
    joined: Mask = np.bincount(judgement.groups)[judgement.groups] > 1
    return joined


def _hosts(judgement: Grouping, placed: Mask) -> list[Group]:
    """Return the hosts of those who are placed."""
    by_group: dict[int, list[int]] = {}
    at = np.flatnonzero(placed)
    for i, group in zip(at.tolist(), judgement.groups[at].tolist(), strict=True):
        by_group.setdefault(group, []).append(i)
    possible = judgement.possible.tolist()
    return [Group(tuple(m), (), max(possible[i] for i in m)) for m in by_group.values()]
