"""The lab's platform lags, boots slowly and refuses, where its world file says so."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from keepapart import clouds
from keepapart.cli import main
from keepapart.clouds import CLUSTER_TAG, PENDING, RUNNING, TERMINATED, LaunchRequest
from keepapart.errors import ConfigError, DeniedError, LabError
from keepapart.lab.client import Lab
from keepapart.lab.world import world
from tests.lab.conftest import BringUp, of_no_account

ORDERS = {CLUSTER_TAG: "orders"}


def one(token: str = "t") -> LaunchRequest:  # noqa: S107  # names a launch, guards nothing
    """Return a launch of an instance of the cluster."""
    return LaunchRequest(token, ORDERS)


def simulated(bring_up: BringUp, **platform: Any) -> Lab:
    """Bring up a lab of two instances and room for more."""
    clusters = [{"name": "orders", "size": 2}]
    return bring_up({"platform": platform, "clusters": clusters}, simulated=True)


def test_what_comes_up_with_the_lab_has_booted_and_shows(bring_up: BringUp) -> None:
    """However long boots and lags are, a lab begins with everything there."""
    lab = simulated(bring_up, boot=60, list_lag=60, describe_lag=60, tag_lag=60)
    assert [i.state for i in lab.instances(ORDERS)] == [RUNNING, RUNNING]
    assert lab.connected(["i-0001", "i-0002"]) == {"i-0001", "i-0002"}


def test_an_instance_is_pending_until_it_has_booted(bring_up: BringUp) -> None:
    """`boot` seconds pass until a launched instance runs, and as many after each start."""
    lab = simulated(bring_up, boot=20)
    assert lab.launch(one()).state == PENDING
    lab.let_pass(15)
    assert lab.launch(one()).state == PENDING, "asked again, it is the same launch"
    assert not lab.connected(["i-0003"])
    lab.let_pass(5)
    assert lab.describe(["i-0003"])["i-0003"].state == RUNNING
    assert lab.connected(["i-0003"])
    lab.stop("i-0003")
    assert lab.start("i-0003").state == PENDING


def test_running_may_come_before_the_way_in(bring_up: BringUp) -> None:
    """With `ready = "after"` an instance runs at once, and has a network only when its boot is over."""
    lab = simulated(bring_up, boot=20, ready="after")
    assert lab.launch(one()).state == RUNNING
    assert not lab.connected(["i-0003"])
    lab.let_pass(20)
    assert lab.connected(["i-0003"])


def test_sockets_of_what_still_boots_cannot_be_had(real: BringUp) -> None:
    """Among real namespaces too: there is nothing to send from until it is up."""
    lab = real({"platform": {"boot": 20, "ready": "after"}, "clusters": []})
    lab.launch(one())
    assert lab.sockets(["i-0001"], 1) == {}
    lab.let_pass(20)
    (made,) = lab.sockets(["i-0001"], 1)["i-0001"]
    made.close()


def test_a_boot_ends_with_its_instance(bring_up: BringUp) -> None:
    """One that is terminated while it boots doesn't come up; one whose host failed runs without a network."""
    lab = simulated(bring_up, boot=20)
    lab.launch(one())
    lab.launch(one("u"))
    lab.terminate("i-0003")
    lab.fail(lab.truth()["i-0004"].host)
    lab.let_pass(20)
    assert {i.id: i.state for i in lab.guests()}["i-0003"] == TERMINATED
    assert lab.describe(["i-0004"])["i-0004"].state == RUNNING
    assert not lab.connected(["i-0003", "i-0004"])


def test_a_list_shows_what_was_true_a_while_ago(bring_up: BringUp) -> None:
    """What is new isn't listed yet, what has ended is listed still; asked by id, both are as they are."""
    lab = simulated(bring_up, list_lag=3)
    lab.launch(one())
    lab.terminate("i-0001")
    assert [i.id for i in lab.instances()] == ["i-0001", "i-0002"]
    assert {i.id: i.state for i in lab.describe(["i-0001", "i-0003"]).values()} == {
        "i-0001": TERMINATED,
        "i-0003": RUNNING,
    }
    lab.let_pass(3)
    assert [i.id for i in lab.instances()] == ["i-0002", "i-0003"]


def test_what_is_asked_for_by_id_may_lag_too(bring_up: BringUp) -> None:
    """An id that is too new isn't known, yet calls that change it take at once."""
    lab = simulated(bring_up, describe_lag=3)
    lab.launch(one())
    assert lab.describe(["i-0003"]) == {}
    lab.terminate("i-0003")
    assert {i.id: i.state for i in lab.guests()}["i-0003"] == TERMINATED


def test_tags_show_late(bring_up: BringUp) -> None:
    """Those of a launch and those set later, in lists and by id."""
    lab = simulated(bring_up, tag_lag=20)
    lab.launch(one())
    lab.tag("i-0001", {"colour": "red"})
    assert [i.id for i in lab.instances(ORDERS)] == ["i-0001", "i-0002"]
    assert lab.describe(["i-0001", "i-0003"])["i-0003"].tags == {}
    assert "colour" not in lab.describe(["i-0001"])["i-0001"].tags
    lab.let_pass(20)
    assert [i.id for i in lab.instances({"colour": "red"})] == ["i-0001"]
    assert len(lab.instances(ORDERS)) == 3


