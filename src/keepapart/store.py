"""The store: the journal of admissions, the leases that guard them, and the audits.

SQLAlchemy Core, portable SQL only: SQLite beside the configuration, PostgreSQL where several operators
share. Rules:

1. What `append` returned from is durable: SQLite runs in WAL mode with ``synchronous=FULL``.
2. Every write to a journal checks the writer's fencing token in the same transaction, and renews the
   lease: whoever lost it can't write, however late the write comes.
3. A lease's token only grows. A lease is free when it was given back, when it ran out, or when the process
   that holds it is known to be dead.
4. The schema only migrates forward, one process at a time; one made by a newer keepapart is refused.
5. A process that dies, or a network that is cut, in the middle of a write holds up no other for longer than
   `BUSY_SECONDS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import event as listen

from keepapart.errors import ConfigError, LeaseError, StoreError

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

_meta = sa.MetaData()
_schema = sa.Table("schema_version", _meta, sa.Column("version", sa.Integer, nullable=False))
_runs = sa.Table(
    "runs",
    _meta,
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("cluster", sa.String(255), nullable=False, index=True),
    sa.Column("opened", sa.Float, nullable=False),
    sa.Column("closed", sa.Float),
)
_events = sa.Table(
    "events",
    _meta,
    sa.Column("run", sa.String(64), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)
_leases = sa.Table(
    "leases",
    _meta,
    sa.Column("cluster", sa.String(255), primary_key=True),
    sa.Column("token", sa.Integer, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)
_audits = sa.Table(
    "audits",
    _meta,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("cluster", sa.String(255), nullable=False, index=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)


def _first(connection: sa.Connection) -> None:
    _meta.create_all(connection, tables=[_runs, _events, _leases, _audits])


MIGRATIONS: Sequence[Callable[[sa.Connection], None]] = (_first,)  # the n-th leads from version n to n + 1


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write one cluster's journal; `token` is what fences off whoever held it before."""

    cluster: str
    token: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease, and until when (seconds since the epoch)."""

    who: str
    expires: float


class Store:
    """One database. Times are seconds since the epoch, handed in by the caller.

    Every method raises `StoreError` where the database can't be opened, read or written. A URL that is none
    is a `ConfigError`.
    """

    def __init__(self, url: str) -> None:
        try:
            self._engine = _engine(url)
        except ImportError as error:
            mend = "write postgresql+psycopg://…, and pip install 'keepapart[postgresql]'"
            raise StoreError(f"[store] url: {_line(error)}; for PostgreSQL {mend}") from None
        except sa.exc.ArgumentError as error:
            mend = "sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME is wanted"
            raise ConfigError(f"[store] url: {_line(error)}; {mend}") from None
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The journal

    def open_run(self, lease: Lease, run: str, at: float, kind: str, data: Mapping[str, Any]) -> None:
        """Begin a run's journal with its first event, whose number is 0."""
        with self._transaction() as connection:
            self._fence(connection, lease, at)
            connection.execute(_runs.insert().values(run=run, cluster=lease.cluster, opened=at, closed=None))
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
    ) -> None:
        """Write the event with number `seq`; `closes` ends the run with it.

        Raises `LeaseError` where another took the lease.
        """
        with self._transaction() as connection:
            self._fence(connection, lease, at)
            connection.execute(_event(run, seq, at, kind, data))
            if closes:
                connection.execute(_runs.update().where(_runs.c.run == run).values(closed=at))

    def events(self, run: str) -> list[tuple[float, str, Mapping[str, Any]]]:
        """Return a run's events, oldest first, as (time, kind, data)."""
        query = sa.select(_events.c.at, _events.c.kind, _events.c.data).where(_events.c.run == run)
        with self._transaction() as connection:
            found = connection.execute(query.order_by(_events.c.seq))
            return [(at, kind, json.loads(data)) for at, kind, data in found]

    def unfinished(self, cluster: str) -> list[str]:
        """Name the cluster's runs that were begun and never closed, oldest first."""
        query = (
            sa.select(_runs.c.run)
            .where(_runs.c.cluster == cluster, _runs.c.closed.is_(None))
            .order_by(_runs.c.opened)
        )
        with self._transaction() as connection:
            return list(connection.execute(query).scalars())

    # Leases

    def acquire(
        self, cluster: str, who: str, now: float, seconds: float, dead: Callable[[str], bool]
    ) -> Lease:
        """Take the cluster's lease for `seconds`.

        `dead(who)` says whether a holder is known to live no more. Raises `LeaseError` where another holds
        the lease.
        """
        with self._transaction() as connection:
            row = connection.execute(sa.select(_leases).where(_leases.c.cluster == cluster)).one_or_none()
            if row is None:
                try:
                    with connection.begin_nested():
                        connection.execute(
                            _leases.insert().values(
                                cluster=cluster, token=1, holder=who, expires=now + seconds
                            )
                        )
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
        with self._transaction() as connection:
            self._fence(connection, lease, now)

    def give_back(self, lease: Lease) -> None:
        """Free the lease at once; does nothing where it was lost already."""
        with self._transaction() as connection:
            connection.execute(
                _leases.update()
                .where(_leases.c.cluster == lease.cluster, _leases.c.token == lease.token)
                .values(expires=0.0)
            )

    def holder(self, cluster: str) -> Holder | None:
        """Tell who took the cluster's lease last and until when; None where nobody ever did."""
        query = sa.select(_leases.c.holder, _leases.c.expires).where(_leases.c.cluster == cluster)
        with self._transaction() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else Holder(row.holder, row.expires)

    # Audits

    def add_audit(self, cluster: str, at: float, document: str) -> None:
        """Keep one audit's JSON document."""
        with self._transaction() as connection:
            connection.execute(_audits.insert().values(cluster=cluster, at=at, document=document))

    def audits(self, cluster: str, limit: int) -> list[str]:
        """Return at most `limit` audits of the cluster, newest first."""
        query = (
            sa.select(_audits.c.document)
            .where(_audits.c.cluster == cluster)
            .order_by(_audits.c.at.desc(), _audits.c.number.desc())
            .limit(limit)
        )
        with self._transaction() as connection:
            return list(connection.execute(query).scalars())

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(f"{self._name}: {_line(error)}") from error

    def _fence(self, connection: sa.Connection, lease: Lease, now: float) -> None:
        changed = connection.execute(
            _leases.update()
            .where(_leases.c.cluster == lease.cluster, _leases.c.token == lease.token)
            .values(expires=now + lease.seconds)
        )
        if changed.rowcount != 1:
            raise LeaseError(f"another admission of {lease.cluster!r} took over; nothing more is done here")

    def _migrate(self) -> None:
        with self._transaction() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
            _schema.create(connection, checkfirst=True)
            version = connection.execute(sa.select(_schema.c.version)).scalar()
            if version is None:
                version = 0
                connection.execute(_schema.insert().values(version=0))
            if version > len(MIGRATIONS):
                raise StoreError(
                    f"{self._name}: made by a newer keepapart (schema {version}); upgrade this one"
                )
            for migration in MIGRATIONS[version:]:
                migration(connection)
            connection.execute(_schema.update().values(version=len(MIGRATIONS)))


def _engine(url: str) -> sa.Engine:
    if sa.make_url(url).get_backend_name() == "postgresql":
        return sa.create_engine(url, connect_args=POSTGRESQL, pool_pre_ping=True)
    return sa.create_engine(url)


def _event(run: str, seq: int, at: float, kind: str, data: Mapping[str, Any]) -> sa.Insert:
    return _events.insert().values(run=run, seq=seq, at=at, kind=kind, data=json.dumps(data, sort_keys=True))


def _held(cluster: str, who: str, expires: float) -> str:
    until = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = who.split(" [")[0]
    return f"an admission of {cluster!r} is running already: {name} holds it until {until} at least"


def _sqlite_connect(connection: Any, _: object) -> None:
    connection.isolation_level = None  # else the driver begins on its own terms, and too late
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # a reader that turns writer can't wait its turn: it fails


def _line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
