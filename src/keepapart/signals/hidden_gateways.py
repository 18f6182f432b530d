"""Depth: instances that may sit behind further gateways while others sit right behind their hosts.

Where a pair at two hops has shown that hosts are gateways, an instance of the same network may still be
reached through another gateway or more of its own. Two such instances of one host are more than two hops
apart, and steadily so. Their counts to everybody else give them away:

1. An instance at two hops from another stands right behind its host: it has *footing*, and so have others of
   the same network later on if they give no cause for doubt now. What those with footing on different hosts
   count between each other are the network's own distances. Where all footing is on one host, the others'
   counts to it are taken for that.
2. Two instances of one host, behind a and b gateways, are 2 + a + b hops apart, and to each third the one
   counts a - b more than the other: by that, a and b are known. A pair whose counts don't fit is in no doubt.
   Nor is one whose counts to those with footing, the gateways taken away, are no distances between hosts:
   fewer than three, or odd where the network's own are even and nothing else shows odd ones (a count of
   three, or one instance's counts to several hosts).
3. Anybody without footing may be behind one gateway, if its counts less one are the network's own distances.
4. It may be behind any number, if its counts are strange: not as those of a tree, where of three hosts'
   distances the two longest are equal; or, to those with footing, others than the network's own; or, where
   all footing is on one host, if anybody's to that are odd, unless all are three, as hosts of one link are.
5. A pair that fits is in doubt. Its count is only weak evidence of difference then.

What this can't see: gateways of instances all of whose counts are such as hosts have; and a router within a
host that several of its guests share, which looks like a host itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Mask, Places, components, edges
from keepapart.signals.path_confidence import PathConfidence

LINK = 3  # hops between instances of different hosts that share a link; none are closer
COLUMNS = 128  # instances that a pair's counts are compared to
FEW = 8  # of them that are compared first, which leaves few pairs

Distances = npt.NDArray[np.int16]  # hops, 0 = not known


@dataclass(frozen=True, slots=True)
class _Ground:
    """What is known of where instances stand.

    `footing` [n] says who has it. `columns` are who counts are compared to: one of each host with footing
    first, `hosts` of them, then others. `to` [n, columns] are everybody's counts to them. Who may be behind
    one gateway is `hidden` [n], who behind any number `strange` [n]. Where all the network's own distances
    are `even`, no other is thought of.
    """

    footing: Mask
    columns: Places
    hosts: int
    to: Distances
    hidden: Mask
    strange: Mask
    even: bool

    @classmethod
    def of(cls, paths: PathConfidence, before: Mask | None) -> _Ground | None:
        """Find it out, by rules 1, 3 and 4; None where nobody has footing, or everybody."""
        footing = _at_two_hops(paths) if before is None else _at_two_hops(paths) | before
        if not footing.any() or footing.all():
            return None
        size, standing = len(footing), np.flatnonzero(footing)
        groups = components(size, edges(lambda rows: paths.least[rows] == 2, size))
        first = standing[np.unique(groups[standing], return_index=True)[1]]
        others = np.flatnonzero(~np.isin(np.arange(size), first))
        columns = np.concatenate([first, others])[:COLUMNS]
        to = np.where(paths.sure[:, columns], paths.least[:, columns], 0).astype(np.int16)
        hosts = to[:, : len(first)]
        between = hosts[columns[: len(first)]]
        own = np.unique(between[between > 2])
        if len(own):
            strange = ((hosts > 2) & ~np.isin(hosts, own)).any(axis=1)
            even = not ((own % 2).any() or (hosts == LINK).any() or _of_both_parities(hosts).any())
        else:
            counts = hosts[~footing]
            own = np.unique(counts[counts > 2])
            strange = np.full(size, (own % 2).any() and own.max() > LINK)
            even = False
        strange = strange | _out_of_tree(to, to[columns])
        nearer = hosts - 1
        hidden = ((hosts == 0) | (nearer == 2) | np.isin(nearer, own)).all(axis=1)
        return cls(footing, columns, hosts.shape[1], to, hidden & ~footing, strange & ~footing, even)

    def together(self, i: int, apart: Distances) -> Places:
        """Say which instances may be on the host of i, from which they are so many hops `apart` (rule 2)."""
        others = np.flatnonzero((apart > 2) & (self.strange | self.strange[i] | (apart <= 4)))
        for some in (slice(FEW), slice(None)):
            others, ours, theirs = self._fitting(i, apart[others], others, some)
        deep = self.strange[i] | self.strange[others]
        shallow = (ours <= self.hidden[i]) & (theirs <= self.hidden[others])
        left = self.to[i, : self.hosts] - ours[:, None]
        counts = (self.to[i, : self.hosts] > 0) & (self.columns[: self.hosts] != others[:, None])
        wrong = (left < 2) | (self.even & (left % 2 == 1))
        possible = ~(counts & wrong).any(axis=1) & ((counts & (left == 2)).sum(axis=1) <= 1)
        found: Places = others[(deep | shallow) & possible]
        return found

    def _fitting(
        self, i: int, apart: Distances, others: Places, some: slice
    ) -> tuple[Places, Distances, Distances]:
        """Keep of `others` whose counts to `some` fit; return them, i's gateways and theirs."""
        columns, mine, theirs = self.columns[some], self.to[i, some], self.to[others, some]
        known = (mine > 0) & (theirs > 0) & (columns != i) & (columns != others[:, None])
        more = np.where(known, mine - theirs, 0)
        # Where nothing is known of any third, the gateways are divided in some way that is possible.
        unknown = np.where(self.footing[others], apart - 2, (apart - 2) % 2)
        most = np.where(known.any(axis=1), more.max(axis=1, where=known, initial=-255), unknown)
        fits = (more == most[:, None]) | ~known
        both, ours = apart - 2 + most, (apart - 2 + most) // 2
        its = ours - most
        keep = (
            fits.all(axis=1)
            & (both % 2 == 0)
            & (ours >= 0)
            & (its >= 0)
            & ((its == 0) | ~self.footing[others])
        )
        return others[keep], ours[keep], its[keep]


