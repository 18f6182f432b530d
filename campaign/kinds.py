"""The kinds of network that the campaign draws worlds of. Each function draws one from chance and a size.

`SOUND` kinds are those on which no verdict may be wrong. `BLIND` ones look to hop counts exactly as a sound
network does, at least at times: what is wrong there is the measure of what keepapart can't see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from campaign.world import Cloud, Extra, Mask, Numbers, World

Chance = np.random.Generator
Kind = Callable[[Chance, int], World]


def routed(chance: Chance, size: int) -> World:
    """Every host its guests' gateway, nothing in between that varies."""
    cloud = Cloud.of(chance, size)
    return World(cloud, cloud.between(chance))


def asserted(chance: Chance, size: int) -> World:
    """The same, and the operator says so."""
    return replace(routed(chance, size), model="routed-host")


def lossy(chance: Chance, size: int) -> World:
    """5 to 60 % of all datagrams are lost."""
    return replace(routed(chance, size), loss=float(chance.uniform(0.05, 0.6)))


def gaps(chance: Chance, size: int) -> World:
    """Pairs between which nothing passes, or only one way, and instances without a way in."""
    deaf = chance.random((size, size)) < chance.uniform(0.02, 0.5)
    if chance.random() < 0.5:
        deaf |= deaf.T
    dead = tuple(np.flatnonzero(chance.random(size) < 0.1).tolist())
    return replace(routed(chance, size), deaf=deaf, dead=dead, loss=float(chance.choice([0, 0.2])))


def filtered(chance: Chance, size: int) -> World:
    """No datagram passes, but TCP or ICMP."""
    return replace(routed(chance, size), udp=False)


