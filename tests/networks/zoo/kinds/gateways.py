"""Gateways whose hardware address tells that they are no hosts."""

from __future__ import annotations

from functools import partial

from tests.networks.zoo.kind import Sign, Word, kind
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import across

SEEN = {
    "vrrp": "00:00:5e:00:01:0a",
    "vrrp-six": "00:00:5e:00:02:0a",
    "hsrp": "00:00:0c:07:ac:0a",
    "hsrp-two": "00:00:0c:9f:f0:0a",
    "hsrp-six": "00:05:73:a0:00:0a",
    "glbp": "00:07:b4:00:0a:01",
    "nsx": "02:50:56:56:44:52",
    "neutron": "fa:16:3e:12:34:56",
    "cisco": "00:1a:a1:12:34:56",
    "juniper": "2c:6b:f5:12:34:56",
    "arista": "00:1c:73:12:34:56",
    "mikrotik": "4c:5e:0c:12:34:56",
    "ubiquiti": "24:a4:3c:12:34:56",
    "fortinet": "00:09:0f:12:34:56",
    "palo-alto": "00:1b:17:12:34:56",
    "extreme": "00:04:96:12:34:56",
    "aruba": "00:0b:86:12:34:56",
    "vmware-machine": "00:50:56:12:34:56",
    "vmware-workstation": "00:0c:29:12:34:56",
    "virtualbox-machine": "08:00:27:12:34:56",
    "hyper-v-machine": "00:15:5d:12:34:56",
    "proxmox-machine": "bc:24:11:12:34:56",
}


def behind(net: Network, hardware: str) -> None:
    """Declare two routers that are no hosts, with this hardware address to all guests."""
    across(net, [net.router("a"), net.router("b", "a")], 2, hardware=hardware)


for maker, seen in SEEN.items():
    kind(Word.FALSE, Sign.REFUTES, six=maker.endswith("six"), name=f"behind-{maker}")(
        partial(behind, hardware=seen)
    )


@kind(Word.FALSE, Sign.REFUTES)
def carp_pair(net: Network) -> None:
    """A pair of firewalls with one address, one of them active, for each of two networks."""
    net.router("s")
    for name, last in (("a", "01"), ("b", "02")):
        net.router(f"{name}spare", "s")
        net.router(name, "s")
        net.lan(f"{name}l", name, f"{name}spare", isolated=True)
        net.answers_for_all(name, "eth1")
        net.nodes[name].hardware = f"00:00:5e:00:01:{last}"
    across(net, ["al", "bl"], 3)


@kind(Word.FALSE, Sign.REFUTES)
def vrrp_of_some(net: Network) -> None:
    """One of the two routers shows VRRP, the other nothing."""
    across(net, [net.router("a", hardware="00:00:5e:00:01:01"), net.router("b", "a")], 3)


@kind(Word.FALSE)
def shared_tap_address(net: Network) -> None:
    """All gateways have one locally administered address, as many clouds give: that says nothing."""
    across(net, [net.router("a"), net.router("b", "a")], 3, hardware="fe:ff:ff:ff:ff:ff")
