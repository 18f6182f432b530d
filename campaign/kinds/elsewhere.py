"""Networks whose routers are no hosts: switches, tenants' routers, hubs, platforms' fabrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campaign.kinds.kind import Chance, Word, kind
from campaign.tree import Tree
from campaign.world import Cloud, World
from keepapart.reach import Way

VRRP: Way = ("10.0.0.1", "00:00:5e:00:01:0a", "eth0", 1, "")
TUNNEL: Way = ("", "", "tun0", 65534, "tun")


@kind(Word.FALSE)
def flat(chance: Chance, size: int) -> World:
    """One segment, whatever the hosts."""
    return World(Cloud.of(chance, size), np.ones((size, size), np.int64))


@kind(Word.FALSE)
def vlans(chance: Chance, size: int) -> World:
    """Segments behind one router or, in racks, behind several; the hosts cut across them."""
    cloud = Cloud.of(chance, size)
    segment = chance.integers(0, max(2, size // 3), size)
    return World(cloud, np.where(np.equal.outer(segment, segment), 1, 2))


@kind(Word.FALSE)
def routers(chance: Chance, size: int) -> World:
    """Every instance alone in its VLAN, behind one of several routers on one link."""
    return _behind(chance, size, spine=False)


@kind(Word.FALSE)
def leaves(chance: Chance, size: int) -> World:
    """Leaf switches route, each for hosts of a rack, or each host is wired to two; a spine is above them."""
    return _behind(chance, size, spine=True)


@kind(Word.FALSE)
def leaf_routers_of_racks(chance: Chance, size: int) -> World:
    """Each rack's leaf routes for all its hosts: what looks like a host is a rack."""
    cloud, tree = Cloud.of(chance, size), Tree()
    spine = tree.router()
    leaf = {rack: tree.router(spine) for rack in set(cloud.rack.tolist())}
    return World(cloud, tree.hops([leaf[rack] for rack in cloud.rack.tolist()]))


@kind(Word.FALSE)
def virtual_routers(chance: Chance, size: int) -> World:
    """The same as leaves, and the first router's hardware address is one of VRRP's."""
    return replace(_behind(chance, size, spine=True), ways=[[VRRP]] * size)


@kind(Word.FALSE)
def pvlan(chance: Chance, size: int) -> World:
    """One private VLAN, or one router for a subnet each: everybody is two hops from everybody."""
    return World(Cloud.of(chance, size), np.full((size, size), 2))


@kind(Word.FALSE)
def hubs(chance: Chance, size: int) -> World:
    """Two hubs of a VPN, each member a spoke of one; what leads out is a tunnel."""
    return replace(_behind(chance, size, spine=False, most=2), ways=[[TUNNEL]] * size)


@kind(Word.FALSE)
def hetzner(chance: Chance, size: int) -> World:
    """Hetzner's private Network: all two hops apart, and machines show whose they are."""
    told = [{"maker": "Hetzner", "boot_id": f"boot-{n}", "kernel": "own"} for n in range(size)]
    return replace(pvlan(chance, size), guests=told)


@kind(Word.FALSE)
def hetzner_two(chance: Chance, size: int) -> World:
    """Two such Networks that a router joins."""
    told = [{"maker": "Hetzner", "boot_id": f"boot-{n}", "kernel": "own"} for n in range(size)]
    return replace(_behind(chance, size, spine=True, most=2), guests=told)


@kind(Word.FALSE)
def distributed(chance: Chance, size: int) -> World:
    """A router for each tenant, spread over all hosts (NSX, OVN, DVR) or on a node, and one above them."""
    return _behind(chance, size, spine=True)


@kind(Word.FALSE)
def distributed_tiers(chance: Chance, size: int) -> World:
    """Tenants' routers in two tiers."""
    cloud, tree = Cloud.of(chance, size), Tree()
    top = tree.router()
    above = [tree.router(top) for _ in range(int(chance.integers(1, 4)))]
    tenants = [tree.router(int(chance.choice(above))) for _ in range(max(2, size // 4))]
    return World(cloud, tree.hops([int(chance.choice(tenants)) for _ in range(size)]))


@kind(Word.FALSE)
def sites(chance: Chance, size: int) -> World:
    """A branch router at each site, wired to each other or by a router between them."""
    cloud, tree = Cloud.of(chance, size), Tree()
    top = tree.router() if chance.random() < 0.5 else tree.link()
    site = {zone: tree.router(top) for zone in set(cloud.zone.tolist())}
    return World(cloud, tree.hops([site[zone] for zone in cloud.zone.tolist()]))


def _behind(chance: Chance, size: int, *, spine: bool, most: int = 0) -> World:
    """Put every instance behind one of several routers that are no hosts."""
    cloud, tree = Cloud.of(chance, size), Tree()
    top = tree.router() if spine else tree.link()
    found = [tree.router(top) for _ in range(most or max(2, size // 4))]
    return World(cloud, tree.hops([int(chance.choice(found)) for _ in range(size)]))
