"""`keepapart explain A B` from a store: what was said of a pair, and why, without measuring."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keepapart.auditing.baseline import Baseline
from keepapart.auditing.history import record
from keepapart.cli import main
from keepapart.store import Store
from tests.report.audits import APART, SHARED, audit_of

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Return a configuration whose store keeps two audits: apart, then web-1 and web-2 together."""
    (tmp_path / "keepapart.toml").write_text('[cluster]\nname = "orders"\n')
    with Store(f"sqlite:///{tmp_path}/keepapart.db") as store:
        record(store, audit_of(APART, at=100.0), "audit", Baseline())
        record(store, audit_of(SHARED, at=200.0), "audit", Baseline())
    return str(tmp_path / "keepapart.toml")


def test_newest_first_with_evidence(config: str, capsys: Printed) -> None:
    """Each audit that had both says its verdict, its reason and its evidence, newest first."""
    assert main(["-c", config, "explain", "web-2", "web-1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "keepapart.explain/1"
    newer, older = document["said"]
    assert (newer["verdict"], newer["because"]) == ("co-resident", "2 hops in 16 of 16 flows")
    assert newer["evidence"][0]["signal"] == "hops"
    assert (older["number"], older["verdict"]) == (2, "separate")


def test_one_audit_by_number(config: str, capsys: Printed) -> None:
    """--at picks the audit that the history numbers so."""
    assert main(["-c", config, "explain", "web-1", "web-2", "--at", "2"]) == 0
    out = capsys.readouterr().out
    assert "separate, strong" in out
    assert "co-resident" not in out


def test_the_same_again_is_not_repeated(config: str, capsys: Printed) -> None:
    """Where an older audit said the same for the same reason, it says so instead of repeating it."""
    assert main(["-c", config, "explain", "web-1", "web-5"]) == 0
    out = capsys.readouterr().out
    assert out.count("hops says different") == 1
    assert "as above" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["web-1", "web-9"], "not both in any of the last 2 audits"),
        (["web-1", "web-1"], "takes two"),
        (["web-1", "web-2", "--at", "7"], "only 2 audits are kept"),
    ],
)
def test_what_cannot_be_explained(config: str, capsys: Printed, words: list[str], says: str) -> None:
    """What no kept audit can answer is a usage error in one line, never a verdict."""
    assert main(["-c", config, "explain", *words]) == 2
    printed = capsys.readouterr()
    assert says in printed.err
    assert printed.out == ""


def test_nothing_kept_yet(tmp_path: Path, capsys: Printed) -> None:
    """Without any audit there is nothing to explain."""
    config = tmp_path / "keepapart.toml"
    config.write_text("")
    assert main(["-c", str(config), "explain", "a", "b"]) == 2
    assert "`keepapart audit`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "verdict", "strength", "because"),
    [
        ("routed-host", "separate", "strong", "hops says different; kept without its evidence"),
        ("opaque", "unknown", None, "no signal says anything about this pair; kept without its evidence"),
    ],
)
def test_a_pair_left_out_of_a_large_audit(
    model: str, verdict: str, strength: str | None, because: str, tmp_path: Path, capsys: Printed
) -> None:
    """Of a large cluster most pairs are kept by their verdict and the kind of their reason alone."""
    config = tmp_path / "keepapart.toml"
    config.write_text('[cluster]\nname = "orders"\n')
    with Store(f"sqlite:///{tmp_path}/keepapart.db") as store:
        record(store, audit_of([(k % 3, k) for k in range(70)], model=model), "audit", Baseline())
    assert main(["-c", str(config), "explain", "web-70", "web-69", "--json"]) == 0
    (said,) = json.loads(capsys.readouterr().out)["said"]
    assert (said["verdict"], said["strength"], said["evidence"]) == (verdict, strength, [])
    assert said["because"].startswith(because)
