"""The database: durable, refused in one clear line, and not loaded where it isn't needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keepapart.errors import BusyError, ConfigError, StoreError
from keepapart.store import Store, database
from keepapart.store.database import Database
from tests.postgresql import serving


def test_sqlite_is_durable(tmp_path: Path) -> None:
    """What is written is written ahead and synced in full."""
    opened = Database(f"sqlite:///{tmp_path / 'keepapart.db'}")
    with opened.transaction() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    opened.close()


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/x.db", "not a url", "postgresql+nosuch://u:hush@h/d"]
)
def test_unopenable_store_is_one_clear_line(url: str) -> None:
    """What can't be opened is named, without a password."""
    with pytest.raises((StoreError, ConfigError)) as refused:
        Store(url)
    assert "\n" not in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_store_where_none_can_be_made_is_advised_elsewhere() -> None:
    """Where there is no folder, or none to write to, another place is the mend."""
    with pytest.raises(StoreError, match=r"as \[store\] url name a file in a folder that there is"):
        Store("sqlite:////nowhere/at/all/x.db")


def test_version_loads_no_database() -> None:
    """`keepapart --version` stays quick: it doesn't load SQLAlchemy."""
    code = (
        "import sys; from keepapart.cli import main; main(['--version']); print('sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_a_server_that_hangs_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that keeps the connection and never answers is an error after a while."""
    monkeypatch.setattr(database, "HANGING_SECONDS", 1.0)
    with serving() as url:
        opened = Database(url)
        backends = []
        try:
            with pytest.raises(StoreError), opened.transaction() as connection:
                backends.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
                os.kill(backends[0], signal.SIGSTOP)
                connection.exec_driver_sql("SELECT 1")
        finally:
            for backend in backends:
                os.kill(backend, signal.SIGKILL)
        opened.close()


def test_a_statement_has_its_time() -> None:
    """A server that is merely slow ends a statement itself."""
    with serving() as url:
        opened = Database(url)
        with opened.transaction() as connection:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar() == "30s"
        opened.close()


def test_what_another_process_locks_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is an error of its own, since it may pass."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0)
    url = f"sqlite:///{tmp_path / 'keepapart.db'}"
    opened, other = Database(url), Database(url)
    with opened.transaction(), pytest.raises(BusyError, match="database is locked"), other.transaction():
        pass
    opened.close()
    other.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_that_nothing_outlives_is_refused(url: str) -> None:
    """A database in memory has no lease that another process sees, and no journal that a kill leaves."""
    with pytest.raises(ConfigError, match=r"\[store\] url: .*in memory.*sqlite:///FILE"):
        Store(url)
