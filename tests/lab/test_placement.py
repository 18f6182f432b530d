"""What the lab's cloud states of placement: the truth, nothing, or what it was told to say instead."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from keepapart.lab.client import Lab
from keepapart.signals import stated
from tests.lab.packets import ids_of

if TYPE_CHECKING:
    from .conftest import BringUp

FACTS = [["host"], ["zone"], ["group"], ["partition"], ["zone", "fault_domain"], ["topology"]]


def world(states: list[str], **more: Any) -> dict[str, Any]:
    """Return two zones, of two racks and of one, that share out sixteen instances."""
    racks = [
        {"name": name, "hosts": 3, "capacity": 4, "zone": zone}
        for name, zone in (("r", "a"), ("s", "a"), ("t", "b"))
    ]
    clusters = [{"name": "orders", "size": 16}]
    return {"racks": racks, "clusters": clusters, "placement": {"states": states, **more}}


def wrong(lab: Lab) -> set[str]:
    """Return the instances of which what is stated contradicts the truth, by pairs."""
    truth, instances = lab.truth(), lab.instances()
    hosts = [truth[one.id].host for one in instances]
    found = set()
    for testimony in stated.testimonies(instances):
        for i, j in combinations(range(len(hosts)), 2):
            said = testimony.evidence(i, j)
            if said and (said.says.value == "same") != (hosts[i] == hosts[j]):
                found |= {instances[i].id, instances[j].id}
    return found


@pytest.mark.parametrize("states", FACTS, ids=str)
def test_what_is_stated_is_true_and_says_something(bring_up: BringUp, states: list[str]) -> None:
    """Each fact, as the signals read it, speaks of some pair and contradicts the truth of none."""
    lab = bring_up(world(states), simulated=True)
    assert any(said.speaks for said in stated.testimonies(lab.instances()))
    assert not wrong(lab)


def test_a_pod_is_a_network_node_between_the_core_and_its_racks(bring_up: BringUp) -> None:
    """Stated from the top down: the core of all, the pod of its racks, the rack's own."""
    document = world(["topology"])
    for rack in document["racks"]:
        rack["pod"] = {"r": "north", "s": "north", "t": "south"}[rack["name"]]
    lab = bring_up(document, simulated=True)
    truth = lab.truth()
    above = {one.id: one.facts["topology"].split(",") for one in lab.instances()}
    for a, b in combinations(above, 2):
        same = [x == y for x, y in zip(above[a], above[b], strict=True)]
        assert same == [True, truth[a].pod == truth[b].pod, truth[a].rack == truth[b].rack]


def test_nothing_is_stated_unasked(bring_up: BringUp) -> None:
    """A world without [placement] states no fact."""
    lab = bring_up(simulated=True)
    assert [dict(one.facts) for one in lab.instances()] == [{}] * 9


def test_lies_are_told_of_as_many_as_asked_for(bring_up: BringUp) -> None:
    """Of exactly so many instances another host is stated than of those beside them, always the same."""
    lab, honest = (
        bring_up(world(["host"], lies=3), simulated=True),
        bring_up({**world(["host"]), "name": "small"}, name="honest", simulated=True),
    )
    told = {one.id: one.facts["host"] for one in lab.instances()}
    true = {one.id: one.facts["host"] for one in honest.instances()}
    assert sum(told[one] != true[one] for one in true) == 3
    assert {one.id: one.facts["host"] for one in lab.instances()} == told


@pytest.mark.parametrize("stale", [True, False])
def test_stale_facts_outlive_a_move_and_a_restart(bring_up: BringUp, stale: bool) -> None:
    """What was stated at launch stays stated, or follows the instance, as the world says."""
    lab = bring_up(world(["host", "zone"], stale=stale), simulated=True)
    before = {one.id: one.facts for one in lab.instances()}
    truth = lab.truth()
    there = next(f"{rack}-1" for rack in "rst" if rack != truth["i-0001"].rack)
    assert (lab.move("i-0001", there).facts == before["i-0001"]) == stale
    for one in ids_of(lab)[1:]:
        lab.stop(one)
        assert lab.describe([one])[one].facts == (before[one] if stale else {})
    for one in ids_of(lab)[1:]:
        lab.start(one)
    after = {one.id: one.facts for one in lab.instances()}
    assert (after == before) == stale
    assert bool(wrong(lab)) == stale
