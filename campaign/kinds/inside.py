"""Routers within a host that several of its guests share, and hosts that route with two of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campaign.kinds import parts
from campaign.kinds.kind import Chance, Word, kind
from campaign.tree import Ground
from campaign.world import World

FLAGS = "flags\t\t: fpu vme de pse sse sse2 {}\n"


@kind(Word.SOUND)
def nested(chance: Chance, size: int) -> World:
    """Machines on some hosts route for containers, beside plain guests of the same host."""
    while True:
        ground = Ground.of(chance, max(size, 4))
        at = ground.at
        for host in parts.shared(ground):
            guests = ground.guests(host)
            inner = [ground.tree.router(ground.hosts[host]) for _ in range(int(chance.integers(1, 3)))]
            for who in parts.some(chance, guests[1:]):
                at[who] = int(chance.choice(inner))
        if parts.groups(at) > 2:  # of two, nothing tells a host from a rack
            return ground.world(at)


@kind(Word.ASTRAY)
def nested_alone(chance: Chance, size: int) -> World:
    """Machines on hosts route for containers, and on some hosts nobody is plain."""
    ground = Ground.of(chance, size)
    at = ground.at
    for host in parts.some(chance, sorted(ground.hosts)):
        inner = [ground.tree.router(ground.hosts[host]) for _ in range(int(chance.integers(1, 4)))]
        for who in ground.guests(host):
            at[who] = int(chance.choice(inner))
    return ground.world(at)


@kind(Word.ASTRAY)
def two_gateways(chance: Chance, size: int) -> World:
    """Every host has two gateways (VRFs, tenants' routers, network cards that route)."""
    ground = Ground.of(chance, size)
    second = {host: ground.tree.router(ground.racks[_rack(ground, host)]) for host in ground.hosts}
    at = [
        first if chance.random() < 0.5 else second[host]
        for first, host in zip(ground.at, ground.cloud.host.tolist(), strict=True)
    ]
    return ground.world(at)


@kind(Word.ASTRAY)
def of_two(chance: Chance, size: int) -> World:  # noqa: ARG001  # they are two
    """Two instances, one of them behind a gateway within the host, or by a port past it."""
    while True:
        ground = Ground.of(chance, 2, links=False)
        if parts.groups(ground.at) == 1:
            break
    host = ground.hosts[int(ground.cloud.host[0])]
    rack = ground.racks[int(ground.cloud.rack[0])]
    return ground.world([host, rack if chance.random() < 0.5 else ground.tree.router(host)])


@kind(Word.SOUND)
def pods(chance: Chance, size: int) -> World:
    """Virtual machines route for pods, and nodes tell their kernels: boot ids, and that they are virtual."""
    return _pods(chance, size, FLAGS.format("hypervisor"))


@kind(Word.SOUND)
def pods_on_metal(chance: Chance, size: int) -> World:
    """The hosts themselves route for pods, and their kernels show no hypervisor."""
    world = parts.plain(chance, size)
    guests = [
        {"boot_id": f"boot-{host}", "kernel": "shared", "cpuinfo": FLAGS.format("")}
        for host in world.cloud.host.tolist()
    ]
    return replace(world, guests=guests)


@kind(Word.FALSE)
def pods_silent(chance: Chance, size: int) -> World:
    """Virtual machines route for pods, and nodes tell nothing: what looks like a host is a machine."""
    return replace(_pods(chance, size, ""), guests=())


def _pods(chance: Chance, size: int, cpuinfo: str) -> World:
    """Put one to three machines on each host, which is a bridge, and every instance in one of them."""
    ground = Ground.of(chance, size)
    machines = {
        host: [
            ground.tree.router(ground.racks[_rack(ground, host)]) for _ in range(int(chance.integers(1, 4)))
        ]
        for host in ground.hosts
    }
    at = [int(chance.choice(machines[host])) for host in ground.cloud.host.tolist()]
    guests = [{"boot_id": f"boot-{node}", "kernel": "shared", "cpuinfo": cpuinfo} for node in at]
    return replace(ground.world(at), guests=guests)


def _rack(ground: Ground, host: int) -> int:
    return int(ground.cloud.rack[np.flatnonzero(ground.cloud.host == host)[0]])
