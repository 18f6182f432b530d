"""The least IAM policy of docs/ec2.md: enough for all that keepapart does, and nothing in it to spare."""

from __future__ import annotations

import http.client
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import boto3
import pytest

from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, LaunchRequest
from keepapart.errors import CloudError
from tests.clouds.conftest import Account, Open, tagged

PAGE = Path(__file__).parents[2] / "docs" / "ec2.md"
TOKENS = (f"policy-{number}" for number in itertools.count())
FREE = 10**9  # calls without a look at permissions: practically all
BEST_EFFORT = {"ec2:DescribePlacementGroups", "ec2:CreatePlacementGroup", "ec2:DescribeInstanceTopology"}


def policy() -> dict[str, Any]:
    """Return the policy that the page shows."""
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    document: dict[str, Any] = json.loads(shown)
    return document


def actions() -> set[str]:
    """Return every action that the policy allows."""
    allowed = [statement["Action"] for statement in policy()["Statement"]]
    return {action for each in allowed for action in ([each] if isinstance(each, str) else each)}


def everything(cloud: Open) -> None:
    """Do all that keepapart ever does with EC2."""
    ec2 = cloud(placement_group="auto", instance_type="p5.48xlarge", tries=1)
    one = ec2.launch(LaunchRequest(next(TOKENS), tagged(), dict(ec2.parameters({CLUSTER_TAG: "orders"})))).id
    assert list(ec2.describe([one])) == [one]
    ec2.tag(one, {ROLE_TAG: MEMBER})
    ec2.stop(one)
    ec2.place(one, {"Placement.GroupName": ""})
    ec2.start(one)
    ec2.terminate(one)
    assert ec2.price_per_hour() > 0
    ec2.instances({CLUSTER_TAG: "orders"})


@pytest.fixture
def permitted(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return what lets a user have these actions alone, and denies everybody everything else."""
    iam = boto3.client("iam")

    def only(allowed: Sequence[str]) -> None:
        reset(account, FREE)
        name = f"keepapart-{next(TOKENS)}"
        iam.create_user(UserName=name)
        # moto weighs actions alone: it evaluates neither resources nor conditions
        statement = {"Effect": "Allow", "Action": list(allowed), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="least", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        reset(account, 0)

    yield only
    reset(account, FREE)
    iam.close()


def reset(account: Account, free: int) -> None:
    """Let this many calls pass before permissions are looked at."""
    where = urlparse(account.lab.api)
    connection = http.client.HTTPConnection(where.hostname or "", where.port or 0)
    connection.request("POST", "/moto-api/reset-auth", body=str(free), headers={"Content-Type": "text/plain"})
    assert connection.getresponse().status == 200
    connection.close()


def test_the_policy_is_what_keepapart_calls(cloud: Open, account: Account) -> None:
    """The actions called are the actions allowed, neither more nor less."""
    everything(cloud)
    called = {call.action for call in account.control.calls()}
    assert {f"{'pricing' if name == 'GetProducts' else 'ec2'}:{name}" for name in called} == actions()


def test_the_policy_is_enough_where_all_else_is_denied(cloud: Open, permitted: Any) -> None:
    """With permissions enforced, a user who has this policy alone can do everything."""
    permitted(sorted(actions()))
    everything(cloud)


@pytest.mark.parametrize("missing", sorted(actions()))
def test_nothing_in_the_policy_can_be_spared(cloud: Open, permitted: Any, missing: str) -> None:
    """Without any one action a call fails and names the policy, or a group or a fact is done without."""
    permitted(sorted(actions() - {missing}))
    if missing in BEST_EFFORT:
        everything(cloud)
    else:
        with pytest.raises(CloudError, match=r"docs/ec2\.md"):
            everything(cloud)


def test_what_ends_instances_is_bound_to_keepapart_s_own() -> None:
    """Every statement that changes an instance asks for the cluster's tag, or for the call that makes it."""
    for statement in policy()["Statement"]:
        named = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if {
            "ec2:TerminateInstances",
            "ec2:StopInstances",
            "ec2:StartInstances",
            "ec2:CreateTags",
            "ec2:ModifyInstancePlacement",
        } & set(named):
            assert "keepapart:cluster" in str(statement["Condition"]) or "CreateAction" in str(
                statement["Condition"]
            )
