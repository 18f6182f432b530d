"""The schema, as the sequence of changes that made it.

Once released, a migration never changes: databases in the field were made by it. A later one is added behind
it, so that a fresh database and an old one run through the same statements and end up alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# What dialects write in ways of their own: a key that numbers itself, and what a JSON text has under a key.
DIALECTS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {"serial": "INTEGER", "memory": "json_extract(document, '$.memory')"},
    "postgresql": {"serial": "SERIAL", "memory": "(document::json -> 'memory')::text"},
}

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

# What is remembered of a cluster was part of its newest audit's document, which had to be read as a whole.
SECOND = (
    "ALTER TABLE audits ADD COLUMN baseline TEXT",
    """UPDATE audits SET baseline = {memory}
        WHERE number IN (SELECT max(number) FROM audits GROUP BY cluster)""",
)

# What a later run says of an instance stands above what an earlier one said, and clocks are set back; the
# token of the lease under which a run was begun only grows. Runs from before have none.
THIRD = ("ALTER TABLE runs ADD COLUMN token INTEGER",)

# What a consumer was told of an instance and can't be changed later, such as its rack in Cassandra.
FOURTH = (
    """CREATE TABLE told (
        cluster VARCHAR(255) NOT NULL,
        format VARCHAR(255) NOT NULL,
        instance VARCHAR(255) NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (cluster, format, instance)
    )""",
)

# What `keepapart watch` knows from one audit to the next: who audits, what was told of members, the news, and
# the outbox of their deliveries.
FIFTH = (
    """CREATE TABLE watched (
        cluster VARCHAR(255) NOT NULL PRIMARY KEY,
        holder TEXT NOT NULL,
        until FLOAT NOT NULL,
        told TEXT
    )""",
    """CREATE TABLE news (
        number {serial} NOT NULL PRIMARY KEY,
        cluster VARCHAR(255) NOT NULL,
        document TEXT NOT NULL
    )""",
    "CREATE INDEX ix_news_cluster ON news (cluster, number)",
    """CREATE TABLE deliveries (
        news INTEGER NOT NULL,
        hook VARCHAR(2048) NOT NULL,
        tries INTEGER NOT NULL,
        due FLOAT NOT NULL,
        PRIMARY KEY (news, hook)
    )""",
)

MIGRATIONS: Sequence[Sequence[str]] = (FIRST, SECOND, THIRD, FOURTH, FIFTH)  # the n-th: n to n + 1


def statements(version: int, dialect: str) -> list[str]:
    """Return what leads from a version to the newest, for SQLAlchemy's `dialect`."""
    words = DIALECTS.get(dialect, DIALECTS["sqlite"])
    return [each.format(**words) for migration in MIGRATIONS[version:] for each in migration]
