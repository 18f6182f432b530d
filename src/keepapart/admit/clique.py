"""The best set: as many candidates as possible of which every two are apart. Exact.

It is a maximum clique, found by branch and bound: a set of candidates can hold no more of a clique than it
takes colours to paint it so that no two who are apart share a colour (Tomita and Seki, "An efficient
branch-and-bound algorithm for finding a maximum clique", DMTCS 2003). Who isn't apart mostly shares a host,
so colours are hosts and the first bound is the answer; even where nothing is known of most pairs, a hundred
candidates take milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence


def maximum_clique(apart: Sequence[int], enough: int) -> tuple[int, ...]:
    """Return the largest set, or the first of `enough`, as ascending indices; of equals the earliest found.

    Bit j of `apart[i]` says that i and j are apart; it has to be set both ways.
    """
    best: list[int] = []

    def grow(chosen: list[int], left: int) -> None:
        nonlocal best
        if len(chosen) > len(best):
            best = chosen
        order = _painted(apart, left)
        while order and len(best) < enough:
            index, colours = order.pop()
            if len(chosen) + colours <= len(best):
                return
            grow([*chosen, index], left & apart[index])
            left &= ~(1 << index)

    grow([], (1 << len(apart)) - 1)
    return tuple(sorted(best))


def _painted(apart: Sequence[int], left: int) -> list[tuple[int, int]]:
    """Paint the set greedily; return its members by colour, each with the colours used up to there."""
    order: list[tuple[int, int]] = []
    colour = 0
    while left:
        colour += 1
        alike = left
        while alike:
            index = alike.bit_length() - 1  # the last first, so that the earliest are tried first
            alike &= ~((1 << index) | apart[index])
            left &= ~(1 << index)
            order.append((index, colour))
    return order
