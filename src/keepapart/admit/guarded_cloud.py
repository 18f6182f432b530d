"""The only way from an admission to the platform: calls that are retried, paced, fenced and announced.

Rules:
1. The lease is checked before each effect: whoever lost it touches nothing any more.
2. `CloudError` is retried with growing delays, a bounded number of times, `patience` seconds long; then the
   first cause is raised, since the last is often only a consequence ("limit exceeded" after an outage). The
   first failure is told. What can't pass, `DeniedError`, is not repeated.
3. `NotFoundError` of an instance that ought to be there is waited out (platforms are eventually
   consistent); never a reason to launch again.
4. What isn't shown is not taken for not there. Members by the ledger are described by id. One that joined
   lately and isn't known stays a member, `UNSEEN`; only long after is it gone. Nor is what is shown taken for
   there: who was terminated once, by id, stays so, whatever a list that is behind shows. One that ran a
   moment ago is asked for again where it is shown otherwise: that may be what was so before.
5. Every wait has a deadline, and none goes on beyond `until`, when the time is over or only the money that is
   reserved for releasing is left.
6. A platform that is asked something and doesn't answer is given up on then too; that it is waited for is
   told. A call that changes something is never left to itself: the cloud's own client bounds it.
7. While the platform isn't sure what came of a change, or is at it, the call is made again, `SETTLED_WITHIN`
   seconds long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from math import inf
from typing import TypeVar

from keepapart.admit.context import AdmissionContext
from keepapart.admit.inventory import UNSEEN, Inventory, claimed
from keepapart.admit.ledger import NOTHING, SETTLED_AFTER, Ledger
from keepapart.clouds import CLUSTER_TAG, RUNNING, TERMINATED
from keepapart.errors import (
    CapacityError,
    CloudError,
    DeniedError,
    NotFoundError,
    RefusedError,
    UnsettledError,
)
from keepapart.model import Instance
from keepapart.store import Lease

T = TypeVar("T")

RETRIES = (1.0, 2.0, 4.0, 8.0)  # seconds between tries of a call that failed
NOT_YET = (2.0, 4.0, 8.0, 16.0, 30.0, 60.0, 60.0, 60.0, 60.0)  # up to five minutes until an instance shows
POLL_FIRST, POLL_GROWTH, POLL_LAST = 0.25, 1.5, 10.0
PATIENCE = 120.0  # seconds for a call with all its retries
LEAST = 10.0  # seconds that a call has however late it is: what is held must be let go of
SLOW = 10.0  # seconds after which it is told that an answer is waited for
SHOWN_WITHIN = 60.0  # seconds; lists and descriptions of the platforms we know are behind by less
SETTLED_WITHIN = 1800.0  # seconds; a disk of a hundred gigabytes may be copied meanwhile
LONGEST_NAP = 10.0  # seconds without looking whether the lease is still held
NOBODY: Mapping[str, float] = {}


class GuardedCloud:
    """A context's cloud as the steps of an admission use it, under its lease (None: it only looks)."""

    def __init__(self, context: AdmissionContext, lease: Lease | None, ledger: Ledger = NOTHING) -> None:
        self.cloud = context.cloud
        self.cluster = context.cluster
        self.clock = context.clock
        self.tell = context.tell
        self.hooks = context.hooks
        self.ledger = ledger
        self.until = inf
        self.patience = min(PATIENCE, context.policy.max_minutes * 60 or PATIENCE)
        self._context = context
        self._lease = lease
        self._ended: set[str] = set()

    def renew(self) -> None:
        """Hold the lease for its full time again. Raises `LeaseError` where it was lost."""
        if self._lease:
            self._context.store.leases.renew(self._lease, self._context.of_day())

    def look(
        self,
        also: Iterable[str] = (),
        *,
        closely: bool = False,
        joined: Mapping[str, float] = NOBODY,
        stopped: str = "",
    ) -> Inventory:
        """List the cluster; ask by id for members and those of `also` that the list doesn't show running.

        `closely` asks by id for each: a list that is behind shows who is gone. `joined` are members beside
        those of the ledger, with the time at which each joined. Whom this run has `stopped` is not waited
        for: that it doesn't run is no reply from before it joined.
        """
        listed = self._read(lambda: self.cloud.instances({CLUSTER_TAG: self.cluster}))
        found = {i.id: i for i in listed}
        members = self.ledger.members
        known = dict.fromkeys((*members, *also))
        shown_running = {i for i, one in found.items() if one.state == RUNNING and not closely}
        if doubtful := [i for i in dict.fromkeys((*known, *found)) if i not in shown_running]:
            found.update(self.describe(doubtful))
        shown_by = {i: at + SHOWN_WITHIN for i, at in {**members, **joined}.items() if i != stopped}
        lately = [i for i, by in shown_by.items() if by > self.clock() and not _is_settled(found.get(i))]
        if lately:
            left = max(shown_by[i] for i in lately) - self.clock()
            found.update(self.settled(lately, min(left, self.patience)))
        found.update({i: replace(found[i], state=TERMINATED) for i in self._ended & found.keys()})
        gone = {i: "it is terminated" for i, x in found.items() if x.state == TERMINATED}
        for member, joined_at in members.items():
            if member not in found and self.clock() - joined_at < SETTLED_AFTER:
                found[member] = Instance(member, state=UNSEEN)
            elif member not in found:
                gone[member] = "the platform doesn't know it any more"
            elif claim := claimed(found[member], self.cluster):
                gone[member] = claim
        shown = {i: x for i, x in found.items() if x.state != TERMINATED}
        return Inventory(shown, frozenset(members), gone)

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell the present state of these instances."""
        wanted = tuple(ids)
        found = self._read(lambda: self.cloud.describe(wanted))
        self._ended |= {i for i, one in found.items() if one.state == TERMINATED}
        return found

    def settled(self, ids: Iterable[str], within: float = SHOWN_WITHIN) -> Mapping[str, Instance]:
        """Tell the present state of instances that ran, once replies can't be from before that any more."""
        wanted = tuple(ids)
        found: Mapping[str, Instance] = {}
        for _ in self.polls(within):
            found = self.describe(wanted)
            if all(_is_settled(found.get(i)) for i in wanted):
                break
        return found

    def find(self, instance_id: str, within: float) -> Instance | None:
        """Tell the present state of an instance; None where it stays unknown for so many seconds."""
        for _ in self.polls(within):
            found = self.describe([instance_id]).get(instance_id)
            if found is not None:
                return found
        return None

    def effect(
        self, name: str, call: Callable[[], T], *, not_yet: bool = False, within: float = SETTLED_WITHIN
    ) -> T:
        """Change something on the platform, by rule 7 for `within` seconds.

        `not_yet` waits for an instance that doesn't show yet.
        """

        def once() -> T:
            self.renew()
            self._context.on_arrow(f"before {name}")
            result = call()
            self._context.on_arrow(f"after {name}")
            return result

        unsettled: UnsettledError | None = None
        for _ in self.polls(within):
            try:
                return self.retried(once, not_yet=not_yet)
            except UnsettledError as error:
                if unsettled is None and within:
                    longest = "" if error.seconds is None else f", {error.seconds:.0f} s at most"
                    self.tell(f"waiting{longest}: {error.cause}")
                unsettled = error
        raise unsettled or AssertionError("a poll is made at least once")

    def retried(self, call: Callable[[], T], *, not_yet: bool = False) -> T:
        """Make a call that may fail for a while; raises the first cause when it keeps failing."""
        first: CloudError | None = None
        end = self._end()
        retries, waits = iter(RETRIES), iter(NOT_YET if not_yet else ())
        while True:
            try:
                return call()
            except (CapacityError, RefusedError, DeniedError, UnsettledError):
                raise  # no fault of the call: when to try again, and with what, is for the machine to say
            except NotFoundError as error:
                delay = next(waits, None)
                if delay is None or self.clock() + delay > self.until:
                    raise first or error from None
            except CloudError as error:
                delay = next(retries, None)
                if delay is None or self.clock() + delay > end:
                    raise first or error from None
                if not first:
                    self.tell(f"{error}; trying again")
                first = first or error
            self.sleep(delay)

    def _end(self) -> float:
        now = self.clock()
        return max(min(now + self.patience, self.until), now + LEAST)

    def _read(self, call: Callable[[], T]) -> T:
        """Ask something of the platform, until the time for it is over."""
        end = self._end()
        return self.retried(lambda: _answer(call, end - self.clock(), self.tell))

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


def _is_settled(found: Instance | None) -> bool:
    """Say whether a reply about one that ran can't be older than that."""
    return found is not None and found.state in (RUNNING, TERMINATED)


def _answer(call: Callable[[], T], seconds: float, tell: Callable[[str], None]) -> T:
    """Return what a call returns that changes nothing, or give up on it after so many seconds."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            answers.append(call())
        except BaseException as error:
            errors.append(error)

    asking = threading.Thread(target=ask, name="ask", daemon=True)
    asking.start()
    seconds = max(seconds, 0.0)
    asking.join(min(SLOW, seconds))
    if asking.is_alive() and seconds > SLOW:
        tell("waiting for the platform to answer")
        asking.join(seconds - SLOW)
    if errors:
        raise errors[0]
    if not answers:
        raise CloudError(f"the platform gave no answer within {seconds:.0f} s")
    return answers[0]
