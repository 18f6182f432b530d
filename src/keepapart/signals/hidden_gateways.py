"""Hidden gateways: instances that don't sit right behind their host, where others do.

Even where every host is the gateway of its guests, an instance may be reached by a further gateway or more
within its host (a virtual machine that routes for its containers, a VPN), or past its host (a port of the
rack's router that is passed through to it). Then two instances of one host are more than two hops apart, and
steadily so. Their counts to everybody else give them away. Those at two hops from each other are taken
together as one *group*, whoever is at two hops from nobody is a group alone; the distance of two groups is
the least count between them. All of this is of groups, so that it hangs on no single instance's counts.

1. A group of several is *directly attached* to its host; so is one that was known to be so in the same
   network before. What directly attached groups count between each other are the network's own distances;
   where all of those are one group, the others' counts to it are taken for that.
2. No host lies on the way between two others. Group x lies between y and everybody else where
   d(y, z) = d(y, x) + d(x, z) − 2 for every other group z: x may be the host of y, behind whose gateway y
   sits, or a router above y's host, past which x sits. Then x and y are in doubt; where that is so of
   several y, they are in doubt among each other as well, and so are those within x. Who isn't directly
   attached and lies between any two others, if not between one and everybody, is in doubt with those.
3. Two instances of one host, behind a and b gateways, are 2 + a + b hops apart, and to each third the one
   counts a − b more than the other: by that, a and b are known. A pair whose counts don't fit that is in no
   doubt by it. Nor is one whose counts to the directly attached, the gateways taken away, are no distances
   between hosts: fewer than three (of one host that is their own, two), or odd where the network's own are
   even and nothing else shows odd ones.
4. Whoever isn't directly attached may be behind one gateway, if its counts less one are the network's own
   distances; behind any number, if it counts others than the network's own to those directly attached (where
   these are one group: an odd count, unless all are three, as hosts of one link are).
   So may whoever's counts are not those of a tree, where of three hosts' distances the two longest are equal.
5. What is not measured might be anything: it makes doubts and removes none. Where any count is lacking,
   whoever isn't directly attached may be behind any number of gateways. So measuring less separates no
   co-residents, and the order of the instances changes nothing. Of whom nothing is measured at all, nothing
   is thought.

A pair in doubt has a count that is only weak evidence of difference. What this can't see: gateways of
instances all of whose counts are such as hosts have; and a router within a host that several of its guests
share, where no plain guest of that host is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Labels, Mask, Places, components, edges, in_groups
from keepapart.signals.path_confidence import PathConfidence

LINK = 3  # hops between instances of different hosts that share a link; none are closer
COLUMNS = 128  # groups that a pair's counts are compared to, the directly attached ones first
FEW = 8  # of them that are compared first, which leaves few pairs

Distances = npt.NDArray[np.int16]  # hops between groups, 0 = not known


@dataclass(frozen=True, slots=True)
class _Groups:
    """Those at two hops from each other, as one.

    `of` [n] is the group of each instance. `between` [g, g] are the least counts, 0 where none is known;
    `attached` [g] says which are directly attached, `open` [g] which might be if all were measured.
    """

    of: Labels
    between: Distances
    attached: Mask
    open: Mask

    @classmethod
    def of_paths(cls, paths: PathConfidence, before: Mask | None) -> _Groups:
        """Sort instances into groups; `before` says who was directly attached earlier."""
        size = len(paths.least)
        of = components(size, edges(lambda rows: (paths.least[rows] == 2) & paths.sure[rows], size))
        order, starts = in_groups(of)
        counts = np.where(paths.sure, paths.least, np.uint8(0))
        gaps = (counts == 0).sum(axis=1) > 1  # oneself is never measured
        block = counts[np.ix_(order, order)] - np.uint8(1)  # 0 wraps to 255: it loses against every count
        least = np.minimum.reduceat(np.minimum.reduceat(block, starts, axis=0), starts, axis=1)
        between = (least + np.uint8(1)).astype(np.int16)
        np.fill_diagonal(between, 0)
        alone = np.ones(size, np.bool_) if before is None else ~before
        attached = np.bincount(of) > 1
        attached[of[~alone]] = True
        return cls(of, between, attached, attached | (np.bincount(of, gaps) > 0))

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


def in_doubt(paths: PathConfidence, before: Mask | None = None) -> Mask | None:
    """Say which pairs may be one host's, or another's, in spite of their counts, [n, n]; None where none may.

    `before` [n] says who was directly attached in the same network before.
    """
    groups = _Groups.of_paths(paths, before)
    doubt = _on_the_way(groups.between)
    if groups.open.any() and not groups.attached.all():
        doubt |= _past_hosts(groups) | _behind_gateways(groups)
    if not doubt.any():
        return None
    found: Mask = doubt[np.ix_(groups.of, groups.of)]
    np.fill_diagonal(found, val=False)
    return found


def directly_attached(paths: PathConfidence) -> Mask:
    """Say who is directly attached in this network from now on, [n]: also who gives no cause for doubt."""
    groups = _Groups.of_paths(paths, None)
    if not groups.attached.any():
        return groups.attached[groups.of]
    depth = _Depth.of(groups)
    heard = (groups.between[:, groups.attached] > 0).any(axis=1)
    plain = groups.attached | heard & ~depth.maybe_one & ~depth.maybe_many
    found: Mask = plain[groups.of]
    return found


def _on_the_way(between: Distances) -> Mask:
    """Say of which groups it is in doubt that they are different hosts, or one host each, by rule 2.

    Only the nearest group of all can lie between y and everybody else, as any other z is farther from y by
    d(x, z) − 2 at least. Several nearest ones may be one, where nothing was measured between them; and those
    not measured from y may be nearer, if the others' counts allow it.
    """
    size = len(between)
    doubt: Mask = np.zeros((size, size), np.bool_)
    behind: dict[int, list[int]] = {}
    heard = (between > 0).any(axis=1)
    if heard.sum() < 3:
        return doubt
    for y in np.flatnonzero(heard).tolist():
        row = between[y]
        nearest = np.flatnonzero(row == row[row > 0].min())
        unknown = np.flatnonzero((row == 0) & heard)
        alone = nearest[~(between[np.ix_(nearest, nearest)] > 0).any(axis=1)]
        candidates = np.concatenate([alone, unknown[unknown != y]])
        for x in _between_all(y, candidates, between).tolist():
            behind.setdefault(x, []).append(y)
    for x, several in behind.items():
        if len(several) > 1:
            doubt[np.ix_([x, *several], [x, *several])] = True
        else:
            doubt[x, several] = doubt[several, x] = True
    within = np.ones(size, np.bool_)
    within[[x for x, several in behind.items() if _lies_between(x, several, between)]] = False
    doubt[within, within] = False
    return doubt


def _lies_between(x: int, several: Sequence[int], between: Distances) -> bool:
    """Whether it was measured, and not only may be, that x lies between two groups and everybody else."""
    measured = [
        y for y in several if between[x, y] > 0 and np.count_nonzero((between[y] > 0) & (between[x] > 0)) > 0
    ]
    return len(measured) > 1


def _between_all(y: int, candidates: Places, between: Distances) -> Places:
    """Return those of `candidates` that may lie between y and every other group."""
    known = np.flatnonzero(between[y] > 0)
    for columns in (known[:FEW], known):
        theirs = between[np.ix_(candidates, columns)]
        longer = np.where(theirs > 0, between[y, columns] - theirs, np.int16(-255))  # so much farther is y
        most = longer.max(axis=1, initial=-255)
        same = ((theirs == 0) | (longer == most[:, None]) | (columns == candidates[:, None])).all(axis=1)
        measured = between[y, candidates]
        fits = np.where(measured > 0, most == measured - 2, most >= LINK - 2) | (most == -255)
        candidates = candidates[same & fits]
    return candidates


def _past_hosts(groups: _Groups) -> Mask:
    """Say whom those who aren't directly attached lie between, and so may share a host with (rule 2)."""
    between = groups.between
    doubt: Mask = np.zeros(between.shape, np.bool_)
    for x in np.flatnonzero(~groups.attached).tolist():
        others = np.flatnonzero(between[x] > 2)
        through = between[x, others][:, None] + between[x, others] - 2
        ends = (between[np.ix_(others, others)] == through).any(axis=1)
        doubt[x, others[ends]] = True
    return doubt | doubt.T


