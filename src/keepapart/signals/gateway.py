"""Gateway: which router answers first on the way out, which one behind it, and which one last on the way in.

First hop: where every host is its guests' gateway and has one address as such, the same gateway is the same
host. The rules, the first five each one a reason to keep silent:

1. An instance has a gateway if one address, always the same, answered at the first hop in every flow and
   repeat. Silent is not absent: nothing is said of who got no answer.
2. Link-local, loopback, multicast and unspecified addresses name no router: any may have the same.
3. Where hops say nothing (a shared link, a router between segments), the first router is no host's.
4. An address is no host's if two that share it are known to be apart (strongly, by any other signal),
   or are not two hops from each other where that was measured: at one hop a link is shared, and beyond
   two there is another router of the same address.
5. One address for all shows nothing: there must be two that pass.
6. The same gateway then says *same*. Strongly only if hops may speak strongly on this network, at least
   `SHOWN` addresses are each shared by two that other signals know to be co-resident, no two of those have
   different ones, and two that are known to be apart have different ones although the same second router is
   behind both: else all hosts of a site might answer by one address. Weakly otherwise. Where a pair was
   measured at two hops, hops say as much already: what this adds are pairs that no packet passed between,
   and a reason that is checked with one traceroute.
7. Different gateways say nothing: a host may have an address for each guest.

Last router: what answers last on the way in to an instance, where that is more than two hops, would be its
host as well. Rules 1 to 5 hold of what each sender saw by itself, since a router may name itself otherwise to
another; the one that saw most is heard. The same one then says *same*, weakly: by none of it is known whether
a host has one address.

Upstream, the second hop: different ones say *different*, weakly, unless two known to be co-resident have
different ones too (several paths); equal ones say nothing, being a rack's at best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address

import numpy as np

from keepapart.arrays import distinct
from keepapart.model import Strength
from keepapart.probe.measured import Counts, Trace
from keepapart.signals.observed import Observed, Stage
from keepapart.signals.testimony import UNKNOWN, LabelTestimony, Testimony, Weights

WEAK, STRONG = int(Strength.WEAK), int(Strength.STRONG)
LAST = "last router"
SHOWN = 2  # gateways seen to be one host's each: with one alone, all hosts might share it


name = "gateway"
stage = Stage.SETTLED


def testify(seen: Observed) -> Sequence[Testimony]:
    """Say what the first two routers of each instance say, where any answered."""
    extras, network = seen.round.extras, seen.network
    if (
        extras is None
        or network is None
        or seen.settled is None
        or not any((*extras.firsts, *extras.upstreams, *extras.traces))
    ):
        return []
    least, known, standing = seen.paths.least, seen.settled, network.strength_of_two
    said = testimonies(extras.firsts, extras.upstreams, least, known, standing)
    return [*said, *last_routers(extras.traces, seen.ids, least, known, standing)]


def testimonies(
    firsts: Sequence[str],
    upstreams: Sequence[str],
    least: Counts,
    known: Weights,
    standing: Strength | None,
) -> list[LabelTestimony]:
    """Say what the first two routers of each instance say of every pair.

    `firsts` and `upstreams` are addresses, empty where not known (rule 1); `least` the least hop counts;
    `known` what other signals have settled, weighed as in `PairTestimony`; `standing` how strongly two hops
    may speak on this network.
    """
    said = [_first(firsts, upstreams, least, known, standing), _upstream(upstreams, known)]
    return [testimony for testimony in said if testimony.speaks]


def last_routers(
    traces: Sequence[Trace], ids: Sequence[str], least: Counts, known: Weights, standing: Strength | None
) -> list[LabelTestimony]:
    """Say what the last routers before instances say, as the sender has it that saw most."""
    found = []
    for sender in dict.fromkeys(trace.sender for trace in traces if trace.last):
        lasts = [""] * len(ids)
        for trace in traces:
            if trace.sender == sender:
                lasts[trace.target] = trace.last

        def because(i: int, _j: int, lasts: Sequence[str] = lasts, sender: int = sender) -> str:
            return f"the last router before both, from {ids[sender]}, is {lasts[i]}"

        found.append(_alike(LAST, lasts, because, least, known, standing)[0])
    most = max(found, key=lambda said: int((said.labels != UNKNOWN).sum()), default=None)
    return [most] if most and most.speaks else []


def _first(
    firsts: Sequence[str],
    upstreams: Sequence[str],
    least: Counts,
    known: Weights,
    standing: Strength | None,
) -> LabelTestimony:
    def because(i: int, _j: int) -> str:
        return f"the first router of both is {firsts[i]}, which no two on different hosts share"

    said, shown = _alike("gateway", firsts, because, least, known, standing)
    plain = shown >= SHOWN and not _split(said, known) and _told_apart(said, upstreams, known)
    if standing == Strength.STRONG and plain:
        return LabelTestimony("gateway", said.labels, said.scopes, STRONG, 0, because)
    return said


def _alike(
    name: str,
    routers: Sequence[str],
    because: Callable[[int, int], str],
    least: Counts,
    known: Weights,
    standing: Strength | None,
) -> tuple[LabelTestimony, int]:
    """Say weakly whose equal routers may be one host (rules 1 to 5), and how many are known to be one's."""
    values = [address if standing and _names_a_router(address) else None for address in routers]
    said = LabelTestimony.of(name, values, because, if_equal=WEAK)
    shown = 0
    for label in range(int(said.labels.max(initial=UNKNOWN)) + 1):
        members = np.flatnonzero(said.labels == label)
        among = np.ix_(members, members)
        hops = least[among]
        if (known[among] <= -STRONG).any() or ((hops > 0) & (hops != 2)).any():
            said.labels[members] = UNKNOWN
        else:
            shown += bool((known[among] >= STRONG).any())
    if len(distinct(said.labels[said.labels != UNKNOWN])) < 2:
        said.labels[:] = UNKNOWN
    return said, shown


def _upstream(upstreams: Sequence[str], known: Weights) -> LabelTestimony:
    def because(i: int, j: int) -> str:
        return f"behind their first routers are different ones, {upstreams[i]} and {upstreams[j]}"

    values = [address if _names_a_router(address) else None for address in upstreams]
    said = LabelTestimony.of("upstream", values, because, if_different=-WEAK)
    if _split(said, known):
        said.labels[:] = UNKNOWN
    return said


def _split(said: LabelTestimony, known: Weights) -> bool:
    """Whether two that are known to be co-resident have different labels."""
    for i in np.flatnonzero(said.labels != UNKNOWN).tolist():
        others = said.labels[known[i] >= STRONG]
        if ((others != UNKNOWN) & (others != said.labels[i])).any():
            return True
    return False


def _told_apart(said: LabelTestimony, upstreams: Sequence[str], known: Weights) -> bool:
    """Whether two hosts behind one second router are known that have different gateways (rule 6)."""
    behind: dict[str, list[int]] = {}
    for i in np.flatnonzero(said.labels != UNKNOWN).tolist():
        if _names_a_router(upstreams[i]):
            behind.setdefault(upstreams[i], []).append(i)
    for members in behind.values():
        labels = said.labels[members]
        if ((labels[:, None] != labels) & (known[np.ix_(members, members)] <= -STRONG)).any():
            return True
    return False


def _names_a_router(address: str) -> bool:
    try:
        told = ip_address(address)
    except ValueError:
        return False
    return not (told.is_link_local or told.is_loopback or told.is_multicast or told.is_unspecified)
