"""The schema, as the sequence of changes that made it.

Once released, a migration never changes: databases in the field were made by it. A later one is added behind
it, so that a fresh database and an old one run through the same statements and end up alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SERIAL: Mapping[str, str] = {"postgresql": "SERIAL"}  # a key that numbers itself, where it isn't an INTEGER

VERSION = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"

FIRST = (
    """CREATE TABLE runs (
        run VARCHAR(64) NOT NULL PRIMARY KEY,
        cluster VARCHAR(255) NOT NULL,
        opened FLOAT NOT NULL,
        closed FLOAT
    )""",
    "CREATE INDEX ix_runs_cluster ON runs (cluster)",
    """CREATE TABLE events (
        run VARCHAR(64) NOT NULL,
        seq INTEGER NOT NULL,
        at FLOAT NOT NULL,
        kind VARCHAR(32) NOT NULL,
        data TEXT NOT NULL,
        PRIMARY KEY (run, seq)
    )""",
    """CREATE TABLE leases (
        cluster VARCHAR(255) NOT NULL PRIMARY KEY,
        token INTEGER NOT NULL,
        holder TEXT NOT NULL,
        expires FLOAT NOT NULL
    )""",
    """CREATE TABLE audits (
        number {serial} NOT NULL PRIMARY KEY,
        cluster VARCHAR(255) NOT NULL,
        at FLOAT NOT NULL,
        document TEXT NOT NULL
    )""",
    "CREATE INDEX ix_audits_cluster ON audits (cluster)",
)

MIGRATIONS: Sequence[Sequence[str]] = (FIRST,)  # the n-th leads from version n to n + 1


def statements(version: int, dialect: str) -> list[str]:
    """Return what leads from a version to the newest, for SQLAlchemy's `dialect`."""
    serial = SERIAL.get(dialect, "INTEGER")
    return [each.format(serial=serial) for migration in MIGRATIONS[version:] for each in migration]
