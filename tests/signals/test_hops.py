"""The hop rules: what counts may say, on which networks, and how strongly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.arrays import Mask
from keepapart.model import Instance, Says, Strength
from keepapart.probe.measured import Route, Tally
from keepapart.signals import PairTestimony, hops, network
from keepapart.signals.hidden_gateways import in_doubt
from keepapart.signals.network import NetworkFinding, NetworkPrior, NetworkStatus, Voucher
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.router_kind import CALICO
from keepapart.signals.sight import Sight

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


def test_counts_alone_decide_nothing() -> None:
    """A pair at two hops and one beyond are what any routed network shows: both are weak."""
    assert find(ROUTED, "auto").standing is NetworkStatus.UNVOUCHED
    assert says(ROUTED, 0, 1, "auto") == (Says.SAME, Strength.WEAK)
    assert says(ROUTED, 0, 2, "auto") == (Says.DIFFERENT, Strength.WEAK)


@pytest.mark.parametrize(
    ("model", "word", "by"),
    [("routed-host", "", Voucher.OPERATOR), ("auto", "routed-host", Voucher.PLATFORM)],
)
def test_who_can_know_vouches(model: str, word: str, by: Voucher) -> None:
    """By the operator's word or the platform's, hops speak strongly, both ways."""
    found = find(ROUTED, model, word=word)
    assert (found.standing, found.by) == (NetworkStatus.VOUCHED, by)
    testimony = hops.testimony(ROUTED, found)
    assert [int(testimony.weights[0, j]) for j in (1, 2)] == [Strength.STRONG, -Strength.STRONG]


def test_a_shared_link_refutes_it_and_is_named() -> None:
    """One pair at one hop silences hops altogether, whoever vouches; the finding names the pair."""
    found = find(paths("0124", "1044", "2404", "4440"))
    assert (found.standing, found.pair) == (NetworkStatus.REFUTED, (0, 1))
    assert "a and b are 1 hop apart" in found.because
    assert says(FLAT, 0, 1) is None


def test_two_hops_that_are_not_transitive_refute_it() -> None:
    """a and c each two hops from b, yet four from each other: the router between is no host."""
    found = find(paths("0244", "2024", "4204", "4440"))
    assert (found.standing, found.pair) == (NetworkStatus.REFUTED, (0, 2))


def test_a_pair_that_may_yet_be_seen_at_two_is_no_counter_example() -> None:
    """Where counts vary so much that a shorter path may be unseen, transitivity isn't refuted by it."""
    samples = np.array([[[0, 2, 3], [2, 0, 2], [3, 2, 0]], [[0, 3, 4], [3, 0, 4], [4, 4, 0]]], np.uint8)
    assert find(PathConfidence.of(Tally.of(samples))).standing is NetworkStatus.VOUCHED


def test_the_operator_may_assert_it() -> None:
    """Asserted routed-host needs no pair at two hops to separate the others."""
    assert says(ALONE, 0, 1, "routed-host") == (Says.DIFFERENT, Strength.STRONG)


def test_one_hop_says_nothing_even_where_routed_host_is_asserted() -> None:
    """A shared link is no sign of one host, nor of two."""
    assert says(paths("012", "102", "220"), 0, 1, "routed-host") is None


def test_opaque_says_nothing() -> None:
    """Where the configuration calls the network opaque, no count is evidence."""
    assert says(ROUTED, 0, 1, "opaque") is says(ROUTED, 0, 2, "opaque") is None


def test_what_was_not_measured_says_nothing() -> None:
    """A pair without a count gets no evidence, whatever the others have."""
    assert says(paths("02.4", "2044", ".402", "4420"), 0, 2) is None


def test_stated_evidence_that_contradicts_refutes_it() -> None:
    """The platform calls a pair different that is two hops apart: hops say nothing, and it is named."""
    weights = np.zeros((4, 4), np.int8)
    weights[2, 3] = weights[3, 2] = -Strength.CONCLUSIVE
    found = find(ROUTED, said=[PairTestimony("stated", weights, lambda _i, _j: "hosts x and y")])
    assert (found.standing, found.pair) == (NetworkStatus.REFUTED, (2, 3))
    assert "hosts x and y" in found.because