@dataclass(frozen=True, slots=True)
class _Depth:
    """How deep within their hosts groups may sit, [g] each: rule 4.

    `hosts` are the groups that others are compared to, by index: those directly attached, or, where there are
    none, those that might be; it takes `all` of the former to clear anybody, one of the latter. Where all
    distances that may be the network's own are `even`, no other is thought of.
    """

    maybe_one: Mask
    maybe_many: Mask
    hosts: Places
    all: bool
    even: bool

    @classmethod
    def of(cls, groups: _Groups) -> _Depth:
        """Find it out."""
        between, attached, free = groups.between, groups.attached, ~groups.attached
        some, gaps = bool(attached.any()), groups.gaps
        hosts = np.flatnonzero(attached if some else groups.open)
        to = between[:, hosts]
        among = to[hosts]
        several = some and len(hosts) > 1
        own: Distances = np.unique(among[among > 0]) if several else np.unique(to[to > 0])
        nearer = to - 1
        maybe_one = ((to == 0) | (nearer == 2) | np.isin(nearer, own)).all(axis=1) | gaps
        if several:
            maybe_many = ~np.isin(to, own).all(axis=1)
        else:
            maybe_many = np.full(len(between), bool((own % 2).any() and own.max() > LINK))
        maybe_many |= _out_of_tree(between, groups.columns) | gaps
        even = several and not ((own % 2).any() or (to == LINK).any() or _of_both_parities(to).any())
        if gaps:
            even = not (between % 2).any()
        return cls(maybe_one & free, maybe_many & free, hosts[:COLUMNS], some, even)


