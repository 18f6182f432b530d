"""Fault domains: from verdicts to hosts, from hop levels to racks. Pure.

1. A group of co-resident instances is a host. An instance is alone on its host if it is separate from every
   other that took part. Any other has no host that can be named: no verdict places it. One that took no part
   is placed only by what else is known of it, and doesn't keep the others from being placed.
2. Hop levels beyond two nest: hosts joined at the least of these levels, and farther from the rest, share a
   rack. Where all are equally far, or "at that level" is not transitive, there is no rack to speak of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keepapart.components import Mask, components, edges
from keepapart.judge import Judgement
from keepapart.labelled import LabelledJudgement
from keepapart.names import Names, settle
from keepapart.signals import Counts

NAMELESS = Names()


@dataclass(frozen=True, slots=True)
class Host:
    """Instances that fail together with one physical machine; `members` are indices."""

    name: str
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rack:
    """Hosts that share a rack, by index into `Domains.hosts`."""

    name: str
    hosts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Domains:
    """The fault domains of a cluster, host ⊂ rack.

    `host_of[i]` and `rack_of[i]` are the names for instance i, None where no verdict places it.
    """

    hosts: Sequence[Host]
    racks: Sequence[Rack]
    host_of: Sequence[str | None]
    rack_of: Sequence[str | None]


def domains(
    judgement: Judgement,
    levels: Counts | None,
    reached: Sequence[bool],
    host_names: Names = NAMELESS,
    rack_names: Names = NAMELESS,
) -> Domains:
    """Group instances into hosts and hosts into racks.

    `reached` says which instances took part in the round; `levels` are least hop counts [n, n] where they may
    be believed, else None: no racks then. The names are those of the audit before.
    """
    ids = judgement.ids
    took_part = np.array(reached, np.bool_)
    unknown = judgement.unknown
    doubted = unknown.any(axis=1, where=took_part)
    placed = took_part & ~doubted | ~unknown.any(axis=1) | _joined(judgement)
    hosts, host_of = _hosts(judgement, placed, host_names)
    nests = _nests(hosts, levels) if levels is not None else []
    names = settle([[ids[i] for h in nest for i in hosts[h].members] for nest in nests], "rack", rack_names)
    racks = [Rack(name, nest) for name, nest in zip(names, nests, strict=True)]
    rack_of: list[str | None] = [None] * len(ids)
    for rack in racks:
        for host in rack.hosts:
            for i in hosts[host].members:
                rack_of[i] = rack.name
    return Domains(hosts, racks, host_of, rack_of)


def labelled_domains(judgement: LabelledJudgement, host_names: Names = NAMELESS) -> Domains:
    """Group instances into hosts by what labels alone say of them; racks take hop levels."""
    placed = _joined(judgement) | (judgement.possible == 1)
    hosts, host_of = _hosts(judgement, placed, host_names)
    return Domains(hosts, [], host_of, [None] * len(judgement.ids))


def _joined(judgement: Judgement | LabelledJudgement) -> Mask:
    """Return who is co-resident with anyone."""
    joined: Mask = np.bincount(judgement.groups)[judgement.groups] > 1
    return joined


def _hosts(
    judgement: Judgement | LabelledJudgement, placed: Mask, before: Names
) -> tuple[list[Host], list[str | None]]:
    """Return the hosts of those who are placed (rule 1), and the name of each instance's."""
    ids = judgement.ids
    host_of: list[str | None] = [None] * len(ids)
    by_group: dict[int, list[int]] = {}
    at = np.flatnonzero(placed)
    for i, group in zip(at.tolist(), judgement.groups[at].tolist(), strict=True):
        by_group.setdefault(group, []).append(i)
    names = settle([[ids[i] for i in members] for members in by_group.values()], "host", before)
    hosts = [Host(name, tuple(members)) for name, members in zip(names, by_group.values(), strict=True)]
    for host in hosts:
        for i in host.members:
            host_of[i] = host.name
    return hosts, host_of


def _nests(hosts: Sequence[Host], levels: Counts) -> list[tuple[int, ...]]:
    """Nest hosts, by index, by rule 2."""
    if len(hosts) < 2:
        return []
    members = np.concatenate([host.members for host in hosts])
    starts = np.cumsum([0, *(len(host.members) for host in hosts)])[:-1]
    # 0 - 1 wraps to 255, the largest: "not measured" loses against every count.
    block = levels[np.ix_(members, members)] - np.uint8(1)
    between = np.minimum.reduceat(np.minimum.reduceat(block, starts, axis=0), starts, axis=1) + np.uint8(1)
    np.fill_diagonal(between, 0)
    found = np.unique(between[between > 0])
    if len(found) < 2 or (between == 0).sum() > len(hosts):
        return []
    near = between <= found[0]
    labels = components(len(hosts), edges(near.__getitem__, len(hosts)))
    if (near != (labels[:, None] == labels[None, :])).any():
        return []
    return [tuple(np.flatnonzero(labels == label).tolist()) for label in dict.fromkeys(labels.tolist())]
