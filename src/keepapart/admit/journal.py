"""The journal of one run: the store's events, the state they fold to, and the fence before each write.

A run is an admission or a move; its first event says which. Where the store fails right after a launch was
answered, only this process knows the id: it is written before anything else is, and named until then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from keepapart.admit import events as e
from keepapart.admit.context import AdmissionContext
from keepapart.store import Lease, Store


class RunState(Protocol):
    """What a run's events fold to."""

    @property
    def run(self) -> str:
        """The run's name."""

    @property
    def finished(self) -> bool:
        """Whether it is over."""


S = TypeVar("S", bound=RunState)
Apply = Callable[[S, e.Event, float], S]


class Journal(Generic[S]):
    """Append-only: `state` is always the fold of what is durable, from `initial` on by `apply`.

    `unwritten` is a launch that was answered and could not be written.
    """

    def __init__(self, context: AdmissionContext, lease: Lease, initial: S, apply: Apply[S]) -> None:
        self.run = initial.run
        self._context = context
        self._lease = lease
        self._initial, self._apply = initial, apply
        self.state = initial
        self.unwritten: e.Launched | None = None
        self._length = 0
        self.read()

    @property
    def happened(self) -> S:
        """The state by what is durable, and by what could not be written."""
        if self.unwritten is None:
            return self.state
        return self._apply(self.state, self.unwritten, self._context.clock())

    def read(self) -> None:
        """Fold what is durable: after an interruption a write may have gone through unnoticed."""
        events = _durable(self._context.store, self.run)
        if len(events) > self._length:
            self.unwritten = None
        self._length = len(events)
        self.state = _folded(self._initial, self._apply, events)

    def write(self, event: e.Event) -> None:
        """Append one event. Raises `LeaseError` where another run of the cluster took over."""
        if launched := self.unwritten:
            self.unwritten = None
            self.write(launched)
        journals, on_arrow = self._context.store.journals, self._context.on_arrow
        kind, data = e.encode(event)
        at = self._context.clock()
        state = self._apply(self.state, event, at)
        on_arrow(f"before journal {kind}")
        now = self._context.of_day()
        try:
            if self._length == 0:
                journals.open(self._lease, self.run, at, kind, data, now=now)
            else:
                journals.append(
                    self._lease, self.run, self._length, at, kind, data, closes=state.finished, now=now
                )
        except BaseException:
            self.unwritten = event if isinstance(event, e.Launched) else None
            raise
        self._length += 1
        self.state = state
        on_arrow(f"after journal {kind}")


def state_of(store: Store, initial: S, apply: Apply[S]) -> S:
    """Return the state that a run's journal leads to, without taking the run over."""
    return _folded(initial, apply, _durable(store, initial.run))


def is_move(store: Store, run: str) -> bool:
    """Say whether a run is a move."""
    return any(isinstance(event, e.MoveRequested) for _, event in _durable(store, run)[:1])


def _folded(state: S, apply: Apply[S], events: list[tuple[float, e.Event]]) -> S:
    for at, event in events:
        state = apply(state, event, at)
    return state


def _durable(store: Store, run: str) -> list[tuple[float, e.Event]]:
    return [(at, e.decode(kind, data)) for at, kind, data in store.journals.events(run)]
