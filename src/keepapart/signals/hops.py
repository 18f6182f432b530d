"""Hops: two instances with one router between them, where every host is the gateway of its guests.

Hop counts are as tracepath's: routers between + 1. The rules, numbered as in the design:

1. One hop: the two share a link. Says nothing.
2. A network is *routed-host* where every host is the gateway of its guests. The operator asserts it, or
   `auto` establishes it when all of these hold:
   a. no two instances are one hop apart;
   b. "two hops" is transitive (a pair that may yet be seen at two is no counter-example);
   c. at least one pair is at two hops and one beyond, now or earlier in the same network (where counts
      vary: of all pairs not seen at two, the chance that none is truly beyond is below `UNSEEN`);
   d. no conclusive evidence (the platform's, the operator's) contradicts it.
   Where one is refuted, hops say nothing at all; where one is still open, they speak weakly.
3. Two hops on any flow say *same*: extra gateways only ever add hops.
4. More than two say *different*, strongly only while the chance that a shorter path has not been seen yet
   is below `UNSEEN`. Of k flows that each take a longer path with chance p, all do with p^k; p is bounded
   from above by the network's own measured variation (see `_unseen`).

Source of the two-hop rule: "Where am I? Testing AWS EC2 Instances for Co-Residence" (2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from keepapart.components import Mask, components
from keepapart.model import Strength
from keepapart.probe.tally import BY, Counts, Flows, Tally
from keepapart.signals import AnyTestimony, Testimony, Weights

UNSEEN = 1e-6  # the design's bound on a shorter path not seen yet
CONFIDENCE = 0.999  # of the upper bound on the chance of a longer path

Chances = npt.NDArray[np.float32]


class Standing(Enum):
    """What is known of a network's kind."""

    ASSERTED = "asserted"
    ESTABLISHED = "established"
    REMEMBERED = "remembered"  # established before, in what is plainly the same network
    OPEN = "open"
    REFUTED = "refuted"
    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether hops may speak on this network, and why.

    `pair` names the two instances that show it, by index, where there are two.
    """

    standing: Standing
    because: str
    pair: tuple[int, int] | None = None

    @property
    def strength(self) -> Strength | None:
        """How strongly hops may speak; None where they say nothing."""
        if self.standing in (Standing.ASSERTED, Standing.ESTABLISHED, Standing.REMEMBERED):
            return Strength.STRONG
        return Strength.WEAK if self.standing is Standing.OPEN else None


@dataclass(frozen=True, slots=True)
class Paths:
    """What a round's counts say of unordered pairs, all [n, n] and symmetric.

    `least`, `most`, `flows`, `shortest` and `by` are the tally's; `unseen` is an upper bound on the chance that a
    path shorter than `least` exists and none of the flows took it, 1 where nothing was measured.
    """

    least: Counts
    most: Counts
    flows: Flows
    shortest: Flows
    by: Counts
    unseen: Chances

    @classmethod
    def of(cls, tally: Tally) -> Paths:
        """Judge how far a tally may be believed."""
        return cls(tally.least, tally.most, tally.flows, tally.shortest, tally.by, _unseen(tally))

    @property
    def sure(self) -> Mask:
        """Where the least count may be believed: two hops once seen, or more with nothing shorter unseen."""
        found: Mask = (self.least == 2) | ((self.least > 2) & (self.unseen < UNSEEN))
        return found


def testify(paths: Paths, finding: Finding) -> Testimony:
    """Say same or different of every pair, by rules 1, 3 and 4, as strongly as `finding` allows."""
    weights: Weights = np.zeros(paths.least.shape, np.int8)
    strength = finding.strength
    if strength is not None:
        beyond = paths.least > 2
        weights[paths.least == 2] = strength
        weights[beyond] = -np.int8(Strength.WEAK)
        weights[beyond & paths.sure] = -np.int8(strength)

    def because(i: int, j: int) -> str:
        low, high, flows = int(paths.least[i, j]), int(paths.most[i, j]), int(paths.flows[i, j])
        if low == 2:
            words = f"2 hops in {paths.shortest[i, j]} of {flows} flows"
        elif low == high:
            words = f"{low} hops in all {flows} flows"
        else:
            words = f"at least {low} hops in {flows} flows, counts vary up to {high}"
        if paths.by[i, j]:
            words += f" (by {BY[paths.by[i, j]].upper()}, as no datagram passes)"
        if low > 2 and paths.unseen[i, j] >= UNSEEN:
            words += f"; the chance that a shorter path was not seen is up to {paths.unseen[i, j]:.1g}"
        return words if strength is not Strength.WEAK else f"{words}; {finding.because}"

    return Testimony("hops", weights, because)


def levels(paths: Paths, finding: Finding) -> Counts | None:
    """Return the least counts that may be believed, 0 elsewhere; None where hops don't speak strongly."""
    if finding.strength is not Strength.STRONG:
        return None
    return np.where(paths.sure, paths.least, np.uint8(0))


