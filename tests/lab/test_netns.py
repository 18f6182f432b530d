"""Labs made of namespaces: real packets find the distances that the world implies, and nothing survives."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from keepapart.clouds import LaunchRequest
from keepapart.errors import LabError
from keepapart.lab import client, protocol
from keepapart.lab.client import Lab
from tests.lab.packets import PORT, counts_as, ids_of, measure

if TYPE_CHECKING:
    from .conftest import BringUp

WATCH = """
import socket, struct
link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
link.bind((0, 1))
print("watching", flush=True)
while struct.unpack_from("=IH", link.recv(65536))[1] != 17:
    pass
print("gone", flush=True)
"""

UP = """
import ctypes, os, sys
from pathlib import Path
from keepapart.lab import client
from keepapart.lab.world import world
if sys.argv[1] == "without-privilege":
    assert ctypes.CDLL(None).prctl(24, 21, 0, 0, 0) == 0  # drop CAP_SYS_ADMIN from what execve gives
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[4], "as-is", *sys.argv[2:]])
read, write = os.pipe()
lab = client.up(world.load(Path(sys.argv[2])), name=sys.argv[3], lifeline=read)
print(lab.pid, flush=True)
sys.stdin.read()
"""


def ended(pid: int, patience: float = 10.0) -> bool:
    """Wait for a process to end."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], patience)[0])
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize(
    "network",
    [
        {"kind": "routed-host"},
        {"kind": "routed-host", "silent": True},
        {"kind": "flat"},
        {"kind": "vlans", "vlans": 3},
        {"kind": "vlans", "silent": True},
    ],
    ids=str,
)
def test_measured_hops_are_the_computed_ones(
    real: BringUp, bring_up: BringUp, network: dict[str, Any], family: str
) -> None:
    """In every kind of network real packets make the hops that the simulated twin computes."""
    document = {"network": {**network, "family": family}}
    lab, twin = real(document), bring_up(document, name="twin", simulated=True)
    ids = ids_of(lab)
    assert [one.address for one in lab.instances()] == [one.address for one in twin.instances()]
    assert lab.truth() == twin.truth()
    assert counts_as(twin, lab, ids)


def test_one_rack_needs_no_spine(real: BringUp) -> None:
    """In a world of one rack its hosts are four hops apart, through the rack's router."""
    lab = real({"racks": [{"name": "a", "hosts": 2, "capacity": 1}], "clusters": [{"name": "c", "size": 2}]})
    assert measure(lab, ids_of(lab)).tolist() == [[0, 4], [4, 0]]


@pytest.mark.parametrize("kind", ["routed-host", "flat", "vlans"])
def test_those_launched_and_started_later_are_reached_like_the_rest(real: BringUp, kind: str) -> None:
    """An instance that comes later, or comes back, is in the network as if it had always been."""
    lab = real({"network": {"kind": kind}, "clusters": [{"name": "c", "size": 4}]})
    late = lab.launch(LaunchRequest("late", {}))
    lab.stop("i-0002")
    lab.launch(LaunchRequest("later", {}))
    lab.start("i-0002")
    ids = ids_of(lab)
    assert late.id in ids
    counts = measure(lab, ids)
    assert (counts + np.eye(len(ids), dtype=np.uint8) > 0).all()
    assert (counts == counts.T).all()


@pytest.mark.parametrize("kind", ["routed-host", "flat", "vlans"])
def test_a_failed_host_is_cut_off_and_the_rest_is_not(real: BringUp, kind: str) -> None:
    """Instances of a failed host reach nobody, even through sockets made before; others go on."""
    lab = real({"network": {"kind": kind}})
    ids, truth = ids_of(lab), lab.truth()
    victim = truth["i-0001"].host
    with ExitStack() as stack:
        held = stack.enter_context(lab.sockets(["i-0001"], 1)["i-0001"][0])
        lost = lab.fail(victim)
        assert lost == [one for one in ids if truth[one].host == victim]
        with pytest.raises(OSError, match="unreachable"):
            held.sendto(b"x", (lab.describe(["i-0009"])["i-0009"].address, PORT))
    assert lab.sockets(lost, 1) == {}
    with pytest.raises(LabError, match="its host has failed"):
        lab.exec(lost[0], ["true"])
    alive = [one for one in ids if one not in lost]
    counts = measure(lab, alive)
    assert (counts + np.eye(len(alive), dtype=np.uint8) > 0).all()


