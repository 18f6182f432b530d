"""What one audit hands on to the next: the domains' names, and what was shown of the network. Pure.

A network once shown to be routed-host stays known as such, and so do the counts that told its racks and pods
apart, while it is plainly the same one:

1. the newest audit that settled the question established it (or the configuration says so), and none since
   refuted it;
2. at least two of its instances are still here, with the addresses that they had; to vouch for it, one of
   them must be known from then to stand right behind its host: only by such ones is it known of the others
   whether they do (`signals/hidden_gateways.py`);
3. every two of those are as many hops apart as they were then. To know racks and pods by their counts, more
   than half of these pairs are enough: instances move.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from keepapart.arrays import Mask
from keepapart.auditing.assess import Audit
from keepapart.auditing.document import timestamp
from keepapart.domains.fault_domains import LEVELS, DomainPrior
from keepapart.domains.naming import NO_NAMES, Names, remember
from keepapart.model import Instance, Strength
from keepapart.probe.measured import Counts
from keepapart.signals.hidden_gateways import footing_of
from keepapart.signals.hops import NetworkPrior, NetworkStatus

LARGEST_KEPT = 1_024  # instances: larger clusters show what the network is in every round anyway


@dataclass(frozen=True, slots=True)
class NetworkBaseline:
    """A routed-host network, and the least hop counts of who was there.

    `because` says how it was shown to be one; empty where only the configuration says so.
    """

    because: str
    places: Sequence[tuple[str, str]]  # (id, address)
    least: Counts  # [n, n], in the order of `places`
    footing: Mask  # [n], who stood right behind its host
    doubt: Mask  # [n, n], which pairs might have been one host's in spite of their counts
    spans: tuple[int, ...] = ()  # see `domains.DomainPrior`

    def earlier(self, instances: Sequence[Instance]) -> NetworkPrior | None:
        """Return what is known from then of these; None where none of them is known to have had footing."""
        there, here = self._both(instances)
        footing: Mask = np.zeros(len(instances), np.bool_)
        footing[here] = self.footing[there]
        cleared: Mask = np.zeros((len(instances),) * 2, np.bool_)
        at = np.ix_(there, there)
        cleared[np.ix_(here, here)] = (self.least[at] > 2) & ~self.doubt[at]
        return NetworkPrior(self.because, footing, cleared) if footing.any() else None

    def alike(self, instances: Sequence[Instance], least: Counts) -> float:
        """Return the share of those pairs (rules 2 and 3) that count as they did; 0 where there are none."""
        there, here = self._both(instances)
        before, today = self.least[np.ix_(there, there)], least[np.ix_(here, here)]
        known = (before > 0) & (today > 0)
        return float((before == today)[known].mean()) if known.any() else 0.0

    def _both(self, instances: Sequence[Instance]) -> tuple[list[int], list[int]]:
        """Say who was there then and is here now, as indices of then and of now."""
        then = {place: number for number, place in enumerate(self.places)}
        both = [(then[i.id, i.address], now) for now, i in enumerate(instances) if (i.id, i.address) in then]
        return [there for there, _ in both], [here for _, here in both]


@dataclass(frozen=True, slots=True)
class Baseline:
    """All that is remembered of a cluster."""

    names: Mapping[str, Names] = field(default_factory=dict)  # by level
    network: NetworkBaseline | None = None

    def vouches(self, instances: Sequence[Instance], least: Counts) -> NetworkPrior | None:
        """Say when this very network was shown to be routed-host; None where it was not."""
        if self.network and self.network.because and self.network.alike(instances, least) == 1:
            return self.network.earlier(instances)
        return None

    def past(self, instances: Sequence[Instance], least: Counts) -> DomainPrior:
        """Return what is known of the domains of these instances, who are at these hop counts."""
        if self.network and self.network.alike(instances, least) > 0.5:
            return DomainPrior(self.names, self.network.spans)
        return DomainPrior(self.names)

    def after(self, audit: Audit, *, naming: bool) -> Baseline:
        """Return what is remembered after an audit; `naming` says whether its domains' names count."""
        names = dict(self.names)
        for level in audit.domains.at if naming else ():
            names[level] = remember(audit.members(level), names.get(level, NO_NAMES))
        return Baseline(names, self._network_after(audit))

    def _network_after(self, audit: Audit) -> NetworkBaseline | None:
        standing, least, spans = audit.network.standing, audit.paths.least, audit.domains.spans
        if standing is NetworkStatus.REFUTED:
            return None
        if audit.network.strength is not Strength.STRONG or len(audit.instances) > LARGEST_KEPT:
            return self.network
        because = ""
        if standing is NetworkStatus.ESTABLISHED:
            because = f"established at {timestamp(audit.at)} in this same network: {audit.network.because}"
        elif self.network and self.network.alike(audit.instances, least) == 1:
            return replace(self.network, spans=spans)
        places = [(i.id, i.address) for i in audit.instances]
        doubt = audit.network.doubt(audit.paths)
        doubt = np.zeros(least.shape, np.bool_) if doubt is None else doubt
        return NetworkBaseline(because, places, least, footing_of(audit.paths), doubt, spans)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        document: dict[str, Any] = {
            f"{level}s": {"of": dict(names.of), "used": names.used} for level, names in self.names.items()
        }
        if self.network:
            document["network"] = {
                "because": self.network.because,
                "places": [list(place) for place in self.network.places],
                "least": _packed(self.network.least),
                "footing": self.network.footing.tolist(),
                "doubt": _packed(self.network.doubt),
                "spans": list(self.network.spans),
            }
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Baseline:
        """Read back what `document` returned, now or when hosts and racks were all there was."""
        shown = None
        if kept := document.get("network"):
            size = len(kept["places"])
            least = _unpacked(kept["least"], size)
            footing = np.array(kept.get("footing", (least == 2).any(axis=1).tolist()), np.bool_)
            doubt = _unpacked(kept["doubt"], size) > 0 if "doubt" in kept else least > 0
            places = [(name, address) for name, address in kept["places"]]
            spans = tuple(kept.get("spans", ()))
            shown = NetworkBaseline(kept["because"], places, least, footing, doubt, spans)
        names = {level: Names(**document[f"{level}s"]) for level in LEVELS if f"{level}s" in document}
        return cls(names, shown)


def _packed(matrix: Counts | Mask) -> str:
    return base64.b64encode(zlib.compress(matrix.astype(np.uint8).tobytes())).decode()


def _unpacked(text: str, size: int) -> Counts:
    found: Counts = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(size, size)
    return found
