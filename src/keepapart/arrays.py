"""Labels, one for each instance, and connected components: who is joined with whom by a chain of pairs.

scipy is imported only where numpy won't do: that takes longer than a node to start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Sizes = npt.NDArray[np.int64]
Edges = tuple[Places, Places]

ROWS = 256  # of a matrix that are searched at once


def edges(rows_of: Callable[[slice], Mask], size: int) -> Edges:
    """Return the entries (i, j), i < j, that are true in a symmetric mask [size, size], of which `rows_of`
    makes some rows at a time: it need never be there as a whole.
    """
    nothing = np.zeros(0, np.intp)
    found: list[Edges] = [(nothing, nothing)]
    for rows in blocks(size):
        i, j = np.nonzero(rows_of(rows))
        i += rows.start
        found.append((i[i < j], j[i < j]))
    return np.concatenate([i for i, _ in found]), np.concatenate([j for _, j in found])


def blocks(size: int) -> Iterator[slice]:
    """Yield slices that cover `size` rows, `ROWS` at a time."""
    return (slice(start, min(start + ROWS, size)) for start in range(0, size, ROWS))


def components(size: int, joins: Edges, start: Labels | None = None) -> Labels:
    """Label the components, numbered from 0, that edges make of `size` nodes.

    `start` are labels from 0 without gaps that nodes share from the beginning.
    """
    labels = np.arange(size, dtype=np.int32) if start is None else start
    a, b = (labels[ends] for ends in joins)
    # Everybody points to itself or to somebody of its component with a lower number, at last the lowest.
    lowest = np.arange(int(labels.max(initial=-1)) + 1, dtype=np.int32)
    while ((one := lowest[a]) != (other := lowest[b])).any():
        lower = np.minimum(one, other)
        np.minimum.at(lowest, one, lower)
        np.minimum.at(lowest, other, lower)
        while (onward := lowest[lowest]).tobytes() != lowest.tobytes():
            lowest = onward
    return compact(lowest)[labels]


def compact(labels: Labels) -> Labels:
    """Renumber labels from 0 without gaps."""
    renumbered: Labels = np.unique(labels, return_inverse=True)[1].astype(np.int32)
    return renumbered


def distinct(numbers: npt.NDArray[np.integer[Any]]) -> Places:
    """Return the different ones of numbers from 0 on, in order.

    `numpy.unique` finds them too, and imports masked arrays for it: longer than a node takes to start.
    """
    return np.flatnonzero(np.bincount(numbers.ravel()))


def either(mask: Mask, these: Labels, others: Labels) -> Labels:
    """Number who is together: by `these` where the mask is true, by `others` elsewhere, and nobody across."""
    return compact(np.where(mask, these, others + (int(these.max(initial=-1)) + 1)))


def grown(joined: Labels, groups: Labels) -> Iterator[Places]:
    """Yield the members of each joined component that more than one of `groups` went into."""
    order, starts = in_groups(joined)
    for members in np.split(order, starts[1:]):
        if len(members) > 1 and (groups[members] != groups[members[0]]).any():
            yield members


def chained(rows_of: Callable[[slice], Mask], size: int) -> Iterator[Places]:
    """Yield the members of each chain of pairs that a mask joins; it is made as for `edges`."""
    return grown(components(size, edges(rows_of, size)), np.arange(size, dtype=np.int32))


def shortest_chain(size: int, joins: Edges, start: int, end: int) -> list[int]:
    """Return the nodes of a shortest path between two that edges of `size` nodes join, with both ends."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order

    graph = coo_array((np.ones(len(joins[0]), np.int8), joins), shape=(size, size)).tocsr()
    before = breadth_first_order(graph, start, directed=False)[1]
    chain = [end]
    while chain[-1] != start:
        chain.append(int(before[chain[-1]]))
    return chain[::-1]


def sizes_of(labels: Labels) -> Sizes:
    """Return how many have each one's label, itself among them, [n]."""
    sizes: Sizes = np.bincount(labels).astype(np.int64)[labels]
    return sizes


def least_between(counts: npt.NDArray[np.uint8], order: Places, starts: Places) -> npt.NDArray[np.uint8]:
    """Return the least count [g, g] between groups, 0 where there is none, and of a group with itself.

    `counts` are of all nodes, 0 where not known; `order` has the nodes group by group, each from its start.
    """
    if not len(starts):
        return np.zeros((0, 0), np.uint8)
    # 0 - 1 wraps to 255, the largest: what isn't known loses against every count.
    block = counts[np.ix_(order, order)] - np.uint8(1)
    between: npt.NDArray[np.uint8] = np.minimum.reduceat(
        np.minimum.reduceat(block, starts, axis=0), starts, axis=1
    )
    between += np.uint8(1)
    np.fill_diagonal(between, 0)
    return between


def in_groups(labels: Labels) -> tuple[Places, Places]:
    """Return the nodes in the order of their labels, and where each label starts."""
    order = np.argsort(labels, kind="stable")
    return order, np.flatnonzero(np.diff(labels[order], prepend=-1))
