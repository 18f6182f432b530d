"""The database behind the store: how it is opened, its transactions, and the making of its schema."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event as listen

from keepapart.errors import BusyError, ConfigError, StoreError
from keepapart.store import migrations

BUSY_SECONDS = 20  # how long a write waits for another process's transaction; each lasts milliseconds
MIGRATING = 0x6B656570  # the number of the advisory lock under which PostgreSQL's schema is made
STATEMENT_SECONDS = 30  # how long one statement may take, its waits for locks included
HANGING_SECONDS = 40.0  # after which a server is given up on that keeps the connection and doesn't answer
POSTGRESQL = {
    "connect_timeout": 10,
    "options": f"-c lock_timeout={BUSY_SECONDS}s -c idle_in_transaction_session_timeout={BUSY_SECONDS}s"
    f" -c statement_timeout={STATEMENT_SECONDS}s",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": BUSY_SECONDS * 1000,
}

BROKEN = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR}
BROKEN |= {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
DISK_FULL = "53100"  # PostgreSQL's word for it

_schema = sa.table("schema_version", sa.column("version", sa.Integer))


class Database:
    """An open database with the newest schema; raises as `Store` does."""

    def __init__(self, url: str, within: float = BUSY_SECONDS) -> None:
        self._patience: float = BUSY_SECONDS
        try:
            self._engine = _engine(url)
        except ImportError as error:
            mend = "write postgresql+psycopg://…, and pip install 'keepapart[postgresql]'"
            raise StoreError(f"[store] url: {_line(error)}", f"for PostgreSQL {mend}") from None
        except (sa.exc.ArgumentError, ValueError) as error:  # the latter of a port that is none
            mend = "sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME is wanted"
            raise ConfigError(f"[store] url: {_line(error)}", mend) from None
        if self._engine.dialect.name == "sqlite" and self._engine.url.database in (None, "", ":memory:"):
            raise ConfigError(
                f"[store] url: {url!r} is in memory, so neither lease nor journal would outlive this process",
                "sqlite:///FILE is wanted",
            )
        self._name = self._engine.url.render_as_string(hide_password=True)
        if self._engine.dialect.name == "sqlite":
            listen.listen(self._engine, "connect", self._sqlite_connect)
            listen.listen(self._engine, "begin", self._sqlite_begin)
        try:
            with self.waiting(within):
                self._migrate()
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Wait no longer than this for another process's transaction, meanwhile; SQLite's alone."""
        before, self._patience = self._patience, min(self._patience, max(seconds, 0.0))
        try:
            yield
        finally:
            self._patience = before

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Have everything within written as one, or nothing of it."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raised = BusyError if _is_busy(error) else StoreError
            raise raised(f"{self._name}: {_line(error)}", _mend(error)) from error

    def _sqlite_connect(self, connection: Any, _: object) -> None:
        connection.isolation_level = None  # else the driver begins on its own terms, and too late
        for pragma in (self._busy_timeout(), "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}").close()

    def _sqlite_begin(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA {self._busy_timeout()}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # a reader turning writer can't wait its turn: it fails

    def _busy_timeout(self) -> str:
        return f"busy_timeout={self._patience * 1000:.0f}"

    def _migrate(self) -> None:
        with self.transaction() as connection:
            dialect = connection.dialect.name
            if dialect == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
            connection.exec_driver_sql(migrations.VERSION)
            version = connection.execute(sa.select(_schema.c.version)).scalar()
            if version is None:
                version = 0
                connection.execute(_schema.insert().values(version=version))
            newest = len(migrations.MIGRATIONS)
            if version > newest:
                raise StoreError(
                    f"{self._name}: made by a newer keepapart (schema {version})", "upgrade this one"
                )
            if version < newest:
                for statement in migrations.statements(version, dialect):
                    connection.exec_driver_sql(statement)
                connection.execute(_schema.update().values(version=newest))


def _engine(url: str) -> sa.Engine:
    if sa.make_url(url).get_backend_name() == "postgresql":
        engine = sa.create_engine(url, connect_args=POSTGRESQL, pool_pre_ping=True)
        if engine.driver == "psycopg":
            listen.listen(engine, "do_connect", _bounded_connection)
        return engine
    return sa.create_engine(url)


def _bounded_connection(_: object, __: object, args: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """Connect to PostgreSQL so that every wait for its answer has an end: a server that hangs sets none."""
    import psycopg

    class Bounded(psycopg.Connection[Any]):
        def wait(self, *waited: Any, **how: Any) -> Any:
            over = threading.Timer(HANGING_SECONDS, _cut, (self.fileno(),))
            over.daemon = True
            over.start()
            try:
                return super().wait(*waited, **how)
            finally:
                over.cancel()

    return Bounded.connect(*args, **options)


def _cut(descriptor: int) -> None:
    """End a connection for whoever waits at it."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
        connection.shutdown(socket.SHUT_RDWR)


def _is_busy(error: sa.exc.SQLAlchemyError) -> bool:
    """Say whether another process holds what this one wants to lock."""
    cause = getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or getattr(cause, "sqlstate", "") == "55P03"


def _mend(error: sa.exc.SQLAlchemyError) -> str:
    """Say what to do about a database that is full or broken; nothing where that is no question."""
    cause = getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_CANTOPEN:
        return "as [store] url name a file in a folder that there is and that you may write to"
    if code not in BROKEN and getattr(cause, "sqlstate", "") != DISK_FULL:
        return ""
    return "mend that; until then, `keepapart gc` with another [store] url goes by tags alone"


def _line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
