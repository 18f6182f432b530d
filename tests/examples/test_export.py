"""The example of an export: a table that calls two separate only where the audit does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.examples.conftest import Run
from tests.examples.test_cloud import CONFIG

EXPORT = ("-m", "keepapart_example_export")


def audited(run: Run, folder: Path) -> Any:
    """Return the document of an audit of two members with a host each."""
    (folder / "keepapart.toml").write_text(CONFIG.format(file=folder / "instances.json"))
    assert run("-m", "keepapart", "admit", "--count", "2").returncode == 0
    return json.loads(run("-m", "keepapart", "audit", "--json").stdout)


def test_separate_members_get_paths_of_their_own(run: Run, tmp_path: Path) -> None:
    """The table has a line for each member, with its address and its host."""
    document = audited(run, tmp_path)
    done = run(*EXPORT, feed=json.dumps(document))
    assert (done.returncode, done.stderr) == (0, "")
    hosts = [(one["address"], one["host"]) for one in document["instances"]]
    assert len({host for _, host in hosts}) == 2
    assert done.stdout == "".join(f"{address} /{host}\n" for address, host in hosts)


def test_an_unknown_pair_makes_no_table(run: Run, tmp_path: Path) -> None:
    """Unknown is never separate: nothing is written, the pair is named, the exit code is 3."""
    document = audited(run, tmp_path)
    document["pairs"][0]["verdict"] = "unknown"
    done = run(*EXPORT, feed=json.dumps(document))
    assert (done.returncode, done.stdout) == (3, "")
    assert "ex-1 and ex-3 may share a host (1 unknown in all)" in done.stderr


def test_what_is_no_audit_makes_no_table(run: Run) -> None:
    """Another document, or none at all, is refused with one line."""
    for feed in ('{"schema": "keepapart.hops/1"}', ""):
        done = run(*EXPORT, feed=feed)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
