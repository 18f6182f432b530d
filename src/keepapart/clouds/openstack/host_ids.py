"""Whether a host id is one host's: what Nova calls a host is a nova-compute service, and that may be more.

Rules:
1. Different services run on different machines, whatever they are: different host ids are always stated.
2. Equal ones are stated to be one host unless that is `coarse`: by the operator's word, or because it shows.
   - One service stands for a whole vSphere cluster, or for many bare-metal machines (Ironic); Huawei's
     clouds have one for a pod. Names of nodes, flavors, metadata and the API's address show it, and where
     an audit measures, the guests themselves (`signals.host_ids`).
   - Two servers of one strict group with one host id: either the id is coarse, or the promise of that group
     is broken. Nobody can say which, so neither is believed.
3. Whoever may see names (administrators) is told service and node. Both together are one machine, unless
   the node is a vSphere cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from keepapart.clouds.openstack.server import Server
from keepapart.model import Fact

AUTO = "auto"
COARSE = "coarse"
HYPERVISOR = "hypervisor"  # a name, which is never compared with the hash that others are shown

COARSE_NODE = re.compile(r"domain-c\d+|.*@")  # nova's vmwareapi driver; Huawei's pods
COARSE_FLAVOR = re.compile(r"vmware:|ecs:|resources:CUSTOM_BAREMETAL|resources:VCPU=0$")
COARSE_METADATA = re.compile(r"metering\.|cascaded\.")  # Huawei's clouds write these on every server
COARSE_CLOUDS = (  # Huawei's, as others sell it, and SAP's on vSphere
    ".cloud.sap",
    ".myhuaweicloud.com",
    ".myhuaweicloud.eu",
    ".orange-business.com",
    ".otc.t-systems.com",
    ".telefonicaopencloud.com",
)


def looks_coarse(endpoint: str, servers: Iterable[Server]) -> bool:
    """Say whether this cloud's host ids are known to be more than a host."""
    host = urlsplit(endpoint).hostname or ""
    return host.endswith(COARSE_CLOUDS) or any(map(_looks_coarse, servers))


def broken(servers: Iterable[Server], spread: Mapping[str, str]) -> set[str]:
    """Return the strict groups of which two settled servers have one host id; `spread` tells a server's."""
    seen: set[tuple[str, str]] = set()
    found = set()
    for one in servers:
        place = spread.get(one.id, ""), one.host_id
        if all(place) and one.settled:
            if place in seen:
                found.add(place[0])
            seen.add(place)
    return found


def host(server: Server, host_id: str) -> dict[Fact, str]:
    """Return the facts of a server's host; `host_id` as `Settings` has it."""
    service, node = server.service or "", server.node or ""
    if host_id == COARSE or not service or not node:
        return {"host": server.host_id, "host_kind": "" if host_id == AUTO else host_id}
    one = node == service or node.startswith(f"{service}.")
    return {"host": service if one else f"{service} {node}", "host_kind": HYPERVISOR}


def _looks_coarse(server: Server) -> bool:
    specs = (server.flavor.extra_specs or {}).items()
    return (
        bool(COARSE_NODE.match(server.node or ""))
        or any(COARSE_FLAVOR.match(f"{name}={value}") for name, value in specs)
        or any(map(COARSE_METADATA.match, server.metadata))
    )