def test_what_is_protected_can_be_neither_stopped_nor_terminated(
    bring_up: BringUp, capsys: pytest.CaptureFixture[str]
) -> None:
    """The platform refuses, until it is told otherwise; from the command line it is one line."""
    lab = simulated(bring_up, protected=["i-0001"])
    for call in (lab.stop, lab.terminate):
        with pytest.raises(DeniedError, match="i-0001 is protected"):
            call("i-0001")
    assert main(["lab", "protect", "i-0002"]) == 0
    assert main(["lab", "terminate", "i-0002"]) == 4
    assert capsys.readouterr().err == "keepapart: i-0002 is protected and can't be terminated\n"
    assert main(["lab", "protect", "--off", "i-0001"]) == 0
    assert main(["lab", "terminate", "i-0001"]) == 0


def test_truth_never_lags(bring_up: BringUp, capsys: pytest.CaptureFixture[str]) -> None:
    """`lab ls` shows what the platform shows, `lab truth` what is so."""
    lab = simulated(bring_up, list_lag=60)
    lab.launch(one())
    for verb, shown in (("ls", False), ("truth", True)):
        assert main(["lab", verb]) == 0
        assert ("i-0003" in capsys.readouterr().out) is shown


def test_ready_says_nothing_without_boot() -> None:
    """As every key that does nothing, it is an error that says so."""
    with pytest.raises(ConfigError, match="ready: says nothing without boot"):
        world.parse({"name": "a", "racks": [{"name": "a"}], "platform": {"ready": "after"}}, "test")


def test_time_passes_forwards_only(bring_up: BringUp) -> None:
    """Less than no seconds is refused."""
    with pytest.raises(Exception, match="a number from 0"):
        simulated(bring_up).let_pass(-1)


def test_the_ec2_api_lags_boots_and_refuses_alike(bring_up: BringUp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists by filter, descriptions by id, states, tags and protection are those that the lab shows."""
    of_no_account(monkeypatch)
    platform = {"boot": 10, "list_lag": 3, "describe_lag": 1, "tag_lag": 20, "protected": ["i-0001"]}
    lab = bring_up(
        {"platform": platform, "clusters": [{"name": "orders", "size": 2}]}, simulated=True, api="ec2"
    )
    ec2 = boto3.client("ec2", endpoint_url=lab.api)

    def listed(**asked: Any) -> dict[str, tuple[str, dict[str, str]]]:
        reservations = ec2.describe_instances(**asked)["Reservations"]
        found = [one for reservation in reservations for one in reservation["Instances"]]
        return {
            one["InstanceId"]: (
                one["State"]["Name"],
                {tag["Key"]: tag["Value"] for tag in one.get("Tags", ()) if tag["Key"] == CLUSTER_TAG},
            )
            for one in found
        }

    by_id: Any = {"Filters": [{"Name": "instance-id", "Values": ["i-0003"]}]}
    by_tag: Any = {"Filters": [{"Name": f"tag:{CLUSTER_TAG}", "Values": ["orders"]}]}
    tags: Any = [{"ResourceType": "instance", "Tags": [{"Key": CLUSTER_TAG, "Value": "orders"}]}]
    ec2.run_instances(MinCount=1, MaxCount=1, ImageId="ami-lab", TagSpecifications=tags)
    assert sorted(listed()) == ["i-0001", "i-0002"]
    assert listed(**by_id) == {}
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        listed(InstanceIds=["i-0003"])
    lab.let_pass(2)
    assert listed(**by_id) == {"i-0003": ("pending", {})}
    lab.let_pass(10)
    assert listed(**by_id) == {"i-0003": ("running", {})}
    assert sorted(listed(**by_tag)) == ["i-0001", "i-0002"]
    lab.let_pass(10)
    assert listed(**by_tag)["i-0003"] == ("running", ORDERS)
    for call in (ec2.terminate_instances, ec2.stop_instances):
        with pytest.raises(ClientError, match="OperationNotPermitted"):
            call(InstanceIds=["i-0001"])
    ec2.terminate_instances(InstanceIds=["i-0003"])
    assert listed()["i-0003"][0] == "running", "a list that lags shows what has ended"
    lab.let_pass(3)
    assert listed()["i-0003"][0] == "terminated"
    ec2.close()


def test_the_lab_as_a_cloud_lags_too(bring_up: BringUp) -> None:
    """What admission asks is answered as late as what anybody asks."""
    lab = simulated(bring_up, list_lag=3)
    cloud = clouds.launching(clouds.connect("lab", {"lab": lab.name}, ()))
    cloud.launch(one())
    assert len(cloud.instances(ORDERS)) == 2
    lab.let_pass(3)
    assert len(cloud.instances(ORDERS)) == 3


def test_sshd_answers_when_the_boot_is_over(real: BringUp) -> None:
    """An instance that runs refuses ssh until then, and says why."""
    try:
        lab = real({"platform": {"boot": 20, "ready": "after"}, "clusters": []}, sshd=True)
    except LabError as error:
        pytest.skip(str(error))
    lab.launch(one())
    argv = ["true"]
    with pytest.raises(LabError, match="i-0001 has no network"):
        lab.exec("i-0001", argv)
    lab.let_pass(20)
    assert lab.exec("i-0001", argv) == 0
