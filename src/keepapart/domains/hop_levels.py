"""Levels above the hosts: hop counts join hosts in racks, racks in pods, and so on. Pure.

1. Counts join hosts: at most so many hops apart they share a rack, at most so many more a pod, and so on. So
   each domain consists of domains of the level below.
2. How many hops these are, the network shows: the least count between two hosts makes racks, the next one
   pods. A count that joins all of them tells nothing apart, and makes no level. Where "at most so many
   hops" is not transitive, that is no level either, nor is any above it.
3. A count that made a level in this same network before makes it still: nobody's pod is taken for a rack, and
   no rack is forgotten, because the instances that told them apart are gone.
4. No rack, pod or site spans two zones. A count that joins two who are stated to be in different ones makes
   no level, nor does any above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from keepapart.arrays import Labels, Mask, Sizes, blocks, components, edges, in_groups
from keepapart.probe.measured import Counts

Zone = tuple[str, str]  # a project, and what it calls the zone: of two projects' zones nothing is known


@dataclass(frozen=True, slots=True)
class Group:
    """A domain without a name yet: its `members` and `parts` by index, and how many may be in it."""

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


def nested(
    hosts: Sequence[Group],
    counts: Counts,
    took_part: Mask,
    spans: Sequence[int],
    zones: Sequence[Zone | None],
    deepest: int,
) -> Nesting:
    """Nest `hosts` by the least hop counts [n, n] that may be believed, up to `deepest` levels above them.

    `spans` are the counts of rule 3, `zones` what each instance states, empty where nobody states any.
    """
    # A row is a host that took part; `at` says which group of the level below it is in.
    at = np.array([h for h, host in enumerate(hosts) if took_part[list(host.members)].any()], np.intp)
    below, held = hosts, np.array([len(hosts[h].members) for h in at.tolist()], np.int64)
    between = _between([hosts[h].members for h in at.tolist()], counts)
    levels: list[tuple[Sequence[Group], int]] = []
    for span in sorted({*_found(between), *spans}):
        if len(levels) == deepest:
            break
        labels = _joined_within(between, span)
        if labels is None:
            break
        if labels.max(initial=0) == 0 and span not in spans:
            continue
        open_to = _open_to(between, labels, held)
        elsewhere = len(counts) - int(held.sum())
        groups: list[Group] = []
        into = np.full(len(at), -1, np.intp)
        for label, rows in _by_label(labels).items():
            parts = tuple(dict.fromkeys(at[rows].tolist()))
            members = tuple(chain.from_iterable(below[part].members for part in parts))
            if torn := _torn(members, zones):
                return Nesting(levels, torn)
            if len(parts) == 1 and open_to[label]:
                continue
            into[rows] = len(groups)
            groups.append(Group(members, parts, len(members) + int(open_to[label]) + elsewhere))
        if not groups:
            break
        levels.append((groups, span))
        placed = into >= 0
        below, at, held = groups, into[placed], held[placed]
        if not placed.all():
            between = between[np.ix_(placed, placed)]
    return Nesting(levels)


def _torn(members: Sequence[int], zones: Sequence[Zone | None]) -> tuple[int, int] | None:
    """Return two members that one project puts in different zones; None where there are none."""
    first: dict[str, int] = {}
    for i in members if zones else ():
        if zone := zones[i]:
            other = first.setdefault(zone[0], i)
            if zones[other] != zone:
                return other, i
    return None


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
