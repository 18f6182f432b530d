"""Labs with an EC2 API: it ends with its lab, and clusters are admitted through it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlparse

import pytest

from keepapart import cli
from tests.lab.conftest import BringUp, of_no_account

CONFIG = """
[cluster]
name = "web"
[network]
model = "routed-host"
[cloud]
provider = "ec2"
image_id = "ami-lab"
[launch]
max_attempts = 20
"""


@pytest.mark.parametrize("ending", ["down", "kill"])
def test_the_api_ends_with_the_lab(bring_up: BringUp, ending: str) -> None:
    """However the lab ends, nobody listens there any more."""
    lab = bring_up(simulated=True, api="ec2")
    where = urlparse(lab.api)
    with socket.create_connection((where.hostname or "", where.port or 0)) as connection:
        if ending == "down":
            lab.down()
        else:
            os.kill(lab.pid, signal.SIGKILL)
        assert select.select([connection], [], [], 10)[0]
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        for _ in range(1000):  # a connection may still get into a queue that is about to be closed
            late = socket.create_connection((where.hostname or "", where.port or 0))
            with late, suppress(ConnectionResetError):
                late.recv(1)


def test_admission_through_the_api_with_real_packets(
    real: BringUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A lab with `--api ec2`, `admit` with provider "ec2": members apart by the lab's truth, nothing left."""
    racks = [{"name": "a", "hosts": 3, "capacity": 3}, {"name": "b", "hosts": 2, "capacity": 3}]
    lab = real({"racks": racks, "clusters": [], "scheduler": {"habit": "packing"}}, api="ec2")
    of_no_account(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", lab.api)
    config = tmp_path / "keepapart.toml"
    config.write_text(CONFIG, encoding="utf-8")
    assert cli.main(["-c", str(config), "admit", "--count", "3", "--json"]) == 0
    outcome = json.loads(capfd.readouterr().out)
    alive = [i.id for i in lab.instances() if i.state != "terminated"]
    assert sorted(outcome["admitted"]) == sorted(alive)
    assert len({lab.truth()[i].host for i in alive}) == 3
    assert outcome["rejected"]
