"""The example of a cloud: it admits, audits and releases through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.examples.conftest import Run

CONFIG = """
[cluster]
name = "orders"
[cloud]
provider = "example"
file = "{file}"
hosts = 3
[launch]
max_attempts = 3
"""


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    """Return the file that is the platform, and write the configuration that names it."""
    file = tmp_path / "instances.json"
    (tmp_path / "keepapart.toml").write_text(CONFIG.format(file=file))
    return file


def answer(run: Run, *words: str) -> tuple[int, Any]:
    """Return the exit code and the JSON document of a verb."""
    done = run("-m", "keepapart", *words, "--json")
    assert done.returncode in (0, 1, 3), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_cluster_is_built_on_it(run: Run, platform: Path) -> None:
    """Two new members are on hosts of their own, the reject that the platform packed is gone."""
    code, admitted = answer(run, "admit", "--count", "2")
    assert code == 0
    assert len(admitted["admitted"]) == 2
    assert [reject["because"] for reject in admitted["rejected"]] == [
        "shares a host with ex-1: the platform puts both on host shelf-1"
    ]
    code, audit = answer(run, "audit")
    assert code == 0
    assert audit["verdicts"] == {"separate": 1, "co-resident": 0, "unknown": 0}
    rows = json.loads(platform.read_text())
    assert [row["state"] for row in rows.values()] == ["running", "terminated", "running"]
    assert answer(run, "gc")[1]["found"] == []


def test_where_it_is_full_nobody_is_let_in(run: Run, platform: Path) -> None:
    """With a host for each of three members, a fourth is never admitted, and nothing is left behind."""
    assert answer(run, "admit", "--count", "3")[0] == 0
    code, admitted = answer(run, "admit")
    assert (code, admitted["admitted"]) == (1, [])
    states = [row["state"] for row in json.loads(platform.read_text()).values()]
    assert states.count("running") == 3


def test_a_mistake_in_its_keys_names_the_mend(run: Run, platform: Path) -> None:
    """A key that it doesn't have ends with 2, and the line names the file, the key and the nearest one."""
    config = platform.with_name("keepapart.toml")
    config.write_text(config.read_text().replace("hosts = 3", "host = 3"))
    done = run("-m", "keepapart", "audit")
    assert done.returncode == 2
    assert "[cloud] host: no such key; did you mean 'hosts'?" in done.stderr
