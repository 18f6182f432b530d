"""What a round brings home: the hop counts of every pair, and what was gathered beside them. Values only.

A `Tally` sums counts up over flows as they come in: it never holds them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Mask, Places, blocks

Counts = npt.NDArray[np.uint8]  # hops; 0 is not measured
Flows = npt.NDArray[np.uint8]  # at most 64 each way
Ports = npt.NDArray[np.uint8]  # a bit for each of `PORTS`
Times = npt.NDArray[np.float32]  # [n, n], seconds, symmetric; 0 is not measured
T = TypeVar("T")

# Why an instance is lost although it was reached.
NOTHING_ARRIVED = "its node ran, but nothing that it sent or was sent arrived"
ELSEWHERE = "its node ran, but nothing that was sent to its address arrived there"
UNHEARD = frozenset({NOTHING_ARRIVED, ELSEWHERE})  # why an instance is lost though there is a way in to it
LONGEST = 32  # hops; no provider's path is longer: a higher count shows a time-to-live rewritten on the way
BEGINNINGS = 2  # times-to-live that datagrams begin with by turns: as many as `node.node.TTLS` has
PORTS = 8  # that samples are sent from and to: as many as a node has sockets
BY = ("udp", "tcp", "icmp")  # means of measuring, the later ones where the earlier are filtered


@dataclass(slots=True)
class Tally:
    """Hop counts of n instances, all [n, n]; 0 everywhere means not measured.

    `way[i, j]` is the least count from i to j, and `least_of[t, i, j]`, [2, n, n], that of datagrams which
    began with the time-to-live `node.node.TTLS[t]`. `arrived[i, j]` is 1 where j itself saw that something
    from i arrived that was sent to j's address; a count without it, which only ladders make, is of somebody
    who may have answered in j's name. `showing[i, j]` are the flows from i to j that had the pair's least
    count. The others are of unordered pairs, both ways together, and symmetric: `least` and `most` hop
    counts, how many `flows` were measured, and the means `by` which they were, a number into `BY`.

    `sources[0, i, j]` are the ports of i from which samples to j were counted, and `sources[1, i, j]` those
    from which the pair's least count was seen, [2, n, n]; `targets` are the ports of j that they went to.
    """

    way: Counts
    least: Counts
    most: Counts
    flows: Flows
    by: Counts
    arrived: Counts
    least_of: Counts
    sources: Ports
    targets: Ports
    showing: Flows

    @classmethod
    def empty(cls, size: int) -> Tally:
        """Return the tally of instances of which nothing was measured."""
        way, least, most, flows, by, arrived, showing = np.zeros((7, size, size), np.uint8)
        least_of = np.zeros((BEGINNINGS, size, size), np.uint8)
        sources, targets = np.zeros((2, 2, size, size), np.uint8)
        return cls(way, least, most, flows, by, arrived, least_of, sources, targets, showing)

    @classmethod
    def of(cls, samples: Counts) -> Tally:
        """Return the tally of samples [k, n, n]; see `add`."""
        tally = cls.empty(samples.shape[1])
        tally.add(samples)
        return tally

    @property
    def at_address(self) -> Mask:
        """Whether anything that was sent to the address of each instance arrived at its node, [n]."""
        arrived: Mask = self.arrived.max(axis=0, initial=0) > 0
        return arrived

    def shown(self, rows: slice | Places) -> Flows:
        """Return how many flows of the pairs in these rows had their least counts, both ways together."""
        shown: Flows = self.showing[rows] + self.showing.T[rows]
        return shown

    def add(self, samples: Counts, *, first: int = 0) -> None:
        """Count in samples of datagrams [k, n, n], row = from, column = to, each a flow of its own.

        0 is not measured; what datagrams began with, and the ports that they were sent from and to, hang on a
        sample's number, `first` that of the first.
        """
        for number, sample in enumerate(samples, first):
            for rows in blocks(len(sample)):
                out = sample[rows]
                self._add(rows, out, np.ascontiguousarray(sample[:, rows].T), 0, number)
                self._add_beginnings(rows, out, number)
                self.arrived[rows] |= out > 0

    def add_ladders(self, counts: Counts, by: int, arrived: Mask, *, number: int = 0) -> None:
        """Count in what ladders counted [n, n], and which of it has arrived; each `number` has a port."""
        for rows in blocks(len(counts)):
            self._add(rows, counts[rows], np.ascontiguousarray(counts[:, rows].T), by, number)
        self.arrived |= arrived

    def _add(self, rows: slice, out: Counts, back: Counts, by: int, number: int) -> None:
        """Count in these rows of a sample, and the ways back of the same pairs.

        0 - 1 wraps to 255, the largest: "not measured" loses against every count.
        """
        one = np.uint8(1)
        way, least, most, flows = self.way[rows], self.least[rows], self.most[rows], self.flows[rows]
        before = least.copy()
        np.add(np.minimum(way - one, out - one), one, out=way)
        np.copyto(self.by[rows], np.uint8(by), where=(out | back) > 0)
        for counts in (out, back):
            np.add(np.minimum(least - one, counts - one), one, out=least)
            np.maximum(most, counts, out=most)
            flows += counts > 0
        self._add_ways(rows, out, number, fallen=least < before)

    def _add_ways(self, rows: slice, out: Counts, number: int, *, fallen: Mask) -> None:
        """Count in these rows of a sample as what was sent, and by which ports.

        The least counts that have just `fallen` were not shown before.
        """
        source, target = ports(number)
        below = np.arange(self.way.shape[1]) < np.arange(rows.start, rows.stop)[:, None]
        counted, least = out > 0, (out > 0) & (out == self.least[rows])
        left_by = np.where(below, np.uint8(1 << (source + 1) % PORTS), np.uint8(1 << source))
        went_to = np.uint8(1 << target)
        np.copyto(self.showing[rows], np.uint8(0), where=fallen)
        self.showing[rows] += least
        for (tried, shown), bits in ((self.sources[:, rows], left_by), (self.targets[:, rows], went_to)):
            np.bitwise_or(tried, bits, out=tried, where=counted)
            np.copyto(shown, np.uint8(0), where=fallen)
            np.bitwise_or(shown, bits, out=shown, where=least)

    def _add_beginnings(self, rows: slice, out: Counts, number: int) -> None:
        """Count in these rows of a sample, by what was sent: that hangs on who of the two stands first."""
        one = np.uint8(1)
        up, down = self.least_of[number % BEGINNINGS], self.least_of[(number + 1) % BEGINNINGS]
        square = out[:, rows]
        for least, counts in (
            (down[rows, : rows.start], out[:, : rows.start]),
            (down[rows, rows], np.tril(square)),
            (up[rows, rows], np.triu(square)),
            (up[rows, rows.stop :], out[:, rows.stop :]),
        ):
            np.add(np.minimum(least - one, counts - one), one, out=least)

    def forget(self, places: Sequence[int]) -> None:
        """Unmeasure every pair of these instances."""
        for counts in self._arrays():
            counts[..., list(places), :] = 0
            counts[..., list(places)] = 0

    def drop(self, pairs: Mask) -> None:
        """Unmeasure these pairs [n, n]."""
        for counts in self._arrays():
            np.copyto(counts, np.uint8(0), where=pairs)

    def without(self, pairs: Mask) -> Tally:
        """Return a copy in which these pairs [n, n] are not measured."""
        return Tally(*(np.where(pairs, np.uint8(0), counts) for counts in self._arrays()))

    def spread(self, places: Sequence[int], size: int) -> Tally:
        """Return the tally of `size` instances, of which this one's are at `places`."""
        wide = Tally.empty(size)
        at = np.ix_(list(places), list(places))
        for wider, counts in zip(wide._arrays(), self._arrays(), strict=True):
            wider[..., at[0], at[1]] = counts
        return wide

    def _arrays(self) -> tuple[Counts, ...]:
        symmetric = self.least, self.most, self.flows, self.by
        return self.way, *symmetric, self.arrived, self.least_of, self.sources, self.targets, self.showing


