"""What the platform states: each fact in its scope, and never more than the promise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepapart.judging.judge import judge
from keepapart.model import Instance, Says, Strength, Verdict
from keepapart.signals import network, stated
from keepapart.signals.network import NetworkStatus
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.sources import Stated

WEAK, STRONG, CONCLUSIVE = Strength
SAME, DIFFERENT = Says.SAME, Says.DIFFERENT
Facts = dict[str, str]


def say(one: Facts, other: Facts, *, ids: str = "ab") -> dict[str, tuple[Says, Strength]]:
    """Return what is stated of two instances, by signal."""
    instances = [Instance(name, facts=facts) for name, facts in zip(ids, (one, other), strict=True)]
    said = (testimony.evidence(0, 1) for testimony in stated.testimonies(instances))
    return {e.signal.removeprefix("stated "): (e.says, e.strength) for e in said if e}


def member(strategy: str, **facts: str) -> Facts:
    """Return the facts of a member of group g."""
    return {"group": "g", "group_strategy": strategy, **facts}


AZURE = {"group": "set-1", "fault_domain": "0"}
RULES = {
    "one host": ({"host": "x"}, {"host": "x"}, {"host": (SAME, CONCLUSIVE)}),
    "two hosts": ({"host": "x"}, {"host": "y"}, {"host": (DIFFERENT, CONCLUSIVE)}),
    "hosts of two projects": ({"host": "x", "project": "p"}, {"host": "x", "project": "q"}, {}),
    "a host with and without project": ({"host": "x", "project": "p"}, {"host": "y"}, {}),
    "hosts of two kinds": ({"host": "x", "host_kind": "dedicated"}, {"host": "x"}, {}),
    "no host": ({"host": "x"}, {"host": ""}, {}),
    "one host, spelt in two ways": ({"host": "pve-3"}, {"host": "PVE-3."}, {"host's name": (SAME, WEAK)}),
    "one host, with its domain": ({"host": "pve-3"}, {"host": "pve-3.lan"}, {"host's name": (SAME, WEAK)}),
    "one host, composed or not": ({"host": "k\xf6ln"}, {"host": "ko\u0308ln"}, {"host's name": (SAME, WEAK)}),
    "one address, spelt in two ways": (
        {"host": "fd00::1"},
        {"host": "FD00:0::1"},
        {"host's name": (SAME, WEAK)},
    ),
    "one id, with dashes or without": (
        {"host": "9b6d7c1e-0000-4000-8000-00000000000a"},
        {"host": "9B6D7C1E000040008000" + "00000000000A"},
        {"host's name": (SAME, WEAK)},
    ),
    "a host's name and an address": ({"host": "pve-3"}, {"host": "10.0.0.3"}, {}),
    "a host's name and an id": ({"host": "pve-3"}, {"host": "9b6d7c1e-0000-4000-8000-00000000000a"}, {}),
    "two addresses": ({"host": "10.0.0.3"}, {"host": "10.0.0.4"}, {"host": (DIFFERENT, CONCLUSIVE)}),
    "hosts of two domains": ({"host": "pve-3.a"}, {"host": "pve-3.b"}, {"host": (DIFFERENT, CONCLUSIVE)}),
    "one zone, spelt in two ways": ({"zone": "a"}, {"zone": "A"}, {}),
    "two zones": ({"zone": "a"}, {"zone": "b"}, {"zone": (DIFFERENT, CONCLUSIVE)}),
    "one zone": ({"zone": "a"}, {"zone": "a"}, {}),
    "spread": (member("spread"), member("spread"), {"group": (DIFFERENT, CONCLUSIVE)}),
    "spread, two groups": (member("spread"), {**member("spread"), "group": "h"}, {}),
    "a soft group": (member("soft-anti-affinity"), member("soft-anti-affinity"), {}),
    "a cluster group": (member("cluster"), member("cluster"), {}),
    "two partitions": (
        member("partition", partition="1"),
        member("partition", partition="2"),
        {"partition": (DIFFERENT, CONCLUSIVE)},
    ),
    "one partition": (member("partition", partition="1"), member("partition", partition="1"), {}),
    "partitions of two groups": (
        member("partition", partition="1"),
        {**member("partition", partition="2"), "group": "h"},
        {},
    ),
    "two fault domains": (AZURE, {**AZURE, "fault_domain": "1"}, {"fault domain": (DIFFERENT, CONCLUSIVE)}),
    "one fault domain": (AZURE, AZURE, {}),
    "fault domains of two sets": (AZURE, {"group": "set-2", "fault_domain": "1"}, {}),
    "fault domains of nothing": ({"fault_domain": "0"}, {"fault_domain": "1"}, {}),
    "two network nodes": (
        {"topology": "n1,n2,n3"},
        {"topology": "n1,n2,n4"},
        {"topology": (DIFFERENT, STRONG)},
    ),
    "one network node": ({"topology": "n1,n2"}, {"topology": "n1,n2"}, {}),
    "network nodes of two depths": ({"topology": "n1,n2"}, {"topology": "n1,n2,n3"}, {}),
    "neighbours": ({"neighbors": "a,b"}, {"neighbors": "b,a"}, {"neighbours": (SAME, CONCLUSIVE)}),
    "not neighbours": ({"neighbors": "a,c"}, {"neighbors": "b"}, {"neighbours": (DIFFERENT, STRONG)}),
    "neighbours one-sidedly": ({"neighbors": "a,b"}, {"neighbors": "b,c"}, {}),
    "no list of neighbours": ({"neighbors": "a"}, {}, {}),
    "bare metal": (
        {"whole_host": "true", "zone": "z"},
        {"zone": "z"},
        {"whole host": (DIFFERENT, CONCLUSIVE)},
    ),
    "two bare metals": (
        {"whole_host": "true"},
        {"whole_host": "true"},
        {"whole host": (DIFFERENT, CONCLUSIVE)},
    ),
    "bare metal and a guest that no platform states": ({"whole_host": "true"}, {}, {}),
    "not bare metal": ({"whole_host": "false"}, {"whole_host": "false"}, {}),
    "nothing": ({}, {}, {}),
}


@pytest.mark.parametrize(("one", "other", "expected"), RULES.values(), ids=RULES)
def test_each_fact_says_what_it_promises(
    one: Facts, other: Facts, expected: dict[str, tuple[Says, Strength]]
) -> None:
    """Each fact says what the table of signals allows it, both ways round, and nothing out of its scope."""
    assert say(one, other) == say(other, one, ids="ba") == expected


def test_names_that_are_alike_leave_others_as_they_are() -> None:
    """Who may be on one host under two names is unknown; equal names are one, and other names are others."""
    names = ("pve-3", "PVE-3", "pve-3", "pve-7")
    instances = [Instance(one, facts={"host": name}) for one, name in zip("abcd", names, strict=True)]
    judged = judge("abcd", stated.testimonies(instances), STRONG)
    found = {(i, j): judged.pair(i, j).verdict for i in range(4) for j in range(i + 1, 4)}
    assert (found.pop((0, 1)), found.pop((1, 2))) == (Verdict.UNKNOWN, Verdict.UNKNOWN)
    assert found.pop((0, 2)) is Verdict.CO_RESIDENT
    assert set(found.values()) == {Verdict.SEPARATE}
    assert "hosts pve-3 and PVE-3, which may be one" in judged.pair(0, 1).because


def test_reasons_name_what_is_stated() -> None:
    """The words of the evidence name the hosts, so that they can be looked up."""
    (said,) = stated.testimonies([Instance("a", facts={"host": "x"}), Instance("b", facts={"host": "y"})])
    assert said.because(0, 1) == "the platform puts them on hosts x and y"


def test_a_lying_platform_leaves_the_pair_unknown() -> None:
    """One group promises two hosts and the host id says one: both conclusive, so unknown, naming both."""
    facts = member("spread", host="x")
    instances = [Instance("a", facts=facts), Instance("b", facts=facts)]
    pair = judge("ab", stated.testimonies(instances), STRONG).pair(0, 1)
    assert pair.verdict is Verdict.UNKNOWN
    assert "stated host" in pair.because
    assert "stated group" in pair.because


def test_a_stated_host_refutes_hops_that_contradict_it() -> None:
    """Two hops between instances that the platform puts on two hosts: hops say nothing any more."""
    import numpy as np

    from keepapart.probe.measured import Tally

    counts = np.array([[[0, 2, 4], [2, 0, 4], [4, 4, 0]]] * 8, np.uint8)
    said = stated.testimonies([Instance(n, facts={"host": h}) for n, h in zip("abc", "xyz", strict=True)])
    found = network.find("auto", PathConfidence.of(Tally.of(counts)), "abc", said=said)
    assert (found.standing, found.pair) == (NetworkStatus.REFUTED, (0, 1))


facts = st.fixed_dictionaries(
    {},
    optional={
        "project": st.sampled_from(["", "p", "q"]),
        "host": st.sampled_from(["", "x", "y"]),
        "host_kind": st.sampled_from(["", "dedicated"]),
        "zone": st.sampled_from(["", "1", "2"]),
        "group": st.sampled_from(["", "g", "h"]),
        "group_strategy": st.sampled_from(["spread", "partition", "soft-spread"]),
        "partition": st.sampled_from(["", "1", "2"]),
        "fault_domain": st.sampled_from(["", "1", "2"]),
        "topology": st.sampled_from(["", "n", "n,m", "n,o"]),
        "neighbors": st.lists(st.sampled_from("0123")).map(",".join),
        "whole_host": st.sampled_from(["", "true", "false"]),
    },
)


@settings(deadline=None)
@given(st.lists(facts, min_size=2, max_size=4))
def test_whatever_is_stated_only_host_and_neighbours_say_same(drawn: list[Facts]) -> None:
    """No facts of two projects say anything of each other; only equal hosts and lists ever say *same*."""
    instances = [Instance(str(n), facts=given) for n, given in enumerate(drawn)]
    for said in stated.testimonies(instances):
        for i, one in enumerate(drawn):
            for j, other in enumerate(drawn):
                if evidence := said.evidence(i, j):
                    assert one.get("project", "") == other.get("project", "")
                    if evidence.says is SAME:
                        assert said.signal in ("stated host", "stated neighbours")
                        key = "host" if said.signal == "stated host" else "neighbors"
                        assert one[key]
                        assert other[key]
                        assert key == "neighbors" or one[key] == other[key]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*stated.PLACEMENT, "group_strategy"]), st.text(max_size=9)))
def test_no_text_whatever_upsets_it(drawn: Facts) -> None:
    """Any text as a fact is taken, and of one instance alone nothing is said."""
    assert stated.testimonies([Instance("a", facts=drawn)]) == []
    stated.testimonies([Instance("a", facts=drawn), Instance("b", facts=drawn)])


@pytest.mark.parametrize("state", ["pending", "stopping", "stopped", "terminated"])
def test_what_does_not_run_is_on_no_host(state: str) -> None:
    """Facts of an instance that isn't running are no facts, whichever they are."""
    facts = {"host": "x", "zone": "a", "topology": "n", "whole_host": "true"}
    instances = [
        Instance("a", facts=facts),
        Instance("b", facts=facts),
        Instance("c", state=state, facts=facts),
    ]
    for said in stated.testimonies(instances):
        assert said.evidence(0, 2) is None
    (platform,) = Stated.of(instances, 0.0).views
    assert stated.states_place(platform) == [True, True, False]