def wanting(model: str, tally: Tally) -> Mask | None:
    """Say which pairs need more flows before hops can speak of them strongly; None where none would help.

    Those beyond two hops whose shortest path may still be unseen, and those at two that show how much their
    host's paths vary; unless hops say nothing on this network.
    """
    paths = Paths.of(tally)
    if find(model, paths, range(len(paths.least))).strength is None:
        return None
    doubtful: Mask = (paths.least > 2) & ~paths.sure
    if not doubtful.any():
        return None
    theirs: Mask = doubtful.max(axis=1)
    more: Mask = doubtful | (paths.least == 2) & (theirs[:, None] | theirs[None, :])
    return more


def find(
    model: str, paths: Paths, ids: Sequence[object], *, earlier: str = "", stated: Sequence[AnyTestimony] = ()
) -> Finding:
    """Say what kind of network this is (rule 2).

    `model` is the configuration's; `earlier` says in words when and by whom the same network was established
    before, or is empty; of `stated`, what is conclusive is held against the counts.
    """
    if model == "opaque":
        return Finding(Standing.OPAQUE, "the configuration says that hops say nothing here")
    if model == "routed-host":
        return Finding(Standing.ASSERTED, "the configuration says that each host is its guests' gateway")
    for refute in (_shared_link, _not_transitive):
        if finding := refute(paths, ids):
            return finding
    for testimony in stated:
        if finding := _contradicted(paths, ids, testimony):
            return finding
    two, beyond = _first(paths.least == 2), _beyond(paths)
    if two and beyond:
        return Finding(
            Standing.ESTABLISHED,
            f"{_named(ids, two)} are 2 hops apart and {_named(ids, beyond)} are "
            f"{paths.least[beyond]}: hosts are their guests' gateways here",
            two,
        )
    if earlier:
        return Finding(Standing.REMEMBERED, earlier)
    lacking = "2 hops apart" if not two else "known to be more than 2 hops apart"
    return Finding(
        Standing.OPEN,
        f"no pair is {lacking}, so nothing shows that hosts are gateways here"
        ' (if they are, say so: [network] model = "routed-host")',
    )


def _beyond(paths: Paths) -> tuple[int, int] | None:
    """Return the pair surest to be more than two hops apart, if it is sure that any pair is."""
    chances = np.where(paths.least > 2, paths.unseen, np.float32(1))
    if np.log10(np.maximum(chances, 1e-30)).sum() / 2 > np.log10(UNSEEN):  # each pair stands there twice
        return None
    i, j = divmod(int(chances.argmin()), len(chances))
    return i, j


def _shared_link(paths: Paths, ids: Sequence[object]) -> Finding | None:
    if pair := _first(paths.least == 1):
        return Finding(
            Standing.REFUTED,
            f"{_named(ids, pair)} are 1 hop apart: they share a link, so hosts are not the gateways here",
            pair,
        )
    return None


