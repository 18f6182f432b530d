"""What counts may say, and how strongly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.model import Says, Strength
from keepapart.probe.measured import Tally
from keepapart.signals import hops
from keepapart.signals.network import NetworkStatus
from keepapart.signals.path_confidence import PathConfidence
from tests.signals.pictures import find, paths, says, varying


def test_two_hops_once_seen_are_not_unsaid_by_longer_paths() -> None:
    """Extra gateways only ever add hops: one flow at two among many at more is the same host."""
    assert says(varying((5, 4, 5, 2, 5, 5, 4, 5)), 0, 1, "routed-host") == (Says.SAME, Strength.STRONG)


def test_varying_counts_separate_only_weakly() -> None:
    """A pair that has been seen at 4, 5 and 6 may yet have a shorter path."""
    given = varying((5, 6, 5, 4, 5, 6, 4, 5))
    assert says(given, 0, 1, "routed-host") == (Says.DIFFERENT, Strength.WEAK)
    assert "not seen" in hops.testimony(given, find(given, "routed-host")).because(0, 1)


def test_variation_anywhere_weakens_an_instance_s_other_pairs() -> None:
    """An instance whose other pair varies is held to that variation in its steady pairs too."""
    row = slice(0, 1)
    assert varying((5, 6, 4), size=3).unseen(row)[0, 2] > paths("044", "404", "440").unseen(row)[0, 2]


def test_one_way_only_is_not_steady() -> None:
    """A single flow can't show that counts are steady."""
    one_way = np.array([[[0, 4], [0, 0]]], np.uint8)
    assert says(PathConfidence.of(Tally.of(one_way)), 0, 1, "routed-host") == (Says.DIFFERENT, Strength.WEAK)


@pytest.mark.parametrize(
    ("size", "samples"), [(2, 8), (5, 8), (71, 8), (119, 2), (142, 1), (200, 1), (500, 1)]
)
def test_steady_rounds_of_any_size_separate(size: int, samples: int) -> None:
    """As many samples as a round takes of so many instances are enough where counts never vary."""
    from keepapart.probe.batches import samples_for

    assert samples_for(size) >= samples
    counts = np.full((samples, size, size), 4, np.uint8)
    counts[:, np.arange(size), np.arange(size)] = 0
    assert PathConfidence.of(Tally.of(counts)).sure[0, 1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(3, 12))
def test_behind_random_extra_gateways_nothing_is_separated(seed: int, most: int, size: int) -> None:
    """Every flow passes 0 to `most` extra gateways at random: no pair is thought sure to have no path of 2.

    All pairs truly have one, and some never show it in their 16 flows.
    """
    random = np.random.default_rng(seed)
    counts = 2 + random.integers(0, most + 1, (8, size, size)).astype(np.uint8)
    counts[:, np.arange(size), np.arange(size)] = 0
    given = PathConfidence.of(Tally.of(counts))
    assert not ((given.least > 2) & given.sure).any()


def test_a_rewritten_time_to_live_says_nothing() -> None:
    """Counts that depend on what a datagram began with are none: the pair is silent, the network refuted."""
    steady = np.repeat(np.array([[[0, 2, 4], [2, 0, 4], [4, 4, 0]]], np.uint8), 4, axis=0)
    steady[::2, 0, 2] = 34
    given = PathConfidence.of(Tally.of(steady))
    assert find(given).standing is NetworkStatus.REFUTED
    assert "a and c" in find(given).because
    assert says(given, 0, 2) is says(given, 0, 1) is None


def raised(*, hosts: int, ways: int) -> PathConfidence:
    """Return two hosts' counts, four hops apart, but two on so many `ways` from whoever begins with 64."""
    counts = np.full((8, hosts, hosts), 4, np.uint8)
    counts[:, np.arange(hosts), np.arange(hosts)] = 0
    for i, j in [(0, 1), (1, 0)][:ways]:
        counts[int(i > j) :: 2, i, j] = 2
    return PathConfidence.of(Tally.of(counts))


