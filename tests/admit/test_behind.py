"""Through boto3 and a proxy whose DescribeInstances is seconds behind: the command line, as cron runs it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keepapart.auditing import survey
from keepapart.cli import main
from keepapart.clouds import MEMBER, ROLE_TAG
from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.ec2.process import environment
from keepapart.lab.world import world
from keepapart.testing import TruthfulChecker
from tests.admit.behind import Behind, behind

WORLD = {"name": "behind", "racks": [{"name": f"r{n}", "hosts": 1, "capacity": 2} for n in range(8)]}
CONFIG = '[cluster]\nname = "orders"\n[cloud]\nprovider = "ec2"\nimage_id = "ami-lab"\n'
Run = Callable[..., tuple[int, dict[str, Any]]]


class Truth:
    """The lab as a checker asks it."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def host(self, instance_id: str) -> str:
        return self._lab.truth()[instance_id].host

    def terminate(self, instance_id: str) -> None:
        self._lab.terminate(instance_id)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A simulated lab that answers the EC2 API and fills one host after the other."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with client.running(world.parse(WORLD, "test"), simulated=True, api="ec2") as lab:
        yield lab


@pytest.fixture
def run(tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a verb, and return its code and its one document."""

    @contextmanager
    def truthful(*_: object, **__: object) -> Iterator[TruthfulChecker]:
        yield TruthfulChecker(Truth(lab))

    monkeypatch.setattr(survey, "checker", truthful)
    path = tmp_path / "keepapart.toml"
    path.write_text(CONFIG)

    def run(proxy: Behind, *words: str) -> tuple[int, dict[str, Any]]:
        for name, value in environment(proxy.url).items():
            monkeypatch.setenv(name, value)
        code = main(["-c", str(path), *words, "--json"])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert document.get("code", code) == code
        return code, document

    return run


def members(lab: Lab) -> dict[str, str]:
    """Return every member with its host."""
    return {i.id: lab.truth()[i.id].host for i in lab.instances() if i.tags.get(ROLE_TAG) == MEMBER}


@pytest.mark.timeout(300)  # it waits for what shows late, on whatever machine this is
def test_rounds_through_a_replica_that_is_behind(lab: Lab, run: Run) -> None:
    """Admissions and `gc` in a row: nobody shares a host, no member is told to go, nothing is left."""
    with behind(lab.api, 1.5, 0.75) as proxy:
        for size in (1, 3):
            code, _ = run(proxy, "admit", "--to", str(size))
            assert code == 0
            before = len(proxy.calls)
            _, collected = run(proxy, "gc")
            told = {about for action, about in proxy.calls[before:] if action == "TerminateInstances"}
            assert not told & members(lab).keys()
            assert collected["left"] == []
        old = min(members(lab))
        code, document = run(proxy, "replace", "--yes", old)
        assert (code, document["left"]) == (0, [])
        assert old in document["released"]
        assert run(proxy, "admit", "--to", "3")[0] == 0
    found = members(lab)
    assert len(found) == len(set(found.values())) == 3
    assert {i.id for i in lab.instances()} == found.keys()


def test_another_region_is_refused(lab: Lab, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a journal of one region nothing is launched or released in another: code 2, a document."""
    with behind(lab.api, 0.0) as proxy:
        assert run(proxy, "admit")[0] == 0
        before = len(proxy.calls)
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        for verb in ("admit", "gc"):
            code, document = run(proxy, verb)
            assert (code, document["schema"]) == (2, "keepapart.error/1")
            assert "of region us-east-1, and this is region eu-west-1" in document["error"]["text"]
        assert not [action for action, _ in proxy.calls[before:] if not action.startswith("Describe")]
