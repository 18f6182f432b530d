"""What EC2 offers first: placement groups, and the facts by which their promise is verified."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from keepapart.clouds import CLUSTER_TAG, NOTE, LaunchRequest
from keepapart.clouds.ec2 import facts
from keepapart.clouds.ec2.cloud import Ec2Cloud
from keepapart.clouds.ec2.settings import Settings
from keepapart.errors import CapacityError, CloudError, RefusedError
from keepapart.lab.ec2.faults import Fault
from keepapart.signals import stated
from tests.clouds.conftest import Account, Open, tagged

ORDERS = {CLUSTER_TAG: "orders"}
GROUP = "Placement.GroupName"
TOKENS = (f"placed-{number}" for number in itertools.count())


def launched(cloud: Ec2Cloud) -> str:
    """Launch one as the cloud chooses; return its id."""
    return cloud.launch(LaunchRequest(next(TOKENS), tagged(), dict(cloud.parameters(ORDERS)))).id


def group_of(account: Account, instance_id: str) -> str:
    """Name the placement group that EC2 says an instance is in."""
    name: str = account.alive()[instance_id]["Placement"].get("GroupName", "")
    return name


def test_auto_makes_a_spread_group_of_the_cluster_s_own_and_verifies_it(
    cloud: Open, account: Account
) -> None:
    """The group is made once and tagged; its instances are stated to be apart, and truly are."""
    ec2 = cloud(placement_group="auto", zone="us-east-1a")
    ids = [launched(ec2) for _ in range(3)]
    (group,) = account.ec2.describe_placement_groups()["PlacementGroups"]
    assert (group["GroupName"], group["Strategy"]) == ("keepapart-orders", "spread")
    assert group["Tags"] == [{"Key": CLUSTER_TAG, "Value": "orders"}]
    shown = list(ec2.describe(ids).values())
    assert {(i.facts["group"], i.facts["group_strategy"]) for i in shown} == {(group["GroupId"], "spread")}
    (said,) = [t for t in stated.testimonies(shown) if t.signal == "stated group"]
    assert all(
        (said.evidence(i, j) or pytest.fail("silent")).says.value == "different"
        for i, j in itertools.combinations(range(3), 2)
    )
    assert len({account.lab.truth()[i].rack for i in ids}) == 3


def test_what_would_be_chosen_is_said_and_nothing_is_made(cloud: Open, account: Account) -> None:
    """A dry run names the group that would be used, and doesn't make it."""
    assert cloud().foresee(ORDERS) == ""
    ec2 = cloud(placement_group="auto")
    assert ec2.foresee(ORDERS) == "in spread group keepapart-orders, to be made"
    assert account.ec2.describe_placement_groups()["PlacementGroups"] == []
    ec2.parameters(ORDERS)
    assert ec2.foresee(ORDERS) == "in spread group keepapart-orders"


def test_beyond_seven_in_a_zone_a_launch_goes_without_the_group_and_says_so(
    cloud: Open, account: Account
) -> None:
    """Where the zone is known, the limit is seen beforehand; another zone still has its own seven."""
    ec2 = cloud(placement_group="auto", zone="us-east-1a")
    for _ in range(7):
        assert group_of(account, launched(ec2)) == "keepapart-orders"
    chosen = ec2.parameters(ORDERS)
    assert GROUP not in chosen
    assert chosen[NOTE] == "without placement group keepapart-orders: 7 of at most 7 run in the zone already"
    assert group_of(account, launched(ec2)) == ""
    assert GROUP in cloud(placement_group="auto", zone="us-east-1b").parameters(ORDERS)


def test_the_limit_that_ec2_itself_states_is_no_lack_of_room(cloud: Open, account: Account) -> None:
    """With parameters chosen before the group was full, the refusal is told apart from a capacity error."""
    ec2 = cloud(placement_group="auto", zone="us-east-1a", tries=1)
    early = dict(ec2.parameters(ORDERS))
    for _ in range(7):
        launched(ec2)
    with pytest.raises(RefusedError, match=r"spread placement group.*without placement group"):
        ec2.launch(LaunchRequest("late", tagged(), early))
    assert GROUP not in ec2.parameters(ORDERS)
    assert len(account.alive()) == 7


def test_no_room_in_a_group_is_a_reason_to_go_without_it(cloud: Open, account: Account) -> None:
    """A group whose hardware is short is done without; no room without a group is just no room."""
    ec2 = cloud(placement_group="auto", tries=1)
    account.control.arm(Fault("capacity", times=2))
    with pytest.raises(RefusedError, match="next try is without placement group keepapart-orders"):
        launched(ec2)
    with pytest.raises(CapacityError):
        launched(ec2)
    assert group_of(account, launched(ec2)) == ""


@pytest.mark.parametrize("action", ["CreatePlacementGroup", "DescribePlacementGroups"])
def test_groups_that_may_not_be_had_are_done_without(cloud: Open, account: Account, action: str) -> None:
    """Where the policy denies groups, instances are launched without, and the note says why."""
    ec2 = cloud(placement_group="auto", tries=1)
    account.control.arm(Fault("error", action=action, code="UnauthorizedOperation", status=403, times=0))
    assert "UnauthorizedOperation" in ec2.parameters(ORDERS)[NOTE]
    assert group_of(account, launched(ec2)) == ""


