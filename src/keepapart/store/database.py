"""The database behind the store: how it is opened, its transactions, and the making of its schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event as listen

from keepapart.errors import ConfigError, StoreError
from keepapart.store import migrations

BUSY_SECONDS = 20  # how long a write waits for another process's transaction; each lasts milliseconds
MIGRATING = 0x6B656570  # the number of the advisory lock under which PostgreSQL's schema is made
POSTGRESQL = {
    "connect_timeout": 10,
    "options": f"-c lock_timeout={BUSY_SECONDS}s -c idle_in_transaction_session_timeout={BUSY_SECONDS}s",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": BUSY_SECONDS * 1000,
}

_schema = sa.table("schema_version", sa.column("version", sa.Integer))


class Database:
    """An open database with the newest schema; raises as `Store` does."""

    def __init__(self, url: str) -> None:
        try:
            self._engine = _engine(url)
        except ImportError as error:
            mend = "write postgresql+psycopg://…, and pip install 'keepapart[postgresql]'"
            raise StoreError(f"[store] url: {_line(error)}", f"for PostgreSQL {mend}") from None
        except sa.exc.ArgumentError as error:
            mend = "sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME is wanted"
            raise ConfigError(f"[store] url: {_line(error)}", mend) from None
        self._name = self._engine.url.render_as_string(hide_password=True)
        if self._engine.dialect.name == "sqlite":
            listen.listen(self._engine, "connect", _sqlite_connect)
            listen.listen(self._engine, "begin", _sqlite_begin)
        try:
            self._migrate()
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Have everything within written as one, or nothing of it."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(f"{self._name}: {_line(error)}") from error

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
            for statement in migrations.statements(version, dialect):
                connection.exec_driver_sql(statement)
            connection.execute(_schema.update().values(version=newest))


def _engine(url: str) -> sa.Engine:
    if sa.make_url(url).get_backend_name() == "postgresql":
        return sa.create_engine(url, connect_args=POSTGRESQL, pool_pre_ping=True)
    return sa.create_engine(url)


def _sqlite_connect(connection: Any, _: object) -> None:
    connection.isolation_level = None  # else the driver begins on its own terms, and too late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # a reader that turns writer can't wait its turn: it fails


def _line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
