"""On the way: who lies between two others, or isn't where its counts say, though every host is a gateway.

An instance may be reached past its host (a port of the rack's router that is passed through to it), or by a
router within it that others share (a virtual machine with containers). Among `groups.py`'s groups that shows:

1. No host lies on the way between two others. Group x lies between y and z where
   d(y, z) = d(y, x) + d(x, z) − 2. Where the network falls apart without those pairs, x may be the host of
   all that is cut off from the greater part, behind whose gateways they sit, or a router above their hosts,
   past which x sits. Then x and they are in doubt, and they are so among each other. So are those within x
   where several are cut off, as x may be a router where ports end; or where one is, unless x, no less than
   that one, is as far from some others as these are from each other. Where any of them is farther from x than
   a link, or what is left is not the greater part and none of it shows how far hosts are, x may be a router
   of all: then it is in doubt with everybody.
2. Who isn't directly attached and lies between any two others is in doubt with those; where nobody is or
   might be, only who is a link away from one of the two.
3. Guests of one host count the same to every third. Two at two hops, of whom one counts by the same number
   more than the other to all others, have a router between them that is nobody's host, or one that doesn't
   count is on their way. Of whom any count varies nothing is thought by that: it may be chance.

What isn't measured is no way around anything: it may be two hops. A port past its host whose router is on the
way between no two others can't be seen so, nor can a router within a host that several of its guests share,
where no plain guest of that host is measured, or where they are the greater part of what is measured.
"""

from __future__ import annotations

import numpy as np

from keepapart.arrays import Mask, Places, components, distinct, edges, in_groups
from keepapart.signals.groups import COLUMNS, LINK, Distances, Groups
from keepapart.signals.path_confidence import PathConfidence


def on_the_way(between: Distances) -> Mask:
    """Say of which groups it is in doubt that they are different hosts, or one host each (rule 1)."""
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


def past_hosts(groups: Groups) -> Mask:
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


def unlike(paths: PathConfidence, groups: Groups) -> Mask:
    """Say which pairs within a group differ from each other by one number to all others, [n, n] (rule 3)."""
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