def known(*pairs: tuple[int, int, int]) -> PairTestimony:
    """Return what is known of pairs (i, j, signed strength) of eight."""
    weights = np.zeros((8, 8), np.int8)
    for i, j, weight in pairs:
        weights[i, j] = weights[j, i] = weight
    return PairTestimony("stated", weights, lambda _i, _j: "so it is stated")


HOSTS_OF_TWO = paths(
    *("02444444", "20444444", "44024444", "44204444", "44440244", "44442044", "44444402", "44444420")
)


@pytest.mark.parametrize("strength", [Strength.STRONG, Strength.CONCLUSIVE])
@pytest.mark.parametrize("model", ["auto", "routed-host"])
def test_what_speaks_as_strongly_against_the_counts_refutes_them(model: str, strength: Strength) -> None:
    """One host at four hops or two at two, by other evidence: hops say nothing, whoever vouches."""
    for pair in ((0, 2, strength), (0, 1, -strength)):
        found = find(HOSTS_OF_TWO, model, word="routed-host", said=[known(pair)])
        assert (found.standing, found.pair) == (NetworkStatus.REFUTED, pair[:2])


def test_controls_vouch_where_they_can_hardly_agree_by_accident() -> None:
    """One pair in seven is at two hops: that four known to share hosts are all among them is no accident."""
    same = [(i, i + 1, Strength.STRONG) for i in (0, 2, 4, 6)]
    assert find(HOSTS_OF_TWO, "auto", said=[known(*same)]).by is Voucher.CONTROLS
    assert find(HOSTS_OF_TWO, "auto", said=[known(*same[:3])]).standing is NetworkStatus.UNVOUCHED


def test_controls_vouch_for_who_is_apart_and_not_for_who_is_together() -> None:
    """Behind a leaf switch are all guests of a host, and of others: two hops stay a suspicion."""
    same = [(i, i + 1, Strength.STRONG) for i in (0, 2, 4, 6)]
    weights = hops.testimony(HOSTS_OF_TWO, find(HOSTS_OF_TWO, "auto", said=[known(*same)])).weights
    assert (weights[0, 1], weights[0, 2]) == (Strength.WEAK, -Strength.STRONG)


def test_controls_that_are_known_apart_alone_vouch_for_nothing() -> None:
    """What is apart counts more than two on many networks: only co-residents show what two hops mean."""
    apart = [(i, j, -Strength.CONCLUSIVE) for i in range(8) for j in range(8) if i // 2 != j // 2]
    assert find(HOSTS_OF_TWO, "auto", said=[known(*apart)]).standing is NetworkStatus.UNVOUCHED


def calico(count: int, **shown: str) -> list[Sight]:
    """Return what guests tell that have kernels of their own behind Calico's first router."""
    ways = [Route("169.254.1.1", CALICO, "eth0", 1, "")]
    return [
        replace(Sight.of(Instance(str(n)), shown, ways), boot_id=str(n), own_kernel=True)
        for n in range(count)
    ]


def test_first_routers_vouch_where_they_are_hypervisors() -> None:
    """Of OpenStack's machines behind Calico hops speak strongly; what others' routers are, nobody knows."""
    found = find(ROUTED, "auto", sights=calico(4, product="OpenStack Nova"))
    weights = hops.testimony(ROUTED, found).weights
    assert (found.by, weights[0, 1], weights[0, 2]) == (Voucher.GATEWAY, Strength.STRONG, -Strength.STRONG)
    for shown in ({"maker": "QEMU"}, {"maker": "KubeVirt"}, {}):
        assert find(ROUTED, "auto", sights=calico(4, **shown)).standing is NetworkStatus.UNVOUCHED


def test_what_was_vouched_for_earlier_still_is() -> None:
    """The same network lets hops separate although nobody vouches for it now; what refutes it goes before."""
    for paths_now, standing in ((ALONE, NetworkStatus.VOUCHED), (FLAT, NetworkStatus.REFUTED)):
        size = len(paths_now.least)
        nothing = np.zeros((size, size), np.bool_)
        prior = NetworkPrior("vouched for at noon", np.ones(size, np.bool_), nothing)
        assert find(paths_now, "auto", prior=prior).standing is standing


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


NETWORKS = {  # hops between hosts of one rack, and of two
    "one link": (3, 3),
    "one router": (4, 4),
    "racks": (4, 6),
    "racks that are links": (3, 6),
    "links at one router": (3, 4),
    "racks at unlike depths": (4, 7),
}


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