Wanting = Callable[[Tally], Mask | None]  # which pairs need more flows [n, n]; None: no pair does


@dataclass(frozen=True, slots=True)
class Trace:
    """The routers on the way from `sender` to `target`, both numbers into the round's ids.

    `first` is one hop away, `second` two, `last` one less than the target's least count. Each is the address
    that always answered and more than once, else empty; the target's silence and a member's own address are
    no router. `public` is the target's public address, where the way there is meant: no hops are counted
    there, and no last router is known. It is empty for the address that members send to.
    """

    sender: int
    target: int
    first: str = ""
    second: str = ""
    last: str = ""
    public: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A way out of an instance: what its kernel sends to others by.

    `gateway` is the next router's address, empty where those others are on the link; `gateway_mac` the
    hardware address that packets really go to, as aa:bb:cc:dd:ee:ff, empty where there is none: the
    gateway's, or that of whoever answers on the link for others that are more than one hop away.
    `device_type` is Linux's ARPHRD number (1 is Ethernet, 65534 a tunnel without hardware), `device_kind`
    the kernel's name for a kind of software device ("veth", "wireguard", "vxlan", …), empty for hardware.
    """

    gateway: str
    gateway_mac: str
    device: str
    device_type: int
    device_kind: str


@dataclass(frozen=True, slots=True)
class Extras:
    """What was gathered, in the order of the round's ids.

    `firsts` and `upstreams` are the addresses of the first and second router, the same towards all of an
    instance's targets, empty where not known; `traces` is all that was found of routers, target by target.
    `routes` are the different ways out of each instance, () where not known, and `own_address` says whether
    its machine has the address that others send to, None where not known. `times` [n, n] are the least round
    trips in seconds, symmetric, 0 where not measured, or None; `guests` what each tells of its machine, as
    text, empty where it tells nothing; `metadata` what the platform's service told each of itself, as text.
    """

    firsts: Sequence[str]
    upstreams: Sequence[str]
    traces: Sequence[Trace]
    routes: Sequence[Sequence[Route]]
    own_address: Sequence[bool | None]
    times: Times | None
    guests: Sequence[Mapping[str, str]]
    metadata: Sequence[Mapping[str, str]]

    @classmethod
    def nothing(cls, size: int) -> Extras:
        """Return what is known of n nodes that were not asked."""
        return cls([""] * size, [""] * size, [], [()] * size, [None] * size, None, [{}] * size, [{}] * size)

    def without(self, places: Sequence[int]) -> Extras:
        """Return the same without what is known of these instances themselves."""
        gone = set(places)

        def kept(values: Sequence[T], nothing: T) -> list[T]:
            return [nothing if number in gone else value for number, value in enumerate(values)]

        return replace(
            self,
            firsts=kept(self.firsts, ""),
            upstreams=kept(self.upstreams, ""),
            traces=[trace for trace in self.traces if not gone & {trace.sender, trace.target}],
            routes=kept(self.routes, ()),
            guests=kept(self.guests, {}),
            metadata=kept(self.metadata, {}),
        )

    def spread(self, places: Sequence[int], size: int) -> Extras:
        """Return the same of `size` instances, of which this one's are at `places`."""

        def wide(values: Sequence[T], nothing: T) -> list[T]:
            spread = [nothing] * size
            for place, value in zip(places, values, strict=True):
                spread[place] = value
            return spread

        times = None
        if self.times is not None:
            times = np.zeros((size, size), np.float32)
            times[np.ix_(list(places), list(places))] = self.times
        return Extras(
            firsts=wide(self.firsts, ""),
            upstreams=wide(self.upstreams, ""),
            traces=[replace(t, sender=places[t.sender], target=places[t.target]) for t in self.traces],
            routes=wide(self.routes, ()),
            own_address=wide(self.own_address, None),
            times=times,
            guests=wide(self.guests, {}),
            metadata=wide(self.metadata, {}),
        )


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured: the `tally` of `ids`, in their order, and the `extras` gathered with it.

    `lost` says of instances without a count why that is; `addresses` what was sent to, empty where unknown;
    `sent` how many datagrams nodes were told to send for counts.
    """

    ids: tuple[str, ...]
    tally: Tally
    lost: Mapping[str, str]
    extras: Extras | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)
    sent: int = 0

    @property
    def answered(self) -> bool:
        """Whether there was a way in to anybody."""
        return any(self.lost.get(name, NOTHING_ARRIVED) in UNHEARD for name in self.ids)

    def of_who_took_part(self) -> Round:
        """Return the same without the counts of whoever is lost or took no part in it (round.py, rule 3)."""
        tally, extras, ids = self.tally, self.extras, self.ids
        if len(ids) < 2 or extras is None:
            return self
        unheard, silent = ~tally.at_address, isolated(tally.way)
        own = np.array([one is True for one in extras.own_address])
        why = {
            ids[i]: NOTHING_ARRIVED if silent[i] else ELSEWHERE
            for i in np.flatnonzero(unheard & (~own | (tally.way.max(axis=0) == 0))).tolist()
        }
        tally.forget([number for number, name in enumerate(ids) if name in why])
        known = extras.without(np.flatnonzero(unheard & ~own).tolist())
        return replace(self, lost={**why, **self.lost}, extras=known)

    def among(self, ids: Sequence[str], lost: Mapping[str, str]) -> Round:
        """Return the same round as one of `ids`, those not in it being `lost` (why, in words)."""
        if tuple(ids) == self.ids:
            return self
        place = {name: number for number, name in enumerate(ids)}
        places = [place[name] for name in self.ids]
        extras = self.extras.spread(places, len(ids)) if self.extras else None
        tally = self.tally.spread(places, len(ids))
        return replace(self, ids=tuple(ids), tally=tally, lost={**self.lost, **lost}, extras=extras)


def ports(sample: int) -> tuple[int, int]:
    """Say by and to which ports a sample goes, as `node.node.lane` has it.

    To who stands before its sender it leaves by the next.
    """
    return sample % PORTS, (sample + sample // PORTS) % PORTS


def isolated(counts: Counts) -> Mask:
    """Say of each node whether it has exchanged not one datagram with anybody, by counts [n, n]."""
    alone: Mask = (counts.max(axis=0) == 0) & (counts.max(axis=1) == 0)
    return alone
