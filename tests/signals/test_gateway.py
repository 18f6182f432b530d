"""The first router: when it is a host's, and when it had better say nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.model import Evidence, Says, Strength
from keepapart.probe.measured import Counts, Trace
from keepapart.signals import LabelTestimony, Weights, gateway

WEAK, STRONG, CONCLUSIVE = Strength
SIZE = 6
HOSTS = ["10.0.0.1", "10.0.0.1", "10.0.1.1", "10.0.1.1", "10.0.2.1", "10.0.2.1"]  # two guests a host


def hops(given: list[str], **pairs: int) -> Counts:
    """Return two hops where gateways are equal and four elsewhere, but for `pairs`, written ab=3."""
    size = len(given)
    least = np.array(
        [[0 if i == j else 2 if given[i] == given[j] else 4 for j in range(size)] for i in range(size)]
    )
    return settle(least.astype(np.uint8), pairs)


def settle(matrix: Counts, pairs: dict[str, int]) -> Counts:
    """Set single pairs, both ways."""
    for pair, value in pairs.items():
        i, j = map("abcdef".index, pair)
        matrix[i, j] = matrix[j, i] = value
    return matrix


def known(least: Counts) -> Weights:
    """Return what hops settle from these counts."""
    weights: Weights = np.select([least == 2, least > 2], [np.int8(STRONG), np.int8(-STRONG)], np.int8(0))
    return weights


def testify(
    firsts: list[str],
    least: Counts,
    upstreams: list[str] | None = None,
    *,
    settled: Weights | None = None,
    standing: Strength | None = STRONG,
) -> dict[str, LabelTestimony]:
    """Return what gateways say, by signal."""
    weights = known(least) if settled is None else settled
    said = gateway.testimonies(firsts, upstreams or [""] * len(firsts), least, weights, standing)
    return {testimony.signal: testimony for testimony in said}


def test_one_gateway_is_one_host_where_each_host_has_one() -> None:
    """With two gateways seen to be one host's each, a third says *same* of a pair that was not measured."""
    said = testify(HOSTS, hops(HOSTS, ef=0), ["10.9.0.1"] * 6)["gateway"]
    assert said.evidence(4, 5) == Evidence(
        "gateway",
        Says.SAME,
        STRONG,
        "the first router of both is 10.0.2.1, which no two on different hosts share",
    )
    assert said.evidence(0, 2) is None


def test_it_is_weak_where_all_hosts_of_a_site_may_have_one_address() -> None:
    """Behind each second router all answer alike: no two hosts there are seen to have two addresses."""
    sites = ["10.9.0.1"] * 2 + ["10.9.1.1"] * 2 + ["10.9.2.1"] * 2
    assert testify(HOSTS, hops(HOSTS, ef=0), sites)["gateway"].weight(4, 5) == WEAK


def test_it_is_weak_until_gateways_are_seen_to_be_hosts() -> None:
    """One gateway seen to be a host's, or a network whose kind is open, gives weak evidence only."""
    few = hops(HOSTS, cd=0, ef=0)
    assert testify(HOSTS, few)["gateway"].weight(4, 5) == WEAK
    assert testify(HOSTS, hops(HOSTS), standing=WEAK)["gateway"].weight(0, 1) == WEAK


def test_it_is_weak_where_a_host_has_several_addresses() -> None:
    """Two that are co-resident behind different gateways: a host doesn't have one address here."""
    firsts = [*HOSTS[:5], "10.0.2.9"]
    assert testify(firsts, hops(HOSTS))["gateway"].weight(0, 1) == WEAK


@pytest.mark.parametrize(
    ("pairs", "why"),
    [({"ab": 1}, "a shared link"), ({"ab": 3}, "an address that several hosts have")],
    ids=["shared link", "anycast"],
)
def test_a_gateway_of_many_hosts_is_rejected(pairs: dict[str, int], why: str) -> None:
    """An address shared at one hop, or beyond two, is no host's, for none of those behind it."""
    least = hops(HOSTS, **pairs)
    assert testify(HOSTS, least, settled=np.zeros((6, 6), np.int8))["gateway"].weight(0, 1) == 0, why


def test_a_gateway_of_two_known_to_be_apart_is_rejected() -> None:
    """What the platform puts on two hosts behind one gateway silences it for a third behind it too."""
    firsts = ["10.0.0.1"] * 3 + ["10.0.1.1"] * 2 + ["10.0.2.1"]
    settled = known(hops(firsts))
    settled[0, 1] = settled[1, 0] = -CONCLUSIVE
    said = testify(firsts, hops(firsts), settled=settled)["gateway"]
    assert said.weight(0, 1) == said.weight(0, 2) == said.weight(1, 2) == 0
    assert said.weight(3, 4) == WEAK


