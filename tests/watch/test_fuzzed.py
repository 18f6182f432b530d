"""Every endpoint, fuzzed by schemathesis from the description that the watch gives of itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.platforms.own_venv import own_venv
from tests.report.audits import APART, SHARED, audit_of
from tests.watch.bench import Bench, answering

# Names of what there is, so that more than 404 is seen; what a format takes hangs on the format.
CONFIGURATION = """
[parameters]
"path.name" = "orders"
"path.format" = "kafka"
"path.a" = "web-1"
"path.b" = "web-2"

[[operations]]
include-path = "/v1/clusters/{name}/export/{format}"
checks.positive_data_acceptance.enabled = false
"""


@pytest.mark.timeout(420)  # where it has to be installed first
def test_whatever_is_sent_the_answer_is_as_described(tmp_path: Path) -> None:
    """Codes, types, documents, what is refused and what not; events are left out, as they have no end."""
    st = own_venv("schemathesis", "schemathesis==4.32.5").parent / "st"
    bench = Bench(tmp_path, [audit_of(APART), audit_of(SHARED)])
    bench.once()
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    with answering(bench) as url:
        command = [str(st), "run", f"{url}/openapi.json", "--exclude-path", "/v1/events", "--seed", "1"]
        command += ["--phases", "coverage,fuzzing", "--max-examples", "8", "--no-shrink"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout
