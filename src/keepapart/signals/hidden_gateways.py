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
2. No host lies on the way between two others. Group x lies between y and z where
   d(y, z) = d(y, x) + d(x, z) − 2. Where the network falls apart without those pairs, x may be the host of
   all that is cut off from the greater part, behind whose gateways they sit, or a router above their hosts,
   past which x sits. Then x and they are in doubt, and they are so among each other. So are those within x
   where several are cut off, as x may be a router where ports end; or where one is, unless x, no less than
   that one, is as far from some others as these are from each other. Where any of them is farther from x than
   a link, or what is left is not the greater part and none of it shows how far hosts are, x may be a router
   of all: then it is in doubt with everybody. Who isn't directly attached and lies between any two others is
   in doubt with those; where nobody is or might be, only who is a link away from one of the two.
3. Two instances of one host, behind a and b gateways, are 2 + a + b hops apart, and to each third the one
   counts a − b more than the other: by that, a and b are known. A pair whose counts don't fit that is in no
   doubt by it. Nor is one whose counts to the directly attached, the gateways taken away, are no distances
   between hosts: fewer than three (of one host that is their own, two), or odd where the network's own are
   even, reach as far, and nothing else shows odd ones.
4. Whoever isn't directly attached may be behind one gateway, if its counts less one are the network's own
   distances; behind any number, if it counts others than the network's own to those directly attached (where
   these are one group: an odd count, unless all are three, as hosts of one link are).
   So may whoever's counts are not those of a tree, where of three hosts' distances the two longest are equal.
5. Counts that are not sure, and those to translated addresses, make doubts by rule 2 as sure ones do, and
   remove none. What is not measured might be anything, and does so, too: where any count is lacking, whoever
   isn't directly attached may be behind any number of gateways. So measuring less separates no co-residents,
   and the order of the instances changes nothing. Of whom nothing is measured at all, nothing is thought.
6. Guests of one host count the same to every third. Two at two hops, of whom one counts by the same number
   more than the other to all others, have a router between them that is nobody's host, or one that doesn't
   count is on their way. Of whom any count varies nothing is thought by that: it may be chance.

A pair in doubt has a count that is only weak evidence of difference. What this can't see: gateways of
instances all of whose counts are such as hosts have; a port past its host whose router is on the way between
no two others; and a router within a host that several of its guests share, where no plain guest of that host
is measured, or where they are the greater part of what is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepapart.arrays import Labels, Mask, Places, components, distinct, edges, in_groups, least_between
from keepapart.signals.path_confidence import PathConfidence

LINK = 3  # hops between instances of different hosts that share a link; none are closer
COLUMNS = 128  # groups that a pair's counts are compared to, the directly attached ones first
FEW = 8  # of them that are compared first, which leaves few pairs

Distances = npt.NDArray[np.int16]  # hops between groups, 0 = not known


@dataclass(frozen=True, slots=True)
class _Groups:
    """Those at two hops from each other, as one.

    `of` [n] is the group of each instance. `between` [g, g] are the least counts, 0 where none is known;
    `maybe` [g, g] the same where those that are not sure are taken for right. `attached` [g] says which are
    directly attached, `open` [g] which might be if all were measured.
    """

    of: Labels
    between: Distances
    maybe: Distances
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
        between = least_between(counts, order, starts).astype(np.int16)
        way = paths.tally.way
        unsure = (counts == 0) & ((way > 0) & (way.T > 0) | paths.translated | (paths.least > 2))
        maybe = between
        if unsure.any():
            maybe = least_between(np.where(unsure, paths.least, counts), order, starts).astype(np.int16)
        alone = np.ones(size, np.bool_) if before is None else ~before
        attached = np.bincount(of) > 1
        attached[of[~alone]] = True
        return cls(of, between, maybe, attached, attached | (np.bincount(of, gaps) > 0))

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
    if (groups.maybe != groups.between).any():
        doubt |= _on_the_way(groups.maybe)
    if not groups.attached.all():
        doubt |= _past_hosts(groups)
        if groups.open.any():
            doubt |= _behind_gateways(groups)
    unlike = _unlike(paths, groups)
    if not doubt.any() and not unlike.any():
        return None
    found: Mask = doubt[np.ix_(groups.of, groups.of)] | unlike
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
    """Say of which groups it is in doubt that they are different hosts, or one host each, by rule 2."""
    doubt: Mask = np.zeros(between.shape, np.bool_)
    heard = np.flatnonzero((between > 0).any(axis=1))
    if len(heard) < 3:
        return doubt
    among = between[np.ix_(heard, heard)]
    for x in _suspected(among).tolist():
        cut = _cut_off(x, among)
        if not len(cut):
            continue
        through = among[x, cut][:, None] + among[x] - 2
        measured = (among[x] > 0) & (among[x, cut] > 0)[:, None] & (among[cut] == through)
        shown = cut[measured.any(axis=1)]
        itself, near = heard[x], heard[[x, *cut.tolist()]]
        within = doubt[near, near]
        doubt[np.ix_(near, near)] = True
        doubt[near, near] = within
        doubt[itself, itself] |= len(shown) > 1 or (
            len(shown) == 1 and not _like_others(x, shown[0], cut, among)
        )
        if (among[x, shown] > LINK).any() or _alone_left(x, cut, among):
            rest = heard[heard != itself]
            doubt[itself, rest] = doubt[rest, itself] = True
    return doubt


