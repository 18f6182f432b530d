"""A round: every instance sends to every other, and the counts come home as one array.

1. Every node is open before any sends, and every node has sent before any reports: nothing is lost to a
   late start.
2. What is missing is asked for again, only that, until it is there, or asking again brought nothing, or
   `PASSES` are spent. A node that is lost, or that nobody hears and that hears nobody, is not asked for.
3. A pair that stays missing is 0 in the array, and so is every pair of a node that was lost before the end.
   Nothing is ever filled in.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.errors import UsageError
from keepapart.model import Instance
from keepapart.probe.node import Want
from keepapart.reach import Crew, Roster, muster

PASSES = 8  # at 20 % loss a sample then stays missing once in 400,000
SETTLE = (0.05, 0.25, 0.5)  # seconds to wait for stragglers, by pass; the last goes on
DATAGRAMS = 280_000  # about what one first pass may cost: 500 nodes send one sample each way
MOST_SAMPLES = 8  # each way; steady counts say no more by the ninth

Counts = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Progress = Callable[[str, float], None]  # what is being done, and the share of it that is


@dataclass(frozen=True, slots=True)
class Round:
    """What one round measured.

    `hops[s, i, j]` is the least count of sample s from `ids[i]` to `ids[j]`, 0 where it was not measured;
    shape (samples, n, n), uint8. `lost` says of instances without a count why that is.
    """

    ids: tuple[str, ...]
    hops: Counts
    lost: Mapping[str, str]

    def least(self) -> Counts:
        """Return the least count over samples, [n, n], row = from, column = to, 0 = not measured."""
        # 0 - 1 wraps to 255, the largest: "not measured" loses against every count.
        found: Counts = (self.hops - np.uint8(1)).min(axis=0) + np.uint8(1)
        return found

    def among(self, ids: Sequence[str], lost: Mapping[str, str]) -> Round:
        """Return the same round as one of `ids`, those not in it being `lost` (why, in words)."""
        return Round(tuple(ids), _spread(self.hops, self.ids, ids), {**self.lost, **lost})


def samples_for(size: int) -> int:
    """Say how many samples each way a round of `size` nodes takes: 8 for small ones, 1 from 500 on."""
    return max(1, min(MOST_SAMPLES, DATAGRAMS // max(1, size * (size - 1))))


async def measure(
    instances: Sequence[Instance],
    *,
    via: str = "ssh",
    port: int = 0,
    key: Callable[[], bytes] = lambda: secrets.token_bytes(32),
    progress: Progress = lambda _what, _share: None,
) -> Round:
    """Measure all pairs of `instances` in one round.

    `via` is the way in of those that name none, `port` the UDP port to receive on (0: any). Raises
    `ConfigError` for a way in that doesn't exist; what fails at single instances is in `Round.lost`.
    """
    if port and len({i.address for i in instances}) < len(instances):
        raise UsageError("[network] port: one port can't serve instances that share an address")
    ids = [instance.id for instance in instances]
    samples = samples_for(len(ids))
    crews = muster(instances, via)
    try:
        progress("open", 0.0)
        ports: dict[str, int] = {}
        for opened in await asyncio.gather(*(crew.open(port, samples) for crew in crews)):
            ports.update(opened)
        present = [instance for instance in instances if instance.id in ports]
        roster = Roster([i.id for i in present], [(i.address, ports[i.id]) for i in present])
        secret = key()
        await asyncio.gather(*(crew.join(roster, secret, samples) for crew in crews))
        counts = await _passes(crews, roster, samples, progress)
        lost = {name: why for crew in crews for name, why in crew.lost.items()}
    finally:
        await asyncio.gather(*(crew.close() for crew in crews))
    return Round(tuple(ids), _spread(counts, roster.ids, ids), _with_mute(lost, roster.ids, counts))


async def _passes(crews: Sequence[Crew], roster: Roster, samples: int, progress: Progress) -> Counts:
    """Send, collect, and ask again for what is missing."""
    size = len(roster.ids)
    counts = np.zeros((samples, size, size), np.uint8)
    row = {name: number for number, name in enumerate(roster.ids)}
    wants: dict[str, list[Want]] = {}
    if size > 1:
        wants = {name: [(sample, None) for sample in range(samples)] for name in roster.ids}
    missing = samples * size * (size - 1)
    for number in range(PASSES):
        if not wants:
            break
        progress("send", 1 - missing / max(1, samples * size * (size - 1)))
        await asyncio.gather(*(crew.send(wants) for crew in crews))
        settle = SETTLE[min(number, len(SETTLE) - 1)]
        for reported in await asyncio.gather(*(crew.report(settle) for crew in crews)):
            for name, least_counts in reported.items():
                counts[:, :, row[name]] = np.frombuffer(least_counts, np.uint8).reshape(samples, size)
        wants = _missing(counts, roster.ids, {name for crew in crews for name in crew.lost}, number)
        before, missing = missing, int((counts == 0).sum()) - samples * size
        if number and missing == before:
            break
    gone = [row[name] for crew in crews for name in crew.lost if name in row]
    counts[:, gone, :] = counts[:, :, gone] = 0
    progress("send", 1.0)
    return counts


def _missing(counts: Counts, ids: Sequence[str], lost: set[str], number: int) -> dict[str, list[Want]]:
    """List, for each sender, what has not arrived and may yet."""
    gone: Mask = np.array([name in lost for name in ids])
    if number:
        gone |= _mute(counts)
    absent: Mask = counts == 0
    absent[:, np.arange(len(ids)), np.arange(len(ids))] = False
    absent[:, gone, :] = False
    absent[:, :, gone] = False
    wants: dict[str, list[Want]] = {}
    for sender in np.flatnonzero(absent.any(axis=(0, 2))).tolist():
        wants[ids[sender]] = [
            (sample, np.flatnonzero(absent[sample, sender]).tolist())
            for sample in np.flatnonzero(absent[:, sender].any(axis=1)).tolist()
        ]
    return wants


def _mute(counts: Counts) -> Mask:
    """Say of each node whether it has exchanged not one datagram with anybody."""
    heard = counts.max(axis=0)
    mute: Mask = (heard.max(axis=0) == 0) & (heard.max(axis=1) == 0)
    return mute


def _spread(counts: Counts, present: Sequence[str], ids: Sequence[str]) -> Counts:
    """Put the counts of those present into an array of all."""
    if len(present) == len(ids):
        return counts
    place = {name: number for number, name in enumerate(ids)}
    at = [place[name] for name in present]
    out = np.zeros((counts.shape[0], len(ids), len(ids)), np.uint8)
    out[np.ix_(range(counts.shape[0]), at, at)] = counts
    return out


def _with_mute(lost: Mapping[str, str], present: Sequence[str], counts: Counts) -> dict[str, str]:
    """Add to `lost` those whose node ran and yet exchanged not one datagram with anybody."""
    mute = np.flatnonzero(_mute(counts)).tolist() if len(present) > 1 else []
    return {present[i]: "its node ran, but no datagram reached it or left it" for i in mute} | dict(lost)
