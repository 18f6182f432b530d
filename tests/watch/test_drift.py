"""Drift: a label that no longer matches what is measured, once, as event, metric and line of the history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from keepapart.auditing.assess import Audit
from keepapart.auditing.history import rows
from keepapart.model import Source, Statement
from keepapart.report.past import print_history
from keepapart.store import Store
from tests.report.audits import audit_of
from tests.watch.bench import Bench, answering
from tests.watch.test_metrics import scraped

A, B, C = (0, 0), (0, 1), (0, 2)
BY = "the node's label esxi-host"
SAID = [
    [Statement(Source.LABEL, BY, {"host": name})] for name in ("esx-1", "esx-2", "esx-2", "esx-3", "esx-3")
]
BECAUSE = f"host of web-3: {BY} says esx-2, what is measured says esx-3, with web-4, web-5"


def labelled(*where: tuple[int, int], **more: Any) -> Audit:
    """Audit five members on these hosts, whose labels are of the hosts where they were at first."""
    return audit_of(where, said=SAID, **more)


def migrated(folder: Path) -> Bench:
    """Watch a member be migrated from its host to another, and be out of reach for a while after that."""
    there, gone = (A, B, B, C, C), (A, B, C, C, C)
    lost = labelled(*gone, lost={"web-4": "timed out"})
    bench = Bench(
        folder, [labelled(*there), *(labelled(*gone) for _ in range(3)), lost, lost, labelled(*gone)]
    )
    bench.once(7)
    return bench


def test_a_migration_is_news_once_with_before_and_after(tmp_path: Path) -> None:
    """Its label is of the host that it left; who isn't reached for a while ends no difference."""
    news = [json.loads(document) for _, document in migrated(tmp_path).news()]
    (differs,) = [one for one in news if one["kind"].startswith("facts-")]
    assert (differs["kind"], differs["id"], differs["fact"]) == ("facts-differ", "web-3", "host")
    assert (differs["from"], differs["to"]) == ("esx-2", "esx-3, with web-4, web-5")
    assert differs["text"].startswith(BECAUSE)


def test_it_is_a_metric(tmp_path: Path) -> None:
    """How many facts differ now."""
    with answering(migrated(tmp_path)) as url:
        assert scraped(url)["keepapart_label_conflicts", "orders"] == 1


def test_it_is_a_line_of_the_history_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At the audit that found it, though every audit after that finds it as well."""
    bench = migrated(tmp_path)
    with Store(bench.url) as store:
        found = rows(store, "orders", 20)
    assert [[one.id for one in row.facts_differ] for row in found[::-1]] == [[], ["web-3"], *[[]] * 5]
    print_history("orders", found)
    out = " ".join(capsys.readouterr().out.split())
    assert out.count(f"facts differ: {BECAUSE}") == 1
    with answering(bench) as url:
        told = httpx.get(f"{url}/v1/clusters/orders/history").json()["audits"]
    assert [len(row["facts_differ"]) for row in told].count(1) == 1
