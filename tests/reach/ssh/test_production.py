"""The whole chain of production, by the command: EC2 through boto3 launches, ssh leads in, packets tell."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from keepapart import cli
from tests.reach.ssh.conftest import SIX, bring_up

WORLD = """name = "cloud"
scheduler = { habit = "packing" }
[[racks]]
name = "a"
hosts = 3
capacity = 2
[[racks]]
name = "b"
hosts = 2
capacity = 2
"""
CONFIG = """
[cluster]
name = "orders"
[network]
model = "routed-host"
[cloud]
provider = "ec2"
image_id = "ami-lab"
instance_type = "m5.large"
reach_tag = ""                   # as in production: nothing but ssh leads in
[reach]
ssh_config = "{ssh_config}"
new_host_keys = "{new}"
[launch]
max_money = 5
max_attempts = 20
"""


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize("new", ["refuse", "accept"])
def test_admitted_over_ec2_and_ssh_are_apart(
    lifeline: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    new: str,
) -> None:
    """Three from nothing on a network that nobody vouches for: by the lab's truth each has a host of its own.

    Host keys are the image's, named once, or seen for the first time and kept. The price comes from the API.
    """
    bring_up(SIX, lifeline, "tried").lab.down()  # skips where it can't be had
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "world.toml").write_text(WORLD)
    assert cli.main(["lab", "up", str(tmp_path / "world.toml"), "--api", "ec2", "--sshd"]) == 0
    try:
        said = capfd.readouterr().out
        for name, _, value in (word.partition("=") for word in said.partition("export ")[2].split()[:4]):
            monkeypatch.setenv(name, value)
        ssh_config = Path(said.partition('ssh_config = "')[2].partition('"')[0])
        known = ssh_config.parent / "known_hosts"
        if new == "accept":
            own = tmp_path / "known_hosts"
            (tmp_path / "ssh_config").write_text(ssh_config.read_text().replace(str(known), str(own)))
            ssh_config, known = tmp_path / "ssh_config", own
        config = tmp_path / "keepapart.toml"
        config.write_text(CONFIG.format(ssh_config=ssh_config, new=new))
        assert cli.main(["-c", str(config), "admit", "--count", "3", "--json"]) == 0
        outcome = json.loads(capfd.readouterr().out)
        assert len(outcome["admitted"]) == 3
        assert outcome["rejected"], "the scheduler packs: some landed beside others"
        assert cli.main(["lab", "truth", "--lab", "cloud", "--json"]) == 0
        alive = json.loads(capfd.readouterr().out)["instances"]
        assert sorted(one["id"] for one in alive) == sorted(outcome["admitted"])
        assert len({one["host"] for one in alive}) == 3
        assert known.read_text().startswith("keepapart-lab "), "ssh led in"
        assert cli.main(["-c", str(config), "gc"]) == 0
        assert cli.main(["-c", str(config), "audit"]) == 0
    finally:
        cli.main(["lab", "down", "--lab", "cloud"])
