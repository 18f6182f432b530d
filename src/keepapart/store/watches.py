"""What `keepapart watch` knows from one audit to the next: who audits, what was told, news, the outbox.

1. One process at a time audits a cluster on a schedule: whoever claims it, until it is done or time is up.
2. What was told, the news of it and their deliveries are written as one: each is told once, whatever dies.
3. A delivery stays in the outbox until somebody took it, or it is given up.
4. News are kept for `KEPT`, then they go, and what of them nobody took: a webhook that isn't asked for any
   more. The latest stays, so that numbers go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from keepapart.model import timestamp
from keepapart.store.database import Database

KEPT = 90 * 86_400.0  # seconds; deliveries are given up long before
AT_ONCE = 100  # old news that go with each audit

_watched = sa.table(
    "watched",
    sa.column("cluster", sa.String),
    sa.column("holder", sa.Text),
    sa.column("until", sa.Float),
    sa.column("told", sa.Text),
)
_news = sa.table(
    "news",
    sa.column("number", sa.Integer),
    sa.column("cluster", sa.String),
    sa.column("document", sa.Text),
)
_deliveries = sa.table(
    "deliveries",
    sa.column("news", sa.Integer),
    sa.column("hook", sa.String),
    sa.column("tries", sa.Integer),
    sa.column("due", sa.Float),
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One piece of news for one webhook; `tries` have failed already."""

    number: int
    hook: str
    tries: int
    document: str


class Watches:
    """The watches of all clusters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, cluster: str, who: str, until: float, now: float, dead: Callable[[str], bool]) -> bool:
        """Claim the cluster until then; say whether it is free.

        `dead(who)` says whether a holder is known to live no more.
        """
        row = sa.select(_watched.c.holder, _watched.c.until).where(_watched.c.cluster == cluster)
        with self._database.transaction() as connection:
            held = connection.execute(row.with_for_update()).one_or_none()
            if held is None:
                first = _watched.insert().values(cluster=cluster, holder=who, until=until)
                try:
                    with connection.begin_nested():
                        connection.execute(first)
                except sa.exc.IntegrityError:
                    return False
                return True
            if held.until > now and held.holder != who and not dead(held.holder):
                return False
            connection.execute(self._own(cluster).values(holder=who, until=until))
            return True

    def release(self, cluster: str, who: str) -> None:
        """Leave the cluster to others; does nothing where another has it."""
        with self._database.transaction() as connection:
            connection.execute(self._own(cluster).where(_watched.c.holder == who).values(until=0.0))

    def told(self, cluster: str) -> str | None:
        """Return what `keep` kept last; None where it never did."""
        query = sa.select(_watched.c.told).where(_watched.c.cluster == cluster)
        with self._database.transaction() as connection:
            return connection.execute(query).scalar_one_or_none()

    def keep(self, cluster: str, told: str, news: Sequence[str], hooks: Sequence[str], now: float) -> None:
        """Keep what is told now, with the news of it, for each of the webhooks; all of them JSON.

        The cluster was claimed before. What is older than `KEPT` goes.
        """
        with self._database.transaction() as connection:
            connection.execute(self._own(cluster).values(told=told))
            for document in news:
                added = _news.insert().values(cluster=cluster, document=document).returning(_news.c.number)
                number = connection.execute(added).scalar_one()
                for hook in hooks:
                    row = {"news": number, "hook": hook, "tries": 0, "due": now}
                    connection.execute(_deliveries.insert().values(**row))
            if old := self._old(connection, cluster, timestamp(now - KEPT)):
                connection.execute(_deliveries.delete().where(_deliveries.c.news.in_(old)))
                connection.execute(_news.delete().where(_news.c.number.in_(old)))

    @staticmethod
    def _old(connection: sa.Connection, cluster: str, before: str) -> list[int]:
        """List the oldest news that were told before a time, but the latest of all."""
        query = sa.select(_news.c.number, _news.c.document).where(
            _news.c.cluster == cluster,
            _news.c.number < sa.select(sa.func.max(_news.c.number)).scalar_subquery(),
        )
        rows = connection.execute(query.order_by(_news.c.number).limit(AT_ONCE))
        return [row.number for row in rows if json.loads(row.document)["at"] < before]

    def newest(self, cluster: str) -> int:
        """Return the number of the cluster's latest news; 0 where there is none."""
        query = sa.select(sa.func.max(_news.c.number)).where(_news.c.cluster == cluster)
        with self._database.transaction() as connection:
            return connection.execute(query).scalar() or 0

    def news(self, cluster: str, after: int, limit: int) -> list[tuple[int, str]]:
        """List at most `limit` news of the cluster after that number, the oldest first."""
        query = sa.select(_news.c.number, _news.c.document).where(
            _news.c.cluster == cluster, _news.c.number > after
        )
        with self._database.transaction() as connection:
            rows = connection.execute(query.order_by(_news.c.number).limit(limit))
            return [(row.number, row.document) for row in rows]

    def due(self, cluster: str, hooks: Sequence[str], now: float, limit: int) -> list[Delivery]:
        """List at most `limit` deliveries to these webhooks that are due, the oldest news first."""
        query = (
            sa.select(_deliveries, _news.c.document)
            .join(_news, _news.c.number == _deliveries.c.news)
            .where(_news.c.cluster == cluster, _deliveries.c.hook.in_(hooks), _deliveries.c.due <= now)
            .order_by(_deliveries.c.news)
            .limit(limit)
        )
        with self._database.transaction() as connection:
            return [Delivery(r.news, r.hook, r.tries, r.document) for r in connection.execute(query)]

    def postpone(self, delivery: Delivery, due: float) -> None:
        """Have a delivery that failed tried again then."""
        with self._database.transaction() as connection:
            connection.execute(
                _deliveries.update().where(self._this(delivery)).values(tries=delivery.tries + 1, due=due)
            )

    def done(self, delivery: Delivery) -> None:
        """Take a delivery out of the outbox."""
        with self._database.transaction() as connection:
            connection.execute(_deliveries.delete().where(self._this(delivery)))

    @staticmethod
    def _own(cluster: str) -> sa.Update:
        return _watched.update().where(_watched.c.cluster == cluster)

    @staticmethod
    def _this(delivery: Delivery) -> sa.ColumnElement[bool]:
        return sa.and_(_deliveries.c.news == delivery.number, _deliveries.c.hook == delivery.hook)
