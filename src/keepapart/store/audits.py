"""Audits: the document of each one that was made, in the order in which they were written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from keepapart.store.database import Database

_audits = sa.table(
    "audits",
    sa.column("number", sa.Integer),
    sa.column("cluster", sa.String),
    sa.column("at", sa.Float),
    sa.column("document", sa.Text),
    sa.column("baseline", sa.Text),
)


class Audits:
    """The audits of all clusters, each with the baseline: what the next one is to know. Both are JSON."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, cluster: str, at: float, document: str, baseline: str) -> None:
        """Keep one audit."""
        row = {"cluster": cluster, "at": at, "document": document, "baseline": baseline}
        with self._database.transaction() as connection:
            connection.execute(_audits.insert().values(**row))

    def count(self, cluster: str) -> int:
        """Return how many audits of the cluster are kept."""
        query = sa.select(sa.func.count()).where(_audits.c.cluster == cluster)
        with self._database.transaction() as connection:
            return connection.execute(query).scalar_one()

    def newest(self, cluster: str, limit: int | None = None) -> Iterator[str]:
        """Yield the documents of the cluster's audits, at most `limit`, the one that was written last first.

        They may be large, so each is read when its turn has come.
        """
        numbers = self._newest(_audits.c.number, cluster, limit)
        for number in numbers:
            query = sa.select(_audits.c.document).where(_audits.c.number == number)
            with self._database.transaction() as connection:
                document: str = connection.execute(query).scalar_one()
            yield document

    def baseline(self, cluster: str) -> str | None:
        """Return the baseline that the audit which was written last has left; None where there is none."""
        return next(iter(self._newest(_audits.c.baseline, cluster, 1)), None)

    def _newest(self, column: sa.ColumnClause[Any], cluster: str, limit: int | None) -> Sequence[Any]:
        query = sa.select(column).where(_audits.c.cluster == cluster)
        with self._database.transaction() as connection:
            return connection.execute(query.order_by(_audits.c.number.desc()).limit(limit)).scalars().all()