def _behind_gateways(groups: _Groups) -> Mask:
    """Say which groups may be one host's, behind gateways of their own (rules 3 and 4)."""
    depth = _Depth.of(groups)
    between = groups.between
    doubt: Mask = np.zeros(between.shape, np.bool_)
    for i in np.flatnonzero(depth.maybe_one | depth.maybe_many).tolist():
        doubt[i, _together(i, groups, depth)] = True
    return doubt | doubt.T


def _together(i: int, groups: _Groups, depth: _Depth) -> Places:
    """Return the groups that may be on the host of i (rule 3)."""
    apart, hosts = groups.between[i], depth.hosts
    others = np.flatnonzero((apart > 2) & (depth.maybe_many | depth.maybe_many[i] | (apart <= 4)))
    for some in (groups.columns[:FEW], groups.columns):
        others, ours, theirs = _fitting(i, others, groups, some)
    many = depth.maybe_many[i] | depth.maybe_many[others]
    one = (ours <= depth.maybe_one[i]) & (theirs <= depth.maybe_one[others])
    left = groups.between[i, hosts] - ours[:, None]
    counts = (groups.between[i, hosts] > 0) & (hosts != others[:, None])
    wrong = counts & ((left < 2) | (depth.even & (left % 2 == 1)))
    their_own = (counts & (left == 2)).astype(np.int16)
    known_apart = (groups.between[np.ix_(hosts, hosts)] > 2).astype(np.int16)  # only such two are two hosts
    two_hosts = ((their_own @ known_apart) * their_own > 0).any(axis=1)
    refuted = wrong.any(axis=1) | two_hosts
    if not depth.all:  # one that is attached, if at all, by a third is enough to stand beside
        lacking = (groups.between == 0).astype(np.int16)
        by_third = lacking[hosts].sum(axis=1) - 1 - lacking[i, hosts] - lacking[np.ix_(others, hosts)]
        refuted = (wrong | ~counts | (by_third <= 0)).all(axis=1)
    found: Places = others[(many | one) & ~refuted]
    return found


def _fitting(i: int, others: Places, groups: _Groups, columns: Places) -> tuple[Places, Distances, Distances]:
    """Keep of `others` whose counts to `columns` fit; return them, i's gateways and theirs."""
    between = groups.between
    mine, theirs = between[i, columns], between[np.ix_(others, columns)]
    known = (mine > 0) & (theirs > 0) & (columns != i) & (columns != others[:, None])
    more = np.where(known, mine - theirs, 0)
    apart, attached = between[i, others], groups.attached[others]
    # Where nothing is known of any third, the gateways are divided in some way that is possible.
    unknown = np.where(attached, apart - 2, (apart - 2) % 2)
    most = np.where(known.any(axis=1), more.max(axis=1, where=known, initial=-255), unknown)
    fits = ((more == most[:, None]) | ~known).all(axis=1)
    both, ours = apart - 2 + most, (apart - 2 + most) // 2
    its = ours - most
    keep = fits & (both % 2 == 0) & (ours >= 0) & (its >= 0) & ((its == 0) | ~attached)
    return others[keep], ours[keep], its[keep]


def _of_both_parities(hosts: Distances) -> Mask:
    """Say whose distances to some hosts are odd, to others even."""
    both: Mask = ((hosts > 0) & (hosts % 2 == 0)).any(axis=1) & (hosts % 2 == 1).any(axis=1)
    return both


def _out_of_tree(between: Distances, columns: Places) -> Mask:
    """Say whose counts to some two, with what is between these, have one that is longest alone (rule 4)."""
    out: Mask = np.zeros(len(between), np.bool_)
    for column in columns.tolist():
        a, b, c = between[:, column, None], between[:, columns], between[column, columns][None, :]
        longest = np.maximum(np.maximum(a, b), c)
        twice = ((a == longest).astype(np.int8) + (b == longest) + (c == longest)) > 1
        out |= (~twice & (a > 2) & (b > 2) & (c > 2)).any(axis=1)
    return out
