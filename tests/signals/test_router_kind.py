"""First routers by their hardware address: what is no host, what vouches, and what says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from keepapart.model import Instance
from keepapart.probe.measured import Extras, Route
from keepapart.signals import platform_network, router_kind
from keepapart.signals.router_kind import CALICO, kind_of, maker_of
from keepapart.signals.sight import Sight, sights_of

IDS = ("a", "b")
APART = np.array([[0, 4], [4, 0]], np.uint8)


def sights(
    *macs: str, device_type: int = 1, device_kind: str = "", guests: Sequence[dict[str, str]] = ({}, {})
) -> list[Sight]:
    """Return what two instances tell that go out by these hardware addresses."""
    routes = [[Route("10.0.0.1", mac, "eth0", device_type, device_kind)] for mac in macs]
    extras = replace(Extras.nothing(len(macs)), routes=routes, guests=list(guests))
    return sights_of([Instance(i) for i in IDS], extras)


@pytest.mark.parametrize(
    "mac",
    [
        "00:00:5e:00:01:07",
        "00:00:5e:00:02:01",
        "00:00:0c:07:ac:0a",
        "00:00:0c:9f:f1:23",
        "00:07:b4:00:01:02",
        "02:50:56:56:44:52",
        "fa:16:3e:12:34:56",
        "00:50:56:aa:bb:cc",
        "08:00:27:01:02:03",
        "00:15:5d:01:02:03",
        "bc:24:11:01:02:03",
        "00:1b:54:01:02:03",
        "4c:5e:0c:01:02:03",
    ],
    ids=[
        *("VRRP", "VRRP over IPv6", "HSRP", "HSRP 2", "GLBP", "NSX", "Neutron", "VMware", "VirtualBox"),
        *("Hyper-V", "Proxmox", "Cisco", "MikroTik"),
    ],
)
def test_who_is_no_host_refutes_the_network(mac: str) -> None:
    """Virtual routers, other virtual machines and network equipment are no hosts, and are named."""
    (because,) = router_kind.refuting(IDS, sights("52:54:00:01:02:03", mac))
    assert "b is" in because
    assert mac in because
    assert "which is no host" in because


@pytest.mark.parametrize(
    "mac", ["52:54:00:01:02:03", "d2:74:7f:6e:37:e3", "ee:ee:ee:ee:ee:ee", "00:1b:21:01:02:03", ""]
)
def test_any_other_address_says_nothing_against_it(mac: str) -> None:
    """A bridge of libvirt's, Hetzner's one for all, Calico's, a server's network card, none."""
    assert kind_of(mac) == ""
    assert not list(router_kind.refuting(IDS, sights(mac, mac)))


def test_a_tunnel_ends_at_a_hub() -> None:
    """A way out without hardware under it leads to no host."""
    (because,) = router_kind.refuting(IDS, sights("", "", device_type=65534))
    assert "a hub behind a tunnel" in because


@pytest.mark.parametrize("kind", ["vxlan", "geneve", "gretap", "tun"])
def test_a_tunnel_that_says_it_is_ethernet_is_known_by_its_kind(kind: str) -> None:
    """Its packets have a hardware address, which isn't of the machine that the instance runs on."""
    (because,) = router_kind.refuting(IDS, sights("52:54:00:01:02:03", "", device_kind=kind))
    assert "a hub behind a tunnel" in because
    assert not list(router_kind.refuting(IDS, sights("52:54:00:01:02:03", "", device_kind="veth")))


def told(boot_id: str, *, kernel: str = "own", **texts: str) -> dict[str, str]:
    """Return what a machine of OpenStack's tells, but for these texts."""
    return {"boot_id": boot_id, "kernel": kernel, "product": "OpenStack Nova", **texts}


def test_calico_vouches_for_machines_of_openstack() -> None:
    """Every first router is the hypervisor that the instance runs on."""
    guests = (told("1"), told("2", product="OpenStack Compute"))
    assert CALICO in router_kind.vouched(sights(CALICO, CALICO, guests=guests), APART)


@pytest.mark.parametrize(
    "seen",
    [
        sights(CALICO, "52:54:00:01:02:03", guests=(told("1"), told("2"))),
        sights(CALICO, CALICO, guests=(told("1"), told("1"))),
        sights(CALICO, CALICO, guests=(told("1"), told("2", kernel="shared"))),
        sights(CALICO, CALICO, guests=(told("1"), told("2", product=""))),
        sights(CALICO, CALICO, guests=[told(n, product="", maker="KubeVirt") for n in "12"]),
        sights(CALICO, CALICO, guests=[told(n, product="", maker="QEMU") for n in "12"]),
        sights(CALICO, CALICO),
        [],
    ],
    ids=[
        "not all",
        "one kernel",
        "a container",
        "not OpenStack's",
        "KubeVirt's",
        "anybody's",
        "untold",
        "nobody",
    ],
)
def test_calico_vouches_for_nobody_else(seen: list[Sight]) -> None:
    """What a container, or a machine of Kubernetes, runs on may be virtual, and on a host with others."""
    assert router_kind.vouched(seen, APART[: len(seen), : len(seen)]) == ""


@pytest.mark.parametrize(
    ("hops", "firsts", "agree"),
    [
        (4, ("192.0.2.1", "192.0.2.2"), True),
        (4, ("192.0.2.1", "192.0.2.1"), False),
        (2, ("192.0.2.1", "192.0.2.1"), True),
        (2, ("192.0.2.1", "192.0.2.2"), False),
        (4, ("169.254.1.1", "169.254.1.1"), True),
        (2, ("", "192.0.2.2"), True),
    ],
)
def test_routers_that_answer_otherwise_than_counts_say_vouch_for_nothing(
    hops: int, firsts: tuple[str, str], agree: bool
) -> None:
    """A hypervisor is one router, and another one another; a link-local address is anybody's."""
    seen = [
        replace(sight, first_router=first)
        for sight, first in zip(sights(CALICO, CALICO, guests=(told("1"), told("2"))), firsts, strict=True)
    ]
    assert bool(router_kind.vouched(seen, APART // 4 * np.uint8(hops))) is agree


def test_makers_are_those_of_the_registry() -> None:
    """A local address has none, and neither has a range that nobody registered."""
    assert "Cisco" in maker_of("00:1b:54:01:02:03")
    assert maker_of("02:1b:54:01:02:03") == maker_of("") == ""


def test_a_fact_hides_no_platform_that_firmware_shows() -> None:
    """OpenStack on ESXi routes as ESXi does, and vouches for nothing."""
    guests = [told(n, product="", maker="VMware, Inc.") for n in "12"]
    extras = replace(Extras.nothing(2), guests=guests)
    seen = sights_of([Instance(i, facts={"platform": "openstack"}) for i in IDS], extras)
    (because,) = platform_network.refuting(IDS, seen)
    assert because.startswith("a runs on vmware: ")
    assert router_kind.vouched(seen, APART) == ""


@pytest.mark.parametrize("by_fact", [True, False])
def test_a_platform_that_routes_elsewhere_refutes_the_network(by_fact: bool) -> None:
    """Whether its vendor's text or a fact says so, one instance on it is enough."""
    instances = [Instance("a"), Instance("b", facts={"platform": "ec2"} if by_fact else {})]
    guests = [{}, {} if by_fact else {"maker": "Amazon EC2"}]
    seen = sights_of(instances, replace(Extras.nothing(2), guests=guests))
    (because,) = platform_network.refuting(IDS, seen)
    assert because.startswith("b runs on ec2: ")
