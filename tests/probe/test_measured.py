"""The tally: summed up flow by flow, it is what all flows together would have given."""

from __future__ import annotations

import numpy as np
import pytest

from keepapart.node.node import TTLS
from keepapart.probe.measured import BEGINNINGS, Tally


@pytest.mark.parametrize("size", [1, 5, 300])  # within and beyond one block of rows
def test_a_tally_is_of_all_flows_both_ways(size: int) -> None:
    """Least, most, flows and those of the least count are of the counts both ways; 0 is not measured."""
    samples = np.random.default_rng(size).choice([0, 0, 2, 3, 3, 255], size=(4, size, size)).astype(np.uint8)
    tally = Tally.empty(size)
    tally.add(samples[:3])
    tally.add_ladders(samples[3], 1, np.zeros((size, size), np.bool_))
    both = np.concatenate([samples, samples.transpose(0, 2, 1)])
    measured = np.ma.masked_equal(both, 0)
    least = measured.min(axis=0).filled(0)
    assert (tally.way == np.ma.masked_equal(samples, 0).min(axis=0).filled(0)).all()
    assert (tally.least == least).all()
    assert (tally.most == both.max(axis=0)).all()
    assert (tally.flows == (both > 0).sum(axis=0)).all()
    assert (tally.shortest == ((both == least) & (both > 0)).sum(axis=0)).all()
    assert (tally.by == ((samples[3] > 0) | (samples[3].T > 0))).all()


def test_there_are_as_many_beginnings_as_nodes_have() -> None:
    """What a tally keeps by beginning is what nodes send with."""
    assert len(TTLS) == BEGINNINGS
