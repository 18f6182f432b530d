"""Fault domains: from verdicts to hosts, from hop counts to racks, pods and sites, from facts to zones. Pure.

1. Co-resident instances form one host. An instance that is co-resident with no other forms a host of its own
   only if it is known to be separate from every other instance that was measured; else its host is unknown.
   An instance that was not measured is placed only by what else is known of it, and doesn't keep others from
   being placed.
2. Verdicts join instances on hosts; `hop_levels` joins hosts in racks, and so on up.
3. What the platform states of zones, partitions and fault domains stands beside them: `stated_places`.
4. An instance that is down is in no domain and may be in none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from keepapart.arrays import Mask, Sizes, in_groups, sizes_of
from keepapart.domains.hop_levels import Group, Nesting, Zone, nested
from keepapart.domains.naming import NO_NAMES, Names, assign
from keepapart.domains.worst_case import most_together
from keepapart.judging.judge import PairJudgement
from keepapart.judging.judgement import Judgement
from keepapart.model import LEVELS
from keepapart.probe.measured import Counts


@dataclass(frozen=True, slots=True)
class Domain:
    """Instances that fail together: `members`, by index.

    `parts` are the domains of the level below that it consists of, by index; a host has none, nor has what is
    stated. `most` is how many instances may be in it, its members among them: who is not known to be
    elsewhere may be here.
    """

    name: str
    members: tuple[int, ...]
    parts: tuple[int, ...]
    most: int


@dataclass(frozen=True, slots=True)
class StatedPlaces:
    """Where the platform puts instances: `at` has the domains of each level that any of them states.

    `zones` is what each one states of its zone, None for none; empty where nobody states any.
    """

    at: Mapping[str, Sequence[Domain]] = field(default_factory=dict)
    zones: Sequence[Zone | None] = ()


@dataclass(frozen=True, slots=True)
class DomainPrior:
    """What was known before this audit: names, by level, and the most hops within a rack, a pod, and so on.

    `spans` is empty on a network not seen before.
    """

    names: Mapping[str, Names] = field(default_factory=dict)
    spans: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Domains:
    """The fault domains among `size` instances.

    `at` has the hosts, and the domains of each level above that was measured; `stated` those of each level
    that is stated. `most` is how many instances may be on one host, whether or not it is known. `apart` are
    the hosts, by index, that are known not to be one with any other; `down` the instances, by index, that
    don't run. `spans` is as in `DomainPrior`. `torn` are two members, in different zones, whom counts would
    have put in one domain of the first level that is missing; None where no level is missing for that.
    """

    size: int
    at: Mapping[str, Sequence[Domain]]
    most: int
    apart: Sequence[int] = ()
    down: Sequence[int] = ()
    spans: tuple[int, ...] = ()
    stated: Mapping[str, Sequence[Domain]] = field(default_factory=dict)
    torn: tuple[int, int] | None = None

    @property
    def running(self) -> int:
        """How many instances run."""
        return self.size - len(self.down)

    @property
    def hosts(self) -> Sequence[Domain]:
        """The hosts."""
        return self.at["host"]

    @property
    def levels(self) -> Mapping[str, Sequence[Domain]]:
        """The domains of every level, measured or stated."""
        return {**self.at, **self.stated}

    def of(self, level: str) -> list[str | None]:
        """Name each instance's domain at a level; None where nothing places it."""
        names: list[str | None] = [None] * self.size
        for domain in self.levels.get(level, ()):
            for i in domain.members:
                names[i] = domain.name
        return names


NOTHING = DomainPrior()
NOWHERE = StatedPlaces()


