"""Metrics of an audit: the names that are documented, true, whole at any time, and going on from before."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from keepapart.auditing.assess import Audit
from keepapart.auditing.outcome import OUTCOMES
from keepapart.errors import OperationError
from keepapart.report.prometheus import HELP, Samples, read, text, write_metrics
from tests.report.audits import APART, SHARED, audit_of

DOCS = Path(__file__).parents[2] / "docs" / "cron.md"


def values(path: Path) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return what Prometheus' own parser reads."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def of(path: Path, name: str, **labels: str) -> float:
    """Return one value."""
    labels = labels if name == "build_info" else {"cluster": "orders", **labels}
    return values(path)[f"keepapart_{name}", frozenset(labels.items())]


def write(path: Path, audit: Audit, outcome: str = "ok", moved: int = 0, sent: int = 0) -> None:
    """Write the metrics of an audit that took two seconds."""
    write_metrics(path, audit, "orders", outcome, seconds=2.0, moved=moved, sent=sent)


def test_what_an_audit_found(tmp_path: Path) -> None:
    """Pairs, members, domains, what one failure takes and what is left then."""
    path = tmp_path / "k.prom"
    lost, states = {"web-5": "timed out"}, ["running", "running", "running", "stopped", "running"]
    write(path, audit_of(SHARED, lost=lost, states=states, at=1000.0))
    assert of(path, "audit_last_success_timestamp_seconds") == 1000.0
    assert of(path, "audit_duration_seconds") == 2.0
    assert of(path, "pairs", verdict="co-resident") == 1
    assert [of(path, "instances", state=s) for s in ("placed", "unplaced", "lost", "down")] == [3, 0, 1, 1]
    assert of(path, "domains", level="host") == 2
    assert of(path, "domain_members_max", level="host") == 3
    assert of(path, "survives", level="host") == 0
    assert of(path, "quorum_margin", level="host") == -2
    assert of(path, "placement_info", instance_id="web-2", host="host-1", rack="") == 1


def test_unknown_is_never_safe(tmp_path: Path) -> None:
    """What isn't known to survive doesn't; where all are apart it does."""
    path = tmp_path / "k.prom"
    write(path, audit_of(APART, model="auto"))
    assert of(path, "survives", level="host") == 0
    write(path, audit_of(APART))
    assert (of(path, "survives", level="host"), of(path, "quorum_margin", level="host")) == (1, 1)


def test_counters_go_on_and_a_failure_changes_only_them(tmp_path: Path) -> None:
    """Audits and moves are counted up; a failed audit leaves the last one's gauges, and their time."""
    path = tmp_path / "k.prom"
    write(path, audit_of(APART, at=100.0), sent=160)
    write(path, audit_of(SHARED, at=200.0), "shared", moved=2, sent=170)
    before = values(path)
    write_metrics(path, None, "orders", "failed")
    assert {outcome: of(path, "audits_total", outcome=outcome) for outcome in OUTCOMES.values()} == {
        "ok": 1,
        "shared": 1,
        "unknown": 0,
        "no-quorum": 0,
        "failed": 1,
    }
    assert (of(path, "moves_total"), of(path, "datagrams_sent_total")) == (2, 330)
    assert of(path, "audit_last_success_timestamp_seconds") == 200.0
    changed = {key for key, value in values(path).items() if before.get(key) != value}
    assert {name for name, _ in changed} == {"keepapart_audits_total"}


def test_a_file_of_something_else_is_no_obstacle(tmp_path: Path) -> None:
    """What isn't keepapart's is not kept."""
    path = tmp_path / "k.prom"
    path.write_text('other_metric 1\nkeepapart_new_total{cluster="orders"} 7\nkeepapart_moves_total{cluster=')
    write(path, audit_of(APART))
    assert "other_metric" not in path.read_text()
    assert of(path, "moves_total") == 0


def test_nobody_reads_half_of_it(tmp_path: Path) -> None:
    """Whoever reads while it is written reads one whole file; nothing else is left in the folder."""
    path, done, torn = tmp_path / "k.prom", threading.Event(), []
    write(path, audit_of(APART))
    whole = path.read_text().count("\n")

    def look() -> None:
        while not done.is_set():
            if path.read_text().count("\n") != whole:
                torn.append(path.read_text())

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(50):
        write(path, audit_of(APART))
    done.set()
    reader.join()
    assert not torn
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_it(tmp_path: Path) -> None:
    """The collector runs as another user: the umask decides, not the temporary file."""
    before = os.umask(0o022)
    try:
        write(tmp_path / "k.prom", audit_of(APART))
    finally:
        os.umask(before)
    assert (tmp_path / "k.prom").stat().st_mode & 0o777 == 0o644


def test_a_path_that_can_t_be_written_is_named(tmp_path: Path) -> None:
    """A folder that isn't there, or a folder itself, is one line."""
    for path in (tmp_path / "no" / "k.prom", tmp_path):
        with pytest.raises(OperationError, match=re.escape(f"{path}: the metrics can't be written there")):
            write(path, audit_of(APART))


def test_a_large_cluster_has_no_series_for_each_member(tmp_path: Path) -> None:
    """Above a thousand members where each one is left out."""
    path = tmp_path / "k.prom"
    write(path, audit_of([(0, k // 2) for k in range(1_001)]))
    assert "placement_info" not in path.read_text()


labels = st.text(st.characters(codec="utf-8"), max_size=9)


@given(labels, st.floats(allow_nan=False))
def test_any_label_is_read_back(name: str, value: float) -> None:
    """Quotes, backslashes and ends of lines survive; Prometheus' parser reads the same."""
    written: Samples = {("moves_total", (("cluster", name),)): value}
    assert read(text(written)) == written
    (family,) = text_string_to_metric_families(text(written))
    (sample,) = family.samples
    assert (sample.labels, sample.value) == ({"cluster": name}, value)


def test_every_metric_is_documented() -> None:
    """The page's table has a row for each, and no other."""
    named = re.findall(r"^\| `keepapart_(\w+)`", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(HELP)
