"""What there is behind the lab's EC2 API: instances that are lab guests, launch tokens, placement groups.

Rules:
1. An instance's id is its guest's id, so that `lab truth` and the API speak of the same things.
2. The lab decides on state and address, the API on tags and placement groups. Guests that were launched
   without the API are taken in, in the region that asks first.
3. A launch token means one launch for good; with other parameters it is an error.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidInstanceIdError
from moto.ec2.models import ec2_backends

from keepapart import model
from keepapart.clouds import TERMINATED, LaunchRequest
from keepapart.errors import CapacityError
from keepapart.lab.client import Lab
from keepapart.lab.ec2.faults import Call, Fault, Faults
from keepapart.lab.ec2.groups import GroupMember, PlacementGroup, Rack, SpreadLimitError, choices
from keepapart.lab.ec2.instance import LabInstance, Placement
from keepapart.lab.world.lifecycle import RACKS
from keepapart.lab.world.world import World


class NoCapacityError(Exception):
    """There is no room; the text is EC2's message."""


@dataclass(slots=True)
class Order:
    """What the launch call under way says of placement; `guest` is one that is taken in, not launched."""

    zone: str = ""
    group: PlacementGroup | None = None
    partition: int = 0
    type: str = "m5.large"
    tags: Mapping[str, str] = field(default_factory=dict)
    guest: model.Instance | None = None


@dataclass(slots=True)
class Visibility:
    """How a fault lets an instance appear, and how often it was asked for."""

    born: float
    hide: Fault | None = None
    late: Fault | None = None
    die: Fault | None = None
    asked: int = 0
    shown: int = 0

    def covers(self, fault: Fault | None, now: float) -> bool:
        """Say whether that fault still keeps it, or its tags, from being seen."""
        return fault is not None and (self.asked < fault.calls or now - self.born < fault.seconds)


