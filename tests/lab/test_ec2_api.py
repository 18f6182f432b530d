"""The lab's EC2 API: EC2's own rules, and faults on demand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError, ReadTimeoutError

from keepapart.clouds import LaunchRequest
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.ec2.faults import Control, Fault
from keepapart.lab.world import world
from tests.lab.conftest import of_no_account

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client

WORLD = {
    "name": "api",
    "racks": [{"name": f"a{n}"} for n in range(1, 9)] + [{"name": "b1", "hosts": 2, "zone": "b"}],
    "clusters": [{"name": "orders", "size": 2}],
}
NUMBERS = itertools.count()
ALIVE = {"Name": "instance-state-name", "Values": ["pending", "running", "stopped"]}


@pytest.fixture(autouse=True, scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the labs of this module apart from those that the machine's user runs, and boto3 from AWS."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        of_no_account(patch)
        yield folder


@pytest.fixture(scope="module")
def lab(runtime: Path) -> Iterator[Lab]:  # noqa: ARG001  # for its order
    """Yield a simulated lab with the API."""
    with client.running(world.parse(WORLD, "test"), simulated=True, api="ec2") as lab:
        yield lab


@pytest.fixture(scope="module")
def ec2(lab: Lab) -> Iterator[EC2Client]:
    """Yield a boto3 client that tries once."""
    found = opened(lab)
    yield found
    found.close()


def opened(lab: Lab, **more: Any) -> EC2Client:
    """Open a client that tries once."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, **more)
    found: EC2Client = boto3.client("ec2", endpoint_url=lab.api, config=config)
    return found


@pytest.fixture(autouse=True)
def control(lab: Lab, ec2: EC2Client) -> Iterator[Control]:
    """Yield the control endpoint; what the test launched is ended with it."""
    found = Control(lab.api)
    found.clear()
    found.forget()
    yield found
    found.clear()
    end = [i for i in shown(ec2) if i > "i-0002"]
    if end:
        ec2.terminate_instances(InstanceIds=end)


def shown(ec2: EC2Client, **asked: Any) -> dict[str, Any]:
    """Return what DescribeInstances shows, by id: of all instances those that aren't terminated."""
    found = ec2.describe_instances(**(asked or {"Filters": [ALIVE]}))["Reservations"]
    return {i["InstanceId"]: i for r in found for i in r["Instances"]}


def run(ec2: EC2Client, **more: Any) -> str:
    """Launch one; return its id."""
    asked: dict[str, Any] = {"ImageId": "ami-lab", "InstanceType": "m5.large", "MinCount": 1, "MaxCount": 1}
    return ec2.run_instances(**{**asked, **more})["Instances"][0]["InstanceId"]


