"""Hosts that are gateways, and addresses that lead to others than who is listed by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campaign.kinds import parts
from campaign.kinds.kind import Chance, Word
from campaign.world import Mask, World


@parts.twist(Word.SOUND)
def floating(chance: Chance, world: World) -> World:
    """Some are listed by addresses that the rack's router translates: packets to them go up and back."""
    return _floating(chance, world, chance.random(world.cloud.size) < chance.uniform(0.1, 0.9))


@parts.twist(Word.SOUND)
def floating_all(chance: Chance, world: World) -> World:
    """All are listed so."""
    return _floating(chance, world, np.ones(world.cloud.size, np.bool_))


@parts.twist(Word.SOUND)
def answered_for(chance: Chance, world: World) -> World:
    """Datagrams are filtered, and an edge router answers ladders in the name of some."""
    who = chance.random(world.cloud.size) < chance.uniform(0.1, 0.9)
    edge = chance.integers(3, 7, world.cloud.size)  # hops to it
    between = np.where(who[None, :], edge[:, None], world.between)
    return replace(world, between=between, udp=False, answered_for=who, own=_own(world, who))


def _floating(chance: Chance, world: World, who: Mask) -> World:
    """Send all packets to these past a router that translates, at least two above their hosts."""
    up = int(chance.choice([4, 4, 5, 6]))
    between = np.where(who[None, :], np.maximum(world.between, up), world.between)
    return replace(world, between=between, own=_own(world, who))


def _own(world: World, others: Mask) -> Mask:
    """Say whose address is its own where that of these isn't."""
    return ~others if world.own is None else world.own & ~others
