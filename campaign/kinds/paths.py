"""Hosts that are gateways, where ways vary, are longer than they need be, or rewrite the time-to-live."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campaign.kinds import parts
from campaign.kinds.kind import Chance, Word
from campaign.world import Extra, Numbers, World
from keepapart.node.node import REWRITTEN
from keepapart.probe.measured import PORTS, ports


@parts.twist(Word.SOUND)
def by_flow(chance: Chance, world: World) -> World:
    """Between each instance and its host are 0 to m gateways, at random for every flow."""
    most = int(chance.integers(1, 9))
    both = bool(chance.integers(2))

    def extra(draws: Chance, samples: Numbers, n: int) -> Numbers:
        found: Numbers = draws.integers(0, most + 1, (len(samples), n, n))
        if both:
            found += draws.integers(0, most + 1, (len(samples), n, n))
        return found

    return world.with_gateways(extra)


@parts.twist(Word.SOUND)
def some_by_flow(chance: Chance, world: World) -> World:
    """The same behind some hosts only, with up to 20; the others are steady."""
    hosts = np.unique(world.cloud.host)
    chosen = chance.choice(hosts, max(1, int(len(hosts) * chance.choice([0.01, 0.2, 0.6]))), replace=False)
    most = np.where(np.isin(world.cloud.host, chosen), chance.integers(1, 21), 0)

    def extra(draws: Chance, samples: Numbers, n: int) -> Numbers:
        found: Numbers = (draws.random((len(samples), n, n)) * (most[:, None] + 1)).astype(np.int64)
        return found

    return world.with_gateways(extra)


@parts.twist(Word.ASTRAY)
def rarely_short(chance: Chance, world: World) -> World:
    """Nearly every flow meets a gateway more, and so few of them the shortest path that none may show it."""
    share = float(10 ** -chance.uniform(0.3, 4))
    longer = int(chance.integers(1, 4))
    return world.with_gateways(_sometimes(1 - share, longer))


@parts.twist(Word.SOUND)
def rarely_long(chance: Chance, world: World) -> World:
    """Few flows meet gateways more."""
    share = float(10 ** -chance.uniform(0.5, 4))
    return world.with_gateways(_sometimes(share, int(chance.integers(1, 4))))


@parts.twist(Word.ASTRAY)
def by_address(chance: Chance, world: World) -> World:
    """The two addresses alone decide how many gateways all flows between them meet."""
    most = int(chance.integers(1, 5))
    fixed = chance.integers(0, most + 1, world.between.shape)
    share = float(chance.choice([1.0, 0.3]))
    fixed[chance.random(fixed.shape) >= share] = 0
    return world.with_gateways(lambda _draws, _samples, _n: fixed[None])


@parts.twist(Word.SOUND)
def by_source_port(chance: Chance, world: World) -> World:
    """The addresses and the sender's port decide: eight flows of each way are one."""
    return _by_port(chance, world, target=False)


@parts.twist(Word.SOUND)
def by_target_port(chance: Chance, world: World) -> World:
    """The addresses and the target's port decide."""
    return _by_port(chance, world, target=True)


@parts.twist(Word.SOUND)
def multipath(chance: Chance, world: World) -> World:
    """Beyond the rack, flows are spread over spines of unlike length."""
    far = ~np.equal.outer(world.cloud.rack, world.cloud.rack)
    spines = int(chance.integers(2, 9))
    return replace(
        world, gateways=lambda draws, samples, n: draws.integers(0, spines, (len(samples), n, n)) * far
    )


@parts.twist(Word.SOUND)
def uneven(chance: Chance, world: World) -> World:
    """There and back differ: packets to an earlier rack take a detour."""
    detour = int(chance.integers(1, 5)) * (world.cloud.rack[:, None] > world.cloud.rack[None, :])
    return world.with_gateways(lambda _draws, _samples, _n: detour[None])


@parts.twist(Word.SOUND)
def rewritten(chance: Chance, world: World) -> World:
    """Some racks' routers set the time-to-live, so that whatever passes them seems to begin there."""
    racks = parts.some(chance, np.unique(world.cloud.rack).tolist())
    crossed = ~np.equal.outer(world.cloud.host, world.cloud.host) & np.isin(world.cloud.rack, racks)[None]
    left, value = int(chance.integers(2, 5)), int(chance.choice([60, 64, 65, 96, 128]))
    return replace(
        world,
        rewrite=lambda hops, began: np.where(
            crossed, np.where(began - value + left < 1, REWRITTEN, began - value + left), hops
        ),
    )


@parts.twist(Word.SOUND)
def min_ttl(chance: Chance, world: World) -> World:
    """A firewall before some hosts raises a low time-to-live to 64: among two or three few ways show it."""
    hosts = parts.some(chance, np.unique(world.cloud.host).tolist())
    crossed = ~np.equal.outer(world.cloud.host, world.cloud.host) & np.isin(world.cloud.host, hosts)[None]
    return replace(
        world, rewrite=lambda hops, began: np.where(crossed & (began == 64), np.minimum(hops, 2), hops)
    )


def _by_port(chance: Chance, world: World, *, target: bool) -> World:
    size = world.cloud.size
    fixed = chance.integers(0, int(chance.integers(1, 5)) + 1, (PORTS, size, size))
    down = np.tri(size, k=-1, dtype=np.int64)  # to who stands before the sender it is the next socket
    rows, columns = np.ogrid[:size, :size]

    def extra(_draws: Chance, samples: Numbers, _n: int) -> Numbers:
        used = np.array([ports(number) for number in samples.tolist()])[:, int(target)]
        used = used[:, None, None] + (0 if target else down)
        found: Numbers = fixed[used % PORTS, rows, columns]
        return found

    return world.with_gateways(extra)


def _sometimes(share: float, more: int) -> Extra:
    def extra(draws: Chance, samples: Numbers, n: int) -> Numbers:
        return (draws.random((len(samples), n, n)) < share) * more

    return extra


@parts.twist(Word.ASTRAY)
def tenants(chance: Chance, world: World) -> World:
    """What goes from a tenant to another goes by a firewall, within one host too."""
    tenant = chance.integers(0, int(chance.integers(2, 4)), world.cloud.size)
    across = ~np.equal.outer(tenant, tenant)
    by_firewall = int(world.between.max(initial=3)) + int(chance.integers(0, 3))
    return replace(world, between=np.where(across, by_firewall, world.between))


@parts.twist(Word.ASTRAY)
def everything_up(chance: Chance, world: World) -> World:
    """Some hosts send what their guests send each other up to the rack and back (VEPA)."""
    hosts = parts.some(chance, np.unique(world.cloud.host).tolist())
    up = world.cloud.together & np.isin(world.cloud.host, hosts)
    return replace(world, between=np.where(up, 4, world.between))
