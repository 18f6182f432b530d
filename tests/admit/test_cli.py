"""The verbs `admit`, `replace` and `gc`, as the shell meets them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from keepapart import clouds
from keepapart.auditing import survey
from keepapart.cli import main
from keepapart.clouds import CANDIDATE
from keepapart.store import Store
from keepapart.testing import ProgrammableCloud


@pytest.fixture
def opened() -> list[ProgrammableCloud]:
    """The clouds that were opened so far."""
    return []


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[ProgrammableCloud]) -> str:
    """A configuration whose cloud is a file; every verb opens it anew."""

    def connect(*_: object) -> ProgrammableCloud:
        opened.append(ProgrammableCloud(tmp_path / "cloud.json"))
        return opened[-1]

    path = tmp_path / "keepapart.toml"
    path.write_text('[cluster]\nname = "orders"\n[cloud]\nprovider = "file"\n')
    monkeypatch.setattr(clouds, "connect", connect)
    monkeypatch.setattr(survey, "connect", connect)
    return str(path)


@pytest.mark.parametrize("verb", [["admit"], ["admit", "--dry-run"], ["replace", "a"], ["gc"], ["audit"]])
def test_a_cloud_that_was_opened_is_closed(
    config: str, verb: list[str], opened: list[ProgrammableCloud], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether a verb succeeds or not, it closes the cloud that it opened."""
    main(["-c", config, *verb])
    assert capsys.readouterr().err.count("Traceback") == 0
    assert [cloud.closed for cloud in opened] == [True]


@pytest.mark.parametrize("verb", [["admit"], ["replace", "a"], ["gc"]])
def test_static_inventory_can_launch_nothing(
    verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `provider = "static"` it is a usage error, in one line that names the key and the mend."""
    path = tmp_path / "keepapart.toml"
    path.write_text('[[instances]]\nid = "a"\naddress = "10.0.0.1"\n')
    assert main(["-c", str(path), *verb]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "[cloud] provider" in told.err


def test_first_member(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`admit --json` prints exactly one document on stdout; progress goes to stderr."""
    assert main(["-c", config, "admit", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["admitted"] == ["i-0001"]
    assert "attempt 1: launching" in told.err


def test_dry_run(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`admit --dry-run` says what would happen and launches nothing."""
    assert main(["-c", config, "admit", "--dry-run", "--count", "2"]) == 0
    assert "launch a candidate" in capsys.readouterr().out
    assert ProgrammableCloud(tmp_path / "cloud.json").all() == {}


def test_unknown_member(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`replace` of nobody is exit code 2, in one line."""
    assert main(["-c", config, "replace", "web-9"]) == 2
    assert capsys.readouterr().err == "keepapart: web-9: no such member; the members are none yet\n"


def test_gc(config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`gc --dry-run` lists, `gc` releases, and then there is nothing left."""
    ProgrammableCloud(tmp_path / "cloud.json").add("lost", 0, role=CANDIDATE)
    assert main(["-c", config, "gc", "--dry-run", "--json"]) == 0
    assert [f["id"] for f in json.loads(capsys.readouterr().out)["found"]] == ["lost"]
    assert main(["-c", config, "gc"]) == 0
    assert "released: lost" in capsys.readouterr().out
    assert main(["-c", config, "gc"]) == 0
    assert "nothing of 'orders' is left behind" in capsys.readouterr().out


def test_money_needs_a_price(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A budget of money without a price is a configuration error that names the missing key."""
    with Path(config).open("a", encoding="utf-8") as file:
        file.write("[launch]\nmax_money = 5\n")
    assert main(["-c", config, "admit"]) == 2
    assert "[launch] max_money: needs price_per_hour" in capsys.readouterr().err


def test_waiting_for_another_admission(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who may not wait long enough is told who holds the lease, and ends with 4."""
    with Store(f"sqlite:///{tmp_path / 'keepapart.db'}") as store:
        store.leases.acquire("orders", "pid 7 on elsewhere", time.time(), 600.0, lambda _: False)
    assert main(["-c", config, "admit", "--wait", "0.1"]) == 4
    told = capsys.readouterr().err
    assert "waiting: an admission of 'orders' is running already: pid 7 on elsewhere" in told
    assert "pid 7 on elsewhere holds it until" in told
