"""What nodes find out of guests beside hop counts: their ways out, their addresses, their machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from keepapart.lab.protocol import guests_folder
from keepapart.model import Instance
from keepapart.probe.measured import Extras
from keepapart.signals.platform import platform_of
from tests.lab.conftest import BringUp
from tests.measuring import one_round
from tests.networks import build
from tests.networks.build import Network

namespaces = pytest.mark.skipif(bool(build.possible()), reason=build.possible())


def survey(instances: list[Instance]) -> Extras:
    """Run one round; return what was gathered in it beside the counts."""
    extras = one_round(instances).extras
    assert extras
    return extras


def made_up(folder: Path, name: str, maker: str, boot_id: str = "") -> None:
    """Make up a machine for one guest."""
    for path, text in {
        "sys/class/dmi/id/sys_vendor": maker,
        "proc/sys/kernel/random/boot_id": boot_id,
    }.items():
        file = folder / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_guests_of_a_lab_ask_their_own_kernels(real: BringUp, family: str) -> None:
    """Sockets that the lab hands over answer for the guest's namespace: gateway, device, address."""
    lab = real({"network": {"family": family}})
    found = survey(lab.instances())
    assert all(found.own_address)
    for ways in found.routes:
        (way,) = ways
        assert way.gateway
        assert way.gateway_mac.startswith("02:")
        assert (way.device, way.device_type, way.device_kind) == ("eth0", 1, "veth")


def test_guests_tell_of_the_machines_that_are_made_up_for_them(real: BringUp) -> None:
    """By the code that reads real machines, below a folder that the lab has; others tell nothing."""
    lab = real()
    made_up(guests_folder(lab.name), "i-0002", "Hetzner", "boot-2")
    found = survey(lab.instances())
    told = dict(zip((one.id for one in lab.instances()), found.guests, strict=True))
    assert told["i-0002"] == {"maker": "Hetzner", "boot_id": "boot-2"}
    assert platform_of(told["i-0002"]) == "hetzner"
    assert told["i-0001"] == {}


def test_guests_of_a_simulated_lab_have_their_addresses(bring_up: BringUp) -> None:
    """What isn't sent leaves by no device."""
    found = survey(bring_up(simulated=True).instances())
    assert all(found.own_address)
    assert not any(found.routes)


@namespaces
def test_named_namespaces_have_machines_below_a_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names a folder of machines, each namespace has the one of its name, if any."""
    with build.network() as net:
        build.routed(net, racks=1, hosts=1, guests=2)
        made_up(tmp_path, min(net.guests), "QEMU", "boot-a")
        monkeypatch.setenv("KEEPAPART_ROOT", str(tmp_path))
        assert survey(inside(net)).guests == [{"maker": "QEMU", "boot_id": "boot-a"}, {}]
        monkeypatch.delenv("KEEPAPART_ROOT")
        assert survey(inside(net)).guests == [{}, {}]


def test_a_node_behind_pipes_reads_below_its_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment of its login says is where a node reads."""
    made_up(tmp_path, "this", "Hetzner", "boot-1")
    monkeypatch.setenv("KEEPAPART_ROOT", str(tmp_path / "this"))
    found = survey([Instance(name, "127.0.0.1", "local") for name in "ab"])
    assert found.guests == [{"maker": "Hetzner", "boot_id": "boot-1"}] * 2
    assert list(found.own_address) == [True, True]


@namespaces
def test_second_routers_towards_public_addresses_are_found_under_hetzner_s_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guest of Hetzner's looks towards members with public addresses too, any other's for last routers."""
    with build.network() as net:
        build.routed(net, racks=4, hosts=1, guests=1)
        *private, public = net.guests
        up, _ = net.last
        net.inside(net.host_of[public], f"route add 1.1.1.1/32 dev {up}")
        net.inside(public, "addr add 1.1.1.1/32 dev lo")
        for router, via in ((f"{net.prefix}r3", "10.254.48.2"), (f"{net.prefix}spine", "10.255.3.2")):
            net.inside(router, f"route add 1.1.1.1/32 via {via}")
        net.guests[public] = "1.1.1.1"
        made_up(tmp_path, private[0], "Hetzner")
        monkeypatch.setenv("KEEPAPART_ROOT", str(tmp_path))
        found = survey(inside(net))
    towards = {(trace.sender, trace.target): trace for trace in found.traces}
    assert (towards[0, 3].first, towards[0, 3].second) == ("10.0.0.1", "10.254.0.1")
    assert (towards[0, 1].second, towards[0, 2].second) == ("10.254.0.1", "10.254.0.1")
    assert towards[0, 3].last == towards[1, 3].last == "10.254.48.2"
    assert (1, 3) in towards
    assert towards[1, 3].second == ""  # it only looked for the last


def inside(net: Network) -> list[Instance]:
    """Return the guests of a network as instances."""
    return [Instance(name, address, f"netns:{name}") for name, address in net.guests.items()]
