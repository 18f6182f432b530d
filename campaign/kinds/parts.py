"""What many kinds of simulated network are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps

import numpy as np

from campaign.kinds.kind import TWISTS, Chance, Twist, Word, kind
from campaign.tree import Ground
from campaign.world import Cloud, Extra, Mask, Numbers, World


def plain(chance: Chance, size: int) -> World:
    """Every host its guests' gateway, and nothing in between that varies."""
    cloud = Cloud.of(chance, size)
    return World(cloud, cloud.between(chance))


def twist(word: Word) -> Callable[[Twist], Twist]:
    """Enter among the kinds what may happen to a network of any kind: here it happens to a plain one."""

    def enter(happen: Twist) -> Twist:
        @wraps(happen)
        def draw(chance: Chance, size: int) -> World:
            return happen(chance, plain(chance, size))

        kind(word)(draw)
        TWISTS[happen.__name__.replace("_", " ")] = happen
        return happen

    return enter


def each(own: Numbers) -> Extra:
    """Add gateways of each instance's own, always as many."""
    both = (own[:, None] + own[None, :])[None]
    return lambda _draws, _samples, _n: both


def some(chance: Chance, values: Sequence[int], least: float = 0.1, most: float = 0.9) -> list[int]:
    """Choose some of these, one at the least."""
    number = max(1, int(len(values) * chance.uniform(least, most)))
    return sorted(chance.choice(values, min(number, len(values)), replace=False).tolist())


def gaps(chance: Chance, size: int) -> Mask:
    """Choose between whom nothing passes, both ways or only one, [from, to]."""
    deaf: Mask = chance.random((size, size)) < chance.uniform(0.02, 0.5)
    if chance.random() < 0.5:
        deaf |= deaf.T
    return deaf


def groups(at: Sequence[int]) -> int:
    """Say how many groups at two hops from each other instances make that hang at these nodes."""
    return len(set(at))


def shared(ground: Ground) -> list[int]:
    """Return the hosts of two guests or more."""
    hosts, guests = np.unique(ground.cloud.host, return_counts=True)
    return [int(host) for host in hosts[guests > 1]]
