"""The example of an export: a table that calls two separate only where the audit does."""

from __future__ import annotations

import json
from pathlib import Path

from tests.examples.conftest import Run
from tests.examples.test_cloud import CONFIG

EXPORT = ("-m", "keepapart_example_export")


def test_separate_members_get_paths_of_their_own(run: Run, tmp_path: Path) -> None:
    """Of a real audit the table has a line for each member, with its address and its host."""
    (tmp_path / "keepapart.toml").write_text(CONFIG.format(file=tmp_path / "instances.json"))
    assert run("-m", "keepapart", "admit", "--count", "2").returncode == 0
    audit = run("-m", "keepapart", "audit", "--json").stdout
    done = run(*EXPORT, feed=audit)
    assert (done.returncode, done.stderr) == (0, "")
    hosts = [(one["address"], one["host"]) for one in json.loads(audit)["instances"]]
    assert len({host for _, host in hosts}) == 2
    assert done.stdout == "".join(f"{address} /{host}\n" for address, host in hosts)


def test_an_unknown_pair_makes_no_table(run: Run) -> None:
    """Unknown is never separate: nothing is written, the pair is named, the exit code is 3."""
    pair = {"a": "web-1", "b": "web-2", "verdict": "unknown"}
    counts = {"separate": 0, "co-resident": 0, "unknown": 1}
    document = {"schema": "keepapart.audit/1", "instances": [], "verdicts": counts, "pairs": [pair]}
    done = run(*EXPORT, feed=json.dumps(document))
    assert (done.returncode, done.stdout) == (3, "")
    assert "pairs that may share a host: 1, such as web-1 and web-2" in done.stderr


def test_what_is_no_audit_makes_no_table(run: Run) -> None:
    """Another document, or none at all, is refused with one line."""
    for feed in ('{"schema": "keepapart.hops/1"}', ""):
        done = run(*EXPORT, feed=feed)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
