"""The journal of one run: the store's events, the state they fold to, and the fence before each write."""

from __future__ import annotations

from collections.abc import Callable

from keepapart.admit import events as e
from keepapart.admit.guarded_cloud import Arrow
from keepapart.admit.state import State, apply, fold
from keepapart.store import Lease, Store


class Journal:
    """Append-only: `state` is always the fold of what is durable."""

    def __init__(
        self, store: Store, lease: Lease, run: str, clock: Callable[[], float], on_arrow: Arrow
    ) -> None:
        self.run = run
        self._store = store
        self._lease = lease
        self._clock = clock
        self._on_arrow = on_arrow
        self.state = State(run)
        self._length = 0
        self.read()

    def read(self) -> None:
        """Fold what is durable: after an interruption a write may have gone through unnoticed."""
        written = [(at, e.decode(kind, data)) for at, kind, data in self._store.journals.events(self.run)]
        self._length = len(written)
        self.state = fold(self.run, written)

    def write(self, event: e.Event) -> None:
        """Append one event. Raises `LeaseError` where another admission took over."""
        kind, data = e.encode(event)
        at = self._clock()
        state = apply(self.state, event, at)
        self._on_arrow(f"before journal {kind}")
        if self._length == 0:
            self._store.journals.open(self._lease, self.run, at, kind, data)
        else:
            self._store.journals.append(
                self._lease, self.run, self._length, at, kind, data, closes=state.finished
            )
        self._length += 1
        self.state = state
        self._on_arrow(f"after journal {kind}")
