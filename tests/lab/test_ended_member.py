"""A member that was ended behind keepapart's back, on the lab's EC2: it is down until it has a stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keepapart.cli import main
from keepapart.clouds import LaunchRequest, connect
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.ec2.process import environment
from keepapart.lab.world import world

pytest.importorskip("boto3")
pytest.importorskip("moto")
Printed = pytest.CaptureFixture[str]
WORLD = {"name": "ended", "racks": [{"name": "a", "hosts": 8, "capacity": 2}]}
CONFIG = """
[cluster]
name = "orders"
[cloud]
provider = "ec2"
image_id = "ami-lab"
[network]
model = "routed-host"
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Yield a simulated lab that answers the EC2 API, in an empty folder."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(tmp_path)
    with client.running(world.parse(WORLD, "test"), simulated=True, api="ec2") as lab:
        for name, value in environment(lab.api).items():
            monkeypatch.setenv(name, value)
        yield lab


def audited(capsys: Printed) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the document of an audit."""
    code = main(["audit", "--json"])
    return int(code), json.loads(capsys.readouterr().out)


def test_a_member_that_was_ended_is_down_until_it_has_a_stand_in(
    lab: Lab, tmp_path: Path, capsys: Printed
) -> None:
    """Who ends two of three has a cluster without a majority, not one of a single member that is well."""
    assert lab
    (tmp_path / "keepapart.toml").write_text(CONFIG)
    cloud: Any = connect("ec2", {"image_id": "ami-lab"}, ())
    tags = {"keepapart:cluster": "orders", "keepapart:role": "member"}
    ids = [cloud.launch(LaunchRequest(f"token-{n}", tags, {})).id for n in range(3)]
    audited(capsys)
    for ended in ids[:2]:
        cloud.terminate(ended)
    code, found = audited(capsys)
    assert code == 5
    assert sorted(found["risk"]["down"]) == sorted(ids[:2])
    assert not found["changes"]["left"]
    assert "admit --count 2" in found["next"][0]["command"]
    for down in (1, 0):
        cloud.launch(LaunchRequest(f"stand-in-{down}", tags, {}))
        _, found = audited(capsys)
        assert len(found["risk"]["down"]) == down
    assert not {instance["id"] for instance in found["instances"]} & set(ids[:2])
    cloud.close()