def code(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    """Return the code and status of an error of EC2's."""
    answer: Any = raised.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def group(ec2: EC2Client, strategy: Any, **more: Any) -> str:
    """Make a placement group; return its name."""
    name = f"group-{next(NUMBERS)}"
    ec2.create_placement_group(GroupName=name, Strategy=strategy, **more)
    return name


def test_guests_of_the_lab_are_instances_of_the_account(lab: Lab, ec2: EC2Client) -> None:
    """Those that came up with the lab and those launched beside it: tags, address and zone are theirs."""
    beside = lab.launch(LaunchRequest("beside", {"Name": "beside"})).id
    found = shown(ec2)
    assert {"i-0001", "i-0002", beside} <= set(found)
    for one in lab.describe(["i-0001", beside]).values():
        tags = {t["Key"]: t["Value"] for t in found[one.id]["Tags"]}
        assert tags == {**one.tags, "keepapart:reach": one.reach}
        assert found[one.id]["PrivateIpAddress"] == one.address
        zone = "us-east-1b" if lab.truth()[one.id].rack.startswith("b") else "us-east-1a"
        assert found[one.id]["Placement"]["AvailabilityZone"] == zone
    lab.stop(beside)
    assert shown(ec2)[beside]["State"]["Name"] == "stopped"
    unseen = lab.launch(LaunchRequest("unseen", {})).id
    lab.stop(unseen)
    assert shown(ec2)[unseen]["State"]["Name"] == "stopped", "although no call ever saw it run"


def test_a_client_token_means_one_launch(ec2: EC2Client) -> None:
    """The same call is the same instance, also once terminated; with other parameters it is an error."""
    first = run(ec2, ClientToken="a-token")
    assert run(ec2, ClientToken="a-token") == first
    with pytest.raises(ClientError) as mismatch:
        run(ec2, ClientToken="a-token", InstanceType="c5.large")
    assert code(mismatch) == ("IdempotentParameterMismatch", 400)
    ec2.terminate_instances(InstanceIds=[first])
    assert run(ec2, ClientToken="a-token") == first


def test_placement_groups_come_and_go(ec2: EC2Client) -> None:
    """Names are unique, members keep a group alive, and what isn't there is unknown."""
    name = group(
        ec2,
        "partition",
        PartitionCount=3,
        TagSpecifications=[{"ResourceType": "placement-group", "Tags": [{"Key": "a", "Value": "b"}]}],
    )
    (found,) = ec2.describe_placement_groups(GroupNames=[name])["PlacementGroups"]
    assert (found["State"], found["Strategy"], found["PartitionCount"]) == ("available", "partition", 3)
    assert found["Tags"] == [{"Key": "a", "Value": "b"}]
    one = run(ec2, Placement={"GroupName": name, "PartitionNumber": 2})
    assert shown(ec2)[one]["Placement"]["PartitionNumber"] == 2
    filters: Any = [{"Name": "placement-group-name", "Values": [name]}]
    assert list(shown(ec2, Filters=filters)) == [one]
    for call, wanted in (
        (
            lambda: ec2.create_placement_group(GroupName=name, Strategy="spread"),
            "InvalidPlacementGroup.Duplicate",
        ),
        (lambda: ec2.delete_placement_group(GroupName=name), "InvalidPlacementGroup.InUse"),
        (lambda: ec2.describe_placement_groups(GroupNames=["none"]), "InvalidPlacementGroup.Unknown"),
        (lambda: run(ec2, Placement={"GroupName": "none"}), "InvalidPlacementGroup.Unknown"),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert code(refused) == (wanted, 400)
    ec2.terminate_instances(InstanceIds=[one])
    ec2.delete_placement_group(GroupName=name)


def test_a_spread_group_keeps_racks_apart_up_to_seven_a_zone(lab: Lab, ec2: EC2Client) -> None:
    """A rack for each; the eighth in a zone is refused in EC2's own words; a stopped one doesn't count."""
    where = {"GroupName": group(ec2, "spread"), "AvailabilityZone": "us-east-1a"}
    ids = [run(ec2, Placement=where) for _ in range(7)]
    assert len({lab.truth()[i].rack for i in ids}) == 7
    with pytest.raises(ClientError, match="spread placement group") as refused:
        run(ec2, Placement=where)
    assert code(refused) == ("InsufficientInstanceCapacity", 500)
    ec2.stop_instances(InstanceIds=ids[:1])
    ids.append(run(ec2, Placement=where))
    with pytest.raises(ClientError, match="spread placement group"):
        ec2.start_instances(InstanceIds=ids[:1])
    assert len({lab.truth()[i].rack for i in ids[1:]}) == 7
    other = run(ec2, Placement={**where, "AvailabilityZone": "us-east-1b"})
    with pytest.raises(ClientError, match="do not have sufficient"):
        run(ec2, Placement={**where, "AvailabilityZone": "us-east-1b"})
    assert lab.truth()[other].rack == "b1"


def test_an_instance_changes_its_group_only_while_stopped(lab: Lab, ec2: EC2Client) -> None:
    """ModifyInstancePlacement wants a stopped instance; its next start keeps the new group's promise."""
    name, zone = group(ec2, "spread"), {"AvailabilityZone": "us-east-1a"}
    inside, one = run(ec2, Placement={"GroupName": name, **zone}), run(ec2, Placement=zone)
    with pytest.raises(ClientError) as refused:
        ec2.modify_instance_placement(InstanceId=one, GroupName=name)
    assert code(refused)[0] == "IncorrectInstanceState"
    ec2.stop_instances(InstanceIds=[one])
    assert ec2.modify_instance_placement(InstanceId=one, GroupName=name)["Return"]
    ec2.start_instances(InstanceIds=[one])
    assert lab.truth()[one].rack != lab.truth()[inside].rack
    assert shown(ec2)[one]["Placement"]["GroupName"] == name


def test_a_placement_is_changed_as_aws_has_it(lab: Lab, ec2: EC2Client) -> None:
    """Group, partition, tenancy and Dedicated Host, each alone or with others; what can't be is refused."""
    spread, parts = group(ec2, "spread"), group(ec2, "partition")
    one = run(ec2, Placement={"AvailabilityZone": "us-east-1a"})
    (host,) = ec2.allocate_hosts(AvailabilityZone="us-east-1a", Quantity=1, InstanceType="m5.large")[
        "HostIds"
    ]
    ec2.stop_instances(InstanceIds=[one])

    def modified(**said: Any) -> Any:
        assert ec2.modify_instance_placement(InstanceId=one, **said)["Return"]
        return shown(ec2)[one]["Placement"]

    assert modified(GroupName=parts, PartitionNumber=2)["PartitionNumber"] == 2
    assert modified(PartitionNumber=1)["GroupName"] == parts
    assert "PartitionNumber" not in modified(GroupName=spread)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "InvalidParameterCombination"),
        ({"GroupName": "nobody-s"}, "InvalidPlacementGroup.Unknown"),
        ({"PartitionNumber": 1}, "InvalidParameterValue"),
        ({"Tenancy": "shared"}, "InvalidParameterValue"),
        ({"HostId": host}, "InvalidParameterCombination"),
        ({"HostId": "h-0123", "Tenancy": "host", "GroupName": ""}, "InvalidHostID.NotFound"),
        ({"HostId": host, "Tenancy": "host"}, "InvalidParameterCombination"),
    ]
    for said, why in wrong:
        with pytest.raises(ClientError) as refused:
            modified(**said)
        assert code(refused)[0] == why
    placed = modified(HostId=host, Tenancy="host", GroupName="")
    assert (placed["HostId"], placed["Tenancy"], placed.get("GroupName", "")) == (host, "host", "")
    ec2.start_instances(InstanceIds=[one])
    assert lab.truth()[one].host == "a1-1"