def domains(
    judgement: PairJudgement,
    counts: Counts | None,
    reached: Sequence[bool],
    before: DomainPrior = NOTHING,
    stated: StatedPlaces = NOWHERE,
    down: Sequence[int] = (),
) -> Domains:
    """Group instances into hosts, hosts into racks, and so on.

    `reached` says which instances took part in the round, `down` which don't run; `counts` are least hop
    counts [n, n] where they may be believed, 0 elsewhere, or None where none may be: then there are no racks.
    """
    took_part, up = np.array(reached, np.bool_), _up(len(reached), down)
    unknown = judgement.unknown
    doubted = unknown.any(axis=1, where=took_part)
    placed = up & (took_part & ~doubted | ~unknown.any(axis=1, where=up) | _joined(judgement, up))
    together = most_together(judgement, down)
    hosts = _hosts(judgement, placed, together)
    above = Nesting(())
    if counts is not None:
        running = int(np.count_nonzero(up))
        above = nested(hosts, counts, took_part, running, before.spans, stated.zones, len(LEVELS) - 1)
    nesting = [hosts, *(groups for groups, _ in above.levels)]
    return Domains(
        size=len(judgement.ids),
        at={
            level: _named(level, groups, judgement.ids, before)
            for level, groups in zip(LEVELS, nesting, strict=False)
        },
        most=int(together.max(initial=0)),
        apart=_apart(hosts, np.logical_not(unknown.any(axis=1, where=placed))),
        down=down,
        spans=tuple(span for _, span in above.levels),
        stated=stated.at,
        torn=above.torn,
    )


def domains_by_label(
    judgement: Judgement,
    known: Mask,
    before: DomainPrior = NOTHING,
    stated: StatedPlaces = NOWHERE,
    down: Sequence[int] = (),
) -> Domains:
    """Group instances into hosts by what labels alone say of them; what is above takes hop counts.

    `known` [n] says of whom anything is known, of those that are `down` nothing. The others that run may be
    anywhere, and don't keep these from being placed. How many one host may hold is bounded from above.
    """
    up = _up(len(known), down)
    possible, gone = judgement.possible - len(down), np.count_nonzero(up & ~known)
    alone = up & (possible == 1) | known & (possible - gone == 1)
    hosts = _hosts(judgement, _joined(judgement, up) | alone, possible)
    named = _named("host", hosts, judgement.ids, before)
    most = int(possible[known].max(initial=gone))  # all of whom nothing is known may be beside some known one
    apart = _apart(hosts, possible - gone == sizes_of(judgement.groups))
    return Domains(len(known), {"host": named}, most, apart, down, stated=stated.at)


def _named(level: str, groups: Sequence[Group], ids: Sequence[str], before: DomainPrior) -> list[Domain]:
    had = before.names.get(level, NO_NAMES)
    names = assign([[ids[i] for i in group.members] for group in groups], level, had)
    return [
        Domain(name, group.members, group.parts, group.most)
        for name, group in zip(names, groups, strict=True)
    ]


def _up(size: int, down: Sequence[int]) -> Mask:
    """Say who runs, [n]."""
    up = np.ones(size, np.bool_)
    up[list(down)] = False
    return up


def _joined(judgement: Judgement, up: Mask) -> Mask:
    """Return who runs and is co-resident with anyone that does."""
    joined: Mask = up & (np.bincount(judgement.groups, up)[judgement.groups] > 1)
    return joined


def _apart(hosts: Sequence[Group], settled: Mask) -> list[int]:
    """List the hosts of which all members are `settled` [n] with the members of all others."""
    return [number for number, host in enumerate(hosts) if settled[list(host.members)].all()]


def _hosts(judgement: Judgement, placed: Mask, together: Sizes) -> list[Group]:
    """Return the hosts of those who are placed; `together` says how many may be on each one's host."""
    at = np.flatnonzero(placed)
    if not len(at):
        return []
    order, starts = in_groups(judgement.groups[at])
    most = np.maximum.reduceat(together[at[order]], starts).tolist()
    members, ends = at[order].tolist(), [*starts[1:].tolist(), len(at)]
    groups = [
        Group(tuple(members[start:end]), (), possible)
        for start, end, possible in zip(starts.tolist(), ends, most, strict=True)
    ]
    return sorted(groups, key=lambda group: group.members[0])
