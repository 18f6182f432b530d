"""The database: durable, refused in one clear line, and not loaded where it isn't needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from keepapart.errors import ConfigError, StoreError
from keepapart.store import Store
from keepapart.store.database import Database


def test_sqlite_is_durable(tmp_path: Path) -> None:
    """What is written is written ahead and synced in full."""
    database = Database(f"sqlite:///{tmp_path / 'keepapart.db'}")
    with database.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    database.close()


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/x.db", "not a url", "postgresql+nosuch://u:hush@h/d"]
)
def test_unopenable_store_is_one_clear_line(url: str) -> None:
    """What can't be opened is named, without a password."""
    with pytest.raises((StoreError, ConfigError)) as refused:
        Store(url)
    assert "\n" not in str(refused.value)
    assert "hush" not in str(refused.value)


def test_version_loads_no_database() -> None:
    """`keepapart --version` stays quick: it doesn't load SQLAlchemy."""
    code = (
        "import sys; from keepapart.cli import main; main(['--version']); print('sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
