"""Network: what kind of network this is, and so whether hop counts may speak.

A router between two instances looks the same to a packet whether it is their host or not: counts alone never
decide. A network is *routed-host* where every host is the gateway of its guests, as one router. It is

1. *refuted*, whoever vouches for it, where
   a. a time-to-live is rewritten on the way;
   b. two instances are one hop apart: they share a link;
   c. "two hops" is not transitive (a pair that may yet be seen at two is no counter-example, nor is one of
      which an address is translated: what is sent there leads past the translator);
   d. strong or conclusive evidence contradicts the counts: one host beyond two hops, two hosts at two;
   e. the platform is known to route elsewhere (`platform_network.py`);
   f. the first router that an instance sees is known to be no host, or the way out is a tunnel
      (`router_kind.py`).
   Hops say nothing then.
2. *vouched for* by somebody who can know:
   a. the operator, by the configuration;
   b. the platform's adapter (`clouds.Vouching`);
   c. the first routers, where every instance that took part has a kernel of its own and one that only
      hypervisors have (`router_kind.py`);
   d. controls: pairs that are known to share a host, and are two hops apart (`controls.py`).
   e. what d showed before, in the same network of the same machines (`auditing.baseline`), of those who were
      there.
   Hops speak strongly then, but of two hops only where a, b or c vouches: that all co-residents are two hops
   apart shows that whoever is farther is on another host, and not that whoever is at two is on the same. A
   leaf switch that routes has all guests of a host behind it, and other hosts' too. Pairs that are known
   apart show nothing: members of two racks are far from each other whatever a router is.
3. *unvouched* otherwise: hops speak weakly, whatever they show. Pairs at two hops are suspected, and all
   stay unknown.

Where the configuration says "opaque", hops say nothing and nothing else is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from keepapart.arrays import Mask, blocks, chained
from keepapart.model import Strength
from keepapart.signals import platform_network, router_kind
from keepapart.signals.controls import ControlPairs
from keepapart.signals.hidden_gateways import in_doubt
from keepapart.signals.path_confidence import UNSEEN, PathConfidence
from keepapart.signals.sight import Sight
from keepapart.signals.testimony import Testimony


class NetworkStatus(Enum):
    """Whether hop counts may speak on a network."""

    VOUCHED = "vouched"
    UNVOUCHED = "unvouched"
    REFUTED = "refuted"
    OPAQUE = "opaque"


class Voucher(Enum):
    """Who vouches for a network."""

    OPERATOR = "operator"
    PLATFORM = "platform"
    GATEWAY = "gateway"
    CONTROLS = "controls"
    BASELINE = "baseline"

    @property
    def of_two(self) -> bool:
        """Whether it vouches for it that two hops are one host."""
        return self not in (Voucher.CONTROLS, Voucher.BASELINE)


@dataclass(frozen=True, slots=True)
class NetworkPrior:
    """What was known of the same network before: in words, who vouched for it, and when.

    `because` is empty where nobody did but the operator or the platform, who are asked anew each time.
    `there` [n] says who was there, `directly_attached` [n] who was known to stand right behind its host, and
    `cleared` [n, n] which pairs, beyond two hops then and now, were in no doubt (`hidden_gateways.py`).
    """

    because: str
    there: Mask
    directly_attached: Mask
    cleared: Mask


@dataclass(frozen=True, slots=True)
class NetworkFinding:
    """Whether hops may speak on this network, who vouches for it, and why.

    `pair` names the two instances that show it, by index, where there are two; `prior` is what is known of
    the network from before.
    """

    standing: NetworkStatus
    because: str
    by: Voucher | None = None
    pair: tuple[int, int] | None = None
    prior: NetworkPrior | None = None

    @property
    def newcomers(self) -> Mask | None:
        """Say of which pairs nobody vouches, [n, n]: one wasn't there when somebody did. None for no pairs.

        What was true of hosts in one rack needn't be of the rack that a cluster grows into.
        """
        if self.by is not Voucher.BASELINE or self.prior is None:
            return None
        return ~(self.prior.there[:, None] & self.prior.there)

    def doubt(self, paths: PathConfidence) -> Mask | None:
        """Say which pairs beyond two hops may be one host's all the same, [n, n]; None where none may."""
        if self.prior is None:
            return in_doubt(paths)
        doubt = in_doubt(paths, self.prior.directly_attached)
        return None if doubt is None else doubt & ~self.prior.cleared

    @property
    def strength(self) -> Strength | None:
        """How strongly more than two hops may speak; None where hops say nothing."""
        return self._strength(vouched=self.by is not None)

    @property
    def strength_of_two(self) -> Strength | None:
        """How strongly two hops may speak; None where hops say nothing."""
        return self._strength(vouched=self.by is not None and self.by.of_two)

    def _strength(self, *, vouched: bool) -> Strength | None:
        if self.standing in (NetworkStatus.VOUCHED, NetworkStatus.UNVOUCHED):
            return Strength.STRONG if vouched else Strength.WEAK
        return None

    @property
    def if_vouched(self) -> NetworkFinding:
        """The same network, were the operator to vouch for it."""
        return replace(
            self,
            standing=NetworkStatus.VOUCHED,
            by=Voucher.OPERATOR,
            because="if each host is its guests' gateway here",
        )


