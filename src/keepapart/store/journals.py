"""Journals: the events of each run, written by the holder of its cluster's lease only."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from keepapart.store.database import Database
from keepapart.store.leases import Lease, fence

_runs = sa.table(
    "runs",
    sa.column("run", sa.String),
    sa.column("cluster", sa.String),
    sa.column("opened", sa.Float),
    sa.column("closed", sa.Float),
    sa.column("token", sa.Integer),
)
_ORDER = (sa.func.coalesce(_runs.c.token, 0), _runs.c.opened)  # in which runs were begun
_events = sa.table(
    "events",
    sa.column("run", sa.String),
    sa.column("seq", sa.Integer),
    sa.column("at", sa.Float),
    sa.column("kind", sa.String),
    sa.column("data", sa.Text),
)


class Journals:
    """The journals of all runs. An event is a kind and its data, which must be JSON."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self,
        lease: Lease,
        run: str,
        at: float,
        kind: str,
        data: Mapping[str, Any],
        *,
        now: float | None = None,
    ) -> None:
        """Begin a run with its first event, number 0. Raises `LeaseError` where another took the lease.

        `now` is the time by which leases are held, where that is another than the event's own.
        """
        with self._database.transaction() as connection:
            fence(connection, lease, at if now is None else now)
            row = {"run": run, "cluster": lease.cluster, "opened": at, "closed": None, "token": lease.token}
            connection.execute(_runs.insert().values(**row))
            connection.execute(_event(run, 0, at, kind, data))

    def append(
        self,
        lease: Lease,
        run: str,
        seq: int,
        at: float,
        kind: str,
        data: Mapping[str, Any],
        *,
        closes: bool = False,
        now: float | None = None,
    ) -> None:
        """Write the event with number `seq`; `closes` ends the run with it, `now` is as in `open`.

        Raises `LeaseError` where another took the lease.
        """
        with self._database.transaction() as connection:
            fence(connection, lease, at if now is None else now)
            connection.execute(_event(run, seq, at, kind, data))
            if closes:
                connection.execute(_runs.update().where(_runs.c.run == run).values(closed=at))

    def events(self, run: str) -> list[tuple[float, str, Mapping[str, Any]]]:
        """Return a run's events, oldest first, as (time, kind, data)."""
        query = sa.select(_events.c.at, _events.c.kind, _events.c.data).where(_events.c.run == run)
        with self._database.transaction() as connection:
            found = connection.execute(query.order_by(_events.c.seq))
            return [(at, kind, json.loads(data)) for at, kind, data in found]

    def of_cluster(
        self, cluster: str, kinds: Collection[str]
    ) -> list[tuple[str, float, str, Mapping[str, Any]]]:
        """Return the events of these kinds of all the cluster's runs, as (run, time, kind, data).

        Runs come in the order in which they were begun, the events of each oldest first.
        """
        query = (
            sa.select(_events.c.run, _events.c.at, _events.c.kind, _events.c.data)
            .join(_runs, _runs.c.run == _events.c.run)
            .where(_runs.c.cluster == cluster, _events.c.kind.in_(sorted(kinds)))
            .order_by(*_ORDER, _events.c.run, _events.c.seq)
        )
        with self._database.transaction() as connection:
            found = connection.execute(query)
            return [(run, at, kind, json.loads(data)) for run, at, kind, data in found]

    def unfinished(self, cluster: str) -> list[str]:
        """Name the cluster's runs that were begun and never closed, oldest first."""
        query = (
            sa.select(_runs.c.run)
            .where(_runs.c.cluster == cluster, _runs.c.closed.is_(None))
            .order_by(*_ORDER)
        )
        with self._database.transaction() as connection:
            return list(connection.execute(query).scalars())


def _event(run: str, seq: int, at: float, kind: str, data: Mapping[str, Any]) -> sa.Insert:
    return _events.insert().values(run=run, seq=seq, at=at, kind=kind, data=json.dumps(data, sort_keys=True))
