"""Connected components: who is joined with whom by a chain of pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


def components(edges: Mask, start: Labels | None = None) -> Labels:
    """Label the components, numbered from 0, that the true entries of `edges` [n, n] make of n nodes.

    `start` are labels from 0 without gaps that nodes share from the beginning.
    """
    size = edges.shape[0]
    labels = np.arange(size, dtype=np.int32) if start is None else start
    a, b = np.nonzero(np.triu(edges, 1))
    count = int(labels.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(a), np.int8), (labels[a], labels[b])), shape=(count, count))
    found: Labels = connected_components(graph.tocsr(), directed=False)[1].astype(np.int32)
    return found[labels]


def compact(labels: Labels) -> Labels:
    """Renumber labels from 0 without gaps."""
    renumbered: Labels = np.unique(labels, return_inverse=True)[1].astype(np.int32)
    return renumbered