def _unlike(paths: PathConfidence, groups: _Groups) -> Mask:
    """Say which pairs within a group differ from each other by one number to all others, [n, n] (rule 6)."""
    size = len(paths.least)
    unlike: Mask = np.zeros((size, size), np.bool_)
    order, starts = in_groups(groups.of)
    for members in np.split(order, starts[1:]):
        if len(members) < 2 or len(starts) < 2:
            continue
        thirds = order[groups.of[order] != groups.of[members[0]]][:COLUMNS]
        at = np.ix_(members, thirds)
        varies = (paths.least[at] != paths.tally.most[at]).any(axis=1, keepdims=True)
        measured = np.where(varies | paths.translated[at], 0, paths.least[at]).astype(np.int16)
        counts, alike = np.unique(measured, axis=0, return_inverse=True)
        known = (counts[:, None] > 0) & (counts > 0)
        more = counts[:, None] - counts
        most = more.max(axis=-1, where=known, initial=-255)
        by_one = (most == more.min(axis=-1, where=known, initial=255)) & (most != 0)
        unlike[np.ix_(members, members)] = by_one[np.ix_(alike, alike)]
    return unlike


def _alone_left(x: int, cut: Places, between: Distances) -> bool:
    """Say whether of those that aren't cut off, fewer than those that are, none shows how far hosts are."""
    return 0 < len(between) - 1 - len(cut) <= len(cut) and not _as_far(x, x, cut, between)


def _like_others(x: int, within: int, cut: Places, between: Distances) -> bool:
    """Say whether x, no less than the group that may be within it, is as far from the others as they are."""
    as_x, as_within = (_as_far(one, x, cut, between) for one in (x, within))
    return as_x >= max(as_within, 1)


def _as_far(one: int, x: int, cut: Places, between: Distances) -> int:
    """Count who, neither x nor cut off, is as far from another such as that one is from `one`."""
    others = np.delete(np.arange(len(between)), [x, *cut.tolist()])
    among = between[np.ix_(others, others)]
    return int(((among == between[one, others]) & (among > 0)).sum())


def _suspected(between: Distances) -> Places:
    """Return the groups that may lie between some other and the one of which most is known."""
    first = int((between > 0).sum(axis=1).argmax())
    through = between[first][:, None] + between - 2  # from the first through x to z
    maybe = (between[first] == through) | (between == 0) | (between[first] == 0)
    np.fill_diagonal(maybe, val=False)
    maybe[:, first] = between[first] == 0
    found: Mask = maybe.any(axis=1)
    found[first] = True
    return np.flatnonzero(found)


def _cut_off(x: int, between: Distances) -> Places:
    """Return the groups that may reach others only through x: all but what is left of the network.

    That is the part in which more than half of all groups reach each other without x; or, where everything is
    measured, the only one that is farther from x than a link, where x is on the way between several that
    aren't. Else it may be any.
    """
    to = between[x], _least_to(x, between)
    others = np.flatnonzero(np.arange(len(between)) != x)
    left = others[np.argsort(-(between[others] > 0).sum(axis=1), kind="stable")]
    frontier, left = left[:1], left[1:]
    while len(left) and len(frontier):
        joined = _reach(left, frontier, to, between).any(axis=1)
        frontier, left = left[joined], left[~joined]
    joins = _reach(left, left, to, between)
    parts = np.full(len(between), -1, np.int32)
    parts[left] = components(len(left), edges(lambda rows: joins[rows], len(left)))
    of = parts[others] + 1  # what the first one reaches is 0
    sizes, far = np.bincount(of), distinct(of[between[x, others] > LINK])
    if 2 * sizes.max() > len(others):
        rest = sizes.argmax()
    elif len(far) == 1 and len(sizes) > 2 and np.count_nonzero(between) == between.size - len(between):
        rest = far[0]
    else:
        return others
    cut: Places = others[of != rest]
    return cut


