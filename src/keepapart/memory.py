"""What one audit hands on to the next: the domains' names, and what was shown of the network. Pure.

A network once shown to be routed-host stays known as such while it is plainly the same one:

1. the newest audit that settled the question established it, and none since refuted it;
2. at least two of its instances are still here, with the addresses that they had;
3. every two of those are as many hops apart as they were then.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keepapart.assess import Audit
from keepapart.model import Instance
from keepapart.names import Names, remember
from keepapart.probe.tally import Counts
from keepapart.report.document import timestamp
from keepapart.signals.hops import Standing

LARGEST_KEPT = 1_024  # instances: larger clusters show what the network is in every round anyway


@dataclass(frozen=True, slots=True)
class Shown:
    """A network that was shown to be routed-host: why, and the least hop counts of who was there."""

    because: str
    places: Sequence[tuple[str, str]]  # (id, address)
    least: Counts  # [n, n], in the order of `places`

    def same_network(self, instances: Sequence[Instance], least: Counts) -> bool:
        """Compare with what is measured now, by rules 2 and 3."""
        then = {place: number for number, place in enumerate(self.places)}
        both = [(then[i.id, i.address], now) for now, i in enumerate(instances) if (i.id, i.address) in then]
        if len(both) < 2:
            return False
        there, here = ([pair[side] for pair in both] for side in (0, 1))
        before, today = self.least[np.ix_(there, there)], least[np.ix_(here, here)]
        known = (before > 0) & (today > 0)
        return bool(known.any() and (before == today)[known].all())


@dataclass(frozen=True, slots=True)
class Memory:
    """All that is remembered of a cluster."""

    hosts: Names = field(default_factory=Names)
    racks: Names = field(default_factory=Names)
    network: Shown | None = None

    def vouches(self, instances: Sequence[Instance], least: Counts) -> str:
        """Say in words when this very network was shown to be routed-host; empty where it was not."""
        if self.network and self.network.same_network(instances, least):
            return self.network.because
        return ""

    def after(self, audit: Audit, *, naming: bool) -> Memory:
        """Return what is remembered after an audit; `naming` says whether its domains' names count."""
        hosts, racks = self.hosts, self.racks
        if naming:
            hosts = remember(audit.host_members, hosts)
            racks = remember(audit.rack_members, racks)
        return Memory(hosts, racks, self._network_after(audit))

    def _network_after(self, audit: Audit) -> Shown | None:
        if audit.network.standing is Standing.REFUTED:
            return None
        if audit.network.standing is not Standing.ESTABLISHED or len(audit.instances) > LARGEST_KEPT:
            return self.network
        because = f"established at {timestamp(audit.at)} in this same network: {audit.network.because}"
        return Shown(because, [(i.id, i.address) for i in audit.instances], audit.paths.least)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        document: dict[str, Any] = {
            "hosts": {"of": dict(self.hosts.of), "used": self.hosts.used},
            "racks": {"of": dict(self.racks.of), "used": self.racks.used},
        }
        if self.network:
            packed = base64.b64encode(zlib.compress(self.network.least.tobytes())).decode()
            places = [list(place) for place in self.network.places]
            document["network"] = {"because": self.network.because, "places": places, "least": packed}
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Memory:
        """Read back what `document` returned."""
        shown = None
        if kept := document.get("network"):
            size = len(kept["places"])
            least = np.frombuffer(zlib.decompress(base64.b64decode(kept["least"])), np.uint8)
            places = [(name, address) for name, address in kept["places"]]
            shown = Shown(kept["because"], places, least.reshape(size, size))
        return cls(Names(**document["hosts"]), Names(**document["racks"]), shown)
