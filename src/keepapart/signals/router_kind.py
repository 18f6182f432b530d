"""Router kind: what the hardware address of an instance's first router says of it.

1. Addresses of virtual routers (VRRP, HSRP, GLBP, NSX, Neutron), of makers of network equipment and of other
   virtual machines are no host's: the network is refuted.
2. Calico's is that of whatever machine the instance's interface ends in. In OpenStack, whose computes Calico
   makes routers, that is a hypervisor: it vouches for the network where every instance sees it and has a
   kernel of its own, and where two have one first router just if they are two hops apart: a hypervisor
   answers by one address of its own, so what leads elsewhere shows, as far as routers answer. Elsewhere it
   vouches for nothing. Kubernetes' nodes, whose pods may have kernels of their own by KubeVirt or Kata, are
   often machines themselves, several on a host; and what else shows that address, or doesn't count what
   leaves a node, isn't known.
3. A way out that is a tunnel ends at a hub, which is no host.
4. Any other address says nothing: a tap, a bridge or any software router may have it. One address for all
   guests of a cloud is normal, so equal or different ones say nothing of hosts.

Sources: RFC 5798 (VRRP); Cisco's and VMware's documentation; Neutron's `base_mac`; Calico's FAQ ("why does
the default gateway have ee:ee:ee:ee:ee:ee"); makers are those of the IEEE's registry, by netaddr.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from ipaddress import ip_address

import numpy as np

from keepapart.probe.measured import Counts
from keepapart.signals.sight import Sight, is_tunnel

CALICO = "ee:ee:ee:ee:ee:ee"
VIRTUAL = (
    (r"00:00:5e:00:0[12]:..", "a virtual router (VRRP or CARP)"),
    (r"00:00:0c:07:ac:..", "a virtual router (HSRP)"),
    (r"00:00:0c:9f:f.:..", "a virtual router (HSRP)"),
    (r"00:05:73:a0:0.:..", "a virtual router (HSRP for IPv6)"),
    (r"00:07:b4:00:..:..", "a virtual router (GLBP)"),
    (r"00:1c:73:00:00:(?:99|01)", "a virtual router (Arista's VARP)"),
    (r"02:50:56:56:44:5.", "NSX's distributed router"),
    (r"fa:16:3e:..:..:..", "a tenant's router (OpenStack Neutron)"),
    (r"00:50:56:..:..:..", "another virtual machine (VMware)"),
    (r"00:0c:29:..:..:..", "another virtual machine (VMware)"),
    (r"00:05:69:..:..:..", "another virtual machine (VMware)"),
    (r"00:1c:14:..:..:..", "another virtual machine (VMware)"),
    (r"08:00:27:..:..:..", "another virtual machine (VirtualBox)"),
    (r"00:15:5d:..:..:..", "another virtual machine (Hyper-V)"),
    (r"bc:24:11:..:..:..", "another virtual machine (Proxmox)"),
)
EQUIPMENT = re.compile(
    r"\b(?:Cisco|Juniper|Arista|MikroTik|Mikrotikls|Routerboard|Ubiquiti|Fortinet|Palo Alto|Extreme Networks|"
    r"Aruba|Brocade|Foundry|Force10|F5 |Check Point|SonicWall|WatchGuard|Zyxel|TP-LINK|NETGEAR|D-Link|Ruckus|"
    r"Ruijie|H3C|New H3C|Sophos|Barracuda|Meraki|Edgecore|Edge-Core|Accton|Celestica|Cumulus|Alcatel|Nokia|"
    r"Avaya|A10 Networks|Riverbed|Citrix|pfSense|Netgate|Stormshield|Allied Telesis|Ciena|Calix|AVM|LANCOM|"
    r"DrayTek|Peplink|Cradlepoint|Sierra Wireless|Teltonika|Mellanox Switch|Pica8|Ericsson|ZTE|Huawei)",
    re.IGNORECASE,
)


def kind_of(mac: str) -> str:
    """Say what a hardware address (six lower-case bytes, colons between) is of, if that is no host.

    Empty where that isn't known.
    """
    for pattern, words in VIRTUAL:
        if re.fullmatch(pattern, mac):
            return words
    maker = maker_of(mac) if mac else ""
    return f"network equipment ({maker})" if EQUIPMENT.search(maker) else ""


@cache
def maker_of(mac: str) -> str:
    """Name the maker whose range the address is in; empty where there is none, as for local addresses."""
    if not mac or int(mac[:2], 16) & 0b10:
        return ""
    from netaddr import EUI
    from netaddr.core import NotRegisteredError

    try:
        return str(EUI(mac).oui.registration().org)
    except NotRegisteredError:
        return ""


def refuting(ids: Sequence[str], sights: Sequence[Sight]) -> Iterator[str]:
    """Yield why first routers are no hosts, in words, one reason for each kind of router."""
    told: set[str] = set()
    for name, sight in zip(ids, sights, strict=False):
        for route in sight.routes:
            kind = "a hub behind a tunnel" if is_tunnel(route) else kind_of(route.gateway_mac)
            if kind and kind not in told:
                told.add(kind)
                where = (
                    " at ".join(part for part in (route.gateway_mac, route.gateway) if part) or route.device
                )
                yield f"the first router of {name} is {kind} ({where}), which is no host"


def vouched(sights: Sequence[Sight], least: Counts) -> str:
    """Say which first routers vouch for the network (rule 2); empty where they don't.

    `least` are the hop counts of those whose sights they are, [n, n].
    """
    kernels = [sight.boot_id for sight in sights if sight.boot_id]
    alone = len(set(kernels)) == len(sights) and all(sight.own_kernel for sight in sights)
    machines = all(sight.platforms == ("openstack",) and sight.routes for sight in sights)
    macs = {route.gateway_mac for sight in sights for route in sight.routes}
    if not sights or not alone or not machines or macs != {CALICO} or not _agree(sights, least):
        return ""
    return f"the first router of every instance is the host that it runs on (Calico's {CALICO}, on OpenStack)"


def _agree(sights: Sequence[Sight], least: Counts) -> bool:
    """Say whether two have one first router just where they are two hops apart, as far as any is known."""
    named = [_names_a_host(sight.first_router) for sight in sights]
    known = np.outer(named, named) & (least > 0)
    firsts = np.array([sight.first_router for sight in sights])
    return not (known & ((least == 2) != (firsts[:, None] == firsts))).any()


def _names_a_host(address: str) -> bool:
    return bool(address) and not ip_address(address).is_link_local
