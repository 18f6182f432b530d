"""Every cloud of ours keeps the rules that `keepapart.testing.clouds` has for all."""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from keepapart import clouds
from keepapart.clouds import CLUSTER_TAG, LaunchRequest, Listing, connect
from keepapart.clouds.ec2 import cloud as ec2
from keepapart.errors import CapacityError, CloudError, RefusedError
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.ec2.faults import Fault as ApiFault
from keepapart.lab.world import world
from keepapart.model import Instance
from keepapart.testing import Fault, Lag, ProgrammableCloud
from keepapart.testing.clouds import CLOUD_RULES, LISTING_RULES, CloudRule, CloudUnderTest, launching, listing
from tests.clouds.conftest import Account

PATIENCE = 10.0  # seconds; nothing here takes longer
LAB: Mapping[str, Any] = {
    "name": "conformance",
    "racks": [{"name": "a", "hosts": 2, "capacity": 3}],
    "placement": {"states": ["host", "zone", "partition", "fault_domain", "topology"]},
}

every_rule = pytest.mark.parametrize("rule", CLOUD_RULES, ids=lambda rule: rule.__name__)


@pytest.mark.parametrize("rule", LISTING_RULES, ids=lambda rule: rule.__name__)
def test_static(rule: CloudRule) -> None:
    """A list in the configuration keeps what concerns lists."""
    there = [Instance(f"web-{n}", f"10.0.0.{n}", "ssh", facts={"host": "pve-1"}) for n in (1, 2, 3)]
    with CloudUnderTest(lambda: connect("static", {}, there), listed=[i.id for i in there]) as cloud:
        rule(cloud)


@every_rule
@pytest.mark.parametrize("lag", [Lag(), Lag(calls=3)], ids=["at once", "late"])
def test_programmable(rule: CloudRule, lag: Lag, tmp_path: Path) -> None:
    """The programmable cloud is a cloud like any other, also where all that is new shows late."""
    path = tmp_path / "cloud"

    def start() -> ProgrammableCloud:
        return ProgrammableCloud(
            path, states_hosts=True, listed_after=lag, known_after=lag, tags_after=lag, boot_seconds=0.01
        )

    with CloudUnderTest(
        start,
        refused=_armed(Fault("launch", RefusedError("never"), times=0)),
        full=_armed(Fault("launch", CapacityError("no room"), times=0)),
        failing=_armed(Fault("*", CloudError("the platform is down"), times=0)),
        cut_short=_armed(Fault("instances", CloudError("cut"), times=0)),
        unanswered=_armed(Fault("launch", CloudError("lost"), times=0, after=True)),
        handed=lambda instance_id: start().handed(instance_id),
        patience=PATIENCE,
        sleep=lambda _: None,
    ) as cloud:
        rule(cloud)


def _armed(*faults: Fault) -> Callable[[Listing], AbstractContextManager[None]]:
    """Return what arms these faults at a programmable cloud as long as a context lasts."""

    @contextmanager
    def armed(cloud: Listing) -> Iterator[None]:
        assert isinstance(cloud, ProgrammableCloud)
        cloud.arm(*faults)
        try:
            yield
        finally:
            cloud.clear()

    return armed


@pytest.fixture(scope="module", params=["simulated", "netns"])
def small_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Yield a lab of each kind, for all rules."""
    simulated = request.param == "simulated"
    name = f"conformance-{request.param}"
    with client.running(world.parse(LAB, "test"), name=name, simulated=simulated) as lab:
        if lab.kind != request.param:
            pytest.skip(lab.because)
        yield lab


@every_rule
def test_lab(rule: CloudRule, small_lab: Lab) -> None:
    """The lab is a cloud like any other, simulated or with a network."""

    @contextmanager
    def full(cloud: Listing) -> Iterator[None]:
        launches, filling = clouds.launching(cloud), []
        with pytest.raises(CapacityError):
            while True:
                token = os.urandom(16).hex()
                filling.append(launches.launch(LaunchRequest(token, {CLUSTER_TAG: "filling"})).id)
        try:
            yield
        finally:
            for instance_id in filling:
                launches.terminate(instance_id)

    @contextmanager
    def failing(_: Listing) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", os.devnull)
            yield

    with CloudUnderTest(
        lambda: connect("lab", {"lab": small_lab.name}, ()), full=full, failing=failing, patience=PATIENCE
    ) as cloud:
        rule(cloud)


IN_A_GROUP = (
    listing.states_facts_of_the_vocabulary,
    launching.says_what_will_never_be_granted,
    launching.chooses_what_can_be_journalled,
)


@pytest.mark.parametrize(
    ("rule", "group"),
    [*((rule, "") for rule in CLOUD_RULES), *((rule, "auto") for rule in IN_A_GROUP)],
    ids=lambda either: getattr(either, "__name__", str(either)),
)
def test_ec2(rule: CloudRule, group: str, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """EC2 is a cloud like any other, through its real API as the lab answers it, within a group or not."""
    settings: dict[str, Any] = {
        "image_id": "ami-lab",
        "instance_type": "m5.large",
        "placement_group": group,
        "tries": 1,
    }
    monkeypatch.setattr(ec2, "PAGE", 5)

    def armed(*faults: ApiFault) -> Callable[[Listing], AbstractContextManager[None]]:
        @contextmanager
        def arming(_: Listing) -> Iterator[None]:
            account.control.arm(*faults)
            try:
                yield
            finally:
                account.control.clear()

        return arming

    def handed(instance_id: str) -> bytes:
        said = account.ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
        return b64decode(said["UserData"].get("Value", ""))

    no_room = armed(ApiFault("capacity", times=0))
    with CloudUnderTest(
        lambda: connect("ec2", settings, ()),
        several=6,
        full=None if group else no_room,
        refused=no_room if group else None,  # the next launch does without the group
        failing=armed(ApiFault("error", times=0)),
        cut_short=armed(ApiFault("error", "DescribeInstances", skip=1)),
        unanswered=armed(ApiFault("lost", "RunInstances", times=0)),
        handed=handed,
        patience=PATIENCE,
    ) as cloud:
        rule(cloud)
