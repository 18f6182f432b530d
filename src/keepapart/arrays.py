"""Labels, one for each instance, and connected components: who is joined with whom by a chain of pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

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
    a, b = joins
    count = int(labels.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(a), np.int8), (labels[a], labels[b])), shape=(count, count))
    found: Labels = connected_components(graph.tocsr(), directed=False)[1].astype(np.int32)
    return found[labels]


def compact(labels: Labels) -> Labels:
    """Renumber labels from 0 without gaps."""
    renumbered: Labels = np.unique(labels, return_inverse=True)[1].astype(np.int32)
    return renumbered


def either(mask: Mask, these: Labels, others: Labels) -> Labels:
    """Number who is together: by `these` where the mask is true, by `others` elsewhere, and nobody across."""
    return compact(np.where(mask, these, others + (int(these.max(initial=-1)) + 1)))


def grown(joined: Labels, groups: Labels) -> Iterator[Places]:
    """Yield the members of each joined component that more than one of `groups` went into."""
    order, starts = in_groups(joined)
    for members in np.split(order, starts[1:]):
        if len(members) > 1 and (groups[members] != groups[members[0]]).any():
            yield members


def in_groups(labels: Labels) -> tuple[Places, Places]:
    """Return the nodes in the order of their labels, and where each label starts."""
    order = np.argsort(labels, kind="stable")
    return order, np.flatnonzero(np.diff(labels[order], prepend=-1))
