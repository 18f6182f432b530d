"""Counts that look steady and are not: networks that once made keepapart call co-residents separate."""

from __future__ import annotations

import numpy as np
import pytest

from keepapart.probe.measured import Counts, Tally
from keepapart.signals.network import NetworkStatus, find
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.per_destination import compared
from keepapart.signals.trials import Trial

HOSTS = np.array([0, 0, 1, 1, 2, 3, 4, 5])  # the second pair shares a host as the first does


def routed(samples: int = 8) -> Counts:
    """Return samples of a network of routed hosts."""
    counts = np.where(np.equal.outer(HOSTS, HOSTS), 2, 4).astype(np.uint8)
    np.fill_diagonal(counts, 0)
    return np.repeat(counts[None], samples, axis=0)


def separated(samples: Counts) -> bool:
    """Say whether the second pair of co-residents would be called separate."""
    paths = PathConfidence.of(Tally.of(samples))
    strong = find("routed-host", paths, "abcdefgh").standing is NetworkStatus.VOUCHED
    return strong and bool(paths.least[2, 3] > 2 and paths.sure[2, 3])


def test_steady_ways_to_co_residents_are_alike() -> None:
    """In a network of routed hosts no way is longer than its like, and all pairs are sure."""
    tally = Tally.of(routed())
    longer, trials = compared(tally)
    assert longer == 0
    assert trials == 2 + 2 * 2 * 6  # there and back in each pair, and with each of the others
    assert PathConfidence.of(tally).sure[~np.eye(len(HOSTS), dtype=bool)].all()


def test_where_addresses_decide_repeating_shows_nothing() -> None:
    """Each way meets one gateway or none for good; the second pair meets one both ways, in all flows."""
    counts = routed(samples=64)
    counts += (np.random.default_rng(1).integers(0, 2, counts.shape[1:]) * (counts[0] > 0)).astype(np.uint8)
    counts[:, 0, 1] = 2
    counts[:, 2, 3] = counts[:, 3, 2] = 3
    assert compared(Tally.of(counts))[0] > 0
    assert not separated(counts)


@pytest.mark.parametrize("turns", [1, 8], ids=["the sender's", "the target's"])
def test_where_one_port_decides_its_flows_are_one(turns: int) -> None:
    """Three of one host: each way meets, for good by one port, up to four gateways; 128 flows are 16."""
    chance, hops = np.random.default_rng(1), np.where(np.eye(3, dtype=bool), 0, 2)
    for _ in range(200):
        met = chance.integers(0, 5, (8, 3, 3))
        samples = np.arange(64)
        by = (samples if turns == 1 else samples + samples // 8) % 8
        paths = PathConfidence.of(Tally.of(np.where(hops > 0, hops + met[by], 0).astype(np.uint8)))
        assert not (paths.sure & (paths.least > 2)).any()


def test_flows_that_chance_scatters_over_ports_are_trials_though_ports_count_too() -> None:
    """Of eight instances each flow meets a gateway or none by chance: 128 flows are 128, and all are sure."""
    met = np.random.default_rng(1).integers(0, 2, (64, 8, 8))
    paths = PathConfidence.of(Tally.of(np.where(routed(64) > 0, routed(64) + met, 0).astype(np.uint8)))
    assert set(paths.variations) == {Trial.FLOW, Trial.SOURCE, Trial.TARGET}
    assert paths.sure[~np.eye(8, dtype=bool)].all()


@pytest.mark.parametrize("back", [False, True], ids=["on the way out", "both ways"])
def test_flows_that_one_instance_scatters_are_trials_of_the_others(back: bool) -> None:
    """Up to two gateways by chance on the ways of one of sixteen: the other ways don't vary at all."""
    chance, hops = np.random.default_rng(3), np.where(np.eye(16, dtype=bool), 0, 4)
    met = np.zeros((64, 16, 16), int)
    met[:, 0] = chance.integers(0, 3, (64, 16))
    if back:
        met[:, :, 0] = chance.integers(0, 3, (64, 16))
    paths = PathConfidence.of(Tally.of(np.where(hops > 0, hops + met, 0).astype(np.uint8)))
    assert paths.sure[~np.eye(16, dtype=bool)].all()


@pytest.mark.parametrize("size", [3, 8])
def test_gateways_that_ports_decide_are_seen_beside_others_that_flows_do(size: int) -> None:
    """All on one host, and each flow meets up to four gateways by its port and one or none by itself."""
    chance, hops = np.random.default_rng(2), np.where(np.eye(size, dtype=bool), 0, 2)
    for _ in range(100):
        by_port = chance.integers(0, 5, (8, size, size))[np.arange(64) % 8]
        met = by_port + chance.integers(0, 2, (64, size, size))
        paths = PathConfidence.of(Tally.of(np.where(hops > 0, hops + met, 0).astype(np.uint8)))
        assert not (paths.sure & (paths.least > 2)).any()


def test_where_the_shortest_path_is_rare_most_pairs_look_steady() -> None:
    """All flows but one in a hundred meet a gateway more: the second pair has not shown its path yet."""
    counts = routed()
    counts += (counts > 0).astype(np.uint8)
    counts[3, 0, 1] -= 1
    counts[5, 4, 6] -= 1
    assert not separated(counts)


def test_a_chain_with_a_steady_pair_beyond_refutes_whatever_else_varies() -> None:
    """Two that a chain of 2-hop pairs joins, steadily at four hops, refute the network: someone moved."""
    counts = routed()
    counts[3:, 1, 2] = counts[3:, 2, 1] = 2
    found = find("auto", PathConfidence.of(Tally.of(counts)), "abcdefgh")
    assert found.standing is NetworkStatus.REFUTED
