"""The only way from an admission to the platform: calls that are retried, paced, fenced and announced.

Rules:
1. The lease is checked before each effect: whoever lost it touches nothing any more.
2. `CloudError` is retried with growing delays, a bounded number of times; then the first cause is raised,
   since the last is often only a consequence ("limit exceeded" after an outage).
3. `NotFoundError` of an instance that ought to be there is waited out (platforms are eventually
   consistent); never a reason to launch again.
4. Every wait has a deadline, and none goes on beyond `until`, when only the money that is reserved for
   releasing is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from typing import TypeVar

from keepapart.admit.context import AdmissionContext
from keepapart.admit.inventory import Inventory
from keepapart.clouds import CLUSTER_TAG, TERMINATED
from keepapart.errors import CapacityError, CloudError, NotFoundError, RefusedError
from keepapart.model import Instance
from keepapart.store import Lease

T = TypeVar("T")

RETRIES = (1.0, 2.0, 4.0, 8.0)  # seconds between tries of a call that failed
NOT_YET = (2.0, 4.0, 8.0, 16.0, 30.0, 60.0, 60.0, 60.0, 60.0)  # up to five minutes until an instance shows
POLL_FIRST, POLL_GROWTH, POLL_LAST = 0.25, 1.5, 10.0
LONGEST_NAP = 10.0  # seconds without looking whether the lease is still held


class GuardedCloud:
    """A context's cloud as the steps of an admission use it, under its lease (None: it only looks)."""

    def __init__(self, context: AdmissionContext, lease: Lease | None) -> None:
        self.cloud = context.cloud
        self.cluster = context.cluster
        self.clock = context.clock
        self.until = inf
        self._context = context
        self._lease = lease

    def renew(self) -> None:
        """Hold the lease for its full time again. Raises `LeaseError` where it was lost."""
        if self._lease:
            self._context.store.leases.renew(self._lease, self.clock())

    def look(self, also: Iterable[str] = ()) -> Inventory:
        """List the cluster, and describe those of `also` that the list (which may lag) doesn't show."""
        listed = self.retried(lambda: self.cloud.instances({CLUSTER_TAG: self.cluster}))
        found = {i.id: i for i in listed}
        missing = [i for i in also if i not in found]
        if missing:
            found.update(self.describe(missing))
        return Inventory({i: x for i, x in found.items() if x.state != TERMINATED})

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell the present state of these instances."""
        wanted = tuple(ids)
        return self.retried(lambda: self.cloud.describe(wanted))

    def find(self, instance_id: str, within: float) -> Instance | None:
        """Tell the present state of an instance; None where it stays unknown for so many seconds."""
        for _ in self.polls(within):
            found = self.describe([instance_id]).get(instance_id)
            if found is not None:
                return found
        return None

    def effect(self, name: str, call: Callable[[], T], *, not_yet: bool = False) -> T:
        """Change something on the platform; `not_yet` waits for an instance that doesn't show yet."""

        def once() -> T:
            self.renew()
            self._context.on_arrow(f"before {name}")
            result = call()
            self._context.on_arrow(f"after {name}")
            return result

        return self.retried(once, not_yet=not_yet)

    def retried(self, call: Callable[[], T], *, not_yet: bool = False) -> T:
        """Make a call that may fail for a while; raises the first cause when it keeps failing."""
        first: CloudError | None = None
        retries, waits = iter(RETRIES), iter(NOT_YET if not_yet else ())
        while True:
            try:
                return call()
            except (CapacityError, RefusedError):
                raise  # no fault of the call: when to try again, and with what, is for the machine to say
            except NotFoundError as error:
                delay = next(waits, None)
                if delay is None or self.clock() + delay > self.until:
                    raise first or error from None
            except CloudError as error:
                first = first or error
                delay = next(retries, None)
                if delay is None:
                    raise first from None
            self.sleep(delay)

    def polls(self, seconds: float) -> Iterator[None]:
        """Yield at once, and again with growing pauses until `seconds` are over, once more at the end."""
        deadline = min(self.clock() + seconds, self.until)
        pause = POLL_FIRST
        while True:
            yield
            left = deadline - self.clock()
            if left <= 0:
                return
            self.sleep(min(pause, left))
            pause = min(pause * POLL_GROWTH, POLL_LAST)

    @property
    def pressed(self) -> bool:
        """Say whether waits end early now."""
        return self.clock() >= self.until

    def sleep(self, seconds: float) -> None:
        """Sleep, as long as the lease is held."""
        while seconds > 0:
            nap = min(seconds, LONGEST_NAP)
            self._context.sleep(nap)
            seconds -= nap
            self.renew()
