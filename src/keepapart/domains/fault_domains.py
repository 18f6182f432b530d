"""Fault domains: from verdicts to hosts, from hop levels to racks, pods and sites. Pure.

1. Those who are joined at a level are a domain of it. Whoever is joined with nobody has a domain of its own
   if it is known to be apart from every other that took part; else it has none that can be named. One that
   took no part is placed only by what else is known of it, and doesn't keep the others from being placed.
2. Verdicts join instances on hosts. Counts join hosts: at most so many hops apart they share a rack, at most
   so many more a pod, and so on. So each domain consists of domains of the level below.
3. How many hops these are, the network shows: the least count between two hosts makes racks, the next one
   pods. A count that joins all of them tells nothing apart, and makes no level. Where "at most so many
   hops" is not transitive, that is no level either, nor is any above it.
4. A count that made a level in this same network before makes it still: nobody's pod is taken for a rack, and
   no rack is forgotten, because the instances that told them apart are gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Protocol

import numpy as np

from keepapart.arrays import Labels, Mask, Sizes, blocks, components, edges, in_groups
from keepapart.domains.naming import NO_NAMES, Names, settle
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
    """What was known before this audit: names, by level, and the counts of rule 4.

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
    nested = [(_hosts(judgement, placed), 0)]
    if counts is not None:
        nested += islice(_nested(nested[0][0], counts, took_part, before.spans), len(LEVELS) - 1)
    at = {
        level: _named(level, groups, judgement.ids, before)
        for level, (groups, _) in zip(LEVELS, nested, strict=False)
    }
    return Domains(len(judgement.ids), at, tuple(span for _, span in nested[1:]))


def domains_by_label(judgement: Grouping, before: DomainPrior = NOTHING) -> Domains:
    """Group instances into hosts by what labels alone say of them; what is above takes hop counts."""
    hosts = _hosts(judgement, _joined(judgement) | (judgement.possible == 1))
    return Domains(len(judgement.ids), {"host": _named("host", hosts, judgement.ids, before)})


@dataclass(frozen=True, slots=True)
class _Group:
    """A domain without a name yet."""

    members: tuple[int, ...]
    parts: tuple[int, ...]
    most: int


def _named(level: str, groups: Sequence[_Group], ids: Sequence[str], before: DomainPrior) -> list[Domain]:
    had = before.names.get(level, NO_NAMES)
    names = settle([[ids[i] for i in group.members] for group in groups], level, had)
    return [
        Domain(name, group.members, group.parts, group.most)
        for name, group in zip(names, groups, strict=True)
    ]


def _joined(judgement: Grouping) -> Mask:
    """Return who is co-resident with anyone."""
    joined: Mask = np.bincount(judgement.groups)[judgement.groups] > 1
    return joined


def _hosts(judgement: Grouping, placed: Mask) -> list[_Group]:
    """Return the hosts of those who are placed."""
    by_group: dict[int, list[int]] = {}
    at = np.flatnonzero(placed)
    for i, group in zip(at.tolist(), judgement.groups[at].tolist(), strict=True):
        by_group.setdefault(group, []).append(i)
    possible = judgement.possible.tolist()
    return [_Group(tuple(m), (), max(possible[i] for i in m)) for m in by_group.values()]


def _nested(
    hosts: Sequence[_Group], counts: Counts, took_part: Mask, spans: Sequence[int]
) -> Iterator[tuple[list[_Group], int]]:
    """Yield each level above the hosts: what is joined there, and the most hops that join.

    A row is a host that took part; `at` says which group of the level below it is in.
    """
    at = np.array([h for h, host in enumerate(hosts) if took_part[list(host.members)].any()], np.intp)
    below, held = hosts, np.array([len(hosts[h].members) for h in at.tolist()], np.int64)
    between = _between([hosts[h].members for h in at.tolist()], counts)
    for span in sorted({*_found(between), *spans}):
        labels = _joined_within(between, span)
        if labels is None:
            return
        if labels.max(initial=0) == 0 and span not in spans:
            continue
        open_to = _open_to(between, labels, held)
        elsewhere = len(counts) - int(held.sum())
        groups: list[_Group] = []
        into = np.full(len(at), -1, np.intp)
        for label, rows in _by_label(labels).items():
            parts = tuple(dict.fromkeys(at[rows].tolist()))
            if len(parts) == 1 and open_to[label]:
                continue
            members = tuple(chain.from_iterable(below[part].members for part in parts))
            into[rows] = len(groups)
            groups.append(_Group(members, parts, len(members) + int(open_to[label]) + elsewhere))
        if not groups:
            return
        yield groups, span
        placed = into >= 0
        below, at, held = groups, into[placed], held[placed]
        if not placed.all():
            between = between[np.ix_(placed, placed)]


def _between(hosts: Sequence[tuple[int, ...]], counts: Counts) -> Counts:
    """Return the least counts between the members of hosts; 0 where there are none."""
    if not hosts:
        return np.zeros((0, 0), np.uint8)
    members = np.concatenate(hosts)
    starts = np.cumsum([0, *map(len, hosts)])[:-1]
    # 0 - 1 wraps to 255, the largest: "not measured" loses against every count.
    block = counts[np.ix_(members, members)] - np.uint8(1)
    between: Counts = np.minimum.reduceat(np.minimum.reduceat(block, starts, axis=0), starts, axis=1)
    between += np.uint8(1)
    np.fill_diagonal(between, 0)
    return between


def _found(between: Counts) -> list[int]:
    """List the counts that there are."""
    times = sum((np.bincount(between[rows].ravel(), minlength=256) for rows in blocks(len(between))), 0)
    return [count for count in np.flatnonzero(times).tolist() if count]


def _joined_within(between: Counts, span: int) -> Labels | None:
    """Label who is joined by at most `span` hops; None where that is not transitive."""
    size = len(between)

    def near(rows: slice) -> Mask:
        joins: Mask = (between[rows] > 0) & (between[rows] <= span)
        return joins

    # One join of each first: where most are joined with most, all of them would be too many to list.
    firsts = np.concatenate([near(rows).argmax(axis=1) for rows in blocks(size)] or [np.zeros(0, np.intp)])
    some = np.flatnonzero([0 < between[i, j] <= span for i, j in enumerate(firsts.tolist())])
    labels = components(size, (some, firsts[some]))
    rest = edges(lambda rows: near(rows) & (labels[rows, None] != labels), size)
    labels = components(size, rest, labels)
    for rows in blocks(size):
        if ((labels[rows, None] == labels) & (between[rows] > span)).any():
            return None
    return labels


def _open_to(between: Counts, labels: Labels, held: Sizes) -> Sizes:
    """Count, for each label, the instances of other labels that nothing measured holds apart from its own."""
    among = np.bincount(labels, held).astype(np.int64)
    if np.count_nonzero(between) == len(between) * (len(between) - 1):
        return np.zeros_like(among)
    order, starts = in_groups(labels)
    most = np.maximum.reduceat(between[np.ix_(order, order)], starts, axis=0)
    apart = np.maximum.reduceat(most, starts, axis=1) > 0
    np.fill_diagonal(apart, val=True)
    return np.array([among[~row].sum() for row in apart], np.int64)


def _by_label(labels: Labels) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row, label in enumerate(labels.tolist()):
        found.setdefault(label, []).append(row)
    return found
