"""Which platform a guest runs on, by what its firmware shows of its makers (DMI): no packet is sent for it.

1. Each platform has marks of its own, compared letter by letter. A vendor's name alone is no mark where it
   makes more than clouds: Microsoft's is on any Hyper-V guest and on laptops, Google's on laptops.
2. A cloud's mark overrules that of the software it is built of (OpenStack, CloudStack), and that one the
   hypervisor's.
3. Two clouds' marks on one guest contradict each other, and it runs on none that is known.
4. Services that answer as EC2 does and mean something else (Outscale, Brightbox, ZStack, e24cloud) are left
   out, and so is bare metal: its firmware doesn't say whose it is.

A guest within another cloud's guest shows its own hypervisor's marks, unless somebody copied the outer ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache


class Level(IntEnum):
    """What overrules what (rule 2)."""

    HYPERVISOR = 0
    SOFTWARE = 1
    CLOUD = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """What shows a platform: texts of a guest, by name, all of them so; "…" stands for whatever is there."""

    platform: str
    level: Level
    texts: Mapping[str, str]

    def fits(self, told: Mapping[str, str]) -> bool:
        """Whether a guest shows it."""
        return all(_fits(told.get(name, ""), wanted) for name, wanted in self.texts.items())


AZURE = "7783-7084-3265-9085-8269-3286-77"
MARKS = (
    Mark("ec2", Level.CLOUD, {"maker": "Amazon EC2"}),
    Mark("ec2", Level.CLOUD, {"bios_version": "….amazon", "xen_uuid": "ec2…"}),
    Mark("google", Level.CLOUD, {"product": "Google Compute Engine"}),
    Mark("azure", Level.CLOUD, {"asset_tag": AZURE}),
    Mark("oracle", Level.CLOUD, {"asset_tag": "OracleCloud.com"}),
    Mark("digitalocean", Level.CLOUD, {"maker": "DigitalOcean"}),
    Mark("hetzner", Level.CLOUD, {"maker": "Hetzner"}),
    Mark("vultr", Level.CLOUD, {"maker": "Vultr"}),
    Mark("upcloud", Level.CLOUD, {"maker": "UpCloud"}),
    Mark("scaleway", Level.CLOUD, {"maker": "Scaleway"}),
    Mark("linode", Level.CLOUD, {"maker": "Linode"}),
    Mark("linode", Level.CLOUD, {"maker": "Akamai"}),
    Mark("alibaba", Level.CLOUD, {"product": "Alibaba Cloud ECS"}),
    Mark("tencent", Level.CLOUD, {"maker": "Tencent Cloud", "product": "CVM"}),
    Mark("ibm", Level.CLOUD, {"chassis_vendor": "IBM:Cloud Compute Server…"}),
    Mark("ibm", Level.CLOUD, {"asset_tag": "ibmcloud"}),
    Mark("exoscale", Level.CLOUD, {"product": "Exoscale…"}),
    Mark("huawei", Level.CLOUD, {"asset_tag": "HUAWEICLOUD"}),
    Mark("otc", Level.CLOUD, {"asset_tag": "OpenTelekomCloud"}),
    Mark("openstack", Level.SOFTWARE, {"product": "OpenStack Nova"}),
    Mark("openstack", Level.SOFTWARE, {"product": "OpenStack Compute"}),
    Mark("openstack", Level.SOFTWARE, {"asset_tag": "OpenStack Nova"}),
    Mark("openstack", Level.SOFTWARE, {"asset_tag": "OpenStack Compute"}),
    Mark("openstack", Level.SOFTWARE, {"asset_tag": "SAP CCloud VM"}),
    Mark("openstack", Level.SOFTWARE, {"asset_tag": "Samsung Cloud Platform"}),
    Mark("cloudstack", Level.SOFTWARE, {"product": "CloudStack…"}),
    Mark("vmware", Level.HYPERVISOR, {"maker": "VMware…"}),
    Mark("hyper-v", Level.HYPERVISOR, {"maker": "Microsoft Corporation", "product": "Virtual Machine"}),
    Mark("virtualbox", Level.HYPERVISOR, {"maker": "innotek GmbH"}),
    Mark("virtualbox", Level.HYPERVISOR, {"product": "VirtualBox"}),
    Mark("xen", Level.HYPERVISOR, {"maker": "Xen"}),
    Mark("xen", Level.HYPERVISOR, {"hypervisor": "xen"}),
    Mark("qemu", Level.HYPERVISOR, {"maker": "QEMU"}),
    Mark("qemu", Level.HYPERVISOR, {"product": "KVM"}),
    Mark("qemu", Level.HYPERVISOR, {"product": "Standard PC (…"}),
)


TEXTS = tuple(dict.fromkeys(name for mark in MARKS for name in mark.texts))


def platform_of(told: Mapping[str, str]) -> str:
    """Name the platform of a guest from its texts (`node.hardware`); empty where none is known."""
    return _platform_of(tuple(told.get(name, "") for name in TEXTS))


@lru_cache  # a cluster's guests show the same
def _platform_of(texts: tuple[str, ...]) -> str:
    told = dict(zip(TEXTS, texts, strict=True))
    found = {(mark.level, mark.platform) for mark in MARKS if mark.fits(told)}
    highest = max((level for level, _ in found), default=Level.CLOUD)
    names = [name for level, name in found if level == highest]
    return names[0] if len(names) == 1 else ""


def sees_hypervisor(cpuinfo: str) -> bool | None:
    """Whether a kernel knows that it runs on a hypervisor, by the text of its first processor.

    None where that doesn't say: no x86 processor, or the text is cut within the line that would.
    """
    for line in cpuinfo.split("\n")[:-1]:
        name, _, flags = line.partition(":")
        if name.strip() == "flags":
            return "hypervisor" in flags.split()
    return None


def _fits(text: str, wanted: str) -> bool:
    before, open_ended, after = wanted.partition("…")
    if not open_ended:
        return text == wanted
    return len(text) > len(before + after) and text.startswith(before) and text.endswith(after)
