"""Hosts that are gateways, where ways vary, are longer than they need be, or rewrite the time-to-live."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campaign.kinds import parts
from campaign.kinds.kind import Chance, Word, kind
from campaign.world import Extra, Numbers, World
from keepapart.node.node import REWRITTEN


@kind(Word.SOUND)
def by_flow(chance: Chance, size: int) -> World:
    """Between each instance and its host are 0 to m gateways, at random for every flow."""
    most = int(chance.integers(1, 9))
    both = bool(chance.integers(2))

    def extra(draws: Chance, samples: int, n: int) -> Numbers:
        found: Numbers = draws.integers(0, most + 1, (samples, n, n))
        if both:
            found += draws.integers(0, most + 1, (samples, n, n))
        return found

    return replace(parts.plain(chance, size), gateways=extra)


@kind(Word.SOUND)
def some_by_flow(chance: Chance, size: int) -> World:
    """The same behind some hosts only, with up to 20; the others are steady."""
    world = parts.plain(chance, size)
    hosts = np.unique(world.cloud.host)
    chosen = chance.choice(hosts, max(1, int(len(hosts) * chance.choice([0.01, 0.2, 0.6]))), replace=False)
    most = np.where(np.isin(world.cloud.host, chosen), chance.integers(1, 21), 0)

    def extra(draws: Chance, samples: int, n: int) -> Numbers:
        found: Numbers = (draws.random((samples, n, n)) * (most[:, None] + 1)).astype(np.int64)
        return found

    return replace(world, gateways=extra)


@kind(Word.ASTRAY)
def rarely_short(chance: Chance, size: int) -> World:
    """Nearly every flow meets a gateway more, and so few of them the shortest path that none may show it."""
    share = float(10 ** -chance.uniform(0.3, 4))
    longer = int(chance.integers(1, 4))
    return replace(parts.plain(chance, size), gateways=_sometimes(1 - share, longer))


@kind(Word.SOUND)
def rarely_long(chance: Chance, size: int) -> World:
    """Few flows meet gateways more."""
    share = float(10 ** -chance.uniform(0.5, 4))
    return replace(parts.plain(chance, size), gateways=_sometimes(share, int(chance.integers(1, 4))))


@kind(Word.ASTRAY)
def by_address(chance: Chance, size: int) -> World:
    """The two addresses alone decide how many gateways all flows between them meet."""
    most = int(chance.integers(1, 5))
    fixed = chance.integers(0, most + 1, (size, size))
    share = float(chance.choice([1.0, 0.3]))
    fixed[chance.random((size, size)) >= share] = 0
    return replace(parts.plain(chance, size), gateways=lambda _draws, _samples, _n: fixed[None])


@kind(Word.SOUND)
def by_port(chance: Chance, size: int) -> World:
    """The addresses and the sender's port decide: eight flows of each way are one."""
    most = int(chance.integers(1, 5))
    fixed = chance.integers(0, most + 1, (8, size, size))
    met = iter(range(10**9))

    def extra(_draws: Chance, samples: int, _n: int) -> Numbers:
        return fixed[[next(met) % 8 for _ in range(samples)]]

    return replace(parts.plain(chance, size), gateways=extra)


@kind(Word.SOUND)
def multipath(chance: Chance, size: int) -> World:
    """Beyond the rack, flows are spread over spines of unlike length."""
    world = parts.plain(chance, size)
    far = ~np.equal.outer(world.cloud.rack, world.cloud.rack)
    spines = int(chance.integers(2, 9))
    return replace(world, gateways=lambda draws, samples, n: draws.integers(0, spines, (samples, n, n)) * far)


@kind(Word.SOUND)
def uneven(chance: Chance, size: int) -> World:
    """There and back differ: packets to an earlier rack take a detour."""
    world = parts.plain(chance, size)
    detour = int(chance.integers(1, 5)) * (world.cloud.rack[:, None] > world.cloud.rack[None, :])
    return replace(world, gateways=lambda _draws, _samples, _n: detour[None])


@kind(Word.SOUND)
def rewritten(chance: Chance, size: int) -> World:
    """Some racks' routers set the time-to-live, so that whatever passes them seems to begin there."""
    world = parts.plain(chance, size)
    racks = parts.some(chance, np.unique(world.cloud.rack).tolist())
    crossed = ~np.equal.outer(world.cloud.host, world.cloud.host) & np.isin(world.cloud.rack, racks)[None]
    left, value = int(chance.integers(2, 5)), int(chance.choice([60, 64, 65, 96, 128]))
    return replace(
        world,
        rewrite=lambda hops, began: np.where(
            crossed, np.where(began - value + left < 1, REWRITTEN, began - value + left), hops
        ),
    )


@kind(Word.SOUND)
def min_ttl(chance: Chance, size: int) -> World:
    """A firewall before some hosts raises a low time-to-live to 64; among two or three nothing shows it."""
    world = parts.plain(chance, size)
    hosts = parts.some(chance, np.unique(world.cloud.host).tolist())
    crossed = ~np.equal.outer(world.cloud.host, world.cloud.host) & np.isin(world.cloud.host, hosts)[None]
    return replace(
        world, rewrite=lambda hops, began: np.where(crossed & (began == 64), np.minimum(hops, 2), hops)
    )


def _sometimes(share: float, more: int) -> Extra:
    def extra(draws: Chance, samples: int, n: int) -> Numbers:
        return (draws.random((samples, n, n)) < share) * more

    return extra


@kind(Word.ASTRAY)
def tenants(chance: Chance, size: int) -> World:
    """What goes from a tenant to another goes by a firewall, within one host too."""
    world = parts.plain(chance, size)
    tenant = chance.integers(0, int(chance.integers(2, 4)), size)
    across = ~np.equal.outer(tenant, tenant)
    by_firewall = int(world.between.max(initial=3)) + int(chance.integers(0, 3))
    return replace(world, between=np.where(across, by_firewall, world.between))


@kind(Word.ASTRAY)
def everything_up(chance: Chance, size: int) -> World:
    """Some hosts send what their guests send each other up to the rack and back (VEPA)."""
    world = parts.plain(chance, size)
    hosts = parts.some(chance, np.unique(world.cloud.host).tolist())
    up = world.cloud.together & np.isin(world.cloud.host, hosts)
    return replace(world, between=np.where(up, 4, world.between))
