"""Networks of which the machines' firmware tells whose they are."""

from __future__ import annotations

from functools import partial

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.machines import kernel, made_by
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import across, hosts

AZURE = "7783-7084-3265-9085-8269-3286-77"
SHOWN = {
    "ec2": {"sys_vendor": "Amazon EC2"},
    "google": {"sys_vendor": "Google", "product_name": "Google Compute Engine"},
    "azure": {"sys_vendor": "Microsoft Corporation", "chassis_asset_tag": AZURE},
    "hyper-v": {"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"},
    "vmware": {"sys_vendor": "VMware, Inc.", "product_name": "VMware Virtual Platform"},
    "digitalocean": {"sys_vendor": "DigitalOcean", "product_name": "Droplet"},
    "linode": {"sys_vendor": "Linode"},
    "vultr": {"sys_vendor": "Vultr"},
    "scaleway": {"sys_vendor": "Scaleway"},
    "upcloud": {"sys_vendor": "UpCloud"},
    "oracle": {"sys_vendor": "QEMU", "chassis_asset_tag": "OracleCloud.com"},
    "alibaba": {"sys_vendor": "Alibaba Cloud", "product_name": "Alibaba Cloud ECS"},
    "tencent": {"sys_vendor": "Tencent Cloud", "product_name": "CVM"},
    "huawei": {"sys_vendor": "OpenStack Foundation", "chassis_asset_tag": "HUAWEICLOUD"},
    "ibm": {"sys_vendor": "QEMU", "chassis_vendor": "IBM:Cloud Compute Server 1.0:bx2-4x16"},
    "exoscale": {"sys_vendor": "Exoscale", "product_name": "Exoscale Compute Platform"},
}


def on(net: Network, shown: dict[str, str]) -> None:
    """Declare two routers that are no hosts, with guests of such machines."""
    made_by(net, across(net, [net.router("a"), net.router("b", "a")], 2), **shown)


for platform, texts in SHOWN.items():
    kind(Word.FALSE, Sign.REFUTES, name=f"on-{platform}")(partial(on, shown=texts))


@kind(Word.FALSE, Sign.REFUTES)
def on_two_platforms(net: Network) -> None:
    """Members on hosts that are gateways, and one on a platform that routes elsewhere."""
    hosts(net, net.router("r"))
    made_by(net, list(net.members)[:1], sys_vendor="VMware, Inc.")


@kind(Word.SOUND)
def on_qemu(net: Network) -> None:
    """QEMU's machines, which may be anybody's."""
    hosts(net, net.router("r"))
    made_by(net, net.members, sys_vendor="QEMU", product_name="Standard PC (i440FX + PIIX, 1996)")
    kernel(net, net.members, own=True)


@kind(Word.FALSE)
def on_qemu_elsewhere(net: Network) -> None:
    """The same machines behind routers that are no hosts."""
    names = across(net, [net.router("a"), net.router("b", "a")], 3)
    made_by(net, names, sys_vendor="QEMU", product_name="Standard PC (i440FX + PIIX, 1996)")
    kernel(net, names, own=True)
