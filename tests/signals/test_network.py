"""What kind of network it is: who vouches for it, and what refutes it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from keepapart.model import Instance, Says, Strength
from keepapart.probe.measured import Route, Tally
from keepapart.signals import PairTestimony, hops
from keepapart.signals.network import NetworkPrior, NetworkStatus, Voucher
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.router_kind import CALICO
from keepapart.signals.sight import Sight
from tests.signals.pictures import ALONE, FLAT, ROUTED, find, paths, says


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


def of_projects(*projects: str) -> list[Sight]:
    """Return what is known of instances of these projects."""
    return [Sight(project=project) for project in projects]


def test_controls_join_every_two_projects() -> None:
    """What two tenants send each other may go by a firewall; controls within each don't show it."""
    inside, across = ((0, 1, 3), (2, 3, 3), (4, 5, 3), (6, 7, 3)), of_projects(*"ppqqppqq")
    said = [known(*inside)]
    assert find(HOSTS_OF_TWO, "auto", said=said, sights=across).standing is NetworkStatus.UNVOUCHED
    assert "none of projects 'p' and 'q'" in find(HOSTS_OF_TWO, "auto", said=said, sights=across).because
    joined = of_projects(*"pqpqppqq")
    assert find(HOSTS_OF_TWO, "auto", said=said, sights=joined).by is Voucher.CONTROLS
    assert find(HOSTS_OF_TWO, "auto", said=said, sights=of_projects(*"pppppppp")).by is Voucher.CONTROLS


def test_the_order_in_which_controls_are_named_changes_nothing() -> None:
    """Four of one host, named in a chain, are two pairs without a common instance, wherever it begins."""
    first = ("02224444", "20224444", "22024444", "22204444")
    four = paths(*first, "44440244", "44442044", "44444402", "44444420")
    for chain in (((0, 1), (1, 2), (2, 3)), ((1, 2), (0, 1), (2, 3)), ((1, 2), (2, 3), (0, 1))):
        found = find(four, "auto", said=[known(*((i, j, 3) for i, j in chain))])
        assert "2 pairs known to share a host" in found.because


def test_controls_that_are_not_measured_vouch_for_nothing() -> None:
    """Whoever is known to share a host and isn't seen at two hops may be as far as a firewall leads."""
    rows = ["02444444", "20444444", "44024444", "44204444", "44440244", "44442044", "4444440.", "444444.0"]
    lacking = paths(*rows)
    said = [known((0, 1, 3), (2, 3, 3), (4, 5, 3), (6, 7, 3))]
    assert find(lacking, "auto", said=said).standing is NetworkStatus.UNVOUCHED


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
        everybody, nothing = np.ones(size, np.bool_), np.zeros((size, size), np.bool_)
        prior = NetworkPrior("vouched for at noon", everybody, everybody, nothing)
        assert find(paths_now, "auto", prior=prior).standing is standing
