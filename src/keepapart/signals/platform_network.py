"""Platform network: what is known of how platforms route between their instances.

1. A platform that is listed is known to route elsewhere than on its hosts, or nobody has shown that it does:
   on it hop counts say nothing, whatever the operator says.
2. Where instances of several platforms are measured together, one that is listed is enough; so it is where
   one instance is of two, by what its firmware shows and by a fact: OpenStack may be built on ESXi.
3. A platform that isn't listed says nothing: OpenStack's networks differ, and QEMU's and Xen's may be
   anybody's.

Sources: the providers' documentation of their virtual networks; Hetzner's tutorial "hcloud-networks-basic"
(two hops between any two in a private Network).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keepapart.signals.sight import Sight

_VPC = "its virtual network's routers are on no host, and don't count"
_NOT_SHOWN = "nobody has shown that its hosts are gateways which count"
ROUTES = {
    "ec2": _VPC,
    "google": _VPC,
    "azure": _VPC,
    "vmware": "ESXi never routes for its guests, and NSX's routers count alike on every host",
    "hyper-v": "Hyper-V's switch is a bridge, and its gateways are virtual",
    "hetzner": "two of its instances are two hops apart in a private Network, whatever the hosts",
    "digitalocean": _NOT_SHOWN,
    "linode": _NOT_SHOWN,
    "vultr": _NOT_SHOWN,
    "scaleway": _NOT_SHOWN,
    "upcloud": _NOT_SHOWN,
    "oracle": _NOT_SHOWN,
    "alibaba": _NOT_SHOWN,
    "tencent": _NOT_SHOWN,
    "huawei": _NOT_SHOWN,
    "ibm": _NOT_SHOWN,
    "exoscale": _NOT_SHOWN,
    "otc": _NOT_SHOWN,
}


def refuting(ids: Sequence[str], sights: Sequence[Sight]) -> Iterator[str]:
    """Yield, for each platform that routes elsewhere, who is on it and what is known of it, in words."""
    told: set[str] = set()
    for name, sight in zip(ids, sights, strict=False):
        for platform in sight.platforms:
            if platform in ROUTES and platform not in told:
                told.add(platform)
                yield f"{name} runs on {platform}: {ROUTES[platform]}"
