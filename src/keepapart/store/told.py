"""What consumers were told that can't be changed later: of each instance the rack that it was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from keepapart.store.database import Database

_told = sa.table(
    "told",
    sa.column("cluster", sa.String),
    sa.column("format", sa.String),
    sa.column("instance", sa.String),
    sa.column("name", sa.String),
)


class Told:
    """The name that each instance of a cluster was given in a format of exports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, cluster: str, form: str) -> dict[str, str]:
        """Return the names by instance."""
        query = sa.select(_told.c.instance, _told.c.name).where(
            _told.c.cluster == cluster, _told.c.format == form
        )
        with self._database.transaction() as connection:
            return {row.instance: row.name for row in connection.execute(query)}

    def settle(
        self,
        cluster: str,
        form: str,
        decide: Callable[[Mapping[str, str]], Mapping[str, str]],
        *,
        anew: bool = False,
    ) -> None:
        """Keep the names that `decide` gives, to whom it is asked by the names that there are.

        They stand beside those of others that there are; `anew` forgets all names of the format first. Nobody
        else gives any meanwhile; where `decide` raises, all stays as it is.
        """
        these = sa.and_(_told.c.cluster == cluster, _told.c.format == form)
        with self._database.transaction() as connection:
            if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
                connection.exec_driver_sql("LOCK TABLE told IN SHARE ROW EXCLUSIVE MODE")
            if anew:
                connection.execute(_told.delete().where(these))
            there = connection.execute(sa.select(_told.c.instance, _told.c.name).where(these))
            for instance, name in decide({row.instance: row.name for row in there}).items():
                connection.execute(_told.delete().where(these, _told.c.instance == instance))
                row = {"cluster": cluster, "format": form, "instance": instance, "name": name}
                connection.execute(_told.insert().values(**row))
