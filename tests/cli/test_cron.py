"""An audit from cron: silent unless it matters, with what changed, and units that systemd takes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest

from keepapart.auditing.changes import Changes
from keepapart.auditing.outcome import exit_code
from keepapart.cli import main
from keepapart.cli.audit import FAILURES
from keepapart.errors import ExitCode
from keepapart.settings import ClusterSettings
from tests.report.audits import APART, SHARED, audit_of

ROOT = Path(__file__).parents[2]
CHANGED = Changes("1970-01-01T00:00:00Z", joined=["web-9"])
SAME = Changes("1970-01-01T00:00:00Z")
STOPPED = audit_of(APART[:3], states=["running", "stopped", "stopped"])
Printed = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("audit", "changes", "fail_on", "code"),
    [
        (audit_of(APART), CHANGED, None, ExitCode.OK),
        (audit_of(APART), CHANGED, "changed", ExitCode.NO),
        (audit_of(APART), SAME, "changed", ExitCode.OK),
        (audit_of(APART), None, "changed", ExitCode.OK),
        (audit_of(SHARED), SAME, None, ExitCode.NO),
        (audit_of(SHARED), SAME, "shared", ExitCode.NO),
        (audit_of(SHARED), SAME, "quorum", ExitCode.OK),
        (audit_of([(0, 0), (0, 0), (0, 1)]), SAME, "quorum", ExitCode.NO),
        (audit_of(APART, model="auto"), SAME, None, ExitCode.UNKNOWN),
        (audit_of(APART, model="auto"), SAME, "quorum", ExitCode.UNKNOWN),
        (audit_of(APART, model="auto"), SAME, "shared", ExitCode.OK),
        (audit_of(APART, lost={"web-1": "…"}), SAME, "quorum", ExitCode.OK),
        (audit_of(APART, lost={"web-1": "…"}), SAME, "unknown", ExitCode.UNKNOWN),
        (STOPPED, SAME, None, ExitCode.NO_QUORUM),
        (STOPPED, SAME, "quorum", ExitCode.NO_QUORUM),
        (STOPPED, SAME, "shared", ExitCode.OK),
        (STOPPED, CHANGED, "shared,changed", ExitCode.NO),
    ],
)
def test_what_is_a_failure(audit: object, changes: Changes | None, fail_on: str | None, code: int) -> None:
    """By default what was always one; with words, what they name and nothing else."""
    assert exit_code(audit, changes, fail_on.split(",") if fail_on else None) == code  # type: ignore[arg-type]


def test_no_word_hides_another_s_failure() -> None:
    """Several words fail where any of them does."""
    for audit in (audit_of(APART), audit_of(SHARED), audit_of(APART, model="auto"), STOPPED):
        for a, b in combinations(FAILURES, 2):
            either = exit_code(audit, CHANGED, [a]) or exit_code(audit, CHANGED, [b])
            assert bool(exit_code(audit, CHANGED, [a, b])) == bool(either)


def test_a_word_that_is_none_gets_the_nearest(capsys: Printed) -> None:
    """One line, before anything is measured."""
    with pytest.raises(SystemExit, match="2"):
        main(["audit", "--fail-on", "shared,qorum"])
    assert "no 'qorum'; did you mean 'quorum'?" in capsys.readouterr().err


@pytest.fixture
def local(tmp_path: Path) -> Path:
    """Return a configuration of this machine alone, which survives nothing and shares nothing."""
    path = tmp_path / "keepapart.toml"
    path.write_text('[[instances]]\nid = "a"\naddress = "127.0.0.1"\nreach = "local"\n')
    return path


def test_what_changed_is_one_line(local: Path, capsys: Printed) -> None:
    """The first audit has nothing before it; the second says what changed, to people and as a document."""
    words = ["-c", str(local), "audit"]
    assert main([*words, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["changes"] is None
    assert main(words) == 0
    assert re.search(r"^changed +since .*Z: nothing changed$", capsys.readouterr().out, re.MULTILINE)
    assert main([*words, "-q", "--fail-on", "changed"]) == 0
    assert capsys.readouterr().out == ""
    local.write_text(local.read_text() + '[[instances]]\nid = "b"\naddress = "127.0.0.2"\nreach = "local"\n')
    assert main([*words, "-q", "--fail-on", "changed"]) == 1
    assert re.search(r"^changed +since .*: b joined", capsys.readouterr().out, re.MULTILINE)


def test_a_round_in_which_nobody_was_reached_is_no_audit(
    local: Path, tmp_path: Path, capsys: Printed
) -> None:
    """It ends with 4, whatever is a failure; the history has none, and metrics count it."""
    local.write_text('[[instances]]\nid = "a"\naddress = "127.0.0.1"\nreach = "ssh://127.0.0.1:1"\n')
    metrics = tmp_path / "k.prom"
    assert main(["-c", str(local), "audit", "--fail-on", "changed", "--prom", str(metrics)]) == 4
    assert 'outcome="failed"} 1' in metrics.read_text()
    capsys.readouterr()
    assert main(["-c", str(local), "history", "--verb", "all", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["audits"] == []


def test_metrics_are_written_beside_the_report(local: Path, tmp_path: Path, capsys: Printed) -> None:
    """One run, both."""
    metrics = tmp_path / "k.prom"
    assert main(["-c", str(local), "audit", "--prom", str(metrics)]) == 0
    assert "only one member" in capsys.readouterr().out
    assert 'keepapart_audits_total{cluster="default",outcome="ok"} 1' in metrics.read_text()


def test_changes_of_some_or_of_what_is_stated_are_not_kept(local: Path, capsys: Printed) -> None:
    """Nothing to compare with, so it is refused."""
    for words in (["a"], ["--stated"]):
        assert main(["-c", str(local), "audit", *words, "--fail-on", "changed"]) == 2
        assert "--fail-on changed: only audits of the whole cluster" in capsys.readouterr().err


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` finds nothing wrong with them."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    units = sorted((ROOT / "examples" / "systemd").glob("keepapart-audit.*"))
    assert [unit.suffix for unit in units] == [".service", ".timer"]
    for unit in units:
        shutil.copy(unit, tmp_path)
    timer = str(tmp_path / "keepapart-audit.timer")
    command = ["systemd-analyze", "--man=no", "--recursive-errors=yes", "verify", timer]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_page_s_cron_line_is_one_that_keepapart_takes(local: Path) -> None:
    """What is documented can be pasted: it ends as it says."""
    page = (ROOT / "docs" / "cron.md").read_text(encoding="utf-8")
    found = re.search(r"^17 \* \* \* \*  keepapart (.+)$", page, re.MULTILINE)
    assert found
    words = found[1].split()
    there = [str(local) if word.endswith(".toml") else word for word in words]
    assert main(there) == 1  # one member: the loss of its host takes the quorum


def test_the_default_is_as_it_was() -> None:
    """Without the flag a cluster of two that are apart ends with 0, though no host may fail."""
    two = audit_of(APART[:2], cluster=ClusterSettings(name="orders"))
    assert exit_code(two, None) == ExitCode.OK
