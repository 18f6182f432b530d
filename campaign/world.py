"""A world of known truth, and what a datagram's hop count in it is: values, drawn from a seed.

Hops are counted as tracepath does, routers between + 1. Of two instances a path has three parts: the
gateways of the sender's own, what lies between their hosts (`between`), the gateways of the receiver's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from keepapart.node.node import TTLS
from keepapart.probe.measured import Counts
from keepapart.reach import Way

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Extra = Callable[[np.random.Generator, Numbers, int], Numbers]  # chance, samples, size → [samples, from, to]
Rewrite = Callable[[Numbers, Numbers], Numbers]  # hops, what each datagram began with → what is counted

NEVER = 64  # samples a round can't take more of each way


def nothing(_chance: np.random.Generator, samples: Numbers, size: int) -> Numbers:
    """Add no gateway."""
    return np.zeros((len(samples), size, size), np.int64)


@dataclass(frozen=True)
class Cloud:
    """Who is where: `host`, `rack` and `zone` [n] number the places of n instances."""

    host: Numbers
    rack: Numbers
    zone: Numbers

    @classmethod
    def of(cls, chance: np.random.Generator, size: int) -> Cloud:
        """Place `size` instances as some scheduler would: packed, at random, or spread but for a few."""
        racks = int(chance.integers(1, 6))
        hosts = racks * int(chance.integers(1, 2 + size // 2))
        habit = chance.integers(3)
        if habit == 0:
            room = int(chance.integers(1, 5))
            order = chance.permutation(max(hosts, -(-size // room)))
            host = order[np.arange(size) // room]
        elif habit == 1:
            host = chance.integers(0, hosts, size)
        else:
            host = chance.permutation(max(hosts, size))[:size]
            doubles = chance.random(size) < 0.15
            host[doubles] = host[chance.integers(0, size, int(doubles.sum()))]
        zones = int(chance.integers(1, 3))
        return cls(host, host % racks, host % racks % zones)

    @property
    def size(self) -> int:
        """How many instances there are."""
        return len(self.host)

    @property
    def together(self) -> Mask:
        """Which pairs truly share a host; an instance is no pair with itself."""
        return np.equal.outer(self.host, self.host) & ~np.eye(self.size, dtype=np.bool_)

    def between(self, chance: np.random.Generator) -> Numbers:
        """Draw a fabric and count its hops, [n, n]: 2 on one host, more in a rack, a zone and beyond."""
        rack = int(chance.choice([3, 4]))  # hosts on one segment, or behind a router
        zone = rack + int(chance.choice([1, 2]))
        beyond = zone + int(chance.integers(1, 5))
        hops = np.full((self.size, self.size), beyond, np.int64)
        for where, count in ((self.zone, zone), (self.rack, rack), (self.host, 2)):
            hops[np.equal.outer(where, where)] = count
        return hops


@dataclass(frozen=True)
class World:
    """A cloud, its network, and what becomes of a round in it.

    `gateways` adds to `between`, and `rewrite` changes what is counted in the end. Of all datagrams the share
    `loss` is lost, those of `deaf` [from, to] always; to `dead` instances there is no way in. From sample
    `moved_at` on the cloud is `moved_to`. Where `udp` is filtered, ladders count; what is sent to instances
    that somebody `answered_for` [n] doesn't arrive there. `own` [n] says whose address is its machine's.

    `told` are the platform's facts, `guests` what nodes tell of their machines, `ways` their ways out.
    """

    cloud: Cloud
    between: Numbers
    gateways: Extra = nothing
    rewrite: Rewrite | None = None
    loss: float = 0.0
    deaf: Mask | None = None
    dead: Sequence[int] = ()
    moved_at: int = NEVER
    moved_to: tuple[Cloud, Numbers] | None = None
    udp: bool = True
    answered_for: Mask | None = None
    own: Mask | None = None
    told: Sequence[Mapping[str, str]] = field(default=())
    guests: Sequence[Mapping[str, str]] = field(default=())
    ways: Sequence[Sequence[Way]] = field(default=())

    def draw(self, chance: np.random.Generator, first: int, samples: int) -> Counts:
        """Count the hops of samples from `first` on, [samples, from, to], as if nothing were lost."""
        hops = np.repeat(self.between[None], samples, axis=0)
        numbers = np.arange(first, first + samples)
        if self.moved_to:
            hops[numbers >= self.moved_at] = self.moved_to[1]
        hops += self.gateways(chance, numbers, self.cloud.size)
        if self.rewrite:
            down = np.tri(self.cloud.size, k=-1, dtype=np.int64)  # to whom stands before the sender
            hops = self.rewrite(hops, np.array(TTLS)[(numbers[:, None, None] + down) % len(TTLS)])
        counts = hops.clip(0, 255).astype(np.uint8)
        counts[:, np.arange(self.cloud.size), np.arange(self.cloud.size)] = 0
        return counts

    def with_gateways(self, more: Extra) -> World:
        """Return the same with these gateways beside its own."""
        own = self.gateways
        return replace(
            self,
            gateways=lambda chance, samples, size: own(chance, samples, size) + more(chance, samples, size),
        )

    def with_deaf(self, deaf: Mask) -> World:
        """Return the same where nothing passes from and to these either."""
        return replace(self, deaf=deaf if self.deaf is None else self.deaf | deaf)

    @property
    def ever_together(self) -> Mask:
        """Which pairs share a host at any time of the round: none of them may be called separate."""
        return self.cloud.together | self.moved_to[0].together if self.moved_to else self.cloud.together
