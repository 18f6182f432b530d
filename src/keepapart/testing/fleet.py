"""Every instance of a programmable cloud: as a test puts it there, and asks after it, past all calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from msgspec.structs import replace

from keepapart.clouds import CLUSTER_TAG, MEMBER, PENDING, ROLE_TAG, RUNNING, STOPPED, TERMINATED
from keepapart.errors import NotFoundError
from keepapart.model import Instance
from keepapart.testing.machine import AT_ONCE, Machine, ended, last_freed
from keepapart.testing.record import Call, Record

FIRST_ADDRESS = IPv4Address("10.0.0.0")


@dataclass
class Fleet:
    """Instances on numbered hosts, and the record that they stand in; times are in seconds of `clock`.

    `cluster` is whose instances `add` puts there.
    """

    path: Path | None = None  # the file of the record; None: it ends with the process
    cluster: str = "orders"
    states_hosts: bool = False  # the host of a running instance is among its facts
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._record = Record(self.path)

    def add(
        self, instance_id: str, host: int, *, state: str = RUNNING, role: str = MEMBER, **more: str
    ) -> None:
        """Put an instance of the cluster there that nobody launched; `more` are further tags."""
        tags = {CLUSTER_TAG: self.cluster, **({ROLE_TAG: role} if role else {}), **more}
        self._write(Machine(instance_id, len(self._machines()) + 1, state, host, tags, tags))

    def move(self, instance_id: str, host: int) -> None:
        """Put an instance on another host, as a migration does."""
        self._change(self._machine(instance_id), host=host)

    def set_tags(self, instance_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, to show at once."""
        machine = self._machine(instance_id)
        self._change(machine, tags={**machine.tags, **tags}, tags_from=AT_ONCE)

    def set_state(self, instance_id: str, state: str) -> None:
        """Let an instance be in this state from now on."""
        machine = self._machine(instance_id)
        if machine.placed and state not in (PENDING, RUNNING):
            self._end(machine, state, 0.0)
        else:
            self._change(machine, state=state, settles=0.0)

    def calls(self, name: str = "") -> list[Call]:
        """List the calls so far, or those of one name, oldest first."""
        return [call for call in self._record.read().calls if name in ("", call.name)]

    def all(self) -> dict[str, Instance]:
        """Return every instance that there ever was, by id."""
        return {m.id: self._instance(m, m.tags) for m in self._machines()}

    def alive(self) -> dict[str, Instance]:
        """Return every instance that is not terminated, by id."""
        return {i: found for i, found in self.all().items() if found.state != TERMINATED}

    def members(self) -> list[str]:
        """Name the instances that are tagged as members."""
        return [i for i, found in self.alive().items() if found.tags.get(ROLE_TAG) == MEMBER]

    def last_change(self) -> float:
        """Tell when an instance changed last; 0 where there was none."""
        return max((machine.at for machine in self._machines()), default=0.0)

    def host(self, instance_id: str) -> int:
        """Number the host that an instance is on, or was on last."""
        return self._machine(instance_id).host

    def handed(self, instance_id: str) -> bytes:
        """Return the user data that an instance was handed."""
        return self._machine(instance_id).user_data

    def tokens(self) -> list[str]:
        """List the tokens of all launches that took effect."""
        return [machine.token for machine in self._machines() if machine.token]

    def most_candidates(self) -> int:
        """Tell how many instances that were no members ran at the same time, at most."""
        return self._record.read().most_candidates

    def bill(self, least: float = 0.0, stopped: float = 0.0) -> float:
        """Tell how many seconds were paid for what was launched or started: `least` each time at least.

        An instance is paid for until it has stopped, has ended, or is tagged as a member; what was launched
        and is stopped costs `stopped` times as much as before.
        """
        now, machines = self.clock(), self._machines()
        paid = [(begin, now if end is None else end) for m in machines for begin, end in m.paid]
        rests = [m.paid[-1][1] or now for m in machines if m.token and m.state == STOPPED and m.paid]
        return sum(max(end - begin, least) for begin, end in paid) + sum(now - end for end in rests) * stopped

    def _instance(self, machine: Machine, tags: Mapping[str, str]) -> Instance:
        state = machine.state_at(self.clock())
        facts = {"host": f"host-{machine.host}"} if self.states_hosts and state == RUNNING else {}
        return Instance(machine.id, str(FIRST_ADDRESS + machine.number), "", state, tags, facts)

    def _change(self, machine: Machine, **fields: object) -> None:
        self._write(replace(machine, **fields))

    def _machines(self) -> list[Machine]:
        return list(self._record.read().machines.values())

    def _machines_before(self, seconds: float) -> list[Machine]:
        """Return them as they were so many seconds ago, without those that were not there yet."""
        if not seconds:
            return self._machines()
        then = self.clock() - seconds
        found = ([m for m in past if m.at <= then] for past in self._record.read().history.values())
        return [past[-1] for past in found if past]

    def _machine(self, instance_id: str) -> Machine:
        found = self._record.read().machines.get(instance_id)
        if found is None:
            raise NotFoundError(f"{instance_id}: no such instance")
        return found

    def _end(self, machine: Machine, state: str, seconds: float) -> None:
        freed = last_freed(self._machines()) + 1
        self._write(ended(machine, state, self.clock(), seconds, freed))

    def _write(self, machine: Machine) -> None:
        self._record.write(replace(machine, at=self.clock()))
