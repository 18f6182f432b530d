"""`keepapart history` from a store: newest first, and who moved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keepapart.auditing.baseline import Baseline
from keepapart.auditing.history import record
from keepapart.cli import main
from keepapart.store import Store
from tests.auditing.keeping import keep
from tests.report.audits import APART, SHARED, audit_of


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Return a configuration whose store keeps an audit of all apart, a check, and one of two together."""
    (tmp_path / "keepapart.toml").write_text('[cluster]\nname = "orders"\n')
    with Store(f"sqlite:///{tmp_path}/keepapart.db") as store:
        keep(store, audit_of(APART, at=100.0))
        keep(store, audit_of(SHARED, at=200.0), purpose="check")
        keep(store, audit_of(SHARED, at=300.0, lost={"web-5": "timed out"}))
    return str(tmp_path / "keepapart.toml")


MOVED = [{"id": "web-2", "from": "host-2", "to": "host-1"}]


def test_newest_first_with_counts(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has one entry an audit, newest first, with what was found and who moved, from where to where."""
    assert main(["-c", config, "history", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "keepapart.history/1"
    newest, oldest = document["audits"]
    assert [newest["number"], newest["at"], newest["verb"]] == [1, "1970-01-01T00:05:00Z", "audit"]
    assert (newest["members"], newest["reached"]) == (5, 4)
    assert newest["verdicts"] == {"separate": 5, "co-resident": 1, "unknown": 4}
    assert (newest["moves"], newest["moved"], oldest["moved"]) == (MOVED, ["web-2"], [])


def test_the_oldest_shown_is_compared_with_one_not_shown(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit hides audits, not moves."""
    assert main(["-c", config, "history", "--limit", "1", "--json"]) == 0
    assert [row["moves"] for row in json.loads(capsys.readouterr().out)["audits"]] == [MOVED]


def test_what_other_verbs_measured_stands_apart(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is shown where it is asked for, numbered as `explain --at` counts, and says of nobody who moved."""
    assert main(["-c", config, "history", "--verb", "all", "--json"]) == 0
    audits = json.loads(capsys.readouterr().out)["audits"]
    assert [(row["number"], row["verb"]) for row in audits] == [(1, "audit"), (2, "check"), (3, "audit")]
    assert [row["moved"] for row in audits] == [["web-2"], [], []]
    assert main(["-c", config, "history", "--verb", "check", "--json"]) == 0
    assert [row["number"] for row in json.loads(capsys.readouterr().out)["audits"]] == [2]
    assert main(["-c", config, "history", "--verb", "admit"]) == 0
    assert "by `keepapart admit` are stored yet" in capsys.readouterr().out


def test_the_limit_counts_what_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A hundred rounds of admissions in between hide no audit from who asks for audits."""
    (tmp_path / "keepapart.toml").write_text('[cluster]\nname = "orders"\n')
    with Store(f"sqlite:///{tmp_path}/keepapart.db") as store:
        for at in range(102):
            record(store, audit_of(APART, at=at), "audit" if at in (0, 1) else "admit", Baseline())
    words = ["-c", str(tmp_path / "keepapart.toml"), "history", "--limit", "2", "--verb", "audit", "--json"]
    assert main(words) == 0
    assert [row["number"] for row in json.loads(capsys.readouterr().out)["audits"]] == [101, 102]


def test_a_verb_that_keeps_nothing_is_refused(config: str) -> None:
    """Only verbs that measure leave anything in the history."""
    with pytest.raises(SystemExit, match="2"):
        main(["-c", config, "history", "--verb", "hops"])


def test_lines_for_people(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For people each audit is a line that names its time and who moved."""
    assert main(["-c", config, "history"]) == 0
    out = capsys.readouterr().out
    assert out.index("1970-01-01T00:05:00Z") < out.index("1970-01-01T00:01:40Z")
    assert "1 not reached" in out
    assert "web-2 moved from host-2 to host-1" in out


def test_nothing_kept_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty history is no error: it says how to begin one."""
    config = tmp_path / "keepapart.toml"
    config.write_text("")
    assert main(["-c", str(config), "history"]) == 0
    assert "`keepapart audit`" in capsys.readouterr().out


def test_a_limit_of_none_is_refused(config: str) -> None:
    """A limit below one is a usage error."""
    with pytest.raises(SystemExit, match="2"):
        main(["-c", config, "history", "--limit", "0"])
