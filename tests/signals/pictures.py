"""Networks as pictures of their counts, and what is said of them."""

from __future__ import annotations

import numpy as np

from keepapart.model import Says, Strength
from keepapart.probe.measured import Tally
from keepapart.signals import hops, network
from keepapart.signals.network import NetworkFinding
from keepapart.signals.path_confidence import PathConfidence

FABRICS = {  # hops between hosts of one rack, and of two
    "one link": (3, 3),
    "one router": (4, 4),
    "racks": (4, 6),
    "racks that are links": (3, 6),
    "links at one router": (3, 4),
}
IDS = "abcdefgh"


def paths(*rows: str, samples: int = 8) -> PathConfidence:
    """Return steady counts from a picture of the matrix, one digit a pair, "." for not measured."""
    matrix = np.array([[0 if c == "." else int(c) for c in row] for row in rows], np.uint8)
    return PathConfidence.of(Tally.of(np.repeat(matrix[None], samples, axis=0)))


def varying(pair: tuple[int, ...], *, others: int = 4, size: int = 5) -> PathConfidence:
    """Return a network in which all pairs but (a, b) always count `others`, and (a, b) these samples."""
    counts = np.full((len(pair), size, size), others, np.uint8)
    counts[:, 0, 1] = counts[:, 1, 0] = pair
    counts[:, np.arange(size), np.arange(size)] = 0
    return PathConfidence.of(Tally.of(counts))


def find(given: PathConfidence, model: str = "routed-host", **more: object) -> NetworkFinding:
    """Say what kind of network it is."""
    return network.find(model, given, IDS[: len(given.least)], **more)  # type: ignore[arg-type]  # passed on


def says(given: PathConfidence, i: int, j: int, model: str = "routed-host") -> tuple[Says, Strength] | None:
    """Return what hops say of a pair."""
    evidence = hops.testimony(given, find(given, model)).evidence(i, j)
    return (evidence.says, evidence.strength) if evidence else None


ROUTED = paths("0244", "2044", "4402", "4420")
ALONE = paths("044", "404", "440")
FLAT = paths("011", "101", "110")
