"""The sentences of a report say neither more nor less than the audit does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keepapart.auditing.assess import Audit
from keepapart.report import words
from keepapart.report.places import places, unplaced
from keepapart.report.words import Tone
from keepapart.settings import ClusterSettings
from keepapart.signals.network import NetworkStatus
from tests.report.audits import APART, SHARED, audit_of, with_refuted_chain


@st.composite
def audits(draw: st.DrawFn) -> Audit:
    """Draw an audit of up to eight instances, some lost, some pairs not measured."""
    where = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=8))
    ids = [f"web-{number}" for number in range(1, len(where) + 1)]
    index = st.integers(0, len(where) - 1)
    missing = draw(st.lists(st.tuples(index, index), max_size=4))
    lost = draw(st.lists(st.sampled_from(ids), max_size=2))
    model = draw(st.sampled_from(["routed-host", "auto", "opaque"]))
    return audit_of(where, missing=missing, lost=dict.fromkeys(lost, "timed out"), model=model)


@given(audits())
def test_never_apart_while_unknown(audit: Audit) -> None:
    """The answer sounds good only where every pair is separate."""
    found = words.answer(audit)
    if audit.counts["unknown"] or audit.counts["co-resident"]:
        assert found.tone is not Tone.GOOD
        assert "of its own" not in found.text
    if audit.counts["unknown"]:
        assert "unknown" in found.text
    if audit.counts["co-resident"]:
        assert found.tone is Tone.BAD
        assert "share" in found.text


@given(audits())
def test_everybody_has_one_place(audit: Audit) -> None:
    """Every instance stands in exactly one host box or among those without one."""
    boxed = [i for place in places(audit) for host in place.hosts for i in host.members]
    assert sorted(boxed + unplaced(audit)) == list(range(len(audit.instances)))


@given(audits())
def test_every_unknown_pair_is_counted_once(audit: Audit) -> None:
    """The reasons' counts add up to the number of unknown pairs."""
    assert sum(count for _, count, _ in words.unknown_reasons(audit)) == audit.counts["unknown"]


def test_majority_lost() -> None:
    """One host that holds most of a cluster is named with what losing it costs."""
    found = words.answer(audit_of([(0, 0), (0, 0), (0, 1)]))
    assert (
        found.text == "2 of 3 members share a host: losing host-1 takes 2, and the cluster loses its majority"
    )


def test_a_shared_host_that_is_survived() -> None:
    """A shared host whose loss the cluster survives is still bad news."""
    found = words.answer(audit_of(SHARED))
    assert found.tone is Tone.BAD
    assert found.text == "2 of 5 members share a host: losing host-1 takes 2, and the cluster survives that"


def test_more_lost_than_asked_for() -> None:
    """Where a number must survive, losing more than that is said without speaking of a majority."""
    found = words.answer(audit_of(SHARED, cluster=ClusterSettings(name="orders", survive=4)))
    assert found.text.endswith("losing host-1 takes 2, more than the cluster is to survive")


def test_all_apart() -> None:
    """Where every pair is separate, the answer is plain."""
    found = words.answer(audit_of(APART))
    assert (found.tone, found.text) == (Tone.GOOD, "every member is on a host of its own")


def test_two_are_too_few() -> None:
    """Two members apart don't survive the loss of a host, and the answer doesn't sound as if they did."""
    found = words.answer(audit_of([(0, 0), (0, 1)]))
    assert found.tone is Tone.BAD
    assert "too few" in found.text


def test_known_loss_is_a_lower_bound() -> None:
    """With pairs unknown, what a host takes is what it takes at least."""
    found = words.answer(audit_of(SHARED, lost={"web-5": "timed out"}))
    assert "takes at least 2" in found.text
    assert "4 of 10 pairs are unknown" in found.text


