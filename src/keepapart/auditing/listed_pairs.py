"""Which pairs a report lists one by one, and how many of each kind it leaves out. Pure.

1. Of up to `ALL_PAIRS_UP_TO` instances all pairs are listed, and so they are where they are asked for.
2. Of more instances the co-resident pairs are listed first and the unknown ones after them, of each verdict
   at most as many as `LISTED` says, shared out among its kinds: a rare kind is seen beside a common one. Who
   shares a host with whom, the list of hosts says in any case.
3. What is not listed is counted by its kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from keepapart.auditing.assessment import Assessment
from keepapart.auditing.pair_kinds import Kind
from keepapart.model import Pair, Verdict

ALL_PAIRS_UP_TO = 64  # instances
LISTED = {Verdict.CO_RESIDENT: 10_000, Verdict.UNKNOWN: 2_000, Verdict.SEPARATE: 0}  # pairs of more instances


@dataclass(frozen=True, slots=True)
class PairListing:
    """The pairs to list, by index, and how many of each kind are left out."""

    places: Iterable[tuple[int, int]]
    left_out: Sequence[tuple[Kind, int]]


def listing(audit: Assessment, *, all_pairs: bool = False) -> PairListing:
    """Choose the pairs to list: all if asked for, else by the rules above."""
    size = len(audit.instances)
    if all_pairs or size <= ALL_PAIRS_UP_TO:
        return PairListing(combinations(range(size), 2), ())
    kinds = audit.kinds
    shares = {
        number: share
        for verdict, most in LISTED.items()
        for number, share in _shared(
            {n: kinds.pairs[n] for n, kind in enumerate(kinds.kinds) if kind.verdict is verdict}, most
        )
    }
    left_out = [
        (kind, kinds.pairs[number] - shares[number])
        for number, kind in enumerate(kinds.kinds)
        if shares[number] < kinds.pairs[number]
    ]
    return PairListing([p for number, share in shares.items() for p in kinds.first(number, share)], left_out)


def pairs(audit: Assessment, *, all_pairs: bool = False) -> Iterator[Pair]:
    """Yield the pairs that `listing` chooses, with their reasons and evidence."""
    return (audit.judgement.pair(i, j) for i, j in listing(audit, all_pairs=all_pairs).places)


def _shared(wanted: dict[int, int], most: int) -> Iterator[tuple[int, int]]:
    """Share `most` out among kinds that have so many pairs each, evenly as far as they have as many."""
    for done, number in enumerate(sorted(wanted, key=lambda number: wanted[number])):
        share = min(wanted[number], most // (len(wanted) - done))
        most -= share
        yield number, share
