"""Names of fault domains that stay the same from one audit to the next, as instances come and go. Pure.

1. Names are given so that as many instances as possible keep theirs: where one moved, one changes its name.
   Of several ways to do so, groups that come first keep what most of their own had.
2. A name that was given up is not given again: its number stays used.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from keepapart.arrays import components


@dataclass(frozen=True, slots=True)
class Names:
    """The name that each instance's domain had, by instance id, and the highest number ever given."""

    of: Mapping[str, str] = field(default_factory=dict)
    used: int = 0


NO_NAMES = Names()


def assign(groups: Sequence[Sequence[str]], prefix: str, before: Names) -> list[str]:
    """Name groups of instance ids, in their order: `prefix`-number."""
    claims = Counter(
        (number, before.of[i]) for number, group in enumerate(groups) for i in group if i in before.of
    )
    kept = _kept(claims)
    used, names = before.used, []
    for number in range(len(groups)):
        if number not in kept:
            used += 1
            kept[number] = f"{prefix}-{used}"
        names.append(kept[number])
    return names


def _kept(claims: Mapping[tuple[int, str], int]) -> dict[int, str]:
    """Give each group one of the names that it claims with so many members, no name twice (rule 1)."""
    groups = {group: number for number, group in enumerate(dict.fromkeys(group for group, _ in claims))}
    names = {
        name: number for number, name in enumerate(dict.fromkeys(name for _, name in claims), len(groups))
    }
    a = np.array([groups[group] for group, _ in claims], np.intp)
    b = np.array([names[name] for _, name in claims], np.intp)
    labels = components(len(groups) + len(names), (a, b))
    rivals: defaultdict[int, dict[tuple[int, str], int]] = defaultdict(dict)
    for label, (claim, members) in zip(labels[a].tolist(), claims.items(), strict=True):
        rivals[label][claim] = members
    kept: dict[int, str] = {}
    for among in rivals.values():
        kept.update(iter(among) if len(among) == 1 else _best(among))
    return kept


def _best(claims: Mapping[tuple[int, str], int]) -> Iterator[tuple[int, str]]:
    """Match groups with names so that most instances keep theirs."""
    from scipy.optimize import linear_sum_assignment

    groups, names = sorted({group for group, _ in claims}), sorted({name for _, name in claims})
    first = len(groups) * len(groups) + 1  # an instance more weighs more than the order of all groups
    worth = np.zeros((len(groups), len(names)), np.int64)
    for (group, name), members in claims.items():
        rank = groups.index(group)
        worth[rank, names.index(name)] = members * first + len(groups) - rank
    for row, column in zip(*linear_sum_assignment(worth, maximize=True), strict=True):
        if worth[row, column]:
            yield groups[row], names[column]


def remember(groups: Mapping[str, Sequence[str]], before: Names) -> Names:
    """Return the names as they are now, those of absent instances kept, so that they may return."""
    now = {i: name for name, group in groups.items() for i in group}
    numbers = [int(name.rpartition("-")[2]) for name in groups]
    return Names({**before.of, **now}, max([before.used, *numbers]))
