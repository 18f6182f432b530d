"""The tally: summed up flow by flow, it is what all flows together would have given."""

from __future__ import annotations

import numpy as np
import pytest

from keepapart.node.node import TTLS, lane
from keepapart.probe import SOCKETS
from keepapart.probe.measured import BEGINNINGS, PORTS, Tally, ports


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
    assert (tally.shown(slice(None)) == ((both == least) & (both > 0)).sum(axis=0)).all()
    assert (tally.by == ((samples[3] > 0) | (samples[3].T > 0))).all()


def bits(seen: set[int]) -> int:
    """Set a bit for each port."""
    return sum(1 << port for port in seen)


def test_a_tally_knows_from_and_to_which_ports_counts_and_least_counts_came() -> None:
    """Bit by bit, as nodes send: to who stands before, from the next socket."""
    size = 5
    samples = np.random.default_rng(2).choice([0, 2, 3, 3, 4], size=(19, size, size)).astype(np.uint8)
    tally = Tally.empty(size)
    tally.add(samples[:8])
    tally.add(samples[8:], first=8)
    for i, j in ((i, j) for i in range(size) for j in range(size)):
        lanes = [(lane(number, PORTS), int(count)) for number, count in enumerate(samples[:, i, j]) if count]
        flows = [(((source + (j < i)) % PORTS, target), count) for (source, target), count in lanes]
        shown = [ports for ports, count in flows if count == tally.least[i, j]]
        assert tally.showing[i, j] == len(shown)
        for which, found in enumerate((tally.sources, tally.targets)):
            assert found[0, i, j] == bits({ports[which] for ports, _ in flows})
            assert found[1, i, j] == bits({ports[which] for ports in shown})


@pytest.mark.parametrize("first", [0, 8, 56])
def test_eight_samples_are_of_eight_ports_at_either_end(first: int) -> None:
    """So whichever port a network chooses paths by, they are eight trials; and all 64 are different flows."""
    for which in (0, 1):
        assert len({lane(number, PORTS)[which] for number in range(first, first + PORTS)}) == PORTS
    assert len({lane(number, PORTS) for number in range(PORTS**2)}) == PORTS**2


def test_there_are_as_many_ports_as_nodes_have_sockets() -> None:
    """A bit for each, and samples take them in the order that nodes do."""
    assert PORTS == SOCKETS
    assert [ports(number) for number in range(64)] == [lane(number, SOCKETS) for number in range(64)]


def test_there_are_as_many_beginnings_as_nodes_have() -> None:
    """What a tally keeps by beginning is what nodes send with."""
    assert len(TTLS) == BEGINNINGS
