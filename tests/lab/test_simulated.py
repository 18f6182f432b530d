"""The lab as a cloud, in its simulated form: the same protocol, lifecycle and errors without a kernel."""

from __future__ import annotations

import json
import os
import select
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keepapart import clouds
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG, LaunchRequest
from keepapart.errors import CapacityError, CloudError, ConfigError, LabError, NotFoundError, UsageError
from keepapart.lab import client, protocol
from keepapart.lab import cloud as lab_cloud
from keepapart.lab.client import Lab
from keepapart.model import Instance

if TYPE_CHECKING:
    from .conftest import BringUp


@pytest.fixture
def lab(bring_up: BringUp) -> Lab:
    """Return a simulated lab of nine instances in twelve slots."""
    return bring_up(simulated=True)


def test_members_come_up_with_the_lab(lab: Lab) -> None:
    """The world's clusters run at once, tagged as theirs, with a way in that names the lab."""
    members = lab.instances({CLUSTER_TAG: "orders"})
    assert [one.id for one in members] == [f"i-{number:04}" for number in range(1, 10)]
    assert {one.state for one in members} == {clouds.RUNNING}
    assert members[0].tags == {CLUSTER_TAG: "orders", ROLE_TAG: MEMBER}
    assert members[0].reach == "simulated:i-0001@small"
    assert lab.instances({CLUSTER_TAG: "other"}) == []


def test_placement_is_the_truth_command_s_alone(lab: Lab) -> None:
    """No fact or tag of an instance tells its host; `truth` does."""
    lab.fail(lab.truth()["i-0001"].host)
    for one in lab.instances():
        assert set(one.facts) <= {"health"}
        assert set(one.tags) <= {CLUSTER_TAG, ROLE_TAG}
    assert lab.describe(["i-0001"])["i-0001"].facts == {"health": "impaired"}
    assert lab.truth()["i-0001"].rack in ("a", "b")


def test_an_instance_s_life_through_the_cloud_protocol(lab: Lab) -> None:
    """Launch, tag, stop, start and terminate do what every cloud does, and repeat without harm."""
    cloud = clouds.launching(clouds.connect("lab", {"lab": lab.name}, []))
    request = LaunchRequest("token", {"who": "me"}, {"size": "small"})
    one = cloud.launch(request)
    assert cloud.launch(request) == one
    cloud.tag(one.id, {"more": "tags"})
    for _ in range(2):
        cloud.stop(one.id)
    stopped = cloud.describe([one.id, "i-9999"])
    assert stopped[one.id].state == clouds.STOPPED
    assert stopped[one.id].address == ""
    assert list(stopped) == [one.id]
    for _ in range(2):
        cloud.start(one.id)
    again = cloud.instances({"who": "me", "more": "tags"})
    assert [each.id for each in again] == [one.id]
    assert again[0].address
    for _ in range(2):
        cloud.terminate(one.id)
    assert cloud.instances({"who": "me"}) == []
    assert cloud.describe([one.id])[one.id].state == clouds.TERMINATED


def test_errors_keep_their_kind_on_the_way(lab: Lab) -> None:
    """Capacity, unknown ids and misused tokens reach the caller as what they are."""
    for number in range(3):
        lab.launch(LaunchRequest(f"t{number}", {}))
    with pytest.raises(CapacityError):
        lab.launch(LaunchRequest("one too many", {}))
    with pytest.raises(CloudError, match="other tags"):
        lab.launch(LaunchRequest("t0", {"other": "tags"}))
    with pytest.raises(NotFoundError, match="i-9999"):
        lab.stop("i-9999")
    lab.down()
    cloud = lab_cloud.LabCloud(lab)
    with pytest.raises(CloudError, match="does not answer"):
        cloud.instances({})


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"lbb": "small"}, "did you mean 'lab'"), ({"lab": 3}, "in quotes"), ({"region": "x"}, "there is lab")],
)
def test_wrong_settings_name_the_mend(settings: dict[str, Any], says: str) -> None:
    """Unknown keys and wrong values of [cloud] are configuration errors."""
    with pytest.raises(ConfigError, match=says):
        lab_cloud.connect(settings, [])


def test_instances_by_hand_are_not_silently_left_out(lab: Lab) -> None:
    """An instance listed beside the lab's own would go unchecked: that is refused."""
    with pytest.raises(ConfigError, match="instances"):
        lab_cloud.connect({"lab": lab.name}, [Instance("web-1", "10.0.0.1")])


