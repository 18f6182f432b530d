"""Metrics by their documented names, in formats that Prometheus' own tools take."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as families

from tests.report.audits import APART, SHARED, audit_of
from tests.watch.bench import Bench, answering

DOCS = Path(__file__).parents[2] / "docs" / "watch.md"
OPEN = "application/openmetrics-text; version=1.0.0"


def scraped(url: str) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families(httpx.get(f"{url}/metrics").text)
        for sample in family.samples
    }


def test_audits_are_counted_by_what_they_ended_with(tmp_path: Path) -> None:
    """All outcomes from the start, so that an increase of one that never was is seen."""
    bench = Bench(tmp_path, [audit_of(SHARED), OSError("no route"), audit_of(APART)])
    bench.once(2)
    with answering(bench) as url:
        found = scraped(url)
    counts = {key[2]: value for key, value in found.items() if key[0] == "keepapart_audits_total"}
    assert counts == {"ok": 1, "shared": 1, "unknown": 0, "no-quorum": 0, "failed": 1}
    assert found["keepapart_audit_last_success_timestamp_seconds", "orders"] > 1.8e9
    assert found["keepapart_label_conflicts", "orders"] == 0
    assert found["keepapart_webhook_deliveries_total", "delivered"] == 0


def test_an_old_audit_says_nothing_of_surviving(tmp_path: Path) -> None:
    """Unknown is 0; all else stands, with the time that it is of."""
    bench = Bench(tmp_path, [audit_of(APART), OSError("no route")])
    bench.once()
    with answering(bench) as url:
        assert scraped(url)["keepapart_survives", "orders", "host"] == 1
        bench.clock.now += 4 * 3600
        assert scraped(url)["keepapart_survives", "orders", "host"] == 0
        assert scraped(url)["keepapart_pairs", "orders", "separate"] == 10


def test_both_formats_are_taken_by_parsers(tmp_path: Path) -> None:
    """OpenMetrics for whoever asks for it; names that look like syntax are names."""
    bench = Bench(tmp_path, [audit_of(SHARED, ids=['a"b', "c\\d", "e\nf", "ü", "web-5"])])
    with answering(bench) as url:
        answer = httpx.get(f"{url}/metrics", headers={"accept": OPEN})
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        names = {family.name for family in openmetrics(answer.text)}  # type: ignore[no-untyped-call]
        assert {"keepapart_audits", "keepapart_placement_info", "process_open_fds"} <= names
        samples = (
            sample for family in families(httpx.get(f"{url}/metrics").text) for sample in family.samples
        )
        placed = {s.labels["instance_id"] for s in samples if s.name == "keepapart_placement_info"}
        assert placed == {'a"b', "c\\d", "e\nf", "ü", "web-5"}


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool here")
def test_promtool_takes_them(tmp_path: Path) -> None:
    """Each metric has its help, and counters are called so."""
    with answering(Bench(tmp_path, [audit_of(SHARED)])) as url:
        text = httpx.get(f"{url}/metrics").text
    own = "".join(line for line in text.splitlines(keepends=True) if "keepapart_" in line)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=own, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_metric_is_documented(tmp_path: Path) -> None:
    """docs/watch.md and docs/cron.md name them all."""
    with answering(Bench(tmp_path, [audit_of(SHARED)])) as url:
        names = {key[0] for key in scraped(url) if key[0].startswith("keepapart_")}
    pages = DOCS.read_text(encoding="utf-8") + (DOCS.parent / "cron.md").read_text(encoding="utf-8")
    assert names <= set(re.findall(r"keepapart_\w+", pages))
