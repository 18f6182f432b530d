"""Hosts that are gateways, and packets that are lost, filtered, or sent while something moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campaign.kinds import parts
from campaign.kinds.kind import Chance, Word, kind
from campaign.world import Cloud, World


@kind(Word.SOUND)
def routed(chance: Chance, size: int) -> World:
    """Every host its guests' gateway, nothing in between that varies."""
    return parts.plain(chance, size)


@parts.twist(Word.SOUND)
def lossy(chance: Chance, world: World) -> World:
    """5 to 60 % of all datagrams are lost."""
    return replace(world, loss=float(chance.uniform(0.05, 0.6)))


@parts.twist(Word.SOUND)
def gaps(chance: Chance, world: World) -> World:
    """Pairs between which nothing passes, or only one way, and instances without a way in."""
    dead = tuple(np.flatnonzero(chance.random(world.cloud.size) < 0.1).tolist())
    world = world.with_deaf(parts.gaps(chance, world.cloud.size))
    return replace(world, dead=dead, loss=float(chance.choice([0, 0.2])))


@parts.twist(Word.SOUND)
def one_way(chance: Chance, world: World) -> World:
    """Between guests of one host packets pass one way only, or from some instances to nobody."""
    if chance.random() < 0.5:
        deaf = world.cloud.together & np.tri(world.cloud.size, dtype=np.bool_)
    else:
        deaf = np.zeros((world.cloud.size, world.cloud.size), np.bool_)
        deaf[parts.some(chance, range(world.cloud.size), 0.0, 0.3)] = True
    return world.with_deaf(deaf)


@parts.twist(Word.SOUND)
def security_groups(chance: Chance, world: World) -> World:
    """Nothing passes between groups of instances, which cut across hosts."""
    group = chance.integers(0, int(chance.integers(2, 5)), world.cloud.size)
    return world.with_deaf(~np.equal.outer(group, group))


@parts.twist(Word.SOUND)
def filtered(_chance: Chance, world: World) -> World:
    """No datagram passes, but TCP or ICMP."""
    return replace(world, udp=False)


@kind(Word.SOUND)
def moved(chance: Chance, size: int) -> World:
    """One instance in five, at most, migrates in the middle of a round."""
    world = parts.plain(chance, size)
    host, rack, zone = (part.copy() for part in (world.cloud.host, world.cloud.rack, world.cloud.zone))
    for who in chance.choice(size, max(1, size // 5), replace=False).tolist():
        there = int(chance.integers(size))
        host[who], rack[who], zone[who] = host[there], rack[there], zone[there]
    cloud = Cloud(host, rack, zone)
    before, after = (moment.between(np.random.default_rng(0)) for moment in (world.cloud, cloud))
    return replace(world, between=before, moved_to=(cloud, after), moved_at=int(chance.integers(1, 8)))
