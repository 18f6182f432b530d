"""The programmable cloud: everything that goes wrong at a real one, when a test says so.

Rules:
1. What was launched, and every call, stands in a record (`record`) that may be a file: it outlives a process
   that is killed, and several processes may share it. What is set at this object holds for its process only.
2. An instance is placed by `habit`: "packing" fills one host after the other, "sticky" the slot that was
   freed last, "random" any host, by `seed`. Where no host has room it is a `CapacityError`. A stopped
   instance has no slot.
3. A token means one instance for ever; with other tags or parameters it is an error.
4. An armed `Fault` befalls a call before its effect, instead of it or after it.
5. Where there is a `quota`, so many instances may there be, stopped ones too; more are a `QuotaError`.
6. What is new may show late, as lists, names and tags of real platforms do: see `Lag`. Whole answers may be
   late too: with `lists_lag` and `shows_lag` lists and descriptions tell what was so that many seconds ago.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from keepapart.clouds import (
    MEMBER,
    PENDING,
    ROLE_TAG,
    RUNNING,
    STOPPED,
    STOPPING,
    TERMINATED,
    LaunchRequest,
)
from keepapart.clouds.user_data import UserData
from keepapart.errors import CloudError, NotFoundError, QuotaError
from keepapart.model import Instance
from keepapart.testing.faults import Fault, Faults
from keepapart.testing.fleet import Fleet
from keepapart.testing.machine import AT_ONCE, Machine, Threshold, paid_until, place, started
from keepapart.testing.record import Call

T = TypeVar("T")

LISTS, NAMES = ("instances",), ("describe", "start", "stop", "terminate", "tag")
READS = ("instances", "describe")


@dataclass(frozen=True, slots=True)
class Lag:
    """How long something new stays unseen: for the next `calls` that could show it, and for `seconds`."""

    calls: int = 0
    seconds: float = 0.0


@dataclass
class ProgrammableCloud(Fleet):
    """A cloud that does what a test says; see `clouds.Cloud`. Every attribute may be changed at any time.

    `hosts` and `capacity` are how many hosts there are and how many instances fit on each. Times are in
    seconds of `clock`.
    """

    hosts: int = 8
    capacity: int = 2
    quota: int = 0  # 0: none
    habit: str = "packing"
    seed: int = 0
    honours_tokens: bool = True  # otherwise every launch is a new instance
    forgets: bool = False  # terminated instances are unknown at once
    listed_after: Lag = Lag()  # when `instances` lists what was launched
    known_after: Lag = Lag()  # when calls that name it know what was launched; until then: `NotFoundError`
    tags_after: Lag = Lag()  # when the tags of a launch or of `tag` show
    lists_lag: float = 0.0  # seconds that a list is behind
    shows_lag: float = 0.0  # seconds that a description is behind
    call_seconds: float = 0.0  # that a call takes
    boot_seconds: float = 0.0  # from launch or start until an instance runs
    ready_seconds: float = 0.0  # from launch or start until there is a way in to it
    stop_seconds: float = 0.0  # until a running instance is stopped or terminated
    sleep: Callable[[float], None] = time.sleep
    name: str = "programmable"
    user_data: UserData = field(init=False, default=UserData(16_384))
    closed: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._faults = Faults()

    def arm(self, *faults: Fault) -> None:
        """Arm faults, after those already armed."""
        self._faults.arm(*faults)

    def clear(self) -> None:
        """Disarm everything."""
        self._faults.clear()

    def instances(self, tags: Mapping[str, str]) -> Sequence[Instance]:
        """List every instance that carries all of these tags, terminated ones left out."""

        def effect() -> Sequence[Instance]:
            there = self._machines_before(self.lists_lag)
            found = [self._shown(m) for m in there if self._reached(m.listed_from, LISTS)]
            return [i for i in found if i.state != TERMINATED and tags.items() <= i.tags.items()]

        return self._call("instances", "", effect, [])

    def describe(self, ids: Iterable[str]) -> Mapping[str, Instance]:
        """Tell the present state of these; ids that aren't known, or not yet, are left out."""
        wanted = set(ids)

        def effect() -> Mapping[str, Instance]:
            there = self._machines_before(self.shows_lag)
            return {m.id: self._shown(m) for m in there if m.id in wanted and self._knows(m)}

        return self._call("describe", " ".join(sorted(wanted)), effect, {})

    def launch(self, request: LaunchRequest) -> Instance:
        """Launch one instance, or return the one that this token launched before."""

        def effect() -> Instance:
            said = msgspec.json.encode([request.tags, request.parameters], order="sorted").decode()
            for machine in self._machines():
                if machine.token == request.token and self.honours_tokens:
                    if machine.launch != said:
                        raise CloudError("this token was used with other tags or parameters")
                    return self._shown(machine)
            machine = self._new(request, said)
            self._write(machine)
            return self._shown(machine)

        return self._call("launch", request.token, effect, Instance("i-0000", state=PENDING))

    def start(self, instance_id: str) -> None:
        """Start a stopped instance, on whatever host the habit chooses."""

        def effect() -> None:
            machine, now = self._known(instance_id), self.clock()
            state = machine.state_at(now)
            if state in (STOPPING, TERMINATED):
                raise CloudError(f"{instance_id} is {state} and can't be started")
            if state == STOPPED:
                host = place(self._machines(), self.hosts, self.capacity, self.habit, self.seed)
                self._write(started(machine, host, now, self.boot_seconds))

        self._call("start", instance_id, effect, None)

    def stop(self, instance_id: str) -> None:
        """Stop an instance: it keeps its identity and loses its slot."""

        def effect() -> None:
            machine = self._known(instance_id)
            if machine.state == TERMINATED:
                raise CloudError(f"{instance_id} is {TERMINATED} and can't be stopped")
            self._end(machine, STOPPED, self.stop_seconds)

        self._call("stop", instance_id, effect, None)

    def terminate(self, instance_id: str) -> None:
        """End an instance for good."""

        def effect() -> None:
            self._end(self._known(instance_id), TERMINATED, self.stop_seconds)

        self._call("terminate", instance_id, effect, None)

    def tag(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, leaving others as they are."""

        def effect() -> None:
            machine = self._known(instance_id)
            joined = tags.get(ROLE_TAG) == MEMBER
            self._change(
                machine,
                tags={**machine.tags, **tags},
                tags_before=machine.tags,
                tags_from=self._threshold(self.tags_after, READS),
                paid=paid_until(machine, self.clock()) if joined else machine.paid,
            )

        self._call("tag", instance_id, effect, None)

    def unreached(self, instance_id: str) -> str:
        """Say why there is no way in to an instance yet; empty where there is one. See `TruthfulChecker`."""
        paid = self._machine(instance_id).paid
        booting = bool(paid) and self.clock() < paid[-1][0] + self.ready_seconds
        return "ssh: connection refused" if booting else ""

    def close(self) -> None:
        """Take no calls any more; what a test asks is answered still."""
        self.closed = True

    def _call(self, name: str, about: str, effect: Callable[[], T], unheard: T) -> T:
        """Make a call, with what is armed; `unheard` is how it is answered as if done where nothing is."""
        if self.closed:
            raise ValueError("the cloud is closed")
        if self.call_seconds:
            self.sleep(self.call_seconds)
        fault = self._faults.take(name, about)
        self._record.write(Call(name, about, str(fault.error or "ignored") if fault else ""))
        if fault is None:
            return effect()
        if fault.error is None:
            return unheard
        if fault.after:
            effect()
        raise fault.error

    def _new(self, request: LaunchRequest, said: str) -> Machine:
        now, number = self.clock(), len(self._machines()) + 1
        there = [m for m in self._machines() if m.state_at(now) != TERMINATED]
        if self.quota and len(there) >= self.quota:
            raise QuotaError(f"{len(there)} of {self.quota} instances are in use", "release instances")
        host = place(self._machines(), self.hosts, self.capacity, self.habit, self.seed)
        return Machine(
            f"i-{number:04}",
            number,
            RUNNING,
            host,
            dict(request.tags),
            {},
            token=request.token,
            launch=said,
            user_data=request.user_data,
            settles=now + self.boot_seconds if self.boot_seconds else 0.0,
            listed_from=self._threshold(self.listed_after, LISTS),
            known_from=self._threshold(self.known_after, NAMES),
            tags_from=self._threshold(self.tags_after, READS),
            paid=((now, None),),
        )

    def _shown(self, machine: Machine) -> Instance:
        late = not self._reached(machine.tags_from, READS)
        return self._instance(machine, machine.tags_before if late else machine.tags)

    def _known(self, instance_id: str) -> Machine:
        machine = self._machine(instance_id)
        if not self._knows(machine):
            raise NotFoundError(f"{instance_id}: no such instance")
        return machine

    def _knows(self, machine: Machine) -> bool:
        forgotten = self.forgets and machine.state_at(self.clock()) == TERMINATED
        return self._reached(machine.known_from, NAMES) and not forgotten

    def _threshold(self, lag: Lag, calls: Sequence[str]) -> Threshold:
        return (
            self._count(calls) + lag.calls if lag.calls else AT_ONCE[0],
            self.clock() + lag.seconds if lag.seconds else AT_ONCE[1],
        )

    def _reached(self, threshold: Threshold, calls: Sequence[str]) -> bool:
        return self._count(calls) > threshold[0] and self.clock() >= threshold[1]

    def _count(self, calls: Sequence[str]) -> int:
        count = self._record.read().count
        return sum(count[name] for name in calls)
