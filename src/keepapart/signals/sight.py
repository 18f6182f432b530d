"""Sight: what an instance tells of its own machine and of its way out, as far as it bears on the network.

Everything is told by a node and so unproven: it is read strictly, and what is malformed is as if untold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keepapart.model import Instance
from keepapart.probe.measured import Extras, Route
from keepapart.signals.platform import platform_of, sees_hypervisor

TUNNELS = frozenset(
    {512, 768, 769, 776, 778, 823, 65534}
)  # ARPHRD: PPP, IP in IP, GRE, and what has no hardware


@dataclass(frozen=True, slots=True)
class Sight:
    """What one instance tells; an empty field is not known.

    `platform` is whose machine it is, by its vendor's texts or by a fact; `routes` are its ways out to others
    that are more than one hop away.
    `boot_id` is its kernel's; `virtual` whether that kernel sees a hypervisor under it; `own_kernel` whether
    the instance is all of what that kernel runs, and no container on it.
    """

    platform: str = ""
    address: str = ""
    routes: Sequence[Route] = ()
    boot_id: str = ""
    virtual: bool | None = None
    own_kernel: bool | None = None

    @classmethod
    def of(cls, instance: Instance, text: Mapping[str, str], routes: Sequence[Route]) -> Sight:
        """Read what a node tells, and what the platform states."""
        return cls(
            platform=instance.fact("platform") or platform_of(text),
            address=instance.address,
            routes=routes,
            boot_id=text.get("boot_id", "").strip(),
            virtual=sees_hypervisor(text.get("cpuinfo", "")),
            own_kernel={"own": True, "shared": False}.get(text.get("kernel", "")),
        )


def sights_of(instances: Sequence[Instance], extras: Extras | None) -> list[Sight]:
    """Return what each instance told of itself in a round."""
    told = extras or Extras.nothing(len(instances))
    return [Sight.of(*each) for each in zip(instances, told.guests, told.routes, strict=True)]
