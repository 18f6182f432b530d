"""Guests behind gateways of their own: who may share a host with whom in spite of their counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.arrays import Mask
from keepapart.model import Says, Strength
from keepapart.probe.measured import Tally
from keepapart.signals import hops
from keepapart.signals.hidden_gateways import in_doubt
from keepapart.signals.path_confidence import PathConfidence
from tests.signals.pictures import FABRICS, find, paths, says


def some_behind(further: int) -> PathConfidence:
    """Two guests a host, three hosts in two racks; the first host's guests are behind `further` gateways.

    a and b share the first host, c and d the second in its rack, e and f the third, in another rack.
    """
    near, far = 4 + further, 6 + further
    rows = [
        [0, 2 + 2 * further, near, near, far, far],
        [2 + 2 * further, 0, near, near, far, far],
        [near, near, 0, 2, 6, 6],
        [near, near, 2, 0, 6, 6],
        [far, far, 6, 6, 0, 2],
        [far, far, 6, 6, 2, 0],
    ]
    return PathConfidence.of(Tally.of(np.repeat(np.array([rows], np.uint8), 8, axis=0)))


@pytest.mark.parametrize("further", [1, 2])
def test_guests_behind_gateways_of_their_own_are_not_separated(further: int) -> None:
    """On a network that is vouched for, co-residents behind further gateways are not called apart."""
    given = some_behind(further)
    assert says(given, 0, 1) == (Says.DIFFERENT, Strength.WEAK)
    assert says(given, 2, 4) == (Says.DIFFERENT, Strength.STRONG)
    assert "gateways within a host" in hops.testimony(given, find(given)).because(0, 1)


def test_without_further_gateways_nobody_is_in_doubt() -> None:
    """The same hosts, all guests right behind theirs: every pair is as its count says."""
    given = some_behind(0)
    assert says(given, 0, 1) == (Says.SAME, Strength.STRONG)
    assert all(says(given, 0, other) == (Says.DIFFERENT, Strength.STRONG) for other in (2, 3, 4, 5))


def test_guests_alone_on_their_hosts_are_not_in_doubt() -> None:
    """c to f are alone, in two racks; counts to a and b, who share a host, are such as racks give."""
    given = paths("024466", "204466", "440466", "444066", "666604", "666640")
    assert all(
        says(given, i, j) == (Says.DIFFERENT, Strength.STRONG)
        for i in range(6)
        for j in range(max(i, 1) + 1, 6)
    )


NETWORKS = {**FABRICS, "racks at unlike depths": (4, 7)}


def hidden_world(seed: int, size: int, network: str, most: int) -> tuple[PathConfidence, Mask]:
    """Draw guests on six hosts of three racks, half of them behind up to `most` gateways of their own.

    On the first two hosts are two guests each without any: these establish the network. Returned with the
    counts is who shares a host.
    """
    random = np.random.default_rng(seed)
    host = np.concatenate([[0, 0, 1, 1], random.integers(0, 6, size)])
    further = random.integers(0, most + 1, len(host)) * random.integers(0, 2, len(host))
    further[:4] = 0
    rack, (near, far) = random.permutation(6)[host] // 2, NETWORKS[network]
    counts = np.where(np.equal.outer(rack, rack), near, far)
    together = np.equal.outer(host, host)
    counts[together] = 2
    counts += further[:, None] + further[None, :]
    np.fill_diagonal(counts, 0)
    return PathConfidence.of(Tally.of(np.repeat(counts[None].astype(np.uint8), 8, axis=0))), together


@pytest.mark.parametrize("network", NETWORKS)
@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
def test_further_gateways_of_some_never_separate_co_residents(network: str, seed: int, size: int) -> None:
    """Some are behind a gateway of their own, in any network: no co-resident pair is separated."""
    given, together = hidden_world(seed, size, network, 1)
    weights = hops.testimony(given, find(given)).weights
    assert not (weights[together] == -Strength.STRONG).any()


@pytest.mark.parametrize("network", ["one link", "one router"])
@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
def test_nor_do_many_gateways_where_hosts_are_all_as_far(network: str, seed: int, size: int) -> None:
    """The same with up to five each: where hosts have one distance, any other shows itself."""
    given, together = hidden_world(seed, size, network, 5)
    weights = hops.testimony(given, find(given)).weights
    assert not (weights[together] == -Strength.STRONG).any()


@pytest.mark.parametrize("network", NETWORKS)
@given(st.integers(0, 2**32 - 1), st.integers(3, 8))
def test_where_all_hosts_show_two_guests_nobody_is_in_doubt(network: str, seed: int, size: int) -> None:
    """Two plain guests on every host: every pair is as its count says."""
    random = np.random.default_rng(seed)
    host = np.repeat(np.arange(size), 2)
    rack, (near, far) = random.integers(0, 3, size)[host], NETWORKS[network]
    counts = np.where(np.equal.outer(rack, rack), near, far)
    counts[np.equal.outer(host, host)] = 2
    np.fill_diagonal(counts, 0)
    given = PathConfidence.of(Tally.of(np.repeat(counts[None].astype(np.uint8), 8, axis=0)))
    assert in_doubt(given) is None


def test_guests_alone_on_hosts_of_one_link_are_not_in_doubt() -> None:
    """a and b share a host, c and d have one each, all on one link: no gateway makes all counts three."""
    given = paths("0233", "2033", "3303", "3330")
    assert says(given, 2, 3) == says(given, 0, 2) == (Says.DIFFERENT, Strength.STRONG)


def test_one_guest_three_hops_from_all_others_may_be_behind_a_gateway_of_their_host() -> None:
    """a and b share a host, c may have one on the same link, or a gateway before theirs: nothing tells."""
    given = paths("023", "203", "330")
    assert says(given, 0, 2) == (Says.DIFFERENT, Strength.WEAK)
