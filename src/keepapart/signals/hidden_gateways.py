"""Hidden gateways: instances that don't sit right behind their host, where others do.

Even where every host is the gateway of its guests, an instance may be reached by a further gateway or more
within its host (a virtual machine that routes for its containers, a VPN), or past its host. Then two
instances of one host are more than two hops apart, and steadily so. Their counts to everybody else give them
away. All of this is of groups (`groups.py`), so that it hangs on no single instance's counts.

1. Whoever lies on the way between others, or counts unlike its own group, is in doubt (`on_the_way.py`).
2. Two instances of one host, behind a and b gateways, are 2 + a + b hops apart, and to each third the one
   counts a − b more than the other: by that, a and b are known. A pair whose counts don't fit that is in no
   doubt by it. Nor is one whose counts to the directly attached, the gateways taken away, are no distances
   between hosts: fewer than three (of one host that is their own, two), or odd where the network's own are
   even, reach as far, and nothing else shows odd ones. Where all who are directly attached are one group, the
   others' counts to it are taken for the network's own.
3. Whoever isn't directly attached may be behind one gateway, if its counts less one are the network's own
   distances; behind any number, if it counts others than the network's own to those directly attached (where
   these are one group: an odd count, unless all are three, as hosts of one link are).
   So may whoever's counts are not those of a tree, where of three hosts' distances the two longest are equal.
4. Counts that are not sure, and those to translated addresses, make doubts by rule 1 as sure ones do, and
   remove none. What is not measured might be anything, and does so, too: where any count is lacking, whoever
   isn't directly attached may be behind any number of gateways. So measuring less separates no co-residents,
   and the order of the instances changes nothing. Of whom nothing is measured at all, nothing is thought.

A pair in doubt has a count that is only weak evidence of difference. What this can't see: gateways of
instances all of whose counts are such as hosts have; and what `on_the_way.py` can't.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keepapart.arrays import Mask, Places, distinct
from keepapart.signals.groups import COLUMNS, LINK, Distances, Groups
from keepapart.signals.on_the_way import on_the_way, past_hosts, unlike
from keepapart.signals.path_confidence import PathConfidence

FEW = 8  # of the groups that a pair's counts are compared to: those first, which leaves few pairs


def in_doubt(paths: PathConfidence, before: Mask | None = None) -> Mask | None:
    """Say which pairs may be one host's, or another's, in spite of their counts, [n, n]; None where none may.

    `before` [n] says who was directly attached in the same network before.
    """
    groups = Groups.of_paths(paths, before)
    doubt = on_the_way(groups.between)
    if (groups.maybe != groups.between).any():
        doubt |= on_the_way(groups.maybe)
    if not groups.attached.all():
        doubt |= past_hosts(groups)
        if groups.open.any():
            doubt |= _behind_gateways(groups)
    within = unlike(paths, groups)
    if not doubt.any() and not within.any():
        return None
    found: Mask = doubt[np.ix_(groups.of, groups.of)] | within
    np.fill_diagonal(found, val=False)
    return found


def directly_attached(paths: PathConfidence) -> Mask:
    """Say who is directly attached in this network from now on, [n]: also who gives no cause for doubt."""
    groups = Groups.of_paths(paths, None)
    if not groups.attached.any():
        return groups.attached[groups.of]
    depth = _Depth.of(groups)
    heard = (groups.between[:, groups.attached] > 0).any(axis=1)
    plain = groups.attached | heard & ~depth.maybe_one & ~depth.maybe_many
    found: Mask = plain[groups.of]
    return found


@dataclass(frozen=True, slots=True)
class _Depth:
    """How deep within their hosts groups may sit, [g] each: rule 3.

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
    def of(cls, groups: Groups) -> _Depth:
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


def _behind_gateways(groups: Groups) -> Mask:
    """Say which groups may be one host's, behind gateways of their own (rules 2 and 3)."""
    depth = _Depth.of(groups)
    between = groups.between
    doubt: Mask = np.zeros(between.shape, np.bool_)
    for i in np.flatnonzero(depth.maybe_one | depth.maybe_many).tolist():
        doubt[i, _together(i, groups, depth)] = True
    return doubt | doubt.T


def _together(i: int, groups: Groups, depth: _Depth) -> Places:
    """Return the groups that may be on the host of i (rule 2)."""
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


def _fitting(i: int, others: Places, groups: Groups, columns: Places) -> tuple[Places, Distances, Distances]:
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
    """Say whose counts to some two, with what is between these, have one that is longest alone (rule 3)."""
    out: Mask = np.zeros(len(between), np.bool_)
    for column in columns.tolist():
        a, b, c = between[:, column, None], between[:, columns], between[column, columns][None, :]
        longest = np.maximum(np.maximum(a, b), c)
        twice = ((a == longest).astype(np.int8) + (b == longest) + (c == longest)) > 1
        out |= (~twice & (a > 2) & (b > 2) & (c > 2)).any(axis=1)
    return out
