"""Baseline: what one audit hands on to the next: the domains' names, and what was shown of the network. Pure.

1. Names are handed on by instance, whatever the network (`domains.naming`).
2. Counts that told racks and pods apart still do where more than half of the pairs of those who are still
   there, with the ids and addresses that they had, are as many hops apart as they were: instances move.
3. What controls vouched for stays vouched for, while it is plainly the same network: at
   least two instances are still there, all their pairs count as they did, at least one of them was directly
   attached to its host, all of them tell the machine id or boot id that they told, no two the same one, and
   no more than `OLD` seconds have passed; but of who came since, nobody has vouched. An id and an address are
   no identity: another network has them as well. Nor is what several tell: clones of one image have one
   machine id, containers one boot id.
   The operator, the platform and first routers are asked anew each time, so their word is not remembered.
4. In that same network those who were directly attached still are, and pairs that were in no doubt still are
   in none. Elsewhere, who was directly attached counts only where nobody is at two hops now: it makes doubts
   there and removes none.
5. Whatever refutes the network ends all of it. The newest audit is the one with the highest number.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np

from keepapart.arrays import Mask
from keepapart.auditing.assess import Audit
from keepapart.domains.fault_domains import DomainPrior
from keepapart.domains.naming import NO_NAMES, Names, remember
from keepapart.errors import StoreError
from keepapart.model import LEVELS, Instance, Strength, timestamp
from keepapart.probe.measured import Counts, Round
from keepapart.signals.hidden_gateways import directly_attached
from keepapart.signals.network import NetworkPrior, NetworkStatus, Voucher

LARGEST_KEPT = 1_024  # instances: larger clusters show what the network is in every round anyway
OLD = 30 * 86_400.0  # seconds after which nobody's word of a network is believed any more: networks change


@dataclass(frozen=True, slots=True)
class Place:
    """An instance as it was seen: `machine` is the machine id that it told, else its boot id, else empty."""

    id: str
    address: str
    machine: str = ""


@dataclass(frozen=True, slots=True)
class NetworkBaseline:
    """A network on which hops spoke strongly, and the least hop counts of who was there.

    `because` says in words who vouched for it, and is empty for those who are asked anew each time; `at` is
    when they did, in seconds since the epoch.
    """

    because: str
    at: float
    places: Sequence[Place]
    least: Counts  # [n, n], in the order of `places`
    attached: Mask  # [n], who was directly attached
    doubt: Mask  # [n, n], which pairs might have been one host's in spite of their counts
    spans: tuple[int, ...] = ()  # see `domains.fault_domains.DomainPrior`

    def prior(self, places: Sequence[Place], least: Counts, now: float) -> NetworkPrior | None:
        """Return what is known from then of these (rules 3 and 4); None where nothing is."""
        there, here = self._both(places)
        size = len(places)
        attached, known = np.zeros((2, size), np.bool_)
        attached[here], known[here] = self.attached[there], True
        cleared: Mask = np.zeros((size, size), np.bool_)
        if not attached.any() or self.alike(places, least) < 1:
            return None
        if not self._same_machines(places, there, here) or not 0 <= now - self.at <= OLD:
            return None if (least == 2).any() else NetworkPrior("", known, attached, cleared)
        at = np.ix_(there, there)
        cleared[np.ix_(here, here)] = (self.least[at] > 2) & ~self.doubt[at]
        return NetworkPrior(self.because, known, attached, cleared)

    def alike(self, places: Sequence[Place], least: Counts) -> float:
        """Return the share of the pairs still there that count as they did; 0 where there are none."""
        there, here = self._both(places)
        before, today = self.least[np.ix_(there, there)], least[np.ix_(here, here)]
        known = (before > 0) & (today > 0)
        return float((before == today)[known].mean()) if known.any() else 0.0

    def _both(self, places: Sequence[Place]) -> tuple[list[int], list[int]]:
        """Say who was there then and is here now, as indices of then and of now."""
        then = {(place.id, place.address): number for number, place in enumerate(self.places)}
        both = [(then[p.id, p.address], now) for now, p in enumerate(places) if (p.id, p.address) in then]
        return [there for there, _ in both], [here for _, here in both]

    def _same_machines(self, places: Sequence[Place], there: Sequence[int], here: Sequence[int]) -> bool:
        told = [(self.places[t].machine, places[h].machine) for t, h in zip(there, here, strict=True)]
        return 1 < len(told) == len(set(told)) and all(then and then == now for then, now in told)


@dataclass(frozen=True, slots=True)
class Baseline:
    """All that is remembered of a cluster."""

    names: Mapping[str, Names] = field(default_factory=dict)  # by level
    network: NetworkBaseline | None = None

    def network_prior(
        self, instances: Sequence[Instance], measured: Round, now: float
    ) -> NetworkPrior | None:
        """Return what is known of the network that these instances were measured in, at `now`."""
        if not self.network:
            return None
        return self.network.prior(places_of(instances, measured), measured.tally.least, now)

    def domain_prior(self, instances: Sequence[Instance], measured: Round) -> DomainPrior:
        """Return what is known of the domains of these instances."""
        if self.network:
            alike = self.network.alike(places_of(instances, measured), measured.tally.least)
            if alike > 0.5:
                return DomainPrior(self.names, self.network.spans)
        return DomainPrior(self.names)

    def after(self, audit: Audit, *, naming: bool) -> Baseline:
        """Return what is remembered after an audit; `naming` says whether its domains' names count."""
        names = dict(self.names)
        for level in audit.domains.at if naming else ():
            names[level] = remember(audit.members(level), names.get(level, NO_NAMES))
        return Baseline(names, self._network_after(audit))

    def _network_after(self, audit: Audit) -> NetworkBaseline | None:
        found, least, spans = audit.network, audit.paths.least, audit.domains.spans
        if found.standing is NetworkStatus.REFUTED:
            return None
        if found.strength is not Strength.STRONG or len(audit.instances) > LARGEST_KEPT:
            return self.network
        places = places_of(audit.instances, audit.round)
        if found.by is Voucher.BASELINE and self.network:
            return replace(self.network, spans=spans)
        because = ""
        if found.by is Voucher.CONTROLS:
            because = f"vouched for at {timestamp(audit.at)} in this same network: {found.because}"
        elif self.network and not (least == 2).any() and self.network.alike(places, least) == 1:
            return replace(
                self.network, spans=spans
            )  # it shows who is directly attached, as this audit can't
        doubt = found.doubt(audit.paths)
        doubt = np.zeros(least.shape, np.bool_) if doubt is None else doubt
        return NetworkBaseline(because, audit.at, places, least, directly_attached(audit.paths), doubt, spans)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        document: dict[str, Any] = {
            f"{level}s": {"of": dict(names.of), "used": names.used} for level, names in self.names.items()
        }
        if kept := self.network:
            document["network"] = {
                "because": kept.because,
                "at": kept.at,
                "places": [[place.id, place.address, place.machine] for place in kept.places],
                "least": _packed(kept.least),
                "footing": kept.attached.tolist(),
                "doubt": _packed(kept.doubt),
                "spans": list(kept.spans),
            }
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Baseline:
        """Read back what `document` returned, now or ever before. Raises `StoreError` for anything else.

        What was kept before networks had to be vouched for tells no machines, and so vouches for nothing.
        """
        try:
            names = {
                level: msgspec.convert(document[f"{level}s"], Names)
                for level in LEVELS
                if f"{level}s" in document
            }
            kept = document.get("network")
            return cls(names, msgspec.convert(kept, _Kept).network() if kept else None)
        except (msgspec.ValidationError, ValueError, zlib.error):
            raise StoreError("the history holds a baseline that this keepapart can't read") from None