def test_the_topology_is_stated_as_botocore_s_model_says(ec2: EC2Client) -> None:
    """Three layers for the types that have it, a hundred ids at most, and no MaxResults with ids."""
    one, plain = run(ec2, InstanceType="p5.48xlarge"), run(ec2)
    (found,) = ec2.describe_instance_topology(InstanceIds=[one, plain])["Instances"]
    assert (found["InstanceId"], len(found["NetworkNodes"])) == (one, 3)
    for asked, wanted in (
        ({"InstanceIds": [one], "MaxResults": 5}, "InvalidParameterCombination"),
        ({"InstanceIds": [one] * 101}, "InvalidParameterValue"),
    ):
        with pytest.raises(ClientError) as refused:
            ec2.describe_instance_topology(**asked)
        assert code(refused)[0] == wanted


def test_what_is_new_shows_late_where_that_is_asked_for(ec2: EC2Client, control: Control) -> None:
    """The instance, then its tags: unknown to so many calls, but there all along."""
    control.arm(Fault("hide", calls=2), Fault("hide-tags", calls=3))
    tags: Any = [{"ResourceType": "instance", "Tags": [{"Key": "late", "Value": "yes"}]}]
    one = run(ec2, TagSpecifications=tags)
    with pytest.raises(ClientError) as unknown:
        ec2.describe_instances(InstanceIds=[one])
    assert code(unknown) == ("InvalidInstanceID.NotFound", 400)
    assert one not in shown(ec2)
    by_tag: Any = {"Filters": [{"Name": "tag:late", "Values": ["yes"]}]}
    assert [t["Key"] for t in shown(ec2, InstanceIds=[one])[one]["Tags"]] == ["keepapart:reach"]
    control.arm(Fault("hide-tags", calls=1))
    other = run(ec2, TagSpecifications=tags)
    assert list(shown(ec2, **by_tag)) == [one]
    assert list(shown(ec2, **by_tag)) == [one, other]


def test_a_termination_may_not_take_and_an_instance_may_die(
    lab: Lab, ec2: EC2Client, control: Control
) -> None:
    """Deaf: answered as if done. Die: once it was shown running so often, it is gone at the next look."""
    control.arm(Fault("deaf", times=1))
    one = run(ec2)
    for left in (True, False):
        answer = ec2.terminate_instances(InstanceIds=[one])["TerminatingInstances"][0]
        assert answer["CurrentState"]["Name"] == "shutting-down"
        assert (one in lab.truth()) == left
    control.arm(Fault("die", calls=2))
    other = run(ec2)
    states = [shown(ec2, InstanceIds=[other])[other]["State"]["Name"] for _ in range(3)]
    assert states == ["running", "running", "terminated"]


@pytest.mark.parametrize(
    ("kind", "error", "done"),
    [
        ("throttle", ClientError, False),
        ("error", ClientError, False),
        ("capacity", ClientError, False),
        ("error-after", ClientError, True),
        ("cut", ConnectionClosedError, False),
        ("lost", ConnectionClosedError, True),
        ("timeout", ReadTimeoutError, False),
        ("timeout-after", ReadTimeoutError, True),
    ],
)
def test_each_fault_is_what_it_says(
    lab: Lab, ec2: EC2Client, control: Control, kind: str, error: type[Exception], done: bool
) -> None:
    """Done or not, answered or not: as the kind says, once, and it is recorded."""
    before = set(shown(ec2))
    control.forget()
    control.arm(Fault(kind, action="RunInstances", skip=1))
    run(ec2)
    hasty = opened(lab, read_timeout=1 if "timeout" in kind else 60)
    with pytest.raises((ClientError, HTTPClientError)) as raised:
        run(hasty)
    assert isinstance(raised.value, error)
    hasty.close()
    run(ec2)
    assert len(set(shown(ec2)) - before) == 2 + done
    assert [c.fault for c in control.calls("RunInstances")] == ["", kind, ""]
    assert control.armed() == []


def test_a_fault_that_can_t_be_meant_is_refused(control: Control) -> None:
    """The control endpoint says what is wrong, and arms nothing."""
    with pytest.raises(ValueError, match="there is throttle"):
        Fault("trottle")
    with pytest.raises(OSError, match="400"):
        control._ask("POST", "/_lab/faults", [{"kind": "lost", "actoin": "RunInstances"}])
    assert control.armed() == []
