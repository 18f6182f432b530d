"""What `import keepapart` offers."""

from __future__ import annotations

import subprocess
import sys

import pytest

import keepapart


def test_the_public_names_are_these() -> None:
    """The surface is small, whole and importable."""
    assert keepapart.__all__ == [
        "Audit",
        "Config",
        "Evidence",
        "Instance",
        "KeepapartError",
        "Pair",
        "Says",
        "Strength",
        "Verdict",
        "__version__",
        "audit",
        "check",
        "load",
    ]
    assert all(getattr(keepapart, name) for name in keepapart.__all__)


def test_another_name_is_none_of_them() -> None:
    """A name that there isn't is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = keepapart.nothing_such


def test_importing_it_loads_nothing_heavy() -> None:
    """numpy, SQLAlchemy and the platforms' clients are loaded where they are used."""
    heavy = "{'numpy', 'sqlalchemy', 'boto3', 'asyncssh'}"
    code = f"import sys, keepapart; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
