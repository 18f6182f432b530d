"""Hops: two instances with one router between them, where every host is the gateway of its guests.

Hop counts are as tracepath's: routers between + 1. The rules, numbered as in the design:

1. One hop: the two share a link. Says nothing.
2. A network is *routed-host* where every host is the gateway of its guests. The operator asserts it, or
   `auto` establishes it when all of these hold:
   a. no two instances are one hop apart;
   b. "two hops" is transitive (a pair that may yet be seen at two is no counter-example);
   c. at least one pair is at two hops and one beyond, now or earlier in the same network (where counts
      vary: of all pairs not seen at two, the chance that none is truly beyond is below `UNSEEN`);
   d. no conclusive evidence (the platform's, the operator's) contradicts it, and no time-to-live is
      rewritten on the way.
   Where one is refuted, hops say nothing at all; where one is still open, they speak weakly.
3. Two hops on any flow say *same*: extra gateways only ever add hops.
4. More than two say *different*, strongly only while the chance that a shorter path has not been seen yet
   is below `UNSEEN`, by the network's own measured variation (`signals/path_confidence.py`), and no
   further gateways of the two instances can explain it (`signals/hidden_gateways.py`).

Source of the two-hop rule: "Where am I? Testing AWS EC2 Instances for Co-Residence" (2011).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from keepapart.arrays import Mask, blocks, components, edges, grown
from keepapart.model import Strength
from keepapart.probe.measured import BY, Counts, Tally
from keepapart.signals import PairTestimony, Testimony, Weights
from keepapart.signals.hidden_gateways import in_doubt
from keepapart.signals.path_confidence import UNSEEN, PathConfidence


class NetworkStatus(Enum):
    """What is known of a network's kind."""

    ASSERTED = "asserted"
    ESTABLISHED = "established"
    REMEMBERED = "remembered"  # established before, in what is plainly the same network
    OPEN = "open"
    REFUTED = "refuted"
    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True)
class NetworkPrior:
    """What was shown before, on the same network: in words, when and by whom that it is routed-host.

    `footing` [n] says who is known from then to stand right behind its host, and `cleared` [n, n] which
    pairs, beyond two hops then and now, were in no doubt (`signals/hidden_gateways.py`).
    """

    because: str
    footing: Mask
    cleared: Mask


@dataclass(frozen=True, slots=True)
class NetworkFinding:
    """Whether hops may speak on this network, and why.

    `pair` names the two instances that show it, by index, where there are two; `earlier` is what it leans on.
    """

    standing: NetworkStatus
    because: str
    pair: tuple[int, int] | None = None
    earlier: NetworkPrior | None = None

    def doubt(self, paths: PathConfidence) -> Mask | None:
        """Say which pairs beyond two hops may be one host's all the same, [n, n]; None where none may."""
        if self.earlier is None:
            return in_doubt(paths)
        doubt = in_doubt(paths, self.earlier.footing)
        return None if doubt is None else doubt & ~self.earlier.cleared

    @property
    def strength(self) -> Strength | None:
        """How strongly hops may speak; None where they say nothing."""
        if self.standing in (NetworkStatus.ASSERTED, NetworkStatus.ESTABLISHED, NetworkStatus.REMEMBERED):
            return Strength.STRONG
        return Strength.WEAK if self.standing is NetworkStatus.OPEN else None


def testify(paths: PathConfidence, finding: NetworkFinding) -> PairTestimony:
    """Say same or different of every pair, by rules 1, 3 and 4, as strongly as `finding` allows."""
    weights: Weights = np.zeros(paths.least.shape, np.int8)
    strength, doubt = finding.strength, None
    if strength is not None:
        beyond = paths.least > 2
        weights[paths.least == 2] = strength
        weights[beyond] = -np.int8(Strength.WEAK)
        weights[beyond & paths.sure] = -np.int8(strength)
        doubt = finding.doubt(paths)
        if doubt is not None:
            weights[beyond & doubt] = -np.int8(Strength.WEAK)

    def because(i: int, j: int) -> str:
        tally = paths.tally
        low, high, flows = int(tally.least[i, j]), int(tally.most[i, j]), int(tally.flows[i, j])
        if low == 2:
            words = f"2 hops in {tally.shortest[i, j]} of {flows} flows"
        elif low == high:
            words = f"{low} hops in all {flows} flows"
        else:
            words = f"at least {low} hops in {flows} flows, counts vary up to {high}"
        if tally.by[i, j]:
            words += f" (by {BY[tally.by[i, j]].upper()}, as no datagram passes)"
        if low > 2 and not paths.sure[i, j]:
            unseen = paths.unseen(slice(i, i + 1))[0, j]
            words += f"; the chance that a shorter path was not seen is up to {unseen:.1g}"
        if doubt is not None and doubt[i, j] and low > 2:
            words += "; counts to others show that there may be further gateways before the host"
        return words if strength is not Strength.WEAK else f"{words}; {finding.because}"

    return PairTestimony("hops", weights, because)


def levels(paths: PathConfidence, finding: NetworkFinding) -> Counts | None:
    """Return the least counts that may be believed, 0 elsewhere; None where hops don't speak strongly."""
    if finding.strength is not Strength.STRONG:
        return None
    return np.where(paths.sure, paths.least, np.uint8(0))


