"""Hosts that are gateways, some of whose guests hide behind gateways of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campaign.kinds import parts
from campaign.kinds.kind import Chance, Word, kind
from campaign.tree import Tree
from campaign.world import Cloud, World


@kind(Word.SOUND)
def hides_one(chance: Chance, size: int) -> World:
    """One instance is behind a gateway of its own; others are plain, two hosts of them with two or more."""
    world = _shown(chance, max(size, 5))
    own = np.zeros(world.cloud.size, np.int64)
    own[-1] = 1
    return replace(world, gateways=parts.each(own))


@kind(Word.SOUND)
def hides_some(chance: Chance, size: int) -> World:
    """The same of several instances."""
    world = _shown(chance, max(size, 6))
    own = np.zeros(world.cloud.size, np.int64)
    own[4:] = chance.random(world.cloud.size - 4) < 0.5
    return replace(world, gateways=parts.each(own))


@kind(Word.SOUND)
def hides_with_gaps(chance: Chance, size: int) -> World:
    """The same, and nothing passes between some pairs, both ways or only one."""
    world = hides_some(chance, size)
    return replace(world, deaf=parts.gaps(chance, world.cloud.size))


@kind(Word.SOUND)
def hides_with_filter(chance: Chance, size: int) -> World:
    """Of one host alone some are plain and some hide, and a filter divides the plain ones."""
    size = max(size, 4)
    cloud = Cloud(*np.zeros((3, size), np.int64))
    own = np.zeros(size, np.int64)
    own[3:] = chance.random(size - 3) < 0.5
    group = np.where(own == 0, chance.integers(0, 2, size), 2)
    deaf = (group[:, None] + group) == 1
    return World(cloud, np.full((size, size), 2), parts.each(own), deaf=deaf)


@kind(Word.ASTRAY)
def hides_all(chance: Chance, size: int) -> World:
    """Everybody is behind one to three gateways of its own, always: no pair is ever at two hops."""
    own = chance.integers(1, 4, size)
    return replace(parts.plain(chance, size), gateways=parts.each(own))


@kind(Word.ASTRAY)
def hides_alike(chance: Chance, size: int) -> World:
    """The same, as many for everybody."""
    own = np.full(size, chance.integers(1, 4))
    return replace(parts.plain(chance, size), gateways=parts.each(own))


@kind(Word.ASTRAY)
def mixed(chance: Chance, size: int) -> World:
    """All guests of some hosts hide behind one to three gateways each, the others don't."""
    world = parts.plain(chance, size)
    hosts = parts.some(chance, np.unique(world.cloud.host).tolist())
    deep = np.isin(world.cloud.host, hosts) * int(chance.integers(1, 4))
    return replace(world, gateways=parts.each(deep))


@kind(Word.ASTRAY)
def some_hidden(chance: Chance, size: int) -> World:
    """Some instances have one to three gateways of their own, others on the same host have none."""
    own = chance.integers(1, 4, size) * (chance.random(size) < chance.uniform(0.1, 0.9))
    return replace(parts.plain(chance, size), gateways=parts.each(own))


@kind(Word.ASTRAY)
def own_two(chance: Chance, size: int) -> World:
    """All are on one host, and one or two of them behind two gateways of their own."""
    size = max(size, 3)
    own = np.zeros(size, np.int64)
    own[-int(chance.integers(1, 1 + min(2, size - 2))) :] = 2
    return World(Cloud(*np.zeros((3, size), np.int64)), np.full((size, size), 2), parts.each(own))


@kind(Word.ASTRAY)
def wired_racks(chance: Chance, size: int) -> World:
    """Racks are wired to each other; one host shows itself, in another rack two of one host hide."""
    size, tree = max(size, 5), Tree()
    top = tree.link()
    racks = [tree.router(top), tree.router(top)]
    host = np.array([0, 0, 1, 2, 2, *chance.integers(3, 3 + size, size - 5)])
    rack = np.array([0, 0, 0, 1, 1, *host[5:] % 2])
    above = {h: tree.router(racks[r]) for h, r in zip(host.tolist(), rack.tolist(), strict=True)}
    own = np.zeros(size, np.int64)
    own[3:5] = 1
    hops = tree.hops([above[h] for h in host.tolist()])
    return World(Cloud(host, rack, np.zeros(size, np.int64)), hops, parts.each(own))


def _shown(chance: Chance, size: int) -> World:
    """Return a plain world in which two hosts have two guests each, the first four."""
    cloud = Cloud.of(chance, size)
    host = cloud.host.copy()
    host[1] = host[0]
    host[2:4] = int(host.max()) + 1
    rack = cloud.rack.copy()
    rack[1] = rack[0]
    rack[2:4] = rack[2]
    zone = np.where(
        np.arange(size) == 1, cloud.zone[0], np.where(np.arange(size) == 3, cloud.zone[2], cloud.zone)
    )
    placed = Cloud(host, rack, zone)
    return World(placed, placed.between(chance))
