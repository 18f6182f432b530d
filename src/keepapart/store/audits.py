"""Audits: the document of each one that was made, in the order in which they were written."""

from __future__ import annotations

import sqlalchemy as sa

from keepapart.store.database import Database

_audits = sa.table(
    "audits",
    sa.column("number", sa.Integer),
    sa.column("cluster", sa.String),
    sa.column("at", sa.Float),
    sa.column("document", sa.Text),
)


class Audits:
    """The audits of all clusters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, cluster: str, at: float, document: str) -> None:
        """Keep one audit's JSON document."""
        with self._database.transaction() as connection:
            connection.execute(_audits.insert().values(cluster=cluster, at=at, document=document))

    def newest(self, cluster: str, limit: int) -> list[str]:
        """Return at most `limit` audits of the cluster, the one that was written last first."""
        query = (
            sa.select(_audits.c.document)
            .where(_audits.c.cluster == cluster)
            .order_by(_audits.c.number.desc())
            .limit(limit)
        )
        with self._database.transaction() as connection:
            return list(connection.execute(query).scalars())
