"""One lab with an EC2 API for all of these tests: simulated, since what is under test is the API's client."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.loaders import create_loader

from keepapart.clouds.ec2 import connect
from keepapart.clouds.ec2.cloud import Ec2Cloud
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.ec2.faults import Control
from keepapart.lab.ec2.process import environment
from keepapart.lab.world import world

if TYPE_CHECKING:
    from types_boto3_ec2 import EC2Client
    from types_boto3_ec2.type_defs import FilterTypeDef

WORLD = {
    "name": "account",
    "racks": [{"name": f"a{number}", "hosts": 2} for number in range(1, 10)]
    + [{"name": f"b{number}", "hosts": 2, "zone": "b"} for number in range(1, 3)],
}
ALIVE: FilterTypeDef = {"Name": "instance-state-name", "Values": ["pending", "running", "stopped"]}
Open = Callable[..., Ec2Cloud]


@dataclass(frozen=True)
class Account:
    """The account of a test: empty at its beginning."""

    lab: Lab
    control: Control
    ec2: EC2Client

    def alive(self) -> dict[str, Any]:
        """Return everything that is not terminated, by id, as EC2 describes it."""
        shown = self.ec2.describe_instances(Filters=[ALIVE])["Reservations"]
        return {i["InstanceId"]: i for r in shown for i in r["Instances"]}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a lab that answers the EC2 API."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        with client.running(world.parse(WORLD, "test"), simulated=True, api="ec2") as lab:
            yield lab


@pytest.fixture(scope="session", autouse=True)
def models() -> Iterator[None]:
    """Let botocore read its models once, not again for each client: a third of these tests' time."""
    loader = create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", lambda *_: loader)
        yield


@pytest.fixture(autouse=True)
def environ(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point boto3 at the lab, and away from whatever this machine has configured."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    for name, value in environment(lab.api).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def account(lab: Lab, environ: None) -> Iterator[Account]:  # noqa: ARG001  # for its order
    """Yield the account; whatever a test leaves is removed, and no fault outlives it."""
    found = Account(lab, Control(lab.api), boto3.client("ec2"))
    found.control.clear()
    found.control.forget()
    yield found
    found.control.clear()
    left = list(found.alive())
    if left:
        found.ec2.terminate_instances(InstanceIds=left)
    for group in found.ec2.describe_placement_groups()["PlacementGroups"]:
        found.ec2.delete_placement_group(GroupName=group["GroupName"])
    found.ec2.close()


@pytest.fixture
def cloud(account: Account) -> Iterator[Open]:  # noqa: ARG001  # the account is emptied afterwards
    """Return what opens the provider with these settings."""
    opened: list[Ec2Cloud] = []

    def start(**settings: Any) -> Ec2Cloud:
        found = connect({"image_id": "ami-lab", **settings}, ())
        assert isinstance(found, Ec2Cloud)
        opened.append(found)
        return found

    yield start
    for each in opened:
        each.close()


def tagged(**more: str) -> Mapping[str, str]:
    """Return the tags of a candidate of cluster "orders"."""
    return {"keepapart:cluster": "orders", "keepapart:role": "candidate", **more}
