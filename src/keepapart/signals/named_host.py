"""Named host: a router that is the host itself, and answers from an address of its own.

1. On Hetzner Cloud every guest's first router is 172.31.1.1, and the one behind it, on the way to a public
   address, is the machine that the guest runs on, with a public address of its own. That address names the
   host. It takes all three: the vendor's text, that first router, and a target that is public; a guest
   without a public address of its own goes out by another guest, whose host would be named.
2. The same name is one host, and another name is another, both strongly. An instance whose traces give two
   names has none.
3. Any contradiction silences the signal: two who are known to share a host and have different names, or two
   who are known not to and have the same.
4. No other platform's second router is taken for a host: elsewhere it is a rack's router, the target's host
   or anybody's.

Source: public traces of 2018 to 2026 in which the router behind 172.31.1.1 is NNNNN.your-cloud.host, outward
and inward the same; by the provider's support that number is the node that a server runs on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keepapart.addresses import is_public
from keepapart.model import Strength
from keepapart.probe.measured import Trace
from keepapart.signals.observed import Observed, Stage
from keepapart.signals.sight import Sight
from keepapart.signals.testimony import UNKNOWN, LabelTestimony, Testimony

STRONG = int(Strength.STRONG)
PLATFORM, FRONT = "hetzner", "172.31.1.1"

name = "named host"
stage = Stage.SETTLED


def testify(seen: Observed) -> Sequence[Testimony]:
    """Say same and different of those whose hosts have names, unless anything contradicts a name (rule 3)."""
    extras, settled = seen.round.extras, seen.settled
    if extras is None or settled is None:
        return []
    names = names_of(seen.sights, extras.traces)

    def because(i: int, j: int) -> str:
        if names[i] == names[j]:
            return f"behind {FRONT} both are on the host that answers as {names[i]}"
        return f"behind {FRONT} they are on hosts that answer as {names[i]} and {names[j]}"

    said = LabelTestimony.of(name, [n or None for n in names], because, if_equal=STRONG, if_different=-STRONG)
    known = said.labels != UNKNOWN
    at = np.ix_(known, known)
    equal = said.labels[known, None] == said.labels[known]
    np.fill_diagonal(equal, val=False)
    different = said.labels[known, None] != said.labels[known]
    contradicted = (equal & (settled[at] <= -STRONG)) | (different & (settled[at] >= STRONG))
    return [said] if said.speaks and not contradicted.any() else []


def names_of(sights: Sequence[Sight], traces: Sequence[Trace]) -> list[str]:
    """Name each instance's host by what its traces show (rules 1 and 2), empty where they name none."""
    found: list[set[str]] = [set() for _ in sights]
    for trace in traces:
        behind_front = PLATFORM in sights[trace.sender].platforms and trace.first == FRONT
        towards = trace.public or sights[trace.target].address
        if behind_front and is_public(towards) and is_public(trace.second):
            found[trace.sender].add(trace.second)
    return [next(iter(names)) if len(names) == 1 else "" for names in found]