def test_sockets_come_in_any_number(real: BringUp) -> None:
    """More sockets than one message carries arrive sorted by instance, non-blocking, unbound."""
    lab = real()
    ids = ids_of(lab)
    with ExitStack() as stack:
        found = lab.sockets(ids, 100)
        for sockets in found.values():
            for each in sockets:
                stack.enter_context(each)
        assert list(found) == ids
        assert {len(sockets) for sockets in found.values()} == {100}
        for one in lab.instances():
            found[one.id][99].bind((one.address, PORT))  # only inside its own instance
            assert not found[one.id][0].getblocking()
            assert found[one.id][0].getsockname()[1] == 0


def test_a_command_runs_inside_the_instance(real: BringUp, tmp_path: Path) -> None:
    """`exec` runs with the instance's own interfaces and passes the exit code on."""
    lab = real()
    seen = tmp_path / "seen"
    code = "import socket, sys; open(sys.argv[1], 'w').write(str(socket.if_nameindex())); sys.exit(7)"
    assert lab.exec("i-0001", [sys.executable, "-c", code, str(seen)]) == 7
    assert seen.read_text() == "[(1, 'lo'), (2, 'eth0')]"
    assert lab.exec("i-0001", [str(tmp_path / "missing")]) == 127


def test_a_killed_lab_takes_its_networks_along(real: BringUp) -> None:
    """After kill -9 the interfaces vanish even from an instance that someone is still in."""
    lab = real()
    _, descriptors = protocol.ask(protocol.socket_path(lab.name), {"do": "enter", "instance": "i-0001"})
    enter = [sys.executable, "-m", "keepapart.lab.netns.nsenter", ",".join(map(str, descriptors))]
    with subprocess.Popen(
        [*enter, sys.executable, "-c", WATCH], stdout=subprocess.PIPE, pass_fds=descriptors, text=True
    ) as watcher:
        for descriptor in descriptors:
            os.close(descriptor)
        assert watcher.stdout
        assert watcher.stdout.readline() == "watching\n"
        os.kill(lab.pid, signal.SIGKILL)
        assert watcher.stdout.readline() == "gone\n"
    assert ended(lab.pid)
    assert client.labs() == []
    assert real().pid != lab.pid  # the name is free again


@pytest.mark.parametrize("how", ["as-is", "without-privilege"])
def test_the_lab_ends_with_whoever_holds_its_lifeline(runtime: Path, how: str) -> None:
    """When the process that brought it up is killed, the lab ends; with or without privileges of its own."""
    if how == "without-privilege" and os.geteuid() != 0:
        pytest.skip("has no privilege to give up")
    world = Path(__file__).parents[2] / "worlds" / "three-racks.toml"
    with subprocess.Popen(
        [sys.executable, "-c", UP, how, str(world), "held", UP],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout
        pid = int(holder.stdout.readline())
        lab = Lab.find("held")
        if lab.kind == "netns":
            counts = measure(lab, ids_of(lab))
            assert counts[0].tolist() == [0, 2, 2, 2, 4]
            _, descriptors = protocol.ask(protocol.socket_path("held"), {"do": "enter", "instance": "i-0001"})
            for descriptor in descriptors:
                os.close(descriptor)
            unprivileged = how == "without-privilege" or os.geteuid() != 0
            assert len(descriptors) == (2 if unprivileged else 1)  # with a user namespace of its own, or not
            assert lab.exec("i-0001", ["true"]) == 0
        holder.kill()
        assert ended(pid)
    assert not (runtime / "keepapart" / "held.sock").exists()
