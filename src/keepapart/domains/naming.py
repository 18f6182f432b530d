"""Names of fault domains that stay the same from one audit to the next, as instances come and go. Pure.

1. A group keeps the name that most of its instances had before. Of two groups that claim one name, the one
   with more of its instances gets it; with equally many, the first.
2. A name that was given up is not given again: its number stays used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Names:
    """The name that each instance's domain had, by instance id, and the highest number ever given."""

    of: Mapping[str, str] = field(default_factory=dict)
    used: int = 0


NO_NAMES = Names()


def assign(groups: Sequence[Sequence[str]], prefix: str, before: Names) -> list[str]:
    """Name groups of instance ids, in their order: `prefix`-number."""
    claims = [
        (-members, number, name)
        for number, group in enumerate(groups)
        for name, members in Counter(before.of[i] for i in group if i in before.of).items()
    ]
    kept: dict[int, str] = {}
    taken: set[str] = set()
    for _, number, name in sorted(claims):
        if number not in kept and name not in taken:
            kept[number] = name
            taken.add(name)
    used, names = before.used, []
    for number in range(len(groups)):
        if number not in kept:
            used += 1
            kept[number] = f"{prefix}-{used}"
        names.append(kept[number])
    return names


def remember(groups: Mapping[str, Sequence[str]], before: Names) -> Names:
    """Return the names as they are now, those of absent instances kept, so that they may return."""
    now = {i: name for name, group in groups.items() for i in group}
    numbers = [int(name.rpartition("-")[2]) for name in groups]
    return Names({**before.of, **now}, max([before.used, *numbers]))