@pytest.mark.parametrize("ways", [1, 2])
def test_two_hops_that_a_smaller_time_to_live_alone_shows_join_nobody(ways: int) -> None:
    """A firewall raises a low one: of two or three instances too few ways show it to refute the network."""
    given = raised(hosts=3, ways=ways)
    assert find(given).standing is NetworkStatus.VOUCHED
    assert says(given, 0, 1) == (Says.SAME, Strength.WEAK)
    assert "smaller time-to-live" in hops.testimony(given, find(given)).because(0, 1)
    more = hops.wanting("routed-host", given.tally)
    assert more is not None
    assert more[0, 1]


def beside_hosts(*ways: tuple[int, int]) -> PathConfidence:
    """Return counts of a, and of two guests each of two hosts; those to and from a are `ways`."""
    counts = np.full((5, 5), 4, np.uint8)
    counts[1, 2] = counts[2, 1] = counts[3, 4] = counts[4, 3] = 2
    for guest, (there, back) in enumerate(ways, 1):
        counts[0, guest], counts[guest, 0] = there, back
    np.fill_diagonal(counts, 0)
    return PathConfidence.of(Tally.of(np.repeat(counts[None], 8, axis=0)))


def test_who_sends_by_the_router_above_a_host_that_answers_directly_is_no_guest_of_it() -> None:
    """A machine on a host's own link: three hops there, two back, steadily. Its guests are as without."""
    given = beside_hosts((3, 2), (3, 2), (3, 3), (3, 3))
    assert says(given, 0, 1) == says(given, 0, 2) == (Says.SAME, Strength.WEAK)
    assert "one way is always longer" in hops.testimony(given, find(given)).because(0, 1)
    assert says(given, 1, 2) == (Says.SAME, Strength.STRONG)


def test_where_ways_differ_by_more_two_hops_one_way_are_one_host() -> None:
    """A detour from a host back to itself is two hops more, or as many as each address has it."""
    assert not beside_hosts((3, 2), (3, 2), (3, 3), (3, 3)).sure[0, 1:3].any()
    assert beside_hosts((4, 2), (3, 2), (3, 3), (3, 3)).sure[0, 1:3].all()


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=3, max_size=7), st.integers(4, 6), st.integers(0, 2**32 - 1))
def test_who_has_a_translated_address_changes_nothing_of_how_paths_vary(
    own: list[bool], up: int, seed: int
) -> None:
    """Whatever is counted towards such addresses, the others are believed as if those took no part."""
    host = np.random.default_rng(seed).integers(0, 3, len(own))
    counts = np.where(np.equal.outer(host, host), 2, 4)
    counts = np.where(own, counts, np.maximum(counts, up))
    np.fill_diagonal(counts, 0)
    samples = np.repeat(counts[None].astype(np.uint8), 8, axis=0)
    others = np.flatnonzero(own)
    among = np.ix_(others, others)
    with_them = PathConfidence.of(Tally.of(samples), own)
    without = PathConfidence.of(Tally.of(samples[:, others][:, :, others]))
    assert (with_them.sure[among] == without.sure).all()
    refuted = find(with_them).standing is NetworkStatus.REFUTED
    assert refuted == (find(without).standing is NetworkStatus.REFUTED)


@pytest.mark.parametrize(("size", "samples"), [(9, 8), (24, 16)])
def test_paths_that_vary_are_no_rewritten_time_to_live(size: int, samples: int) -> None:
    """Of two hundred networks with two paths of unlike length between racks none seems to rewrite."""
    rng = np.random.default_rng(1)
    place = np.arange(size)
    far = place[:, None] // (size // 3) != place // (size // 3)
    hops = np.where(far, 6, 4)
    hops[place[:, None] // 2 == place // 2] = 2
    np.fill_diagonal(hops, 0)
    for _ in range(200):
        drawn = [hops + far * rng.integers(0, 2, (size, size)) for _ in range(samples)]
        assert PathConfidence.of(Tally.of(np.array(drawn, np.uint8))).rewritten is None


def test_two_ways_that_differ_by_all_their_flows_are_rewritten() -> None:
    """Eight flows of each beginning count two and four between two alone: variation doesn't do that."""
    even, odd = (
        [[0, 2], [4, 0]],
        [[0, 4], [2, 0]],
    )  # who stands first begins with the smaller value in even ones
    assert PathConfidence.of(Tally.of(np.array([even, odd] * 8, np.uint8))).rewritten == (0, 1)
    assert PathConfidence.of(Tally.of(np.array([even, odd] * 2, np.uint8))).rewritten is None
