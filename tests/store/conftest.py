"""A store for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keepapart.store import Store


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database that isn't there yet."""
    return f"sqlite:///{tmp_path / 'keepapart.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store."""
    with Store(url) as opened:
        yield opened