def test_hops_are_computed_and_the_dead_have_none(lab: Lab) -> None:
    """Counts come by flow, and are 0 from and to whatever has no network."""
    ids = [one.id for one in lab.instances()]
    counts = lab.hops(ids, 3)
    assert counts.shape == (3, 9, 9)
    assert set(counts.flatten().tolist()) == {0, 2, 4, 6}
    truth = lab.truth()
    lab.fail(truth["i-0001"].host)
    lab.stop("i-0009")
    dead = [truth[one].host == truth["i-0001"].host or one == "i-0009" for one in ids]
    after = lab.hops([*ids, "i-9999"], 1)[0]
    assert not after[:, [*dead, True]].any()
    assert not after[[*dead, True], :].any()


def test_it_says_that_it_is_simulated(lab: Lab) -> None:
    """A simulated lab names its kind, and refuses what only a real one can do."""
    assert (lab.kind, lab.because) == ("simulated", "as asked")
    with pytest.raises(LabError, match="simulated"):
        lab.sockets(["i-0001"], 1)
    with pytest.raises(LabError, match="simulated"):
        lab.exec("i-0001", ["true"])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b'{"do": "destroy"}',
        b'{"do": []}',
        b'{"do": "stop"}',
        b'{"do": "stop", "instance": 3}',
        b'{"do": "hello", "more": 1}',
        b'{"do": "sockets", "ids": ["i-0001"], "count": true}',
        b'{"do": "sockets", "ids": ["i-0001"], "count": 1000}',
        b'{"do": "hops", "ids": ["i-0001"], "flows": 1000000000}',
        b'{"do": "launch", "token": "t", "tags": {"a": 1}, "parameters": {}}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_a_bad_request_is_answered_and_harms_nobody(lab: Lab, line: bytes) -> None:
    """Whatever comes in a line, the answer is an error, and the lab goes on."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(protocol.socket_path(lab.name)))
        connection.sendall(line + b"\n")
        with connection.makefile("rb") as answers:
            assert "error" in json.loads(answers.readline())
    assert len(lab.instances()) == 9


def test_an_endless_request_is_cut_off(lab: Lab) -> None:
    """A line without an end fills no more than a bounded part of the lab's memory."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(protocol.socket_path(lab.name)))
        with pytest.raises(OSError, match=r"pipe|reset"):
            while True:
                connection.sendall(b"x" * 65536)
    assert len(lab.instances()) == 9


def test_one_client_does_not_wait_for_another(lab: Lab) -> None:
    """A connection that says nothing, or half a request, holds nobody up."""
    with socket.socket(socket.AF_UNIX) as idle:
        idle.connect(str(protocol.socket_path(lab.name)))
        idle.sendall(b'{"do": "hel')
        assert len(lab.instances()) == 9


def test_names_are_taken_once_and_found_without_saying(bring_up: BringUp) -> None:
    """The only lab is found unnamed; of several, none is guessed; a name taken is refused."""
    with pytest.raises(LabError, match="no lab is running"):
        Lab.find()
    one = bring_up(simulated=True)
    assert Lab.find() == one
    with pytest.raises(LabError, match="is running"):
        bring_up(simulated=True)
    other = bring_up(simulated=True, name="other")
    assert client.labs() == ["other", "small"]
    with pytest.raises(LabError, match="other, small"):
        Lab.find()
    with pytest.raises(LabError, match="there is other, small"):
        Lab.find("third")
    one.down()
    assert Lab.find() == other


def test_a_name_is_free_as_soon_as_the_lab_is_down(bring_up: BringUp) -> None:
    """Down and up again in a row work every time."""
    for _ in range(5):
        bring_up(simulated=True).down()
        assert client.labs() == []


def test_the_lab_ends_when_its_lifeline_closes(bring_up: BringUp) -> None:
    """Closing the pipe is enough; nothing need be said to the lab."""
    read, write = os.pipe()
    lab = bring_up(simulated=True, lifeline=read)
    descriptor = os.pidfd_open(lab.pid)
    os.close(write)
    assert select.select([descriptor], [], [], 10)[0]
    os.close(descriptor)
    os.close(read)


def test_a_folder_that_others_may_enter_is_refused(runtime: Path) -> None:
    """Whoever can reach the socket commands the lab, so its folder must be this user's alone."""
    folder = runtime / "keepapart"
    folder.mkdir(mode=0o755)
    with pytest.raises(LabError, match="nobody else may enter"):
        client.labs()


def test_a_usage_error_stays_one(lab: Lab) -> None:
    """What the daemon calls misuse is misuse to the caller as well."""
    with pytest.raises(UsageError, match="flows"):
        lab.hops(["i-0001"], 65)
