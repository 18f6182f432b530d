"""Sight: what an instance tells of its own machine and of its way out, as far as it bears on the network.

Everything is told by a node and so unproven: it is read strictly, and what is malformed is as if untold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keepapart.model import Instance
from keepapart.probe.measured import Extras, Route
from keepapart.signals.platform import platform_of, sees_hypervisor

# ARPHRD: PPP, IP in IP, GRE, and what has no hardware
TUNNEL_TYPES = frozenset({512, 768, 769, 776, 778, 823, 65534})
TUNNEL_KINDS = {  # of software devices, some of which say that they are Ethernet
    *(
        "amt",
        "bareudp",
        "erspan",
        "geneve",
        "gre",
        "gretap",
        "gtp",
        "ip6erspan",
        "ip6gre",
        "ip6gretap",
        "ip6tnl",
    ),
    *("ipip", "ovpn", "ppp", "sit", "tun", "vti", "vti6", "vxlan", "wireguard", "xfrm"),
}


def is_tunnel(route: Route) -> bool:
    """Whether a way out is a tunnel, by what its device says of itself."""
    return route.device_type in TUNNEL_TYPES or route.device_kind in TUNNEL_KINDS


@dataclass(frozen=True, slots=True)
class Sight:
    """What one instance tells; an empty field is not known.

    `platforms` say whose machine it is, by a fact and by its vendor's texts, which may differ: OpenStack runs
    on ESXi, too. `project` is the fact of that name; `routes` are its ways out to others that are more than
    one hop away, and `first_router` is who answered first on all of them.
    `boot_id` is its kernel's; `virtual` whether that kernel sees a hypervisor under it; `own_kernel` whether
    the instance is all of what that kernel runs, and no container on it.
    """

    platforms: tuple[str, ...] = ()
    project: str = ""
    address: str = ""
    routes: Sequence[Route] = ()
    first_router: str = ""
    boot_id: str = ""
    virtual: bool | None = None
    own_kernel: bool | None = None

    @classmethod
    def of(
        cls, instance: Instance, text: Mapping[str, str], routes: Sequence[Route], first_router: str = ""
    ) -> Sight:
        """Read what a node tells, and what the platform states."""
        return cls(
            platforms=tuple(dict.fromkeys(filter(None, (instance.fact("platform"), platform_of(text))))),
            project=instance.fact("project"),
            address=instance.address,
            routes=routes,
            first_router=first_router,
            boot_id=text.get("boot_id", "").strip(),
            virtual=sees_hypervisor(text.get("cpuinfo", "")),
            own_kernel={"own": True, "shared": False}.get(text.get("kernel", "")),
        )


def sights_of(instances: Sequence[Instance], extras: Extras | None) -> list[Sight]:
    """Return what each instance told of itself in a round."""
    told = extras or Extras.nothing(len(instances))
    return [Sight.of(*each) for each in zip(instances, told.guests, told.routes, told.firsts, strict=True)]