def _reach(some: Places, these: Places, to: tuple[Distances, Distances], between: Distances) -> Mask:
    """Say who of `some` surely reaches whom of `these` otherwise than through the group that is so far.

    `to` are its distances as measured, and the least possible ones; where they aren't measured, it is only
    where the way through that group can't be as short.
    """
    known, least = to[0] > 0, to[1]
    direct, through = between[np.ix_(some, these)], least[some][:, None] + least[these] - 2
    measured = known[some][:, None] & known[these]
    found: Mask = (direct > 0) & np.where(measured, direct != through, direct < through)
    return found


def _least_to(x: int, between: Distances) -> Distances:
    """Return the distances of x to all; the least possible ones where they aren't known.

    Those of one host, two hops apart, are as far from every third.
    """
    known = between[x] > 0
    both = (between > 0) & known
    farther = np.where(both, between - between[x], 0).max(axis=1)
    apart = (both & (between != between[x])).any(axis=1)
    least = np.maximum(farther + 2, np.where(apart, LINK, LINK - 1))
    found: Distances = np.where(known, between[x], least).astype(np.int16)
    return found


def _past_hosts(groups: _Groups) -> Mask:
    """Say whom those who aren't directly attached lie between, and so may share a host with (rule 2)."""
    between = groups.between
    doubt: Mask = np.zeros(between.shape, np.bool_)
    for x in np.flatnonzero(~groups.attached).tolist():
        others = np.flatnonzero(between[x] > 2)
        to = between[x, others]
        ends = between[np.ix_(others, others)] == to[:, None] + to - 2
        if not groups.open.any():
            ends &= (to[:, None] == LINK) | (to == LINK)
        doubt[x, others[ends.any(axis=1)]] = True
    return doubt | doubt.T


@dataclass(frozen=True, slots=True)
class _Depth:
    """How deep within their hosts groups may sit, [g] each: rule 4.

    `hosts` are the groups that others are compared to, by index: those directly attached, or, where there are
    none, those that might be; it takes `all` of the former to clear anybody, one of the latter. Where all
    distances that may be the network's own are `even`, no other is thought of; but where there are `gaps`,
    hosts may share a link of which nothing was measured.
    """

    maybe_one: Mask
    maybe_many: Mask
    hosts: Places
    all: bool
    even: bool
    gaps: bool

    @classmethod
    def of(cls, groups: _Groups) -> _Depth:
        """Find it out."""
        between, attached, free = groups.between, groups.attached, ~groups.attached
        some, gaps = bool(attached.any()), groups.gaps
        hosts = np.flatnonzero(attached if some else groups.open)
        to = between[:, hosts]
        among = to[hosts]
        several = some and len(hosts) > 1
        own = distinct(among[among > 0] if several else to[to > 0])
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
        return cls(maybe_one & free, maybe_many & free, hosts[:COLUMNS], some, even, gaps)


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
    among = groups.between[np.ix_(hosts, hosts)]
    linked = counts & (left == LINK)  # with their host: so they are with each other
    odd = (left % 2 == 1) & ~(linked & depth.gaps) | _with_another(linked, among > LINK)
    if among.any() and depth.all:
        odd &= left <= among.max()  # farther the network shows nothing of its own
    wrong = counts & ((left < 2) | (depth.even & odd))
    two_hosts = _with_another(counts & (left == 2), among > 2)  # only such two are known to be two
    refuted = (wrong | two_hosts).any(axis=1)
    if not depth.all:  # one that is attached, if at all, by a third is enough to stand beside
        lacking = (groups.between == 0).astype(np.int16)
        by_third = lacking[hosts].sum(axis=1) - 1 - lacking[i, hosts] - lacking[np.ix_(others, hosts)]
        refuted = (wrong | ~counts | (by_third <= 0)).all(axis=1)
        mine, its = ((lacking[some].sum(axis=-1) - 1 - lacking[i, others]) for some in (i, others))
        thirds = (groups.between[i] > 0) & (groups.between[others] > 0)
        free = ~thirds.any(axis=1)  # no third of both: either of the two may have all of the gateways
        attached = (free | (ours == 0)) & (mine > 0) | (free | (theirs == 0)) & (its > 0)
        refuted &= ~attached  # one of the two itself, by a third
    found: Places = others[(many | one) & ~refuted]
    return found


def _with_another(some: Mask, pairs: Mask) -> Mask:
    """Say which of `some` [n, m] have another in the same row with whom they are one of `pairs` [m, m]."""
    found: Mask = some & (some.astype(np.int16) @ pairs.astype(np.int16) > 0)
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
