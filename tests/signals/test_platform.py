"""Which platform a guest runs on, by the texts that such guests show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.signals.platform import AZURE, MARKS, platform_of, sees_hypervisor

NAMES = ["maker", "product", "product_version", "asset_tag", "chassis_vendor", "bios_version", "hypervisor"]
XEN = {"maker": "Xen", "product": "HVM domU", "hypervisor": "xen"}
MICROSOFT = {"maker": "Microsoft Corporation", "product": "Virtual Machine"}
NOVA = {"maker": "OpenStack Foundation", "product": "OpenStack Nova"}
HETZNER = {"maker": "Hetzner", "product": "vServer", "product_version": "20171111"}


@pytest.mark.parametrize(
    ("told", "platform"),
    [
        ({"maker": "Amazon EC2", "product": "m5.large", "bios_vendor": "Amazon EC2"}, "ec2"),
        ({"maker": "Amazon EC2", "product": "m5.metal", "board_vendor": "Amazon EC2"}, "ec2"),
        ({**XEN, "bios_version": "4.11.amazon", "xen_uuid": "ec2e1916-9099-7caf-fd21-012345abcdef"}, "ec2"),
        ({**XEN, "bios_version": "4.11.amazon", "xen_uuid": "aaaa1916-9099-7caf-fd21-012345abcdef"}, "xen"),
        ({**XEN, "bios_version": "4.17", "xen_uuid": "ec2e1916-9099-7caf-fd21-012345abcdef"}, "xen"),
        ({"hypervisor": "xen"}, "xen"),
        ({"maker": "Google", "product": "Google Compute Engine"}, "google"),
        ({"maker": "Google", "product": "Kohaku"}, ""),
        ({**MICROSOFT, "asset_tag": AZURE}, "azure"),
        ({**MICROSOFT, "asset_tag": "1234-5678"}, "hyper-v"),
        ({"maker": "Microsoft Corporation", "product": "Surface Pro"}, ""),
        (
            {"maker": "QEMU", "product": "Standard PC (i440FX + PIIX, 1996)", "asset_tag": "OracleCloud.com"},
            "oracle",
        ),
        (NOVA, "openstack"),
        ({"maker": "RDO", "product": "OpenStack Compute"}, "openstack"),
        ({**NOVA, "asset_tag": "HUAWEICLOUD"}, "huawei"),
        ({**NOVA, "asset_tag": "OpenTelekomCloud"}, "otc"),
        ({"maker": "VMware, Inc.", "asset_tag": "SAP CCloud VM"}, "openstack"),
        ({"maker": "DigitalOcean", "product": "Droplet"}, "digitalocean"),
        (HETZNER, "hetzner"),
        ({"maker": "Vultr", "product": "VC2"}, "vultr"),
        ({"maker": "UpCloud", "product": "UpCloud-1xCPU-1GB"}, "upcloud"),
        ({"maker": "Scaleway", "product": "SCW-DEV1-S"}, "scaleway"),
        ({"maker": "Linode", "product": "Compute Instance"}, "linode"),
        ({"maker": "Akamai", "product": "Compute Instance"}, "linode"),
        ({"maker": "Alibaba Cloud", "product": "Alibaba Cloud ECS"}, "alibaba"),
        ({"maker": "Tencent Cloud", "product": "CVM"}, "tencent"),
        ({"maker": "Tencent Cloud", "product": "else"}, ""),
        ({"chassis_vendor": "IBM:Cloud Compute Server 1.0:bx2-2x8"}, "ibm"),
        ({"maker": "QEMU", "asset_tag": "ibmcloud"}, "ibm"),
        ({"maker": "Exoscale", "product": "Exoscale Compute Platform"}, "exoscale"),
        ({"maker": "Apache Software Foundation", "product": "CloudStack KVM Hypervisor"}, "cloudstack"),
        ({"maker": "3DS Outscale", "product": "3DS Outscale VM"}, ""),
        ({"maker": "e24cloud"}, ""),
        ({"maker": "VMware, Inc.", "product": "VMware7,1"}, "vmware"),
        ({"maker": "innotek GmbH", "product": "VirtualBox"}, "virtualbox"),
        ({"maker": "QEMU", "product": "Standard PC (Q35 + ICH9, 2009)"}, "qemu"),
        ({"maker": "Red Hat", "product": "KVM"}, "qemu"),
        ({"maker": "Dell Inc.", "product": "PowerEdge R740"}, ""),
        ({}, ""),
    ],
    ids=str,
)
def test_each_platform_is_known_by_its_marks(told: dict[str, str], platform: str) -> None:
    """What guests of each are known to show names it; what only looks like it doesn't."""
    assert platform_of(told) == platform


@pytest.mark.parametrize(
    "told",
    [
        {"maker": "hetzner"},
        {"maker": "Hetzner Online"},
        {"maker": "Hetzner "},
        {"product": "Hetzner"},
        {"board_vendor": "Hetzner"},
    ],
    ids=str,
)
def test_what_is_almost_a_mark_is_none(told: dict[str, str]) -> None:
    """Another case, a longer name, another text's place: not recognised."""
    assert platform_of(told) == ""


def test_two_clouds_on_one_guest_are_none() -> None:
    """Marks that contradict each other name nobody."""
    assert platform_of({**HETZNER, "asset_tag": AZURE}) == ""
    assert platform_of({"maker": "Amazon EC2", "product": "Google Compute Engine"}) == ""
    assert platform_of({"maker": "QEMU", "product": "VirtualBox"}) == ""


@given(
    st.dictionaries(st.sampled_from(NAMES), st.text() | st.sampled_from([AZURE, "xen", "Hetzner", "QEMU"]))
)
def test_a_platform_is_one_that_is_known_or_none(told: dict[str, str]) -> None:
    """Whatever a guest shows, the answer is a name of the table, and its mark is there."""
    found = platform_of(told)
    assert found == "" or any(mark.platform == found and mark.fits(told) for mark in MARKS)


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\nbugs\t\t: spectre", True),
        ("processor\t: 0\nflags\t\t: fpu vme lahf_lm\nbugs\t\t: hypervisor", False),
        ("processor\t: 0\nflags\t\t: fpu vme no_hypervisor\nbugs\t\t:", False),
        ("processor\t: 0\nflags\t\t: fpu vme", None),
        ("processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41", None),
        ("", None),
    ],
    ids=repr,
)
def test_a_kernel_knows_its_hypervisor_by_a_flag(cpuinfo: str, expected: bool | None) -> None:
    """The flag among the processor's, read only where all of them are there."""
    assert sees_hypervisor(cpuinfo) is expected
