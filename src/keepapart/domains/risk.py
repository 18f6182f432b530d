"""Risk: what a failure takes down, and the fewest moves after which any one host may go. Pure.

1. A cluster of n survives the loss of a host if at least `need` members live on elsewhere: a majority, or a
   number.
2. Unknown is never separate. The cluster is called safe only if it survives in every placement that the
   verdicts allow, unsafe if it does in none, and otherwise neither.
3. What is down counts as down: it is on no host and lost already, whatever fails next. Where fewer than
   `need` run, the cluster isn't quorate, and survives nothing.
4. A host may hold as many members as may be lost: those that run beyond `need`. Moving what is above that
   from each known host, to hosts of their own, is the least that makes the cluster survive any of these.
   Where nothing may be lost, what may be lost of all members counts, as those that are down are to come back;
   and one may always stay.
5. Of members that nobody asked about it is known only whether they run: they may be on any host.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keepapart.domains.fault_domains import Domains
from keepapart.model import Instance


@dataclass(frozen=True, slots=True)
class Risk:
    """What one host failure costs.

    Of the cluster's `size` members `need` must live on, `running` run now, and `down` are the ids of the
    others; `unasked` of those that run were not asked about. `survives` is None where unknown pairs leave it
    open. `worst` is the name of the host with the most members, None where none is known, and `lost` are the
    ids on it; `most` is how many members one host may take at the most, known or not. `replace` are the
    fewest ids to replace, or to move, so that any known host may fail (rule 4); `spread` those to replace so
    that each known host keeps one.
    """

    size: int
    need: int
    running: int
    unasked: int
    down: Sequence[str]
    survives: bool | None
    worst: str | None
    lost: Sequence[str]
    most: int
    replace: Sequence[str]
    spread: Sequence[str]

    @property
    def quorate(self) -> bool:
        """Whether enough members run now."""
        return self.running >= self.need

    @property
    def by_majority(self) -> bool:
        """Whether what the cluster needs is a majority."""
        return self.need == majority(self.size)


@dataclass(frozen=True, slots=True)
class Loss:
    """What the failure of a whole domain of `level` costs, beside what is down already.

    `lost` are the members known to be in it, `most` as many as may be. `survives` is None where it hangs on
    who else is in it.
    """

    level: str
    name: str
    lost: int
    most: int
    survives: bool | None


def losses(domains: Domains, of: Risk) -> Iterator[Loss]:
    """Say of each domain, hosts first and stated ones last, what its failure costs (rules 2, 3 and 5)."""
    for level, found in domains.levels.items():
        for domain in found:
            lost, most = len(domain.members), domain.most + of.unasked
            yield Loss(level, domain.name, lost, most, _survives(of.running, of.need, lost, most))


def majority(size: int) -> int:
    """Return how many of so many are a majority."""
    return size // 2 + 1


def needed(survive: str | int, size: int) -> int:
    """Return how many members must live on, which may be more than there are."""
    return survive if isinstance(survive, int) else majority(size)


def risk(
    ids: Sequence[str],
    domains: Domains,
    reached: Sequence[bool],
    survive: str | int,
    unasked: Sequence[Instance] = (),
) -> Risk:
    """Say what the failure of any one host does to the cluster of the instances `ids` and the `unasked`.

    Of a host's members those that were reached stay first; the others are to be replaced.
    """
    size, beside = len(ids) + len(unasked), sum(instance.running for instance in unasked)
    need, running, most = needed(survive, size), domains.running + beside, domains.most + beside
    worst = max(domains.hosts, key=lambda host: len(host.members), default=None)
    known = len(worst.members) if worst else min(1, running)
    may_be_lost = running - need if running > need else max(size - need, 1)
    replace: list[str] = []
    spread: list[str] = []
    for host in domains.hosts:
        leave_last = [ids[i] for i in sorted(host.members, key=lambda i: (not reached[i], i))]
        replace += leave_last[may_be_lost:]
        spread += leave_last[1:]
    return Risk(
        size=size,
        need=need,
        running=running,
        unasked=beside,
        down=[
            *(ids[i] for i in domains.down),
            *(instance.id for instance in unasked if not instance.running),
        ],
        survives=_survives(running, need, known, most),
        worst=worst.name if worst else None,
        lost=[ids[i] for i in worst.members] if worst else [],
        most=most,
        replace=replace,
        spread=spread,
    )


def _survives(running: int, need: int, least: int, most: int) -> bool | None:
    """Say whether `need` of those running live on where at least `least` and at most `most` are lost."""
    if running - least < need:
        return False
    return True if running - most >= need else None
