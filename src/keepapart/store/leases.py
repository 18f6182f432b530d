"""Leases: one process at a time may admit for a cluster, and a token fences off the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from keepapart.errors import LeaseError
from keepapart.store.database import Database

_leases = sa.table(
    "leases",
    sa.column("cluster", sa.String),
    sa.column("token", sa.Integer),
    sa.column("holder", sa.Text),
    sa.column("expires", sa.Float),
)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write one cluster's journals; `token` is what fences off whoever held it before."""

    cluster: str
    token: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease, and until when (seconds since the epoch)."""

    who: str
    expires: float


class Leases:
    """The leases of all clusters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(
        self, cluster: str, who: str, now: float, seconds: float, dead: Callable[[str], bool]
    ) -> Lease:
        """Take the cluster's lease for `seconds`.

        `dead(who)` says whether a holder is known to live no more. Raises `LeaseError` where another holds
        the lease.
        """
        with self._database.transaction() as connection:
            row = connection.execute(sa.select(_leases).where(_leases.c.cluster == cluster)).one_or_none()
            if row is None:
                first = _leases.insert().values(cluster=cluster, token=1, holder=who, expires=now + seconds)
                try:
                    with connection.begin_nested():
                        connection.execute(first)
                except sa.exc.IntegrityError:
                    raise LeaseError(f"another admission of {cluster!r} has just begun") from None
                return Lease(cluster, 1, seconds)
            if row.expires > now and not dead(row.holder):
                raise LeaseError(_held(cluster, row.holder, row.expires))
            changed = connection.execute(
                _leases.update()
                .where(_leases.c.cluster == cluster, _leases.c.token == row.token)
                .values(token=row.token + 1, holder=who, expires=now + seconds)
            )
            if changed.rowcount != 1:
                raise LeaseError(f"another admission of {cluster!r} has just begun")
            return Lease(cluster, row.token + 1, seconds)

    def renew(self, lease: Lease, now: float) -> None:
        """Hold the lease for its full time again. Raises `LeaseError` where it was lost."""
        with self._database.transaction() as connection:
            fence(connection, lease, now)

    def give_back(self, lease: Lease) -> None:
        """Free the lease at once; does nothing where it was lost already."""
        with self._database.transaction() as connection:
            connection.execute(_own(lease).values(expires=0.0))

    def holder(self, cluster: str) -> Holder | None:
        """Tell who took the cluster's lease last and until when; None where nobody ever did."""
        query = sa.select(_leases.c.holder, _leases.c.expires).where(_leases.c.cluster == cluster)
        with self._database.transaction() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else Holder(row.holder, row.expires)


def fence(connection: sa.Connection, lease: Lease, now: float) -> None:
    """Renew the lease as part of a transaction. Raises `LeaseError` where it was lost."""
    changed = connection.execute(_own(lease).values(expires=now + lease.seconds))
    if changed.rowcount != 1:
        raise LeaseError(f"another admission of {lease.cluster!r} took over; nothing more is done here")


def _own(lease: Lease) -> sa.Update:
    return _leases.update().where(_leases.c.cluster == lease.cluster, _leases.c.token == lease.token)


def _held(cluster: str, who: str, expires: float) -> str:
    until = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = who.split(" [")[0]
    waits = "--wait SECONDS waits for it"
    return f"an admission of {cluster!r} is running already: {name} holds it until {until} at least; {waits}"