def test_a_group_that_another_made_meanwhile_is_used(cloud: Open, account: Account) -> None:
    """A lost answer or another operator's call brings no second group and no error."""
    account.control.arm(Fault("lost", action="CreatePlacementGroup"))
    assert cloud(placement_group="auto", tries=2).parameters(ORDERS)[GROUP] == "keepapart-orders"
    assert len(account.control.calls("CreatePlacementGroup")) == 2


def test_a_partition_group_is_filled_evenly(cloud: Open, account: Account) -> None:
    """Each launch names the emptiest partition; partitions are stated, and on racks of their own."""
    account.ec2.create_placement_group(GroupName="parts", Strategy="partition", PartitionCount=3)
    ec2 = cloud(placement_group="parts", zone="us-east-1a")
    chosen = [dict(ec2.parameters(ORDERS)) for _ in range(3)]  # of several at once, before any is launched
    ids = [ec2.launch(LaunchRequest(next(TOKENS), tagged(), said)).id for said in chosen]
    ids += [launched(ec2) for _ in range(3)]
    shown = ec2.describe(ids)
    partitions = [shown[i].facts["partition"] for i in ids]
    assert partitions == ["1", "2", "3", "1", "2", "3"]
    racks = {i: account.lab.truth()[i].rack for i in ids}
    for a, b in itertools.combinations(ids, 2):
        assert shown[a].facts["partition"] == shown[b].facts["partition"] or racks[a] != racks[b]


def test_a_named_group_is_used_as_it_is(cloud: Open, account: Account) -> None:
    """A cluster group was asked for to be close and is never done without; a missing one is an error."""
    with pytest.raises(CloudError, match="no group 'near'"):
        cloud(placement_group="near").parameters(ORDERS)
    account.ec2.create_placement_group(GroupName="near", Strategy="cluster")
    ec2 = cloud(placement_group="near", tries=1)
    account.control.arm(Fault("capacity"))
    with pytest.raises(CapacityError):
        launched(ec2)
    assert ec2.parameters(ORDERS)[GROUP] == "near"


def test_the_topology_is_asked_for_only_where_the_type_has_it(cloud: Open, account: Account) -> None:
    """Network nodes are stated for such types, a hundred ids a call at most, and never needed."""
    plain, large = cloud(instance_type="m5.large"), cloud(instance_type="p5.48xlarge")
    one = launched(plain)
    assert "topology" not in plain.describe([one])[one].facts
    assert account.control.calls("DescribeInstanceTopology") == []
    ids = [launched(large) for _ in range(3)]
    found = large.describe(ids)
    racks = {i: account.lab.truth()[i].rack for i in ids}
    for a, b in itertools.combinations(ids, 2):
        last = [found[i].facts["topology"].split(",")[-1] for i in (a, b)]
        assert (last[0] == last[1]) == (racks[a] == racks[b])
    account.control.arm(
        Fault("error", action="DescribeInstanceTopology", code="UnauthorizedOperation", status=403)
    )
    assert "topology" not in cloud(tries=1).describe(ids[:1])[ids[0]].facts


def test_ec2_s_own_words_become_facts() -> None:
    """Host, partition and bare metal are stated as they are; what isn't stated is left out."""
    said: Any = {
        "InstanceId": "i-1",
        "InstanceType": "m5.metal",
        "State": {"Name": "running"},
        "PrivateIpAddress": "10.0.0.1",
        "Placement": {
            "AvailabilityZone": "eu-west-1b",
            "HostId": "h-1",
            "GroupName": "parts",
            "PartitionNumber": 2,
        },
    }
    found = facts.instance(said, Settings(), owner="1234", strategy="partition", topology="nn-1,nn-2")
    assert found.facts == {
        "project": "1234",
        "zone": "eu-west-1b",
        "host": "h-1",
        "host_kind": "dedicated",
        "group": "parts",
        "group_strategy": "partition",
        "partition": "2",
        "topology": "nn-1,nn-2",
        "whole_host": "true",
    }
    said["State"] = {"Name": "stopped"}
    stopped = facts.instance(said, Settings(), owner="1234", strategy="partition")
    assert stopped.facts == {
        "project": "1234",
        "group": "parts",
    }  # it stays one of the group


@pytest.mark.parametrize(("kind", "whole"), [("m5.metal", True), ("c7gd.metal", False), ("m7g.large", False)])
def test_bare_metal_of_a_shared_board_has_no_host_to_itself(kind: str, whole: bool) -> None:
    """Three of Graviton3's sockets share a board: what takes one down may take the others."""
    said: Any = {"InstanceId": "i-1", "InstanceType": kind, "State": {"Name": "running"}}
    assert ("whole_host" in facts.instance(said, Settings()).facts) is whole
