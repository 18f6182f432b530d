"""Groups: instances that are two hops from each other, taken together, so that nothing hangs on one's counts.

Whoever is at two hops from nobody is a group alone; the distance of two groups is the least count between
them. A group of several is *directly attached* to its host; so is one that was known to be so in the same
network before. What directly attached groups count between each other are the network's own distances.

No distance is longer than the way by the last router before a third that is near one of the two. What two
alone count more, a firewall or a tunnel makes for them; taken for a distance it would be a way around that
third, and clear others by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Labels, Mask, Places, components, edges, in_groups, least_between
from keepapart.signals.path_confidence import PathConfidence

LINK = 3  # hops between instances of different hosts that share a link; none are closer
NEAR = 64  # groups by which the way between two may be shorter, of each those that are nearest
FEWEST = 8  # of them where there are many groups
WORK = 1_000_000_000  # ways by thirds that are looked at, at most, unless these are the fewest
FAR = 10_000  # hops, where they aren't known
COLUMNS = 128  # groups that a pair's counts are compared to, the directly attached ones first

Distances = npt.NDArray[np.int16]  # hops between groups, 0 = not known


@dataclass(frozen=True, slots=True)
class Groups:
    """Those at two hops from each other, as one.

    `of` [n] is the group of each instance. `between` [g, g] are their distances, 0 where none is known;
    `maybe` [g, g] the same where those that are not sure are taken for right. `attached` [g] says which are
    directly attached, `open` [g] which might be if all were measured.
    """

    of: Labels
    between: Distances
    maybe: Distances
    attached: Mask
    open: Mask

    @classmethod
    def of_paths(cls, paths: PathConfidence, before: Mask | None) -> Groups:
        """Sort instances into groups; `before` says who was directly attached earlier."""
        size = len(paths.least)
        of = components(size, edges(lambda rows: (paths.least[rows] == 2) & paths.sure[rows], size))
        order, starts = in_groups(of)
        counts = np.where(paths.sure, paths.least, np.uint8(0))
        gaps = (counts == 0).sum(axis=1) > 1  # oneself is never measured
        between = least_between(counts, order, starts).astype(np.int16)
        way = paths.tally.way
        unsure = (counts == 0) & ((way > 0) & (way.T > 0) | paths.translated | (paths.least > 2))
        maybe = between
        if unsure.any():
            maybe = least_between(np.where(unsure, paths.least, counts), order, starts).astype(np.int16)
        alone = np.ones(size, np.bool_) if before is None else ~before
        attached = np.bincount(of) > 1
        attached[of[~alone]] = True
        distances = shortest(between)
        maybe = np.where(maybe == between, distances, maybe)  # what isn't sure is no way between others
        return cls(of, distances, maybe, attached, attached | (np.bincount(of, gaps) > 0))

    @property
    def gaps(self) -> bool:
        """Whether anything is not measured between any of whom something is."""
        heard = (self.between > 0).any(axis=1)
        return bool(np.count_nonzero(self.between) < heard.sum() * (heard.sum() - 1))

    @property
    def columns(self) -> Places:
        """The groups that others' counts are compared to."""
        firsts, others = np.flatnonzero(self.attached), np.flatnonzero(~self.attached)
        return np.concatenate([firsts, others])[:COLUMNS]


def shortest(between: Distances) -> Distances:
    """Return distances, known where they are, of which none is longer than the way by a near third."""
    found = between.copy()
    np.fill_diagonal(found, 0)
    while ((by_third := _by_third(found)) < found).any():
        found = np.minimum(found, by_third)
    np.fill_diagonal(found, between.diagonal())
    return found


def _by_third(between: Distances) -> Distances:
    """Return how far it is at most between two by way of a third that is near one of them."""
    size = len(between)
    some = min(NEAR, size - 1, max(FEWEST, WORK // max(1, size * size)))
    far = np.where(between > 0, between, np.int16(FAR))
    found = np.full_like(between, FAR)
    if some > 1:
        near = np.argpartition(far, some - 1, axis=1)[:, :some]
        for one, thirds in enumerate(near):
            found[one] = (far[one, thirds, None] + far[thirds] - 2).min(axis=0)
    return np.minimum(found, found.T)
