"""Audits of some members of a cluster: what they say of the whole one, and mistakes told before the round."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepapart.cli import main
from keepapart.lab import client
from keepapart.lab.world import world

WORLD = {
    "name": "some",
    "racks": [{"name": "a", "hosts": 6, "capacity": 1}],
    "clusters": [{"name": "orders", "size": 5}],
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield the configuration of five members on hosts of their own, in a simulated lab."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    path = tmp_path / "keepapart.toml"
    path.write_text('[cluster]\nname = "orders"\n[cloud]\nprovider = "lab"\n')
    with client.running(world.parse(WORLD, "test"), simulated=True):
        yield path


def survive(path: Path, number: int) -> None:
    """Have so many members to live on."""
    path.write_text(path.read_text().replace('"orders"\n', f'"orders"\nsurvive = {number}\n'))


def test_two_of_five_have_the_quorum_of_five(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of the two is stopped: four of five run, and who wasn't asked about may be beside anybody."""
    assert main(["lab", "stop", "i-0005"]) == 0
    capsys.readouterr()
    assert main(["-c", str(config), "audit", "i-0001", "i-0005", "--json"]) == 3
    risk = json.loads(capsys.readouterr().out)["risk"]
    assert (risk["need"], risk["running"], risk["quorate"]) == (3, 4, True)
    assert (risk["survives_any_host"], risk["most"], risk["down"]) == (None, 4, ["i-0005"])
    main(["-c", str(config), "audit", "i-0001", "i-0005"])
    assert "majority now" not in capsys.readouterr().out


def test_two_that_are_apart_are_called_these_two(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is said of members that weren't asked about."""
    assert main(["-c", str(config), "audit", "i-0001", "i-0002"]) == 0
    out = capsys.readouterr().out
    assert "each of these 2 is on a host of its own" in out
    assert "1 to 4 of 5, as the 3 that weren't asked about may share one" in out
    assert main(["-c", str(config), "audit", "i-0001"]) == 0
    assert "one alone" in capsys.readouterr().out


def test_a_number_to_survive_is_of_the_whole_cluster(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two may be measured alone, however many have to live on."""
    survive(config, 4)
    for verb in ("audit", "check"):
        assert main(["-c", str(config), verb, "i-0001", "i-0002", "--model", "routed-host"]) == 0
    assert "only" not in capsys.readouterr().err


def test_a_cluster_that_has_to_grow_yet_is_without_its_quorum(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five run, and six have to live on; the sixth is admitted all the same, and then nothing may be lost."""
    survive(config, 6)
    assert main(["-c", str(config), "audit"]) == 5
    assert "5 run now, and the cluster needs 6" in capsys.readouterr().out
    assert main(["-c", str(config), "admit", "--count", "1"]) == 0
    assert main(["-c", str(config), "audit", "--fail-on", "quorum"]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["check", "i-0001", "i-0099"],
        ["audit", "i-0099"],
        ["audit", "--known-same", "i-0001,i-0099"],
        ["network", "--known-separate", "i-0001,i-0099"],
    ],
)
def test_who_is_no_member_is_told_before_anything_is_measured(
    config: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Nothing was done, and nothing is in the history."""
    assert main(["-c", str(config), *words]) == 2
    assert "'i-0099' is not a member of 'orders'" in capsys.readouterr().err
    assert main(["-c", str(config), "history", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["audits"] == []


def test_one_machine_by_two_spellings_is_named_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name with its address is the same name."""
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "web-1", "web-1=10.0.0.1"]) == 2
    assert "'web-1' stands twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "why"), [("fe80::1%eth0", "is of one link only"), ("224.0.0.1", "is no machine's")]
)
def test_an_address_that_a_configuration_refuses_is_refused_here_too(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    address: str,
    why: str,
) -> None:
    """Others send to it from another machine, where its link has another name; and it has to be one's."""
    monkeypatch.chdir(tmp_path)
    assert main(["check", f"web-1={address}", "web-2"]) == 2
    assert f"'{address}' {why}" in capsys.readouterr().err
