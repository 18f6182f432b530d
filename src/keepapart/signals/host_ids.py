"""Whether a guest's own machine shows that OpenStack's host id is more than a host. Pure.

A host id is that of a nova-compute service. Where Nova drives KVM that is a host. A guest that shows a cloud
of Huawei's or SAP's, VMware, or no hypervisor at all (Ironic) is behind a service of many machines: then
equal host ids say nothing (`host_kind` "coarse"). The operator's word for one (`host_kind` "host") and
names that administrators see stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from keepapart.model import Instance
from keepapart.signals.platform import platform_of, sees_hypervisor

COARSE_PLATFORMS = frozenset({"huawei", "otc", "vmware"})
COARSE_TAGS = frozenset({"SAP CCloud VM", "Samsung Cloud Platform"})


def with_coarse_hosts(
    instances: Sequence[Instance], guests: Sequence[Mapping[str, str]]
) -> Sequence[Instance]:
    """Return the instances, hosts that their guests show to be coarse stated as such."""
    return [
        replace(instance, facts={**instance.facts, "host_kind": "coarse"})
        if _is_open(instance) and _shows_more_than_a_host(guest)
        else instance
        for instance, guest in zip(instances, guests, strict=True)
    ]


def _is_open(instance: Instance) -> bool:
    facts = instance.facts
    return facts.get("platform") == "openstack" and "host" in facts and "host_kind" not in facts


def _shows_more_than_a_host(guest: Mapping[str, str]) -> bool:
    return (
        platform_of(guest) in COARSE_PLATFORMS
        or guest.get("asset_tag", "") in COARSE_TAGS
        or guest.get("maker", "").startswith("VMware")
        or sees_hypervisor(guest.get("cpuinfo", "")) is False
    )