def places_of(instances: Sequence[Instance], measured: Round) -> list[Place]:
    """Return the instances as they were seen in a round."""
    guests: Sequence[Mapping[str, object]] = measured.extras.guests if measured.extras else ()
    told = [*guests, *[{}] * (len(instances) - len(guests))]
    return [
        Place(i.id, i.address, str(guest.get("machine") or guest.get("boot_id") or "").strip())
        for i, guest in zip(instances, told, strict=True)
    ]


class _Kept(msgspec.Struct):
    """A network as it is kept."""

    because: str
    places: list[tuple[str, ...]]
    least: str
    at: float = 0.0
    footing: list[bool] | None = None
    doubt: str = ""
    spans: tuple[int, ...] = ()

    def network(self) -> NetworkBaseline:
        size = len(self.places)
        least = _unpacked(self.least, size)
        attached = (least == 2).any(axis=1) if self.footing is None else np.array(self.footing, np.bool_)
        doubt = _unpacked(self.doubt, size) > 0 if self.doubt else least > 0
        places = [Place(*place[:3]) for place in self.places]
        return NetworkBaseline(self.because, self.at, places, least, attached, doubt, self.spans)


def _packed(matrix: Counts | Mask) -> str:
    return base64.b64encode(zlib.compress(matrix.astype(np.uint8).tobytes())).decode()


def _unpacked(text: str, size: int) -> Counts:
    found: Counts = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(size, size)
    return found
