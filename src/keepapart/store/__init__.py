"""The store: journals of admissions, their leases, the audits that were made, what was told, and the news.

SQLAlchemy Core, portable SQL only: SQLite beside the configuration, PostgreSQL where several operators
share. `database` opens it and makes its schema by the `migrations`; `journals`, `leases`, `audits`, what
consumers were `told` and `watches` are what it keeps. Times are seconds since the epoch, handed in by the
caller.

Rules:
1. What was written is durable when the call returns: SQLite runs in WAL mode with ``synchronous=FULL``.
2. Every write to a journal checks the writer's fencing token in the same transaction, and renews the lease.
   A run that lost its lease can't write, however late the write comes.
3. A lease's token only grows. A lease is free when it was given back, when it ran out, or when the process
   that holds it is known to be dead.
4. The schema only migrates forward, one process at a time; one made by a newer keepapart is refused.
5. A process that dies, or a network that is cut, in the middle of a write holds up no other for longer than
   `BUSY_SECONDS`.
6. Audits are ordered by their numbers and runs by the tokens of their leases, which only grow: the clock may
   be set back.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Self

from keepapart.store.audits import Audits
from keepapart.store.database import BUSY_SECONDS, Database
from keepapart.store.journals import Journals
from keepapart.store.leases import Holder, Lease, Leases
from keepapart.store.told import Told
from keepapart.store.watches import Delivery, Watches

__all__ = [
    "BUSY_SECONDS",
    "Audits",
    "Delivery",
    "Holder",
    "Journals",
    "Lease",
    "Leases",
    "Store",
    "Told",
    "Watches",
]


class Store:
    """One database and what it keeps.

    Every method of `journals`, `leases`, `audits`, `told` and `watches` raises `StoreError` where the
    database can't be read or written. Opening raises `StoreError` for a database that can't be opened,
    `ConfigError` for a URL that is none; `within` are seconds that it waits where another process keeps an
    SQLite file locked.
    """

    def __init__(self, url: str, within: float = BUSY_SECONDS) -> None:
        self._database = Database(url, within)
        self.journals = Journals(self._database)
        self.leases = Leases(self._database)
        self.audits = Audits(self._database)
        self.told = Told(self._database)
        self.watches = Watches(self._database)

    def waiting(self, seconds: float) -> AbstractContextManager[None]:
        """Wait no longer than this for another process's transaction; SQLite's alone."""
        return self._database.waiting(seconds)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
