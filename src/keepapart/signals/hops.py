"""Hops: two instances with one router between them, where every host is the gateway of its guests.

Hop counts are as tracepath's: routers between + 1. How strongly they may speak hangs on what kind of network
this is (`network.py`). The rules, numbered as in docs/design.md:

1. One hop: the two share a link. Says nothing.
2. Where the network is vouched for, hops speak strongly; where nobody vouches, weakly; where it is refuted,
   they say nothing.
3. Two hops on any flow say *same*: extra gateways only ever add hops.
4. More than two say *different*, strongly only while the chance that a shorter path has not been seen yet
   is below `UNSEEN`, by the network's own measured variation (`path_confidence.py`), and no hidden gateways
   of the two instances can explain it (`hidden_gateways.py`).
5. What the two tell of their kernels may forbid that they are called different; weakly then. Instances of
   one boot id are on one machine, or clones of one snapshot, unless all tell one, as in a laboratory.
   A container's first router is the machine that it runs on, which may be a virtual machine: so different
   containers' machines may be on one host, unless their kernel sees no hypervisor under it.
6. A count that isn't confirmed is weak (`path_confidence.py`, rules 6 to 8).

Source of the two-hop rule: "Where am I? Testing AWS EC2 Instances for Co-Residence" (2011).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from keepapart.arrays import Mask
from keepapart.model import Strength
from keepapart.probe.measured import BY, Counts, Tally
from keepapart.signals.network import NetworkFinding, find
from keepapart.signals.observed import Observed, Stage
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.sight import Sight
from keepapart.signals.testimony import PairTestimony, Testimony, Weights

WEAK = np.int8(Strength.WEAK)

name = "hops"
stage = Stage.NETWORK


def testify(seen: Observed) -> Sequence[Testimony]:
    """Say what the measured counts say, as strongly as the network's kind allows."""
    return [testimony(seen.paths, seen.network, seen.sights)] if seen.network else []


def testimony(paths: PathConfidence, finding: NetworkFinding, sights: Sequence[Sight] = ()) -> PairTestimony:
    """Say same or different of every pair, by rules 1 to 6, as strongly as `finding` allows."""
    weights: Weights = np.zeros(paths.least.shape, np.int8)
    strength, of_two, doubt, kernels = finding.strength, finding.strength_of_two, None, None
    newcomers = finding.newcomers
    if strength is not None and of_two is not None:
        two, beyond = paths.least == 2, paths.least > 2
        weights[two] = WEAK
        weights[two & paths.sure] = of_two
        weights[beyond] = -WEAK
        weights[beyond & paths.sure] = -np.int8(strength)
        doubt, kernels = finding.doubt(paths), _same_machine(paths, sights)
        for doubted in (doubt, kernels, newcomers):
            if doubted is not None:
                weights[beyond & doubted] = -WEAK
        if doubt is not None:
            weights[two & doubt] = WEAK

    def because(i: int, j: int) -> str:
        words = _counted(paths, i, j)
        if doubt is not None and doubt[i, j]:
            words += "; counts to others show that there may be gateways within a host, or past one"
        if kernels is not None and kernels[i, j] and paths.least[i, j] > 2:
            words += "; what they tell of their kernels allows that one machine runs both"
        if newcomers is not None and newcomers[i, j]:
            words += "; who came since wasn't vouched for"
        speaks = of_two if paths.least[i, j] == 2 else strength
        return words if speaks is not Strength.WEAK else f"{words}; {finding.because}"

    return PairTestimony("hops", weights, because)


def _counted(paths: PathConfidence, i: int, j: int) -> str:
    """Say what was counted between two, and what is lacking for it to be believed."""
    tally = paths.tally
    low, high, flows = int(tally.least[i, j]), int(tally.most[i, j]), int(tally.flows[i, j])
    if low == 2:
        words = f"2 hops in {tally.shown(slice(i, i + 1))[0, j]} of {flows} flows"
    elif low == high:
        words = f"{low} hops in all {flows} flows"
    else:
        words = f"at least {low} hops in {flows} flows, counts vary up to {high}"
    if tally.by[i, j]:
        words += f" (by {BY[tally.by[i, j]].upper()}, as no datagram passes)"
    if low > 1 and not paths.confirmed[i, j]:
        words += f"; {_unconfirmed(tally, i, j)}"
    elif low == 2 and high == 3 and not paths.sure[i, j]:
        words += "; one way is always longer: one of the two may be on the link above the other's host"
    elif low == 2 and not paths.sure[i, j]:
        words += "; all began with the smaller time-to-live, which may be raised on the way"
    elif low > 2 and not paths.sure[i, j]:
        unseen = paths.unseen(slice(i, i + 1))[0, j]
        words += f"; the chance that a shorter path was not seen is up to {unseen:.1g}"
    return words


def _unconfirmed(tally: Tally, i: int, j: int) -> str:
    """Say why a count isn't believed, by rules 6 and 7 of `path_confidence.py`."""
    if not (tally.way[i, j] and tally.way[j, i]):
        return "measured one way only"
    if not (tally.arrived[i, j] and tally.arrived[j, i]):
        return "somebody on the way may have answered, or raised the time-to-live"
    return "an address that others send to isn't the instance's own, or not that of the card it sends by"


def _same_machine(paths: PathConfidence, sights: Sequence[Sight]) -> Mask | None:
    """Say which pairs may be on one machine by their kernels (rule 5), [n, n]; None where none may."""
    boots = [sight.boot_id for sight in sights]
    kernels = Counter(boot for boot in boots if boot)
    if len(kernels) < 2:
        return None
    numbers = {boot: number for number, boot in enumerate(kernels)}
    labels = np.array([numbers.get(boot, -1) for boot in boots], np.int32)
    shared: Mask = (labels[:, None] == labels) & (labels >= 0)
    near = (shared & (paths.least == 2)).any(axis=1)
    container = near | np.array([sight.own_kernel is False for sight in sights])
    nested = container & np.array([sight.virtual is not False for sight in sights])
    found: Mask = shared | nested[:, None] | nested
    np.fill_diagonal(found, val=False)
    return found if found.any() else None


def levels(paths: PathConfidence, finding: NetworkFinding) -> Counts | None:
    """Return the least counts that may be believed, 0 elsewhere; None where some don't speak strongly."""
    if (finding.strength, finding.strength_of_two) != (Strength.STRONG, Strength.STRONG):
        return None
    return np.where(paths.sure, paths.least, np.uint8(0))


def wanting(model: str, tally: Tally) -> Mask | None:
    """Say which pairs need more flows before hops can speak of them strongly; None where none would help.

    Those beyond two hops whose shortest path may still be unseen, and those at two that show how much their
    host's paths vary, or that only datagrams of one beginning show; unless hops say nothing on this network.
    """
    paths = PathConfidence.of(tally)
    if find(model, paths, [""] * len(paths.least)).strength is None:
        return None
    doubtful: Mask = (paths.least > 1) & paths.confirmed & ~paths.sure
    if not doubtful.any():
        return None
    theirs: Mask = doubtful.max(axis=1)
    more: Mask = doubtful | (paths.least == 2) & (theirs[:, None] | theirs[None, :])
    return more