def test_one_gateway_for_all_says_nothing() -> None:
    """A single router shows nothing: it may be the VLANs' as well as a host's."""
    assert testify(["10.0.0.1"] * 6, hops(["10.0.0.1"] * 6)) == {}


@pytest.mark.parametrize("address", ["169.254.1.1", "fe80::1", "0.0.0.0", "127.0.0.1", "nonsense", ""])  # noqa: S104
def test_what_names_no_router_says_nothing(address: str) -> None:
    """Link-local and other addresses that every host may have are no identity."""
    firsts = [*HOSTS[:4], address, address]
    assert testify(firsts, hops(HOSTS))["gateway"].weight(4, 5) == 0


def test_where_hops_say_nothing_gateways_don_t_either() -> None:
    """On a network that is refuted, or said to be opaque, the first router is no host's."""
    assert testify(HOSTS, hops(HOSTS), standing=None) == {}


def test_other_upstreams_are_weakly_different() -> None:
    """Different second routers speak weakly against one host; equal ones say nothing."""
    said = testify([""] * 6, hops(HOSTS), ["10.9.0.1"] * 4 + ["10.9.1.1"] * 2)["upstream"]
    assert (said.weight(0, 4), said.weight(0, 2)) == (-WEAK, 0)


def test_several_paths_silence_upstreams() -> None:
    """Two on one host with different second routers: there are several paths, and nothing is said."""
    assert testify([""] * 6, hops(HOSTS), ["10.9.0.1", "10.9.1.1"] * 3) == {}


address = st.sampled_from(["", "10.0.0.1", "10.0.1.1", "10.0.2.1", "169.254.1.1"])


@settings(deadline=None)
@given(st.data())
def test_it_never_contradicts_what_is_known(data: st.DataObject) -> None:
    """Whatever answers, *same* is said of nobody known to be apart, nor across one hop or more than two."""
    firsts = data.draw(st.lists(address, min_size=SIZE, max_size=SIZE))
    upstreams = data.draw(st.lists(address, min_size=SIZE, max_size=SIZE))
    least, weights = np.zeros((SIZE, SIZE), np.uint8), np.zeros((SIZE, SIZE), np.int8)
    for i in range(SIZE):
        for j in range(i):
            least[i, j] = least[j, i] = data.draw(st.sampled_from([0, 1, 2, 2, 2, 3, 4]))
            weights[i, j] = weights[j, i] = data.draw(st.sampled_from([0, 0, 2, 3, -2, -3]))
    standing = data.draw(st.sampled_from([None, WEAK, STRONG]))
    for name, said in testify(firsts, least, upstreams, settled=weights, standing=standing).items():
        for i, j in np.argwhere(said.weights):
            if name == "gateway":
                assert 0 < said.weights[i, j] <= (standing or 0)
                assert weights[i, j] >= 0
                assert least[i, j] in (0, 2)
            else:
                assert said.weights[i, j] == -WEAK
                assert weights[i, j] <= 0


def lasts(least: Counts, *seen: tuple[int, list[str]]) -> list[LabelTestimony]:
    """Return what last routers say that senders saw before a, b, …; weighed by what hops settle."""
    traces = [Trace(sender, to, "", "", last) for sender, row in seen for to, last in enumerate(row)]
    return gateway.last_routers(traces, "abcdef", least, known(least), STRONG)


def test_the_last_router_before_two_says_weakly_that_they_share_a_host() -> None:
    """Of a pair that nothing passed between, too; who saw most is heard, and no two senders' are compared."""
    least = hops(HOSTS, ef=0)
    (said,) = lasts(least, (2, [*HOSTS[:2], "", "", "10.0.2.1", ""]), (0, ["", "", *HOSTS[2:]]))
    assert said.evidence(4, 5) == Evidence(
        "last router", Says.SAME, WEAK, "the last router before both, from a, is 10.0.2.1"
    )
    assert said.evidence(0, 4) is None


def test_a_last_router_before_two_that_are_apart_says_nothing() -> None:
    """It is a rack's, or every host's; nor does one that is before all."""
    shared = ["", "", "10.0.1.1", "10.0.1.1", "10.0.1.1", "10.0.2.1"]
    assert not lasts(hops(HOSTS), (0, shared))
    assert not lasts(hops(HOSTS), (0, ["", "", "10.0.1.1", "10.0.1.1", "", ""]))