def moved(chance: Chance, size: int) -> World:
    """One instance in five, at most, migrates in the middle of a round."""
    world = routed(chance, size)
    host, rack, zone = (part.copy() for part in (world.cloud.host, world.cloud.rack, world.cloud.zone))
    for who in chance.choice(size, max(1, size // 5), replace=False).tolist():
        there = int(chance.integers(size))
        host[who], rack[who], zone[who] = host[there], rack[there], zone[there]
    cloud = Cloud(host, rack, zone)
    hops = world.between.copy()
    hops[:] = cloud.between(np.random.default_rng(0))  # the same fabric for both moments
    before = world.cloud.between(np.random.default_rng(0))
    return replace(world, between=before, moved_to=(cloud, hops), moved_at=int(chance.integers(1, 8)))


def flat(chance: Chance, size: int) -> World:
    """One segment, whatever the hosts; at times the operator is mistaken about it."""
    cloud = Cloud.of(chance, size)
    hops = np.ones((size, size), np.int64)
    return World(cloud, hops, model="routed-host" if chance.random() < 0.2 else "auto")


def vlans(chance: Chance, size: int) -> World:
    """Segments behind one router or, in racks, behind several; the hosts cut across them."""
    cloud = Cloud.of(chance, size)
    segment = chance.integers(0, max(2, size // 3), size)
    return World(cloud, np.where(np.equal.outer(segment, segment), 1, 2))


def by_flow(chance: Chance, size: int) -> World:
    """Between each instance and its host are 0 to m gateways, at random for every flow."""
    most = int(chance.integers(1, 9))
    both = bool(chance.integers(2))
    world = routed(chance, size)

    def extra(draws: Chance, samples: int, n: int) -> Numbers:
        found: Numbers = draws.integers(0, most + 1, (samples, n, n))
        if both:
            found += draws.integers(0, most + 1, (samples, n, n))
        return found

    return replace(world, gateways=extra)


def some_by_flow(chance: Chance, size: int) -> World:
    """The same behind some hosts only, with up to 20; the others are steady."""
    world = routed(chance, size)
    hosts = np.unique(world.cloud.host)
    chosen = chance.choice(hosts, max(1, int(len(hosts) * chance.choice([0.01, 0.2, 0.6]))), replace=False)
    most = np.where(np.isin(world.cloud.host, chosen), chance.integers(1, 21), 0)

    def extra(draws: Chance, samples: int, n: int) -> Numbers:
        found: Numbers = (draws.random((samples, n, n)) * (most[:, None] + 1)).astype(np.int64)
        return found

    return replace(world, gateways=extra)


def rarely_short(chance: Chance, size: int) -> World:
    """Nearly every flow meets a gateway more, and only few of them the shortest path."""
    share = float(10 ** -chance.uniform(0.3, 4))
    longer = int(chance.integers(1, 4))
    return replace(routed(chance, size), gateways=_sometimes(1 - share, longer))


def rarely_long(chance: Chance, size: int) -> World:
    """Few flows meet gateways more."""
    share = float(10 ** -chance.uniform(0.5, 4))
    return replace(routed(chance, size), gateways=_sometimes(share, int(chance.integers(1, 4))))


def by_address(chance: Chance, size: int) -> World:
    """The two addresses alone decide how many gateways all flows between them meet."""
    most = int(chance.integers(1, 5))
    fixed = chance.integers(0, most + 1, (size, size))
    share = float(chance.choice([1.0, 0.3]))
    fixed[chance.random((size, size)) >= share] = 0
    return replace(routed(chance, size), gateways=lambda _draws, _samples, _n: fixed[None])


def by_port(chance: Chance, size: int) -> World:
    """The addresses and the sender's port decide: eight flows of each way are one."""
    most = int(chance.integers(1, 5))
    fixed = chance.integers(0, most + 1, (8, size, size))
    met = iter(range(10**9))

    def extra(_draws: Chance, samples: int, _n: int) -> Numbers:
        return fixed[[next(met) % 8 for _ in range(samples)]]

    return replace(routed(chance, size), gateways=extra)


def multipath(chance: Chance, size: int) -> World:
    """Beyond the rack, flows are spread over spines of unlike length."""
    world = routed(chance, size)
    far = ~np.equal.outer(world.cloud.rack, world.cloud.rack)
    spines = int(chance.integers(2, 9))
    return replace(world, gateways=lambda draws, samples, n: draws.integers(0, spines, (samples, n, n)) * far)


def uneven(chance: Chance, size: int) -> World:
    """There and back differ: packets to an earlier rack take a detour."""
    world = routed(chance, size)
    detour = int(chance.integers(1, 5)) * (world.cloud.rack[:, None] > world.cloud.rack[None, :])
    return replace(world, gateways=lambda _draws, _samples, _n: detour[None])


def fixed(chance: Chance, size: int) -> World:
    """So many gateways between every instance and its host, always: no pair is ever at two hops."""
    return replace(routed(chance, size), gateways=_each(chance.integers(1, 4, size)))


def fixed_alike(chance: Chance, size: int) -> World:
    """The same, as many for everybody."""
    return replace(routed(chance, size), gateways=_each(np.full(size, chance.integers(1, 4))))


def rewritten(chance: Chance, size: int) -> World:
    """Some racks' routers set the time-to-live, so that whatever passes them seems to begin there."""
    world = routed(chance, size)
    sets = np.isin(world.cloud.rack, chance.choice(5, int(chance.integers(1, 5)), replace=False))
    apart = ~np.equal.outer(world.cloud.host, world.cloud.host)
    shown = int(chance.integers(2, 5))
    hops = np.where(apart & sets[None, :], shown, world.between)
    return replace(world, between=hops)


def stated(chance: Chance, size: int) -> World:
    """The platform states hosts or zones, truly, of some or all; the network is of any kind."""
    kinds: list[Kind] = [routed, flat, vlans, by_flow, fixed]
    world = kinds[int(chance.integers(len(kinds)))](chance, size)
    return replace(world, told=_facts(chance, world.cloud))


def mixed(chance: Chance, size: int) -> World:
    """Some hosts hide behind fixed gateways, the others don't."""
    world = routed(chance, size)
    hosts = np.unique(world.cloud.host)
    hidden = chance.choice(hosts, max(1, int(len(hosts) * chance.uniform(0.1, 0.9))), replace=False)
    deep = np.isin(world.cloud.host, hidden) * int(chance.integers(1, 4))
    return replace(world, gateways=_each(deep))


def some_hidden(chance: Chance, size: int) -> World:
    """Some instances have fixed gateways of their own, others on the same host have none."""
    own = chance.integers(1, 4, size) * (chance.random(size) < chance.uniform(0.1, 0.9))
    return replace(routed(chance, size), gateways=_each(own))


def routers(chance: Chance, size: int) -> World:
    """Every instance alone in its VLAN, behind one of several routers that are no hosts."""
    cloud = Cloud.of(chance, size)
    behind = chance.integers(0, max(2, size // 4), size)
    return World(cloud, np.where(np.equal.outer(behind, behind), 2, 3))


def lying(chance: Chance, size: int) -> World:
    """The platform states another host of some instances than they are on."""
    world = routed(chance, size)
    facts = [dict(fact) for fact in _facts(chance, world.cloud, whole=True)]
    for who in chance.choice(size, max(1, size // 6), replace=False).tolist():
        facts[who] = dict(facts[int(chance.integers(size))])
    return replace(world, told=facts)


SOUND: Mapping[str, Kind] = {
    kind.__name__.replace("_", " "): kind
    for kind in (
        routed, asserted, lossy, gaps, filtered, moved, flat, vlans, by_flow, some_by_flow, rarely_short,
        rarely_long, by_address, by_port, multipath, uneven, fixed, fixed_alike, rewritten, stated,
    )
}  # fmt: skip
BLIND: Mapping[str, Kind] = {
    kind.__name__.replace("_", " "): kind for kind in (mixed, some_hidden, routers, lying)
}


def _sometimes(share: float, more: int) -> Extra:
    def extra(draws: Chance, samples: int, n: int) -> Numbers:
        return (draws.random((samples, n, n)) < share) * more

    return extra


def _each(own: Numbers) -> Extra:
    both = (own[:, None] + own[None, :])[None]
    return lambda _draws, _samples, _n: both


def _facts(chance: Chance, cloud: Cloud, *, whole: bool = False) -> list[dict[str, str]]:
    """State a host or a zone of everybody, or of some."""
    name, where = ("host", cloud.host) if whole or chance.random() < 0.6 else ("zone", cloud.zone)
    said: Mask = chance.random(cloud.size) < (1.0 if whole else chance.choice([1.0, 0.5]))
    return [{name: f"{name}-{at}"} if known else {} for at, known in zip(where.tolist(), said, strict=True)]
