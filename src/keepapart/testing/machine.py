"""An instance as the programmable cloud knows it, and what becomes of it: values in, values out.

Times are seconds of the cloud's clock, 0 where something is so at once: a clock of a test may start anew in
each process.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from keepapart.clouds import PENDING, RUNNING, STOPPED, STOPPING, TERMINATED
from keepapart.errors import CapacityError

HABITS = ("packing", "sticky", "random")

Threshold = tuple[int, float]  # after how many calls, and at what time, something shows
AT_ONCE: Threshold = (-1, 0.0)


class Machine(msgspec.Struct, frozen=True, tag="machine"):
    """One instance.

    `state` is what it comes to at the time `settles`. `tags_before` show until `tags_from`. `launch` is what
    its launch said; it and `token` are empty where nobody launched it. `user_data` is what it was handed.
    `freed` numbers the frees of slots, so that the last one is known. `paid` has the begin and the end of
    each time that it was paid for, the end None as long as it is. `at` is when it became so.
    """

    id: str
    number: int
    state: str
    host: int
    tags: Mapping[str, str]
    tags_before: Mapping[str, str]
    token: str = ""
    launch: str = ""
    user_data: bytes = b""
    settles: float = 0.0
    freed: int = 0
    listed_from: Threshold = AT_ONCE
    known_from: Threshold = AT_ONCE
    tags_from: Threshold = AT_ONCE
    paid: tuple[tuple[float, float | None], ...] = ()
    at: float = 0.0

    @property
    def placed(self) -> bool:
        """Whether it takes a slot on its host."""
        return self.state in (PENDING, RUNNING)

    def state_at(self, now: float) -> str:
        """Return the state that shows."""
        if now >= self.settles:
            return self.state
        return PENDING if self.placed else STOPPING


def started(machine: Machine, host: int, now: float, seconds: float) -> Machine:
    """Return a stopped one as it runs again on this host, after so many seconds."""
    settles = now + seconds if seconds else 0.0
    return replace(machine, state=RUNNING, host=host, settles=settles, paid=(*machine.paid, (now, None)))


def ended(machine: Machine, state: str, now: float, seconds: float, freed: int) -> Machine:
    """Return it as it is stopped or terminated, after so many seconds; one that is already stays as it is.

    `freed` is the number that this free of a slot gets.
    """
    if machine.placed:
        settles = now + seconds if seconds else 0.0
        paid = paid_until(machine, now + seconds)
        return replace(machine, state=state, settles=settles, freed=freed, paid=paid)
    return replace(machine, state=TERMINATED) if (machine.state, state) == (STOPPED, TERMINATED) else machine


def paid_until(machine: Machine, end: float) -> tuple[tuple[float, float | None], ...]:
    """Return the times that it was paid for, the last one ended."""
    return tuple((begin, end if until is None else until) for begin, until in machine.paid)


def place(machines: Sequence[Machine], hosts: int, capacity: int, habit: str, seed: int) -> int:
    """Choose the host of the next instance to start. Raises `CapacityError` where none has room."""
    if habit not in HABITS:
        raise ValueError(f"no habit {habit!r}; there is {', '.join(HABITS)}")
    used = [machine.host for machine in machines if machine.placed]
    free = [host for host in range(hosts) if used.count(host) < capacity]
    if not free:
        raise CapacityError("no host has room")
    if habit == "random":
        chance = random.Random(f"{seed} {len(machines)} {len(used)} {last_freed(machines)}")
        return chance.choice(free)
    freed = [machine for machine in machines if machine.freed and machine.host in free]
    if habit == "sticky" and freed:
        return max(freed, key=lambda machine: machine.freed).host
    return free[0]


def last_freed(machines: Sequence[Machine]) -> int:
    """Return the number of the last free of a slot; 0 where there was none."""
    return max((machine.freed for machine in machines), default=0)
