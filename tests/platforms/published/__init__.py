"""What providers publish of the shapes of their answers, asked in an environment that has their package.

`complaints` runs a file of this folder there: it gets answers of a stub, by what they are, and says what of
them the provider's own models don't know.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.platforms.own_venv import own_venv


def complaints(name: str, answers: Iterable[tuple[str, Any]], *requirements: str) -> list[str]:
    """Return what `name` doesn't know of these answers; skip the test where its package can't be had."""
    python = own_venv(name, *requirements)
    script = Path(__file__).with_name(f"{name}.py")
    said = json.dumps(list(answers))
    command = [str(python), "-P", str(script)]  # -P: a script may have the name of what it imports
    done = subprocess.run(command, input=said, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found
