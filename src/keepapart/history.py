"""What was found before: every audit is kept, and what it established of the network is remembered.

A network once shown to be routed-host stays known as such while it is plainly the same one:

1. the newest audit that settled the question established it, and none since refuted it;
2. at least two of its instances are still here, with the addresses that they had;
3. every two of those are as many hops apart as they were then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keepapart.assess import Audit
from keepapart.model import Instance
from keepapart.probe.round import Round
from keepapart.probe.tally import Counts
from keepapart.report.document import audit_document
from keepapart.signals.hops import Standing
from keepapart.store import Store

LOOK_BACK = 100  # audits that are read in search of one that settled what the network is
_SETTLED = (Standing.ESTABLISHED.value, Standing.REMEMBERED.value)
LARGEST_KEPT = 512  # instances: larger clusters show what the network is in every round anyway


def record(store: Store, audit: Audit, purpose: str) -> None:
    """Keep an audit; `purpose` is the verb that it was made for."""
    entry: dict[str, Any] = {"purpose": purpose, "audit": audit_document(audit)}
    if len(audit.round.ids) <= LARGEST_KEPT:
        entry["least"] = audit.paths.least.tolist()
    store.add_audit(audit.cluster, audit.at, json.dumps(entry))


def recall(store: Store, cluster: str, limit: int) -> list[Mapping[str, Any]]:
    """Return kept audits, newest first, as {"purpose", "audit", "least"}."""
    return [json.loads(entry) for entry in store.audits(cluster, limit)]


def earlier(store: Store, cluster: str, instances: Sequence[Instance], measured: Round) -> str:
    """Say in words when this very network was shown to be routed-host; empty where it was not."""
    for entry in recall(store, cluster, LOOK_BACK):
        network = entry["audit"]["network"]
        if network["standing"] == Standing.REFUTED.value:
            return ""
        if network["standing"] in _SETTLED and "least" in entry:
            if not _same_network(entry, instances, measured.tally.least):
                return ""
            if network["standing"] == Standing.REMEMBERED.value:
                return str(network["because"])
            return f"established at {entry['audit']['at']} in this same network: {network['because']}"
    return ""


def _same_network(entry: Mapping[str, Any], instances: Sequence[Instance], least: Counts) -> bool:
    """Compare a kept audit with what is measured now, by rules 2 and 3."""
    then = {(i["id"], i["address"]): place for place, i in enumerate(entry["audit"]["instances"])}
    now = {(i.id, i.address): place for place, i in enumerate(instances)}
    both = [key for key in now if key in then]
    if len(both) < 2:
        return False
    before = np.array(entry["least"], np.uint8)[np.ix_(*[[then[key] for key in both]] * 2)]
    today = least[np.ix_(*[[now[key] for key in both]] * 2)]
    known = (before > 0) & (today > 0)
    return bool(known.any() and (before == today)[known].all())