def test_contradictions_name_everybody_involved() -> None:
    """A contradiction names the pair held apart and all whom the chain joins."""
    audit = with_refuted_chain()
    (text,) = words.contradictions(audit)
    assert "a, b and c" in text
    assert words.answer(audit).tone is Tone.OPEN


def test_a_large_opaque_cluster_is_summed_up_at_once() -> None:
    """Thousands of pairs of which nothing is known have one reason, and none is left uncounted."""
    reasons = words.unknown_reasons(audit_of([(0, 0)] * 150, model="opaque"))
    assert [count for _, count, _ in reasons] == [150 * 149 // 2]


def test_long_lists_are_counted() -> None:
    """A phrase names a few and counts the rest."""
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed(["a", "b", "c"], 2) == "a, b and 1 more"


def test_every_standing_of_a_network_has_its_words() -> None:
    """Whatever is known of a network, a report can say it."""
    assert set(words.NETWORK) == set(NetworkStatus)


PODS = ((0, 0), (0, 0), (0, 1), (1, 2), (2, 3), (2, 4))


def test_what_the_largest_of_each_level_takes() -> None:
    """The largest rack and pod are named with what they take: a range, where others may be in them."""
    assert words.stakes(audit_of(PODS, pods=[0, 0, 1])).endswith(
        " Losing all of rack-1 takes 3 of 6: the majority goes."
        " Losing all of pod-1 takes 4 of 6: the majority goes."
    )
    found = audit_of(PODS, pods=[0, 0, 1], lost={"web-6": "timed out"})
    assert "Losing all of rack-1 takes 3 to 4 of 6: the majority goes." in words.stakes(found)


ZONES = [{"zone": "a"}, {"zone": "a"}, {"zone": "a"}, {"zone": "b"}, {"zone": "b"}]


def test_what_the_loss_of_a_zone_takes() -> None:
    """The largest zone is named with what it takes, and that the majority goes where it does."""
    audit = audit_of(APART, facts=ZONES)
    assert words.stakes(audit).endswith("Losing zone a takes 3 of 5: the majority goes.")
    audit = audit_of([(0, k) for k in range(5)], facts=[facts | {"fault_domain": "0"} for facts in ZONES])
    assert words.stakes(audit).endswith(
        "Losing zone a or fault domain 0 of a takes 3 of 5: the majority goes."
    )
    audit = audit_of(APART, facts=[*ZONES[1:], {}])
    assert words.stakes(audit).endswith("Losing zone a takes 2 to 3 of 5: the majority may go.")
    audit = audit_of(APART, facts=ZONES, cluster=ClusterSettings(name="orders", survive=4))
    assert words.stakes(audit).endswith("Losing zone a takes 3 of 5: fewer than 4 live on.")


def test_unreached_members_leave_bounds() -> None:
    """Who isn't reached may be on anybody's host: how many one host takes is bounded, not unknown."""
    where = [(0, k) for k in range(20)]
    few = audit_of(where, lost=dict.fromkeys(["web-1", "web-2", "web-3"], "timed out"))
    assert words.stakes(few) == "The cluster survives the loss of any one host: it takes at most 4 of 20."
    many = audit_of(where, lost=dict.fromkeys([f"web-{k}" for k in range(1, 11)], "timed out"))
    assert words.stakes(many) == (
        "Losing one host takes 1 to 11 of 20, as unknown pairs may share one: the majority may go."
    )


def test_unreached_members_bound_the_odds() -> None:
    """How probable it is to be without quorum is bounded too, and not called unknown."""
    where = [(0, k) for k in range(20)]
    few = audit_of(where, lost=dict.fromkeys(["web-1", "web-2", "web-3"], "timed out"))
    assert "at most " in words.odds(few)
    assert "not known" not in words.odds(few)
    assert "at most" not in words.odds(audit_of(APART))


def test_two_of_three_stopped() -> None:
    """The first thing said is that there is no quorum, and nothing is said to be well."""
    audit = audit_of(APART[:3], states=["stopped", "running", "stopped"])
    found = words.answer(audit)
    assert found.tone is Tone.BAD
    assert found.text == "2 of 3 members are stopped: the cluster has no majority now"
    assert words.stakes(audit) == "The cluster is without its quorum now: it needs 2, and 1 of 3 runs."
    assert words.odds(audit).startswith("chance to be without quorum at some moment: 100% as it is")


def test_more_than_a_majority_needed() -> None:
    """Where a number must run, that number is named, and states are told one by one where they differ."""
    states = ["stopped", "paused", "running", "running", "running"]
    few = audit_of(APART, states=states, cluster=ClusterSettings(name="orders", survive=4))
    assert words.answer(few).text == (
        "2 of 5 members are down (1 stopped, 1 paused): 3 run now, and the cluster needs 4"
    )


def test_one_of_five_stopped() -> None:
    """The others are on hosts of their own: not well, not unknown, and the stopped one is on no host."""
    audit = audit_of(APART, states=["running"] * 4 + ["stopped"])
    found = words.answer(audit)
    assert found.tone is Tone.OPEN
    assert found.text == "1 of 5 members is stopped; each of the other 4 is on a host of its own"
    assert words.stakes(audit) == (
        "The cluster survives the loss of any one host."
        " Losing all of rack-1 takes 2 of the 4 that run: the majority goes."
    )
    assert unplaced(audit) == []
    assert words.unknown_reasons(audit) == []


def test_one_of_three_stopped() -> None:
    """Two are left, and neither may go."""
    found = words.answer(audit_of(APART[:3], states=["running", "running", "stopped"]))
    assert found.tone is Tone.BAD
    assert found.text == (
        "1 of 3 members is stopped; each of the other 2 is on a host of its own,"
        " but 2 are too few to survive losing one"
    )


def test_sharing_and_stopped() -> None:
    """Who shares a host is said of those that run, and what its loss takes is counted beside who is down."""
    found = words.answer(
        audit_of([(0, 0), (0, 0), (0, 1), (1, 0), (1, 1)], states=["running"] * 4 + ["stopped"])
    )
    assert found.text == (
        "1 of 5 members is stopped; 2 of 4 members share a host: losing host-1 takes 2,"
        " and the cluster loses its majority"
    )


def test_counts_that_would_join_zones_are_a_contradiction() -> None:
    """A rack that would span two zones is told of with the two that show it, and no rack is named."""
    audit = audit_of(APART, facts=[{"zone": "a"}, {"zone": "b"}, {}, {}, {}])
    assert words.contradictions(audit) == [
        "hop counts put web-1 and web-2 in one rack, and the platform puts them in zones a and b:"
        " no racks are named"
    ]
    assert "rack" not in audit.domains.at


def test_racks_stand_in_their_pods() -> None:
    """Places nest as the domains do, and each says what it holds."""
    first, second = places(audit_of(PODS, pods=[0, 0, 1]))
    assert (first.title, first.holds) == ("pod-1", "2 racks, 3 hosts, 4 members")
    assert [(rack.title, rack.holds) for rack in (*first.inner, *second.inner)] == [
        ("rack-1", "2 hosts, 3 members"),
        ("rack-2", "1 host, 1 member"),
        ("rack-3", "2 hosts, 2 members"),
    ]


def test_a_host_of_no_known_rack_stands_apart() -> None:
    """Where it isn't known which rack a host is in, it is drawn beside the racks, not in one."""
    where = [(rack, host) for rack, host in ((0, 0), (0, 1), (1, 2), (2, 3)) for _ in range(2)]
    found = audit_of(where, missing=[(a, b) for a in range(4) for b in (4, 5)])
    assert [(place.title, place.holds) for place in places(found)] == [
        ("rack-1", "2 hosts, 4 members"),
        ("rack-2", "1 host, 2 members"),
        ("no rack known", "1 host, 2 members"),
    ]