@dataclass
class LabBackend:
    """Everything behind the API. `lock` is held while a call is answered."""

    lab_name: str
    world: World
    faults: Faults
    lock: threading.RLock = field(default_factory=threading.RLock)
    instances: dict[str, LabInstance] = field(default_factory=dict)
    groups: dict[tuple[str, str], dict[str, PlacementGroup]] = field(default_factory=dict)
    tokens: dict[tuple[str, str, str], tuple[str, Any]] = field(default_factory=dict)
    order: Order = field(default_factory=Order)
    deaf: bool = False
    _visibility: dict[str, Visibility] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)
    _due: list[tuple[str, float]] = field(default_factory=list)

    @cached_property
    def lab(self) -> Lab:
        """The lab; it came up after this process began."""
        return Lab.find(self.lab_name)

    def zones(self, backend: Any) -> dict[str, Any]:
        """Return the region's default subnets by zone, in order."""
        return dict(sorted(backend.get_default_subnets().items()))

    def racks(self, backend: Any) -> list[Rack]:
        """List the lab's racks with their zones as this region calls them."""
        names = list(self.zones(backend))
        return [Rack(rack.name, names[(ord(rack.zone) - ord("a")) % len(names)]) for rack in self.world.racks]

    def zone_of_subnet(self, subnet: str) -> str:
        """Name the zone of a subnet that any of the instances' regions has; empty where none does."""
        backends = (backend for regions in ec2_backends.values() for backend in regions.values())
        found = (each for backend in backends for each in backend.describe_subnets() if each.id == subnet)
        return next((str(each.availability_zone) for each in found), "")

    def of(self, backend: Any) -> list[LabInstance]:
        """List the instances of one account and region, oldest first, as the lab knows them now."""
        self.refresh(backend)
        return [one for one in self.instances.values() if one.ec2_backend is backend]

    def refresh(self, backend: Any) -> None:
        """Follow what the lab did, and take in guests that were launched without the API."""
        for guest in self.lab.guests():
            if guest.id in self.instances:
                self.instances[guest.id].follow(guest)
            elif guest.state != TERMINATED:
                self.order = Order(guest=guest)
                reservation = backend.run_instances(
                    "ami-lab",
                    1,
                    None,
                    [],
                    instance_type="m5.large",
                    is_instance_type_default=False,
                    region_name=backend.region_name,
                    tags={"instance": dict(guest.tags)},
                )
                self.instances.update((one.id, one) for one in reservation.instances)

    def shown(self, known: Sequence[LabInstance], ids: Sequence[str]) -> list[LabInstance]:
        """Return those that show, and as they show: in a list, or by these ids where there are any."""
        views = self.lab.describe(ids) if ids else {one.id: one for one in self.lab.instances()}
        for one in known:
            if one.id in views:
                one.appear(views[one.id])
        return [one for one in known if one.id in views or one.guest.state == TERMINATED]

    def admit(self, backend: Any) -> tuple[model.Instance, Placement]:
        """Launch the guest of the launch call under way. Raises `NoCapacityError`."""
        order, rack_of = self.order, {rack.name: rack for rack in self.racks(backend)}
        guest, partition = order.guest, 0
        if guest is None:
            guest, partition = self._launch(backend)
        where, zones = self.lab.truth().get(guest.id), self.zones(backend)
        zone = rack_of[where.rack].zone if where else next(iter(zones))  # stopped before it was taken in
        placement = Placement(zone, zones[zone].availability_zone_id)
        if order.group:
            placement.group_name, placement.group_id = order.group.name, order.group.id
            placement.partition_number = partition or None
        return guest, placement

    def _launch(self, backend: Any) -> tuple[model.Instance, int]:
        order = self.order
        for racks, partition in self._offers(backend, order.zone, order.group, order.partition, order.type):
            request = LaunchRequest(secrets.token_hex(16), dict(order.tags), {RACKS: racks})
            try:
                return self.lab.launch(request), partition
            except CapacityError:
                continue
        raise NoCapacityError(no_room(order.type, order.zone or "any"))

    def restart(self, one: LabInstance) -> None:
        """Start a stopped instance where its host, its zone and its group allow. Raises `NoCapacityError`."""
        placement, backend = one.placement, one.ec2_backend
        if host := self._dedicated(backend, getattr(placement, "host_id", None)):
            self.lab.place(one.id, host)
        group = self.groups_of(backend).get(placement.group_name)
        partition = getattr(placement, "partition_number", None) or 0
        for racks, _ in self._offers(backend, str(placement.zone), group, partition, one.instance_type):
            try:
                one.follow(self.lab.start(one.id, racks.split()))
                return
            except CapacityError:
                continue
        raise NoCapacityError(no_room(one.instance_type, str(placement.zone)))

    def _dedicated(self, backend: Any, host_id: str | None) -> str:
        """Name the lab's host that a Dedicated Host is: the n-th of a zone is that zone's n-th."""
        if host_id is None or host_id not in backend.hosts:
            return ""
        zone = backend.hosts[host_id].zone
        names = [rack.name for rack in self.racks(backend) if rack.zone == zone]
        number = [host.id for host in backend.hosts.values() if host.zone == zone].index(host_id)
        there = [name for name in self.lab.hosts() if name.rpartition("-")[0] in names]
        return there[number] if number < len(there) else ""

    def _offers(
        self, backend: Any, zone: str, group: PlacementGroup | None, partition: int, kind: str
    ) -> Iterable[tuple[str, int]]:
        members = self.members(backend, group) if group else []
        try:
            found = list(choices(self.racks(backend), zone, group, members, partition))
        except SpreadLimitError:
            assert group
            raise NoCapacityError(
                f"You have reached the limit of 7 running {kind} instances per Availability Zone in the "
                f"spread placement group '{group.name}'"
            ) from None
        return [(" ".join(choice.racks), choice.partition) for choice in found]

    def members(self, backend: Any, group: PlacementGroup) -> list[GroupMember]:
        """Say where the running instances of a group are."""
        racks, truth = {rack.name: rack for rack in self.racks(backend)}, self.lab.truth()
        return [
            GroupMember(racks[truth[one.id].rack], getattr(one.placement, "partition_number", None) or 0)
            for one in self.instances.values()
            if one.id in truth and one.placement.group_name == group.name and one.ec2_backend is backend
        ]

    def groups_of(self, backend: Any) -> dict[str, PlacementGroup]:
        """Return the placement groups of one account and region, by name."""
        return self.groups.setdefault((backend.account_id, backend.region_name), {})

    def named(self, backend: Any, ids: Sequence[str]) -> list[LabInstance]:
        """Return these instances. Raises EC2's error for one that isn't there, or not yet."""
        there = {one.id: one for one in self.of(backend)}
        missing = [i for i in ids if i not in there or self.hidden(i)]
        if missing:
            raise InvalidInstanceIdError(missing)
        return [there[i] for i in ids]

    def keep(self, fresh: Iterable[LabInstance]) -> None:
        """Keep what was launched, under whatever faults are armed for new instances."""
        for one in fresh:
            self.instances[one.id] = one
            call = Call("", {}, str(one.placement.zone), one.instance_type, (one.id,))
            visibility = Visibility(time.monotonic())
            visibility.hide = self.faults.take(call, ("hide",))
            visibility.late = self.faults.take(call, ("hide-tags",))
            visibility.die = self.faults.take(call, ("die",))
            self._visibility[one.id] = visibility

    def hidden(self, instance_id: str) -> bool:
        """Say whether an instance is still unknown, and note that it was asked for."""
        visibility = self._visibility.get(instance_id)
        if visibility is None:
            return False
        self._asked.add(instance_id)
        return visibility.covers(visibility.hide, time.monotonic())

    def late(self, instance_id: str) -> bool:
        """Say whether an instance's tags are still unknown."""
        visibility = self._visibility.get(instance_id)
        return visibility is not None and visibility.covers(visibility.late, time.monotonic())

    def show(self, one: LabInstance) -> None:
        """Note that an instance was shown; where a fault says so, it is to die now."""
        visibility = self._visibility.get(one.id)
        if visibility and visibility.die and one.guest.state == "running":
            visibility.shown += 1
            if visibility.shown >= visibility.die.calls:
                self._due.append((one.id, visibility.die.seconds))
                visibility.die = None

    def answered(self) -> None:
        """Count what a call asked for, and end the instances that are to die now that it is answered."""
        for instance_id in self._asked:
            self._visibility[instance_id].asked += 1
        self._asked.clear()
        due, self._due = self._due, []
        for instance_id, seconds in due:
            if seconds:
                timer = threading.Timer(seconds, self.lab.terminate, (instance_id,))
                timer.daemon = True
                timer.start()
            else:
                self.lab.terminate(instance_id)


def no_room(kind: str, zone: str) -> str:
    """Return EC2's message for too little capacity."""
    return (
        f"We currently do not have sufficient {kind} capacity in the Availability Zone you requested "
        f"({zone}). Our system will be working on provisioning additional capacity."
    )


def unknown_group(name: str) -> EC2ClientError:
    """Return EC2's error for a placement group that isn't there."""
    return EC2ClientError("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
