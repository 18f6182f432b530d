"""A cloud whose calls, boots and farewells take time, and that keeps its own bill of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from keepapart.clouds import MEMBER, PENDING, ROLE_TAG, RUNNING, STOPPED, STOPPING, TERMINATED
from tests.admit.cloud import Clock, FileCloud


@dataclass
class SlowCloud(FileCloud):
    """Time in seconds, by the clock that the admission has: for a call, to run, and to be stopped or gone."""

    clock: Clock = field(default_factory=Clock)
    answers: float = 0.0
    boots: float = 0.0
    goes: float = 0.0
    starts: list[tuple[str, float]] = field(default_factory=list)
    ends: dict[str, list[float]] = field(default_factory=dict)
    _due: dict[str, tuple[float, str]] = field(default_factory=dict)

    def bill(self, billed: float) -> float:
        """Say how many seconds were paid: from each start until it was gone or joined, `billed` at least."""
        ends = {name: list(at) for name, at in self.ends.items()}
        return sum(max(ends[name].pop(0) - at, billed) for name, at in self.starts)

    def _called(self, name: str, about: str) -> Exception | None:
        self.clock.sleep(self.answers)
        for instance, (at, state) in list(self._due.items()):
            if at <= self.clock.now:
                del self._due[instance]
                self.set_state(instance, state)
                if state != RUNNING:
                    self.ends.setdefault(instance, []).append(at)
        return super()._called(name, about)

    def _insert(self, i: str, token: str, *more: Any) -> None:
        super()._insert(i, token, *more)
        if token:
            self._begin(i)

    def _update(self, instance_id: str, **columns: Any) -> None:
        super()._update(instance_id, **columns)
        if columns.get("state") == RUNNING and "host" in columns:
            self._begin(instance_id)
        if columns.get("tags", {}).get(ROLE_TAG) == MEMBER:
            self.ends.setdefault(instance_id, []).append(self.clock.now)

    def _free(self, instance_id: str, state: str) -> None:
        now = self._row(instance_id)["state"]
        if now == STOPPED:
            super()._free(instance_id, state)
        elif now == STOPPING and state == TERMINATED:
            self._due[instance_id] = self._due[instance_id][0], state
        elif now in (PENDING, RUNNING):
            super()._free(instance_id, STOPPING)
            self._due[instance_id] = self.clock.now + self.goes, state

    def _begin(self, instance_id: str) -> None:
        self.starts.append((instance_id, self.clock.now))
        self.set_state(instance_id, PENDING)
        self._due[instance_id] = self.clock.now + self.boots, RUNNING