def find(
    model: str,
    paths: PathConfidence,
    ids: Sequence[str],
    *,
    word: str = "",
    prior: NetworkPrior | None = None,
    said: Sequence[Testimony] = (),
    sights: Sequence[Sight] = (),
) -> NetworkFinding:
    """Say what kind of network this is.

    `model` is the configuration's, see `config.NetworkSettings`; `word` is what the platform's adapter says,
    "routed-host" or nothing; `prior` is what was known of the same network before; `said` is what signals say
    that don't rest on hops; `sights` is what each instance told of itself, in the order of `ids`, empty where
    none did.
    """
    if model == "opaque":
        return NetworkFinding(NetworkStatus.OPAQUE, "the configuration says that hops say nothing here")
    for refuted in refutations(paths, ids, said, sights):
        return replace(refuted, prior=prior)
    for by, because in vouchers(model, paths, said, sights, word=word, prior=prior):
        return NetworkFinding(NetworkStatus.VOUCHED, because, by, prior=prior)
    because = (
        "nobody vouches for it that hosts are gateways here"
        ' (if they are, say so: --model routed-host, or [network] model = "routed-host")'
    )
    if so_far := ControlPairs.of(paths, said, sights).because:
        because += f"; {so_far}"
    return NetworkFinding(NetworkStatus.UNVOUCHED, because, prior=prior)


def vouchers(
    model: str,
    paths: PathConfidence,
    said: Sequence[Testimony],
    sights: Sequence[Sight],
    *,
    word: str = "",
    prior: NetworkPrior | None = None,
) -> Iterator[tuple[Voucher, str]]:
    """Yield all who vouch for the network, and in which words (rule 2); arguments are as in `find`."""
    if model == "routed-host":
        yield Voucher.OPERATOR, "the configuration says that each host is its guests' gateway"
    if word == "routed-host":
        yield Voucher.PLATFORM, "the platform says that each host is its guests' gateway"
    heard = np.flatnonzero((paths.least > 0).any(axis=1)) if sights else np.zeros(0, np.intp)
    if because := router_kind.vouched([sights[i] for i in heard.tolist()], paths.least[np.ix_(heard, heard)]):
        yield Voucher.GATEWAY, because
    controls = ControlPairs.of(paths, said, sights)
    if controls.vouch:
        yield Voucher.CONTROLS, controls.because
    if prior and prior.because:
        yield Voucher.BASELINE, prior.because


def refutations(
    paths: PathConfidence, ids: Sequence[str], said: Sequence[Testimony], sights: Sequence[Sight]
) -> Iterator[NetworkFinding]:
    """Yield all that refutes the network (rule 1), in the order of the rule."""
    for refute in (_rewritten, _shared_link, _not_transitive):
        if finding := refute(paths, ids):
            yield finding
    for testimony in said:
        if finding := _contradicted(paths, ids, testimony):
            yield finding
    for because in (*platform_network.refuting(ids, sights), *router_kind.refuting(ids, sights)):
        yield NetworkFinding(NetworkStatus.REFUTED, because)


def _refuted(because: str, pair: tuple[int, int]) -> NetworkFinding:
    return NetworkFinding(NetworkStatus.REFUTED, because, pair=pair)


def _rewritten(paths: PathConfidence, ids: Sequence[str]) -> NetworkFinding | None:
    if pair := paths.rewritten:
        because = f"the time-to-live is rewritten between {_named(ids, pair)}"
        return _refuted(f"{because}: counts depend on what it began with", pair)
    return None


def _shared_link(paths: PathConfidence, ids: Sequence[str]) -> NetworkFinding | None:
    if pair := _first(paths, lambda rows: paths.least[rows] == 1):
        because = f"{_named(ids, pair)} are 1 hop apart"
        return _refuted(f"{because}: they share a link, so hosts are not the gateways here", pair)
    return None


def _not_transitive(paths: PathConfidence, ids: Sequence[str]) -> NetworkFinding | None:
    for members in chained(lambda rows: paths.least[rows] == 2, len(paths.least)):
        at = np.ix_(members, members)
        refuted = (paths.least[at] > 2) & ~paths.translated[at]
        if refuted.any():
            refuted &= paths.unseen(members, likely=True)[:, members] < UNSEEN
        if refuted.any():
            i, j = divmod(int(refuted.argmax()), len(members))
            pair = int(members[i]), int(members[j])
            because = (
                f"{_named(ids, pair)} are {paths.least[pair]} hops apart, yet a chain of 2-hop pairs joins"
                " them: the router between those is not a host"
            )
            return _refuted(because, pair)
    return None


def _contradicted(paths: PathConfidence, ids: Sequence[str], said: Testimony) -> NetworkFinding | None:
    def lie(rows: slice) -> Mask:
        least, weights = paths.least[rows], said.rows(rows)
        apart: Mask = (least == 2) & (weights <= -Strength.STRONG)
        together: Mask = (least > 2) & paths.sure[rows] & (weights >= Strength.STRONG)
        return apart | together

    if pair := _first(paths, lie):
        because = f"{_named(ids, pair)} are {paths.least[pair]} hops apart"
        return _refuted(f"{because}, but {said.signal}: {said.because(*pair)}", pair)
    return None


def _first(paths: PathConfidence, rows_of: Callable[[slice], Mask]) -> tuple[int, int] | None:
    """Return the first pair that is true in a mask [n, n], of which `rows_of` makes some rows at a time."""
    for rows in blocks(len(paths.least)):
        mask = rows_of(rows)
        if mask.any():
            i, j = divmod(int(mask.argmax()), mask.shape[1])
            return rows.start + i, j
    return None


def _named(ids: Sequence[str], pair: tuple[int, int]) -> str:
    return f"{ids[pair[0]]} and {ids[pair[1]]}"