def _not_transitive(paths: Paths, ids: Sequence[object]) -> Finding | None:
    two: Mask = paths.least == 2
    groups = components(two)
    together = groups[:, None] == groups[None, :]
    pair = _first(together & (paths.least > 2) & paths.sure)
    if pair is None:
        return None
    return Finding(
        Standing.REFUTED,
        f"{_named(ids, pair)} are {paths.least[pair]} hops apart, yet a chain of 2-hop pairs joins them:"
        " the router between those is not a host",
        pair,
    )


def _contradicted(paths: Paths, ids: Sequence[object], stated: AnyTestimony) -> Finding | None:
    lie = (paths.least == 2) & (stated.weights == -Strength.CONCLUSIVE)
    lie |= (paths.least > 2) & paths.sure & (stated.weights == Strength.CONCLUSIVE)
    if pair := _first(lie):
        return Finding(
            Standing.REFUTED,
            f"{_named(ids, pair)} are {paths.least[pair]} hops apart,"
            f" but {stated.signal}: {stated.because(*pair)}",
            pair,
        )
    return None


def _first(mask: Mask) -> tuple[int, int] | None:
    if not mask.any():
        return None
    i, j = divmod(int(mask.argmax()), mask.shape[1])
    return i, j


def _named(ids: Sequence[object], pair: tuple[int, int]) -> str:
    return f"{ids[pair[0]]} and {ids[pair[1]]}"


def _unseen(tally: Tally) -> Chances:
    """Bound the chance that no flow of a pair took its shortest path (rule 4); 1 where none was measured.

    One flow of each pair is its least by definition, so a pair of k flows has k - 1 trials. Two bounds hold,
    and the smaller stands. By the first, a pair varies as all pairs do, and as its own instances' pairs and
    itself do where those vary. By the second, two instances on one host would vary as those do that each is
    known to share a host with.
    """
    trials = np.maximum(tally.flows, 1) - np.uint16(1)
    longer = tally.flows - tally.shortest
    everywhere = _upper_bound(longer.sum(dtype=np.int64) // 2, trials.sum(dtype=np.int64) // 2)
    chance: Chances = np.full(trials.shape, everywhere, np.float32)
    if longer.any():
        of_instance = longer.sum(axis=1, dtype=np.int64)
        bound = _upper_bound(of_instance, trials.sum(axis=1, dtype=np.int64)) * (of_instance > 0)
        np.maximum(chance, np.maximum(bound[:, None], bound[None, :]), out=chance)
        varied = longer > 0
        chance[varied] = np.maximum(chance[varied], _upper_bound(longer[varied], trials[varied]))
        np.minimum(chance, _as_with_its_host(tally.least == 2, longer, trials), out=chance)
    return np.power(chance, tally.flows, dtype=np.float32)


def _as_with_its_host(two: Mask, longer: Flows, trials: Flows) -> Chances:
    """Bound the chance of a longer path by what each instance's own pairs at two hops show; 1 without any."""
    seen = (trials * two).sum(axis=1, dtype=np.int64)
    bound = np.where(seen > 0, _upper_bound((longer * two).sum(axis=1, dtype=np.int64), seen), 0)
    of_pair: Chances = np.maximum(bound[:, None], bound[None, :]).astype(np.float32)
    of_pair[of_pair == 0] = 1
    return of_pair


def _upper_bound(longer: object, trials: object) -> npt.NDArray[np.float64]:
    """Clopper and Pearson's upper bound on a chance, from `longer` of `trials`; 1 where there were none."""
    x, n = np.asarray(longer, np.float64), np.asarray(trials, np.float64)
    bound: npt.NDArray[np.float64] = np.where(
        x < n, betaincinv(x + 1, np.maximum(n - x, 0.5), CONFIDENCE), 1.0
    )
    return bound
