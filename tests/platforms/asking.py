"""keepapart's command line, run in this process: exit code, and what is said, as text and as a document."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from keepapart.cli import main


def told(path: Path, *words: str) -> tuple[int, str]:
    """Run a verb by this configuration, and return its exit code and what it says."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = main(["-c", str(path), *words])
    return int(code), out.getvalue()


def said(path: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    """Do the same with a document, and return it as well."""
    code, text = told(path, *words, "--json")
    document: dict[str, Any] = json.loads(text)
    return code, document, text
