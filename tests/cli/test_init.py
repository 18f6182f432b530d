"""`keepapart init`: a file that loads, fits what is there, and never replaces one unasked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from keepapart.cli import main
from keepapart.clouds import CLUSTER_TAG, MEMBER, ROLE_TAG
from keepapart.config import load
from keepapart.errors import LabError
from keepapart.lab import client
from keepapart.model import Instance

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder on a machine where no lab runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(client, "labs", list)


class OneLab:
    """A lab whose largest cluster is named as no TOML key could be."""

    def __init__(self, clusters: Sequence[str]) -> None:
        self.clusters = clusters

    def instances(self, tags: dict[str, str]) -> list[Instance]:
        assert tags == {ROLE_TAG: MEMBER}
        return [Instance(f"i-{k}", tags={CLUSTER_TAG: name}) for k, name in enumerate(self.clusters)]


def test_without_a_lab(capsys: Printed) -> None:
    """Without a lab the file is for a list of instances, loads, and says what to do next."""
    assert main(["init"]) == 0
    config = load("keepapart.toml")
    assert config.cloud.provider == "static"
    assert config.instances == ()
    assert "[[instances]]" in capsys.readouterr().out


def test_every_comment_is_a_default_that_loads() -> None:
    """Taking the # away from every setting gives a file that is accepted too, with the same defaults."""
    main(["init"])
    path = Path("keepapart.toml")
    before = load(str(path))
    setting = re.compile(r"^# (?=(\w+ = |\[\[))", re.MULTILINE)
    path.write_text(setting.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
    after = load(str(path))
    assert [instance.id for instance in after.instances] == ["web-1"]
    assert (after.cluster, after.network, after.launch) == (before.cluster, before.network, before.launch)
    assert (after.store, after.reach.via) == (before.store, before.reach.via)


def test_with_a_lab(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    """Where labs run, the file is for the first of them and its largest cluster, others are mentioned."""
    monkeypatch.setattr(client, "labs", lambda: ["big", "small"])
    monkeypatch.setattr(client.Lab, "find", lambda _: OneLab(["a", 'b"', 'b"']))
    assert main(["init"]) == 0
    config = load("keepapart.toml")
    assert (config.cloud.provider, config.cloud.settings) == ("lab", {"lab": "big"})
    assert config.cluster.name == 'b"'
    assert "running too: small" in Path("keepapart.toml").read_text(encoding="utf-8")
    assert "2 members" in capsys.readouterr().out


def test_a_lab_that_goes_away_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab that stops answering doesn't stop the file from being written."""

    def gone(_: str) -> None:
        raise LabError("gone")

    monkeypatch.setattr(client, "labs", lambda: ["big"])
    monkeypatch.setattr(client.Lab, "find", gone)
    assert main(["init"]) == 0
    assert load("keepapart.toml").cluster.name == "default"


def test_never_overwrites_unasked(capsys: Printed) -> None:
    """A file that is there stays as it is, and the error names the way out."""
    path = Path("keepapart.toml")
    path.write_text("mine")
    assert main(["init"]) == 2
    assert path.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert main(["init", "--force"]) == 0
    assert load(str(path)).cloud.provider == "static"


def test_written_where_c_says() -> None:
    """-c names the file to write."""
    assert main(["-c", "orders.toml", "init"]) == 0
    assert Path("orders.toml").exists()
    assert not Path("keepapart.toml").exists()


def test_a_folder_that_is_not_there(capsys: Printed) -> None:
    """A path that can't be written is one clear line."""
    assert main(["-c", "missing/orders.toml", "init"]) == 2
    assert "missing/orders.toml" in capsys.readouterr().err
