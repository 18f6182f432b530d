"""Moving members on EC2: by spread group and Dedicated Host, through boto3, with the API's faults."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from keepapart.admit import AdmissionContext, collect, move, plan_moving
from keepapart.auditing import survey
from keepapart.clouds import CLUSTER_TAG, MEMBER, NOTE, ROLE_TAG, LaunchRequest
from keepapart.config import parse
from keepapart.errors import CloudError, RefusedError
from keepapart.lab.client import Lab
from keepapart.lab.ec2.faults import Fault
from keepapart.lab.world.lifecycle import RACKS
from keepapart.settings import LaunchSettings
from keepapart.store import Store
from keepapart.testing import ManualClock, TruthfulChecker
from tests.admit.test_gate import Killed, killing
from tests.clouds.conftest import Account, Open

TAGS = {CLUSTER_TAG: "orders"}
TOKENS = (f"move-{number}" for number in itertools.count())
GROUP = "keepapart-orders"


@dataclass
class Cluster:
    """Members on one host of the lab, and what an operator has to move them with."""

    account: Account
    open: Open
    store: Store
    folder: Path
    ids: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    clock: ManualClock = field(default_factory=ManualClock)

    def add(self, count: int) -> None:
        """Put members on one host."""
        for _ in range(count):
            tags = {**TAGS, ROLE_TAG: MEMBER}
            self.ids.append(self.lab.launch(LaunchRequest(next(TOKENS), tags, {RACKS: "a1"})).id)
            self.lab.move(self.ids[-1], "a1-1")

    def context(self, **more: Any) -> AdmissionContext:
        """Return where a move takes place, as another process opens it."""
        found = {"clock": self.clock, "sleep": self.clock.sleep, "tell": self.told.append, **more}
        return AdmissionContext(found.pop("cloud", None) or self.open(), self.store, "orders", **found)

    @property
    def lab(self) -> Lab:
        """The lab behind the API."""
        return self.account.lab

    @property
    def truth(self) -> TruthfulChecker:
        """A checker that knows where everybody is."""
        return TruthfulChecker(self)

    def host(self, instance_id: str) -> str:
        """Name the host of an instance."""
        return self.lab.truth()[instance_id].host

    def terminate(self, instance_id: str) -> None:
        """End an instance."""
        self.lab.terminate(instance_id)

    def states(self) -> list[str]:
        """Return the state of each member."""
        shown = self.lab.describe(self.ids)
        return [shown[i].state for i in self.ids]

    def watched(self, then: Callable[[str], None] = lambda _: None) -> Callable[[str], None]:
        """Return what asserts at every arrow that at most one member is down."""

        def on_arrow(name: str) -> None:
            assert self.states().count("running") >= len(self.ids) - 1, f"two are down {name}"
            then(name)

        return on_arrow


@pytest.fixture
def cluster(account: Account, cloud: Open, tmp_path: Path) -> Iterator[Cluster]:
    """Three members on one host."""
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        found = Cluster(account, cloud, store, tmp_path)
        found.add(3)
        yield found


def test_cluster_packed_on_one_host_is_moved_apart_by_what_is_measured(
    cluster: Cluster,
) -> None:
    """End to end: hops and EC2's own facts judge; never two are down, and ids and volumes stay."""
    before = {i: cluster.account.alive()[i]["BlockDeviceMappings"] for i in cluster.ids}
    config = parse(
        {"cluster": {"name": "orders"}, "network": {"model": "routed-host"}, "cloud": {"provider": "ec2"}},
        cluster.folder / "keepapart.toml",
    )
    with survey.checker(config, store=cluster.store) as checker:
        outcome = move(cluster.context(on_arrow=cluster.watched()), checker, cluster.ids)
    assert (outcome.code, sorted(outcome.moved)) == (0, sorted(cluster.ids)), outcome.because
    assert len({cluster.host(i) for i in cluster.ids}) == 3
    assert {i: cluster.account.alive()[i]["BlockDeviceMappings"] for i in cluster.ids} == before
    assert len(cluster.account.alive()) == 3


def test_members_go_into_the_cluster_s_own_spread_group(cluster: Cluster) -> None:
    """The group is made and tagged, the plan says so, and those moved are in it."""
    plan = "\n".join(plan_moving(cluster.context(), cluster.ids[:2]).steps)
    assert f"have it start in spread group {GROUP}, to be made" in plan
    assert cluster.account.control.calls("CreatePlacementGroup") == []
    outcome = move(cluster.context(on_arrow=cluster.watched()), cluster.truth, cluster.ids[:2])
    assert outcome.code == 0
    groups = [cluster.account.alive()[i]["Placement"].get("GroupName", "") for i in cluster.ids]
    assert groups == [GROUP, GROUP, ""]
    assert len({cluster.host(i) for i in cluster.ids}) == 3


