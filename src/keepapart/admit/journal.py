"""The journal of one run: the store's events, the state they fold to, and the fence before each write."""

from __future__ import annotations

from keepapart.admit import events as e
from keepapart.admit.context import AdmissionContext
from keepapart.admit.state import State, apply, fold
from keepapart.store import Lease, Store


class Journal:
    """Append-only: `state` is always the fold of what is durable."""

    def __init__(self, context: AdmissionContext, lease: Lease, run: str) -> None:
        self.run = run
        self._context = context
        self._lease = lease
        self.state = State(run)
        self._length = 0
        self.read()

    def read(self) -> None:
        """Fold what is durable: after an interruption a write may have gone through unnoticed."""
        events = _durable(self._context.store, self.run)
        self._length = len(events)
        self.state = fold(self.run, events)

    def write(self, event: e.Event) -> None:
        """Append one event. Raises `LeaseError` where another admission took over."""
        journals, on_arrow = self._context.store.journals, self._context.on_arrow
        kind, data = e.encode(event)
        at = self._context.clock()
        state = apply(self.state, event, at)
        on_arrow(f"before journal {kind}")
        if self._length == 0:
            journals.open(self._lease, self.run, at, kind, data)
        else:
            journals.append(self._lease, self.run, self._length, at, kind, data, closes=state.finished)
        self._length += 1
        self.state = state
        on_arrow(f"after journal {kind}")


def state_of(store: Store, run: str) -> State:
    """Return the state that a run's journal leads to, without taking the run over."""
    return fold(run, _durable(store, run))


def _durable(store: Store, run: str) -> list[tuple[float, e.Event]]:
    return [(at, e.decode(kind, data)) for at, kind, data in store.journals.events(run)]
