"""What becomes of the lab's instances, from launch to termination: state and values, no effects.

```
launch ─► pending ─► running ─► stopping ─► stopped ─► (start) pending ─► …
                        └────── terminate, from any state ──────► terminated
```

1. The same token means the same instance, whatever has become of it; with other tags or parameters it is
   an error.
2. A stopped instance keeps its id and tags; its slot is free for others, and a start places it anew.
3. A failed host takes its instances' network away. The platform doesn't know at once: they stay `running`
   and are stated as impaired.
4. Terminated instances stay describable, and their tokens remain theirs.
5. A launch's parameter `racks`, names with spaces between, says where the instance may be placed; so does a
   start's. That is how an API in front of the lab keeps what it promises of placement.
6. Where the platform says so (`ready = "after"`), an instance runs while it boots: not up yet, and without a
   network.
7. A migration takes an instance to another host while it runs: id, tags and address stay. The slot that the
   address is of stays reserved until the instance stops or ends; its host has so much less room.
8. A stopped instance may be told the host on which it starts the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from keepapart.clouds import PENDING, RUNNING, STOPPED, STOPPING, TERMINATED
from keepapart.errors import CapacityError, CloudError, NotFoundError
from keepapart.lab.world.platform import AFTER
from keepapart.lab.world.scheduler import Slots
from keepapart.lab.world.topology import Host, Place, Topology
from keepapart.lab.world.world import World
from keepapart.model import silent

MAX_TOKEN = 64
RACKS = "racks"


@dataclass(frozen=True, slots=True)
class Guest:
    """An instance as the lab knows it: what was asked, what became of it, and where it truly is."""

    id: str
    token: str
    asked: tuple[Mapping[str, str], Mapping[str, str]]  # tags and parameters of the launch
    tags: Mapping[str, str]
    state: str = PENDING
    place: Place | None = None
    launched: Place | None = None  # where it was placed first
    impaired: bool = False
    up: bool = False  # it has booted

    @property
    def connected(self) -> bool:
        """Whether it has a network: it runs and is up, on a host that has not failed."""
        return self.state == RUNNING and self.up and not self.impaired


class Fleet:
    """Every instance of a lab, and the slots that they fill. `note` hears of each change."""

    def __init__(self, world: World, note: Callable[[Guest], None] = silent) -> None:
        self.topology = Topology(world)
        self._note = note
        self._guests: dict[str, Guest] = {}
        self._tokens: dict[str, str] = {}
        self._failed: set[Host] = set()
        self._chosen: dict[str, Host] = {}  # where stopped instances are to start
        self._turns = 0
        hosts = self.topology.hosts()
        self._slots = Slots(world.scheduler, {host: self.topology.capacity(host) for host in hosts})

    def guests(self) -> list[Guest]:
        """List every instance there ever was, oldest first."""
        return list(self._guests.values())

    def find(self, guest_id: str) -> Guest | None:
        """Return the instance of this id, or None."""
        return self._guests.get(guest_id)

    def get(self, guest_id: str) -> Guest:
        """Return the instance of this id. Raises `NotFoundError`."""
        if guest_id not in self._guests:
            raise NotFoundError(f"no instance {guest_id!r} in this lab")
        return self._guests[guest_id]

    def launch(self, token: str, tags: Mapping[str, str], parameters: Mapping[str, str]) -> Guest:
        """Place a new instance, pending, or return the one that this token launched before.

        Raises `CapacityError` where every host is full, `CloudError` for a token used otherwise before.
        """
        if not 0 < len(token) <= MAX_TOKEN or not token.isascii():
            raise CloudError(f"a launch token is 1 to {MAX_TOKEN} ASCII characters, not {token!r}")
        if token in self._tokens:
            known = self._guests[self._tokens[token]]
            if known.asked != (tags, parameters):
                raise CloudError(f"token {token!r} launched {known.id} with other tags or parameters")
            return known
        place = self._place(parameters[RACKS].split() if RACKS in parameters else None)
        guest = Guest(
            id=f"i-{len(self._guests) + 1:04}",
            token=token,
            asked=(dict(tags), dict(parameters)),
            tags=dict(tags),
            state=self._first,
            place=place,
            launched=place,
        )
        self._tokens[token] = guest.id
        return self._keep(guest)

    def start(self, guest_id: str, racks: Sequence[str] | None = None) -> Guest:
        """Place a stopped instance anew, pending, in one of these racks. One that runs is left as it is."""
        guest = self.get(guest_id)
        if guest.state in (PENDING, RUNNING):
            return guest
        if guest.state != STOPPED:
            raise CloudError(f"{guest_id} is {guest.state} and can't be started")
        place = self._place_on(self._chosen[guest_id]) if guest_id in self._chosen else self._place(racks)
        self._chosen.pop(guest_id, None)
        return self._keep(replace(guest, state=self._first, place=place))

    def choose(self, guest_id: str, name: str) -> Guest:
        """Have a stopped instance start on the host of this name, the next time. Raises `NotFoundError`."""
        guest, host = self.get(guest_id), self.host(name)
        if guest.state != STOPPED:
            raise CloudError(f"{guest_id} is {guest.state}: a host is chosen while it is stopped")
        self._chosen[guest_id] = host
        return guest

    def stop(self, guest_id: str) -> Guest:
        """Take a running instance's slot away: stopping. One that is stopped is left as it is."""
        guest = self.get(guest_id)
        if guest.state in (STOPPING, STOPPED):
            return guest
        if guest.state == TERMINATED:
            raise CloudError(f"{guest_id} is {TERMINATED} and can't be stopped")
        return self._vacate(guest, STOPPING)

    def terminate(self, guest_id: str) -> Guest:
        """End an instance for good, from any state."""
        return self._vacate(self.get(guest_id), TERMINATED)

    def move(self, guest_id: str, name: str) -> Guest:
        """Migrate a running instance to the host of this name; one that is there already stays as it is.

        Raises `NotFoundError`, `CapacityError`, and `CloudError` where it doesn't run or the host has failed.
        """
        guest, host = self.get(guest_id), self.host(name)
        if not guest.connected or guest.place is None:
            state = "impaired" if guest.impaired else guest.state
            raise CloudError(f"{guest_id} is {state} and can't be migrated")
        if host in self._failed:
            raise CloudError(f"{name} has failed and takes no instance")
        before, home = guest.place, guest.place.address
        if host == before.host:
            return guest
        if host == home.host:
            place = home
        else:
            slot = self._slots.take_on(host)
            if slot is None:
                raise CapacityError(f"{name} is full")
            place = Place(host, slot, before.vlan, home)
        if before != home:
            self._slots.give_back(before.host, before.slot)
        return self._keep(replace(guest, place=place))

    def finish(self, guest_id: str) -> Guest:
        """Note that the platform is done: what was booting runs and is up, stopping becomes stopped."""
        guest = self.get(guest_id)
        done = {PENDING: RUNNING, STOPPING: STOPPED}
        return self._keep(
            replace(guest, state=done.get(guest.state, guest.state), up=guest.place is not None)
        )

    def tag(self, guest_id: str, tags: Mapping[str, str]) -> Guest:
        """Set these tags, leaving others as they are."""
        guest = self.get(guest_id)
        return self._keep(replace(guest, tags={**guest.tags, **tags}))

    def fail(self, name: str) -> Host:
        """Fail a host by name: its instances are impaired, and it takes no more. Raises `NotFoundError`."""
        host = self.host(name)
        self._failed.add(host)
        self._slots.fail(host)
        for guest in self.guests():
            if guest.place and guest.place.host == host:
                self._keep(replace(guest, impaired=True))
        return host

    def host(self, name: str) -> Host:
        """Return the host of this name. Raises `NotFoundError`."""
        for host in self.topology.hosts():
            if self.topology.host_name(host) == name:
                return host
        raise NotFoundError(f"no host {name!r} in this lab", "`keepapart lab truth` lists those in use")

    @property
    def _first(self) -> str:
        """The state in which an instance boots."""
        return RUNNING if self.topology.world.platform.ready == AFTER else PENDING

    def _place(self, racks: Sequence[str] | None) -> Place:
        names = [rack.name for rack in self.topology.world.racks]
        slot = self._slots.take(None if racks is None else {names.index(r) + 1 for r in racks if r in names})
        if slot is None:
            which = "the lab" if racks is None else f"these racks ({', '.join(racks) or 'none'})"
            raise CapacityError(f"every host of {which} is full")
        self._turns += 1
        return Place(*slot, vlan=self.topology.vlan(self._turns - 1))

    def _place_on(self, host: Host) -> Place:
        slot = self._slots.take_on(host)
        if slot is None:
            raise CapacityError(f"{self.topology.host_name(host)} is full, or has failed")
        self._turns += 1
        return Place(host, slot, vlan=self.topology.vlan(self._turns - 1))

    def _vacate(self, guest: Guest, state: str) -> Guest:
        if guest.place:
            for place in {guest.place, guest.place.address}:
                self._slots.give_back(place.host, place.slot)
        return self._keep(replace(guest, state=state, place=None, impaired=False, up=False))

    def _keep(self, guest: Guest) -> Guest:
        self._guests[guest.id] = guest
        self._note(guest)
        return guest