def test_member_stays_in_the_group_that_it_is_in(cluster: Cluster) -> None:
    """Nothing is modified of what the operator placed; a group that is named in the configuration is used."""
    ec2, (one, other, _) = cluster.account.ec2, cluster.ids
    for name in ("theirs", "named"):
        ec2.create_placement_group(GroupName=name, Strategy="spread")
    ec2.stop_instances(InstanceIds=[one])
    ec2.modify_instance_placement(InstanceId=one, GroupName="theirs")
    assert cluster.open().placement(one, TAGS) == {NOTE: "in spread group theirs"}
    assert cluster.open().placement(other, TAGS, make=False) == {
        "Placement.GroupName": GROUP,
        NOTE: f"in spread group {GROUP}, to be made",
    }
    named = cluster.open(placement_group="named")
    named.place(one, named.placement(one, TAGS))
    assert cluster.account.alive()[one]["Placement"]["GroupName"] == "named"
    ec2.start_instances(InstanceIds=[one])


def test_full_group_is_done_without(cluster: Cluster) -> None:
    """Where EC2 has no room in the group, the member starts outside of it, and is measured as ever."""
    cluster.account.control.arm(Fault("capacity"))
    outcome = move(cluster.context(cloud=cluster.open(tries=1)), cluster.truth, cluster.ids[:1])
    assert outcome.code in (0, 1)
    assert set(cluster.states()) == {"running"}
    assert cluster.account.alive()[cluster.ids[0]]["Placement"].get("GroupName", "") == ""
    assert any("without placement group" in line for line in cluster.told)


def test_dedicated_host_is_taken_where_it_is_named(cluster: Cluster) -> None:
    """`host` is its id; it starts there with the tenancy of hosts. Other names can't be chosen on EC2."""
    ec2, one = cluster.account.ec2, cluster.ids[0]
    zone = cluster.account.alive()[one]["Placement"]["AvailabilityZone"]
    (host,) = ec2.allocate_hosts(AvailabilityZone=zone, Quantity=2, InstanceType="m5.large")["HostIds"][1:]
    outcome = move(cluster.context(), cluster.truth, [one], host=host)
    assert (outcome.code, outcome.moved) == (0, (one,))
    placement = cluster.account.alive()[one]["Placement"]
    assert (placement["HostId"], placement["Tenancy"]) == (host, "host")
    assert cluster.host(one) == "a1-2"
    with pytest.raises(RefusedError, match="no Dedicated Host"):
        cluster.open().placement(one, TAGS, "a1-2")


def test_placement_changes_only_while_stopped(cluster: Cluster) -> None:
    """EC2 refuses it of one that runs, and says so in its own words."""
    cloud = cluster.open()
    with pytest.raises(CloudError, match="IncorrectInstanceState"):
        cloud.place(cluster.ids[0], cloud.placement(cluster.ids[0], TAGS))


@pytest.mark.parametrize("kind", ["lost", "error-after", "throttle", "cut"])
def test_move_goes_through_faults_of_the_api(cluster: Cluster, kind: str) -> None:
    """What is done and not answered, or not done, is asked for again; never two are down."""
    changes = "StopInstances|StartInstances|ModifyInstancePlacement"
    cluster.account.control.arm(Fault(kind, action=changes, times=3))
    outcome = move(cluster.context(on_arrow=cluster.watched()), cluster.truth, cluster.ids)
    assert outcome.code == 0, outcome.because
    assert set(cluster.states()) == {"running"}
    assert len({cluster.host(i) for i in cluster.ids}) == 3


@pytest.mark.parametrize(
    "arrow", ["after journal stopping", "after stop", "after place", "before start", "after start"]
)
@pytest.mark.parametrize("then", ["again", "gc"])
def test_killed_move_leaves_nothing_behind(cluster: Cluster, arrow: str, then: str) -> None:
    """Gone on with by the same command, or ended by `gc`: all run, in at most one place that is new."""
    with pytest.raises(Killed):
        move(cluster.context(on_arrow=cluster.watched(killing(arrow))), cluster.truth, cluster.ids)
    if then == "again":
        assert move(cluster.context(on_arrow=cluster.watched()), cluster.truth, cluster.ids).code == 0
        assert len({cluster.host(i) for i in cluster.ids}) == 3
    else:
        assert collect(cluster.context()).code == 0
    assert set(cluster.states()) == {"running"}
    assert collect(cluster.context()).found == ()
    assert len(cluster.account.alive()) == 3


def test_throwaways_are_in_no_group(cluster: Cluster) -> None:
    """What holds a slot is launched as the configuration says, beside the group, and gone afterwards."""
    policy = LaunchSettings(max_attempts=3)
    context = cluster.context(policy=policy)
    outcome = move(context, cluster.truth, cluster.ids[:2], hold=True)
    assert outcome.code == 0, outcome.because
    (call, *_) = cluster.account.control.calls("RunInstances")
    assert not any("Group" in name for name in call.parameters if name.startswith("Placement"))
    assert len(cluster.account.alive()) == 3
