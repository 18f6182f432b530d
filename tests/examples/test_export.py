"""The example of an export: a form of one's own, found through its entry point."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.examples.conftest import Run

MEMBERS = "".join(
    f'[[instances]]\nid = "{name}"\nhost = "{host}"\n' for name, host in (("a", "x"), ("b", "x"), ("c", "y"))
)
EXPORT = ("-m", "keepapart", "export", "dot", "--stated")
DRAWN = """graph hosts {
  node [shape=ellipse];
  subgraph cluster_0 { label="x";
    "a";
    "b";
  }
  subgraph cluster_1 { label="y";
    "c";
  }
}
"""


def test_each_host_is_a_box(run: Run, tmp_path: Path) -> None:
    """Instances stand in the box of their host, under a line that says what it is of."""
    (tmp_path / "keepapart.toml").write_text(MEMBERS)
    done = run(*EXPORT)
    assert (done.returncode, done.stderr) == (0, "")
    first, _, drawn = done.stdout.partition("\n")
    assert first.startswith("// keepapart: cluster default as of ")
    assert drawn == DRAWN
    assert "shape=box" in run(*EXPORT, "--set", "shape=box").stdout


def test_graphviz_draws_it(run: Run, tmp_path: Path) -> None:
    """Where it is installed, Graphviz takes it."""
    (tmp_path / "keepapart.toml").write_text(MEMBERS)
    if not (dot := shutil.which("dot")):
        pytest.skip("no dot here; Debian's package is graphviz")
    drawing = subprocess.run([dot, "-Tplain"], input=run(*EXPORT).stdout, capture_output=True, text=True)
    assert drawing.returncode == 0


def test_what_holds_of_every_format_holds_of_it(run: Run, tmp_path: Path) -> None:
    """It is listed and explains itself; unknown pairs and names that it can't take are refused."""
    (tmp_path / "keepapart.toml").write_text(MEMBERS + '[[instances]]\nid = "d"\n')
    assert "dot " in run("-m", "keepapart", "export").stdout
    assert "without one" in run("-m", "keepapart", "export", "dot", "--help").stdout
    assert run(*EXPORT).returncode == 3
    (tmp_path / "keepapart.toml").write_text(MEMBERS.replace('"y"', "'\"'"))
    assert run(*EXPORT).returncode == 2
