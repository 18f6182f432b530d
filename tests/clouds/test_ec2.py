"""`provider = "ec2"` against a real HTTP API: what an operator and an admission rely on."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from keepapart.clouds import (
    CLUSTER_TAG,
    MEMBER,
    NOTE,
    ROLE_TAG,
    RUNNING,
    STOPPED,
    TERMINATED,
    Chooser,
    LaunchRequest,
)
from keepapart.clouds.ec2 import cloud as module
from keepapart.clouds.ec2.cloud import Ec2Cloud
from keepapart.errors import CloudError, NotFoundError
from keepapart.lab.ec2.faults import Fault
from tests.clouds.conftest import Account, Open, tagged

ORDERS = {CLUSTER_TAG: "orders"}


def launched(cloud: Ec2Cloud, token: str, tags: Mapping[str, str] | None = None) -> str:
    """Launch one the way that admission does; return its id."""
    parameters = dict(cloud.parameters(ORDERS))
    return cloud.launch(LaunchRequest(token, tags or tagged(), parameters)).id


def test_an_instance_from_launch_to_end(cloud: Open, account: Account) -> None:
    """Launch, stop, start and terminate show in the state, may be repeated, and act on a lab guest."""
    ec2 = cloud()
    assert isinstance(ec2, Chooser)
    one = launched(ec2, "life")
    found = ec2.describe([one, "i-unknown"])
    assert list(found) == [one]
    assert (found[one].state, dict(found[one].tags).items() >= tagged().items()) == (RUNNING, True)
    assert found[one].reach == f"simulated:{one}@account"
    assert found[one].address == account.lab.describe([one])[one].address
    for repeat in range(2):
        ec2.stop(one)
        assert (repeat, ec2.describe([one])[one].state) == (repeat, STOPPED)
    for repeat in range(2):
        ec2.start(one)
        assert (repeat, ec2.describe([one])[one].state) == (repeat, RUNNING)
    ec2.tag(one, {ROLE_TAG: MEMBER})
    assert [i.id for i in ec2.instances({**ORDERS, ROLE_TAG: MEMBER})] == [one]
    for repeat in range(2):
        ec2.terminate(one)
        assert (repeat, ec2.describe([one])[one].state) == (repeat, TERMINATED)
    assert ec2.instances(ORDERS) == []
    assert one not in account.lab.truth()


def test_one_token_is_one_instance(cloud: Open, account: Account) -> None:
    """The same token with the same parameters returns the same instance; with others it is an error."""
    ec2 = cloud()
    first = launched(ec2, "one-token")
    assert launched(ec2, "one-token") == first
    with pytest.raises(CloudError, match="IdempotentParameterMismatch") as refused:
        ec2.launch(LaunchRequest("one-token", tagged(), {"ImageId": "ami-lab", "InstanceType": "m5.xlarge"}))
    assert "one-token" not in str(refused.value)
    assert list(account.alive()) == [first]


def test_a_launch_is_tagged_in_the_call_itself(cloud: Open, account: Account) -> None:
    """Instance and volumes carry their tags from the launch call on; no second call is made."""
    one = launched(cloud(), "tags")
    assert account.control.calls("CreateTags") == []
    (call,) = account.control.calls("RunInstances")
    kinds = {call.parameters[f"TagSpecification.{n}.ResourceType"] for n in (1, 2)}
    assert kinds == {"instance", "volume"}
    assert (call.parameters["MinCount"], call.parameters["MaxCount"]) == ("1", "1")
    volumes = account.ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [one]}])
    assert {t["Key"] for v in volumes["Volumes"] for t in v["Tags"]} >= set(tagged())


@pytest.mark.parametrize("by", ["LaunchTemplateId", "LaunchTemplateName"])
def test_a_launch_template_is_named_by_id_or_name(cloud: Open, account: Account, by: str) -> None:
    """What the template says holds where the configuration doesn't say otherwise."""
    template = account.ec2.create_launch_template(
        LaunchTemplateName=f"nodes-{by}",
        LaunchTemplateData={"ImageId": "ami-lab", "InstanceType": "c6i.large"},
    )["LaunchTemplate"]
    ec2 = cloud(image_id="", launch_template=template[by], launch_template_version="1")  # type: ignore[literal-required]
    one = launched(ec2, f"template-{by}")
    assert account.alive()[one]["InstanceType"] == "c6i.large"
    small = cloud(image_id="", launch_template=template[by], instance_type="t3.micro")  # type: ignore[literal-required]
    other = launched(small, f"template-small-{by}")
    assert account.alive()[other]["InstanceType"] == "t3.micro"


def test_members_are_found_by_tag_by_id_and_by_filter(cloud: Open) -> None:
    """Members named by id or filter are shown with the cluster's tags; a candidate's own tags stand."""
    plain = cloud()
    tagged_one = launched(plain, "by-tag", {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER})
    by_id = launched(plain, "by-id", {"Name": "other"})
    by_name = launched(plain, "by-name", {"Name": "db-1"})
    candidate = launched(plain, "candidate", tagged(Name="db-2"))
    elsewhere = launched(plain, "elsewhere", {CLUSTER_TAG: "web", ROLE_TAG: MEMBER, "Name": "db-3"})
    ec2 = cloud(members=[by_id], member_filter={"tag:Name": "db-*"})
    members = {i.id for i in ec2.instances({**ORDERS, ROLE_TAG: MEMBER})}
    assert members == {tagged_one, by_id, by_name}
    everything = {i.id: i.tags.get(ROLE_TAG) for i in ec2.instances(ORDERS)}
    assert everything == {tagged_one: MEMBER, by_id: MEMBER, by_name: MEMBER, candidate: "candidate"}
    assert ec2.describe([by_id])[by_id].tags[CLUSTER_TAG] == "orders"
    assert elsewhere not in everything


def test_lists_are_read_to_the_last_page(
    cloud: Open, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the pages, every instance is listed once."""
    monkeypatch.setattr(module, "PAGE", 5)
    ec2 = cloud()
    ids = [launched(ec2, f"page-{number}") for number in range(12)]
    account.control.forget()
    assert sorted(i.id for i in ec2.instances(ORDERS)) == sorted(ids)
    assert len(account.control.calls("DescribeInstances")) == 3


def test_the_way_in_and_the_address_are_the_operator_s_choice(cloud: Open, account: Account) -> None:
    """The tag says the way in, unless forbidden; then the template of [cloud] reach; then [reach]."""
    one = launched(cloud(), "reach")
    said = account.alive()[one]

    def shown(**settings: str) -> tuple[str, str]:
        found = cloud(**settings).describe([one])[one]
        return found.reach, found.address

    assert shown() == (f"simulated:{one}@account", said["PrivateIpAddress"])
    assert shown(reach_tag="") == ("", said["PrivateIpAddress"])
    template = {"reach_tag": "", "reach": "ssh://ubuntu@{public}:22", "address": "public"}
    assert shown(**template) == (f"ssh://ubuntu@{said['PublicIpAddress']}:22", said["PublicIpAddress"])
    account.ec2.create_tags(Resources=[one], Tags=[{"Key": "way", "Value": "local"}])
    assert shown(reach_tag="way", reach="ssh://{id}")[0] == "local"


def test_a_new_instance_that_doesn_t_show_yet_is_not_there_and_no_error(
    cloud: Open, account: Account
) -> None:
    """Eventual consistency: it is left out of lists, tagging it is NotFoundError, and later it is there."""
    ec2 = cloud(tries=1)
    account.control.arm(Fault("hide", calls=3))
    one = launched(ec2, "hidden")
    assert ec2.describe([one]) == {}
    assert ec2.instances(ORDERS) == []
    with pytest.raises(NotFoundError):
        ec2.tag(one, {"a": "b"})
    assert list(ec2.describe([one])) == [one]


def test_what_is_launched_was_chosen_before_and_is_repeated_word_for_word(cloud: Open) -> None:
    """The parameters hold all that the call says, so a changed configuration doesn't change a retry."""
    before = cloud(
        instance_type="m5.large", key_name="admin", security_group_ids=["sg-1", "sg-2"], zone="us-east-1a"
    )
    parameters = dict(before.parameters(ORDERS))
    assert parameters == {
        "ImageId": "ami-lab",
        "InstanceType": "m5.large",
        "KeyName": "admin",
        "SecurityGroupIds": "sg-1,sg-2",
        "Placement.AvailabilityZone": "us-east-1a",
    }
    one = before.launch(LaunchRequest("word", tagged(), parameters)).id
    after = cloud(instance_type="c5.large")
    assert (
        after.launch(LaunchRequest("word", tagged(), {**parameters, NOTE: "said to people only"})).id == one
    )


def test_the_usual_configuration_of_boto3_just_works(
    cloud: Open, account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Profile, region and endpoint come from the environment or the profile, or from [cloud]."""
    one = launched(cloud(), "usual")
    folder = tmp_path_factory.mktemp("aws")
    (folder / "config").write_text(
        f"[profile lab]\nregion = us-east-1\nendpoint_url = {account.lab.api}\n"
        "aws_access_key_id = lab\naws_secret_access_key = lab\n"
    )
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    assert list(cloud(profile="lab").describe([one])) == [one]
    assert cloud(profile="lab", region="eu-west-1").describe([one]) == {}
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert list(cloud().describe([one])) == [one]
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert cloud().describe([one]) == {}
