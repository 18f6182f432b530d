"""The lease of a cluster: taken before an admission does anything, held while it lasts, given back last.

1. Where another admission has it, this one ends, or waits for `wait` seconds: until that one is done, or its
   lease runs out. So it does where another process keeps the store locked.
2. It is renewed in the background as long as its holder lives, every third of its time: so two renewals in a
   row may fail before it is lost (Patroni's loop_wait + 2·retry ≤ ttl). A holder that loses it all the same,
   because it was asleep or cut off, is fenced off.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf

from keepapart.admit.context import AdmissionContext
from keepapart.admit.holder import is_dead
from keepapart.errors import BusyError, LeaseError, StoreError
from keepapart.store import Lease

RENEWALS = 3  # within a lease's time
WAITING = 1.0  # seconds between two looks at a lease that another admission holds


@contextmanager
def leased(context: AdmissionContext) -> Iterator[Lease]:
    """Hold the cluster's lease. Raises `LeaseError` where another admission does."""
    lease = _acquired(context)
    try:
        with _renewed(context, lease):
            yield lease
    finally:
        with suppress(StoreError):  # it runs out by itself
            context.store.leases.give_back(lease)


def _acquired(context: AdmissionContext) -> Lease:
    leases, who = context.store.leases, context.holder()
    deadline = context.clock() + context.wait
    told = ""
    while True:
        patience = max(deadline - context.clock(), 0.0) if context.wait else inf
        try:
            with context.store.waiting(patience):
                return leases.acquire(context.cluster, who, context.of_day(), context.lease_seconds, is_dead)
        except (LeaseError, BusyError) as held:
            left = deadline - context.clock()
            if left <= 0:
                raise
            waiting = str(held).partition(" holds it until")[0]
            if waiting != told:
                context.tell(f"waiting: {waiting}")
            told = waiting
            context.sleep(min(WAITING, left))


@contextmanager
def _renewed(context: AdmissionContext, lease: Lease) -> Iterator[None]:
    """Renew the lease in the background, whatever else takes its time."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(lease.seconds / RENEWALS):
            try:
                context.store.leases.renew(lease, context.of_day())
            except LeaseError:
                return  # the next write or effect says so
            except StoreError:
                continue  # it may be back before the lease runs out

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
