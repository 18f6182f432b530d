"""The whole command on a lab: its verdicts, and what is true."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

from keepapart.lab.client import Lab
from keepapart.probe.measured import Extras
from tests.measuring import one_round

Verdicts = dict[frozenset[str], str]


def keepapart(folder: Path, lab: Lab, *words: str, model: str = "auto") -> tuple[int, Any]:
    """Run keepapart over the cluster `orders` of a lab; return its exit code and JSON."""
    config = folder / "keepapart.toml"
    config.write_text(
        f'[cluster]\nname = "orders"\n[network]\nmodel = "{model}"\n'
        f'[cloud]\nprovider = "lab"\nlab = "{lab.name}"\n'
    )
    command = [sys.executable, "-m", "keepapart", "-c", str(config), *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert "error" not in document, document
    return done.returncode, document


def audit(folder: Path, lab: Lab, *, model: str = "auto") -> tuple[Any, Verdicts]:
    """Audit a lab; return the document and the verdict on every pair."""
    _, document = keepapart(folder, lab, "audit", "--pairs", "all", model=model)
    return document, {frozenset((p["a"], p["b"])): p["verdict"] for p in document["pairs"]}


def survey(lab: Lab) -> Extras:
    """Run one round; return what was gathered in it beside the counts."""
    extras = one_round(lab.instances()).extras
    assert extras
    return extras


def truth(lab: Lab) -> Verdicts:
    """Return the verdict that is right of every pair."""
    where = lab.truth()
    return {
        frozenset((a, b)): "co-resident" if where[a].host == where[b].host else "separate"
        for a, b in combinations(where, 2)
    }
