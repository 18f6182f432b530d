"""The heaviest clique: a set of nodes of which every two are joined, of the greatest weight. Exact.

It is found by branch and bound. Where nodes are painted so that no two who are joined share a colour, a
clique has at most one of each, so it weighs no more than the heaviest node of each colour together (Tomita
and Seki, "An efficient branch-and-bound algorithm for finding a maximum clique", DMTCS 2003). Of candidates,
who isn't apart mostly shares a host, so colours are hosts and the first bound is the answer; even where
nothing is known of most pairs, a hundred of them take milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clique:
    """A clique: its `members`, as ascending indices, and their `weight`.

    None that was asked for weighs more than `most`, which is `weight` unless the search was given up. `work`
    is how many nodes were painted.
    """

    members: tuple[int, ...]
    weight: int
    most: int
    work: int


@dataclass(slots=True)
class _Branch:
    """A choice among nodes of which each is joined to all that are chosen already.

    `left` are the nodes, as bits; `order` the same with the most that they and all before them add.
    """

    weight: int
    left: int
    order: list[tuple[int, int]]

    @property
    def most(self) -> int:
        """What may be reached here at the most."""
        return self.weight + (self.order[-1][1] if self.order else 0)


def heaviest_clique(
    joined: Sequence[int],
    weights: Sequence[int],
    *,
    among: int | None = None,
    enough: float = math.inf,
    work: float = math.inf,
) -> Clique:
    """Return the heaviest clique, or the first that weighs `enough`; of equals the earliest found.

    Bit j of `joined[i]` says that i and j are joined; it has to be set both ways. `weights` are above 0. With
    `among`, only nodes whose bits are set in it count. The search is given up after painting `work` nodes.
    """
    left = (1 << len(joined)) - 1 if among is None else among
    best: list[int] = []
    heaviest, painted = 0, left.bit_count()
    chosen: list[int] = []
    branches = [_Branch(0, left, _painted(joined, weights, left))]
    while branches and heaviest < enough and painted <= work:
        branch = branches[-1]
        if branch.most <= heaviest:
            branches.pop()
            del chosen[-1:]
            continue
        index, _ = branch.order.pop()
        branch.left &= ~(1 << index)
        chosen.append(index)
        weight, left = branch.weight + weights[index], branch.left & joined[index]
        if weight > heaviest:
            best, heaviest = sorted(chosen), weight
        branches.append(_Branch(weight, left, _painted(joined, weights, left)))
        painted += left.bit_count()
    most = max([heaviest, *(branch.most for branch in branches)]) if heaviest < enough else heaviest
    return Clique(tuple(best), heaviest, most, painted)


def _painted(joined: Sequence[int], weights: Sequence[int], left: int) -> list[tuple[int, int]]:
    """Paint the set greedily; return its members by colour, each with what the colours up to there weigh."""
    order: list[tuple[int, int]] = []
    most = 0
    while left:
        alike, colour = left, []
        while alike:
            index = alike.bit_length() - 1  # the last first, so that the earliest are tried first
            alike &= ~((1 << index) | joined[index])
            left &= ~(1 << index)
            colour.append(index)
        most += max(weights[index] for index in colour)
        order += [(index, most) for index in colour]
    return order