def in_doubt(paths: PathConfidence, footing: Mask | None = None) -> Mask | None:
    """Say which pairs beyond two hops may be one host's all the same, [n, n]; None where none may.

    `footing` [n] says who had it before, in the same network.
    """
    ground = _Ground.of(paths, footing)
    if ground is None or not (ground.hidden | ground.strange).any():
        return None
    doubt: Mask = np.zeros(paths.least.shape, np.bool_)
    for i in np.flatnonzero(ground.hidden | ground.strange).tolist():
        apart = np.where(paths.sure[i], paths.least[i], 0).astype(np.int16)
        doubt[i, ground.together(i, apart)] = True
    return doubt | doubt.T


def footing_of(paths: PathConfidence) -> Mask:
    """Say who has footing in this network from now on, [n]."""
    ground = _Ground.of(paths, None)
    if ground is None:
        return _at_two_hops(paths)
    heard = (ground.to[:, : ground.hosts] > 0).any(axis=1)
    return ground.footing | heard & ~ground.hidden & ~ground.strange


def _at_two_hops(paths: PathConfidence) -> Mask:
    two: Mask = (paths.least == 2).max(axis=1, initial=False)
    return two


def _of_both_parities(hosts: Distances) -> Mask:
    """Say whose distances to some hosts are odd, to others even."""
    both: Mask = ((hosts > 0) & (hosts % 2 == 0)).any(axis=1) & (hosts % 2 == 1).any(axis=1)
    return both


def _out_of_tree(to: Distances, between: Distances) -> Mask:
    """Say whose counts to some two, with what is `between` these, have one that is longest alone (rule 4)."""
    out: Mask = np.zeros(len(to), np.bool_)
    for one, distances in zip(to.T, between, strict=True):
        a, b, c = one[:, None], to, distances[None, :]
        longest = np.maximum(np.maximum(a, b), c)
        twice = ((a == longest).astype(np.int8) + (b == longest) + (c == longest)) > 1
        out |= (~twice & (a > 2) & (b > 2) & (c > 2)).any(axis=1)
    return out
