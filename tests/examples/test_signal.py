"""The example of a signal: its evidence stands beside that of all others, and weighs what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.examples.conftest import Run

INSTANCE = '[[instances]]\nid = "{0}"\naddress = "127.0.0.{1}"\nreach = "local"\n'
IDS = ("pve1-web-1", "pve1-web-2", "pve2-web-3", "web-4")


@pytest.fixture
def cluster(tmp_path: Path) -> None:
    """Write down a cluster whose members are this machine, so that counts say nothing of it."""
    config = "".join(INSTANCE.format(name, number) for number, name in enumerate(IDS, 1))
    (tmp_path / "keepapart.toml").write_text(config)


def check(run: Run, a: str, b: str) -> Any:
    """Return the document of a check of which nothing but weak evidence is there: unknown."""
    done = run("-m", "keepapart", "check", a, b, "--json")
    assert done.returncode == 3, done.stderr
    return json.loads(done.stdout)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("other", "says", "because"),
    [
        ("pve1-web-2", "same", "both names say pve1"),
        ("pve2-web-3", "different", "names say pve1 and pve2"),
    ],
)
def test_names_are_weak_evidence(run: Run, other: str, says: str, because: str) -> None:
    """The evidence is listed with its reason, and makes no verdict."""
    pair = check(run, "pve1-web-1", other)
    assert pair["verdict"] == "unknown"
    assert pair["evidence"] == [{"signal": "names", "says": says, "strength": "weak", "because": because}]


@pytest.mark.usefixtures("cluster")
def test_a_name_without_a_host_says_nothing(run: Run) -> None:
    """What is missing is neither same nor different."""
    assert check(run, "pve1-web-1", "web-4")["evidence"] == []
