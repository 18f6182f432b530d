"""Hosts that are gateways, and addresses that lead to others than who is listed by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campaign.kinds import parts
from campaign.kinds.kind import Chance, Word, kind
from campaign.world import Mask, World


@kind(Word.SOUND)
def floating(chance: Chance, size: int) -> World:
    """Some are listed by addresses that the rack's router translates: packets to them go up and back."""
    return _floating(chance, parts.plain(chance, size), chance.random(size) < chance.uniform(0.1, 0.9))


@kind(Word.SOUND)
def floating_all(chance: Chance, size: int) -> World:
    """All are listed so."""
    return _floating(chance, parts.plain(chance, size), np.ones(size, np.bool_))


@kind(Word.SOUND)
def answered_for(chance: Chance, size: int) -> World:
    """Datagrams are filtered, and an edge router answers ladders in the name of some."""
    world = parts.plain(chance, size)
    who = chance.random(size) < chance.uniform(0.1, 0.9)
    edge = chance.integers(3, 7, size)  # hops to it
    between = np.where(who[None, :], edge[:, None], world.between)
    return replace(world, between=between, udp=False, answered_for=who, own=~who)


def _floating(chance: Chance, world: World, who: Mask) -> World:
    """Send all packets to these past a router that translates, at least two above their hosts."""
    up = int(chance.choice([4, 4, 5, 6]))
    between = np.where(who[None, :], np.maximum(world.between, up), world.between)
    return replace(world, between=between, own=~who)
