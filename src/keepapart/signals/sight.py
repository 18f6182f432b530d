"""Sight: what an instance tells of its own machine and of its way out, as far as it bears on the network.

Everything is told by a node and so unproven: it is read strictly, and what is malformed is as if untold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keepapart.model import Instance
from keepapart.probe.measured import Extras
from keepapart.signals.platform import platform_of

TUNNEL = 65534  # ARPHRD_NONE: a device without addresses of its own, as tunnels are
MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Sight:
    """What one instance tells; an empty field is not known.

    `platform` is whose machine it is, by its vendor's texts or by a fact; `gateway` is its first router's
    address, `mac` the hardware address of that, `tunnel` whether the way out is none but a tunnel.
    `boot_id` is its kernel's; `virtual` whether that kernel sees a hypervisor under it; `own_kernel` whether
    the instance is all of what that kernel runs, and no container on it.
    """

    platform: str = ""
    address: str = ""
    gateway: str = ""
    mac: str = ""
    tunnel: bool = False
    boot_id: str = ""
    virtual: bool | None = None
    own_kernel: bool | None = None

    @classmethod
    def of(cls, instance: Instance, told: Mapping[str, object]) -> Sight:
        """Read what a node tells, and what the platform states."""
        text = {key: value for key, value in told.items() if isinstance(value, str)}
        mac = text.get("gateway_mac", "").lower()
        return cls(
            platform=instance.facts.get("platform", "") or platform_of(text),
            address=instance.address,
            gateway=text.get("gateway", ""),
            mac=mac if MAC.fullmatch(mac) else "",
            tunnel=told.get("device_type") == TUNNEL,
            boot_id=text.get("boot_id", "").strip(),
            virtual=_virtual(text.get("cpuinfo", "")),
            own_kernel={"own": True, "shared": False}.get(text.get("kernel", "")),
        )


def _virtual(cpuinfo: str) -> bool | None:
    """Say whether a kernel's processor has the flag of a hypervisor; None where it tells no flags."""
    for line in cpuinfo.splitlines():
        key, _, flags = line.partition(":")
        if key.strip() == "flags":
            return "hypervisor" in flags.split()
    return None


def sights_of(instances: Sequence[Instance], extras: Extras | None) -> list[Sight]:
    """Return what each instance told of itself in a round."""
    guests = extras.guests if extras else [{}] * len(instances)
    return [Sight.of(instance, told) for instance, told in zip(instances, guests, strict=True)]
