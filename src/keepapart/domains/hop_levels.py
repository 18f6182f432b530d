"""Levels above the hosts: which hosts are a rack, which racks a pod, by the hops between them. Pure.

1. Hosts at most so many hops apart share a rack, those at most so many more a pod, and so on. So each domain
   consists of domains of the level below.
2. The network shows how many hops these are: the least count between two hosts makes racks, the next one
   pods. A count that joins all hosts tells nothing apart, so it makes no level. Where "at most so many hops"
   is not transitive there is no level, nor any above it.
3. A count that made a level in this same network before still makes it. A pod is not taken for a rack, and no
   rack is forgotten, because the instances that told them apart are gone.
4. What is joined to nothing else is a domain only if something measured holds it apart from every other host;
   else nobody can say which domain it is in.
5. No rack, pod or site spans two zones. A count that joins two who are stated to be in different ones makes
   no level, nor does any above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from keepapart.arrays import (
    Labels,
    Mask,
    Places,
    Sizes,
    blocks,
    components,
    edges,
    in_groups,
    least_between,
)
from keepapart.probe.measured import Counts

Zone = tuple[str, str]  # a project, and what it calls the zone: of two projects' zones nothing is known


@dataclass(frozen=True, slots=True)
class Group:
    """A domain without a name yet; see `fault_domains.Domain`."""

    members: tuple[int, ...]
    parts: tuple[int, ...]
    most: int


@dataclass(frozen=True, slots=True)
class Nesting:
    """The levels found above the hosts, each with the most hops that join.

    `torn` are two members in different zones whom the next count would join; None where it isn't for that
    that there are no more levels.
    """

    levels: Sequence[tuple[Sequence[Group], int]]
    torn: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The domains of one level, and the hosts that the next one may join.

    A row is a host that took part and is in one of `groups`: `within` [rows] says in which, `held` [rows] how
    many instances are on it, `between` [rows, rows] how many hops it is from another, 0 where not measured.
    `running` counts all instances that run.
    """

    groups: Sequence[Group]
    within: Places
    held: Sizes
    between: Counts
    running: int

    @classmethod
    def of_hosts(cls, hosts: Sequence[Group], counts: Counts, took_part: Mask, running: int) -> Level:
        """Return the lowest level, by least hop counts [n, n] between instances."""
        rows = [h for h, host in enumerate(hosts) if took_part[list(host.members)].any()]
        held = np.array([len(hosts[h].members) for h in rows], np.int64)
        between = _between([hosts[h].members for h in rows], counts)
        return cls(hosts, np.array(rows, np.intp), held, between, running)

    def torn(self, labels: Labels, zones: Sequence[Zone | None]) -> tuple[int, int] | None:
        """Return two instances of one label in different zones of one project; None where there are none."""
        first: dict[tuple[int, str], int] = {}
        for row, label in enumerate(labels.tolist() if zones else ()):
            for i in self.groups[int(self.within[row])].members:
                if zone := zones[i]:
                    other = first.setdefault((label, zone[0]), i)
                    if zones[other] != zone:
                        return other, i
        return None

    def above(self, labels: Labels) -> Level:
        """Return the level whose domains are the rows of equal label (rule 4)."""
        open_to = _open_to(self.between, labels, self.held)
        elsewhere = self.running - int(self.held.sum())
        groups: list[Group] = []
        within = np.full(len(labels), -1, np.intp)
        for label, rows in _by_label(labels).items():
            parts = tuple(dict.fromkeys(self.within[rows].tolist()))
            if len(parts) == 1 and open_to[label]:
                continue
            members = tuple(chain.from_iterable(self.groups[part].members for part in parts))
            within[rows] = len(groups)
            groups.append(Group(members, parts, len(members) + int(open_to[label]) + elsewhere))
        placed = within >= 0
        between = self.between if placed.all() else self.between[np.ix_(placed, placed)]
        return Level(groups, within[placed], self.held[placed], between, self.running)


def nested(
    hosts: Sequence[Group],
    counts: Counts,
    took_part: Mask,
    running: int,
    spans: Sequence[int],
    zones: Sequence[Zone | None],
    deepest: int,
) -> Nesting:
    """Nest `hosts` in at most `deepest` levels above them, from the innermost out.

    `counts` are least hop counts [n, n], 0 where not measured; `took_part` [n] says who was measured,
    `running` how many run; `spans`
    are the counts that made levels before (rule 3); `zones` is what each instance states, empty where nobody
    states any.
    """
    level = Level.of_hosts(hosts, counts, took_part, running)
    found: list[tuple[Sequence[Group], int]] = []
    for span in sorted({*_distinct(level.between), *spans}):
        labels = _joined_within(level.between, span) if len(found) < deepest else None
        if labels is None:
            break
        joins_all = labels.max(initial=0) == 0
        if joins_all and span not in spans:
            continue
        if torn := level.torn(labels, zones):
            return Nesting(found, torn)
        level = level.above(labels)
        if not level.groups:
            break
        found.append((level.groups, span))
    return Nesting(found)


def _between(hosts: Sequence[tuple[int, ...]], counts: Counts) -> Counts:
    """Return the least counts between the members of hosts; 0 where there are none."""
    members = np.array([*chain.from_iterable(hosts)], np.intp)
    return least_between(counts, members, np.cumsum([0, *map(len, hosts)])[:-1])


def _distinct(between: Counts) -> list[int]:
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
