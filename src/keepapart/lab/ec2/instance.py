"""moto's instance as a lab guest: the guest's own id, state and address, and a place in a placement group.

Every instance carries the tag `keepapart:reach`, its way in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from moto.ec2.models import instances as moto_instances

from keepapart import model
from keepapart.clouds.reach import REACH_TAG

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}


@dataclass(slots=True)
class Placement:
    """Where an instance is, in the shape of botocore's `Placement`."""

    zone: str
    availability_zone_id: str = ""
    group_name: str = ""
    group_id: str | None = None
    partition_number: int | None = None
    tenancy: str = "default"
    host_id: str | None = None

    @property
    def availability_zone(self) -> str:
        """The zone, by the name that botocore's model has for it."""
        return self.zone


class Backend(Protocol):
    """What instances ask of what is behind the API; see `backend.LabBackend`."""

    def admit(self, backend: Any) -> tuple[model.Instance, Placement]:
        """Launch the guest of the launch call under way."""

    def late(self, instance_id: str) -> bool:
        """Say whether an instance's tags are still unknown."""


class LabInstance(moto_instances.Instance):
    """moto's instance, with the guest's own id, state and address."""

    lab_backend: ClassVar[Backend]  # the one of this process, set when it starts
    _unseen: Mapping[str, str | None]  # tags that show another value than they have, or none yet

    def __init__(self, ec2_backend: Any, *args: Any, **options: Any) -> None:
        self.guest, placement = self.lab_backend.admit(ec2_backend)
        options.pop("subnet_id", None)  # the zone is where the guest is; its default subnet follows
        super().__init__(ec2_backend, *args, **{**options, "placement": placement.zone})
        self._placement = placement  # type: ignore[assignment]  # moto's has no group and no partition
        self.add_tags({REACH_TAG: self.guest.reach})
        self.follow(self.guest)

    @property
    def id(self) -> str:
        """The guest's id; moto's own random one is not used."""
        return self.guest.id

    @id.setter  # noqa: A003  # moto's name for it
    def id(self, _: str) -> None: ...

    def follow(self, guest: model.Instance) -> None:
        """Take on the guest's present state and address."""
        self.guest = guest
        self._unseen = {}
        self._state.name, self._state.code = guest.state, CODES[guest.state]
        eni = self.nics[0]
        v6 = ":" in guest.address
        eni.private_ip_address = None if v6 else guest.address or None
        eni.private_ip_addresses = [] if v6 else [{"Primary": True, "PrivateIpAddress": guest.address}]
        eni.ipv6_addresses = [guest.address] if v6 else []

    def appear(self, shown: model.Instance) -> None:
        """Take on what the platform shows of the guest, until the next call: it may be of a while ago."""
        tags = self.guest.tags
        self.follow(shown)
        self._unseen = {key: shown.tags.get(key) for key in tags if shown.tags.get(key) != tags[key]}

    @property
    def ipv6_address(self) -> str | None:
        """The primary IPv6 address, as DescribeInstances shows it beside those of the interfaces."""
        return next(iter(self.nics[0].ipv6_addresses), None)

    @property
    def private_dns_name(self) -> str:
        """A name made from the id, as EC2's resource names are."""
        return f"{self.id}.{self.region_name}.compute.internal"

    def get_tags(self) -> list[dict[str, str]]:
        """List its tags; those that come late are left out for now."""
        tags = self.ec2_backend.tags.get(self.id, {})
        late = self.lab_backend.late(self.id)
        return [
            {"key": key, "value": value, "resource_id": self.id, "resource_type": "instance"}
            for key, value in {**tags, **self._unseen}.items()
            if value is not None and (not late or key == REACH_TAG)
        ]