def wanting(model: str, tally: Tally) -> Mask | None:
    """Say which pairs need more flows before hops can speak of them strongly; None where none would help.

    Those beyond two hops whose shortest path may still be unseen, and those at two that show how much their
    host's paths vary; unless hops say nothing on this network.
    """
    paths = PathConfidence.of(tally)
    if find(model, paths, range(len(paths.least))).strength is None:
        return None
    doubtful: Mask = (paths.least > 2) & ~paths.sure
    if not doubtful.any():
        return None
    theirs: Mask = doubtful.max(axis=1)
    more: Mask = doubtful | (paths.least == 2) & (theirs[:, None] | theirs[None, :])
    return more


def find(
    model: str,
    paths: PathConfidence,
    ids: Sequence[object],
    *,
    earlier: NetworkPrior | None = None,
    stated: Sequence[Testimony] = (),
) -> NetworkFinding:
    """Say what kind of network this is (rule 2).

    `model` is the configuration's; `earlier` is what was shown of the same network before; of `stated`, what
    is conclusive is held against the counts.
    """
    if model == "opaque":
        return NetworkFinding(NetworkStatus.OPAQUE, "the configuration says that hops say nothing here")
    if model == "routed-host":
        return NetworkFinding(
            NetworkStatus.ASSERTED, "the configuration says that each host is its guests' gateway"
        )
    for refute in (_rewritten, _shared_link, _not_transitive):
        if finding := refute(paths, ids):
            return finding
    for testimony in stated:
        if finding := _contradicted(paths, ids, testimony):
            return finding
    two, beyond = _first(paths, lambda rows: paths.least[rows] == 2), _beyond(paths)
    if two and beyond:
        return NetworkFinding(
            NetworkStatus.ESTABLISHED,
            f"{_named(ids, two)} are 2 hops apart and {_named(ids, beyond)} are "
            f"{paths.least[beyond]}: hosts are their guests' gateways here",
            two,
        )
    if earlier:
        return NetworkFinding(NetworkStatus.REMEMBERED, earlier.because, earlier=earlier)
    lacking = "2 hops apart" if not two else "known to be more than 2 hops apart"
    return NetworkFinding(
        NetworkStatus.OPEN,
        f"no pair is {lacking}, so nothing shows that hosts are gateways here"
        ' (if they are, say so: [network] model = "routed-host")',
    )


def _beyond(paths: PathConfidence) -> tuple[int, int] | None:
    """Return a pair more than two hops apart: a sure one, or one of many that can't all be closer."""
    if pair := _first(paths, lambda rows: (paths.least[rows] > 2) & paths.sure[rows]):
        return pair
    exponent = 0.0
    for rows in blocks(len(paths.least)):
        chances = np.where(paths.least[rows] > 2, paths.unseen(rows), np.float32(1))
        exponent += float(np.log10(np.maximum(chances, 1e-30)).sum()) / 2  # each pair stands there twice
    return _first(paths, lambda rows: paths.least[rows] > 2) if exponent < np.log10(UNSEEN) else None


def _rewritten(paths: PathConfidence, ids: Sequence[object]) -> NetworkFinding | None:
    if pair := paths.rewritten:
        return NetworkFinding(
            NetworkStatus.REFUTED,
            f"the time-to-live is rewritten between {_named(ids, pair)}: counts depend on what it began with",
            pair,
        )
    return None


def _shared_link(paths: PathConfidence, ids: Sequence[object]) -> NetworkFinding | None:
    if pair := _first(paths, lambda rows: paths.least[rows] == 1):
        return NetworkFinding(
            NetworkStatus.REFUTED,
            f"{_named(ids, pair)} are 1 hop apart: they share a link, so hosts are not the gateways here",
            pair,
        )
    return None


def _not_transitive(paths: PathConfidence, ids: Sequence[object]) -> NetworkFinding | None:
    size = len(paths.least)
    groups = components(size, edges(lambda rows: paths.least[rows] == 2, size))
    pair = None
    for members in grown(groups, np.arange(size, dtype=np.int32)):
        at = np.ix_(members, members)
        refuted = paths.least[at] > 2
        if refuted.any():
            refuted &= paths.unseen(members, likely=True)[:, members] < UNSEEN
        if refuted.any():
            i, j = divmod(int(refuted.argmax()), len(members))
            pair = int(members[i]), int(members[j])
            break
    if pair is None:
        return None
    return NetworkFinding(
        NetworkStatus.REFUTED,
        f"{_named(ids, pair)} are {paths.least[pair]} hops apart, yet a chain of 2-hop pairs joins them:"
        " the router between those is not a host",
        pair,
    )


def _contradicted(paths: PathConfidence, ids: Sequence[object], stated: Testimony) -> NetworkFinding | None:
    def lie(rows: slice) -> Mask:
        least, said = paths.least[rows], stated.rows(rows)
        apart: Mask = (least == 2) & (said == -Strength.CONCLUSIVE)
        together: Mask = (least > 2) & paths.sure[rows] & (said == Strength.CONCLUSIVE)
        return apart | together

    if pair := _first(paths, lie):
        return NetworkFinding(
            NetworkStatus.REFUTED,
            f"{_named(ids, pair)} are {paths.least[pair]} hops apart,"
            f" but {stated.signal}: {stated.because(*pair)}",
            pair,
        )
    return None


def _first(paths: PathConfidence, rows_of: Callable[[slice], Mask]) -> tuple[int, int] | None:
    """Return the first pair that is true in a mask [n, n], of which `rows_of` makes some rows at a time."""
    for rows in blocks(len(paths.least)):
        mask = rows_of(rows)
        if mask.any():
            i, j = divmod(int(mask.argmax()), mask.shape[1])
            return rows.start + i, j
    return None


def _named(ids: Sequence[object], pair: tuple[int, int]) -> str:
    return f"{ids[pair[0]]} and {ids[pair[1]]}"
