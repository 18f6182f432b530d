"""Members that pass their host by ports of their own (SR-IOV, passthrough, macvtap), beside plain ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from campaign.kinds import parts
from campaign.kinds.elsewhere import VRRP
from campaign.kinds.kind import Chance, Word, kind
from campaign.kinds.told import CALICO
from campaign.tree import Ground
from campaign.world import World


@kind(Word.SOUND)
def port(chance: Chance, size: int) -> World:
    """One member has a port that ends at its rack's router, past its host."""
    return _ported(chance, size, 1)


@kind(Word.SOUND)
def ports(chance: Chance, size: int) -> World:
    """Several have such ports; where those of two hosts end, a plain guest below shows what that is."""
    return _ported(chance, max(size, 6), int(chance.integers(2, max(3, size // 2))), alone=False)


@kind(Word.ASTRAY)
def ports_alone(chance: Chance, size: int) -> World:
    """The same of ten at most, and somewhere no plain guest is below: the rack's router is as any host."""
    return _ported(chance, min(max(size, 6), 10), int(chance.integers(3, 6)), alone=True)


@kind(Word.ASTRAY)
def port_at_the_spine(chance: Chance, size: int) -> World:
    """One member's port ends at the router above the racks: it may be as far as a host of another rack is."""
    return _ported(chance, size, 1, spine=True)


@kind(Word.ASTRAY)
def ports_at_the_spine(chance: Chance, size: int) -> World:
    """Several members' ports end there: they are two hops from each other, whatever their hosts."""
    return _ported(chance, max(size, 6), int(chance.integers(2, max(3, size // 2))), spine=True)


@kind(Word.ASTRAY)
def port_on_a_link(chance: Chance, size: int) -> World:
    """One member's port ends on the link that hosts share: it is two hops from whoever is alone there."""
    return _ported(chance, size, 1, links=True)


@kind(Word.FALSE)
def brownfield(chance: Chance, size: int) -> World:
    """Some hosts are gateways; others are bridges, whose guests the rack's router routes."""
    return _bridged(chance, size)[0]


@kind(Word.FALSE)
def brownfield_seen(chance: Chance, size: int) -> World:
    """The same, and racks' routers show their guests a virtual router's hardware address, hosts Calico's."""
    world, bridged = _bridged(chance, size)
    return replace(world, ways=[[VRRP if one else CALICO] for one in bridged])


def _bridged(chance: Chance, size: int) -> tuple[World, list[bool]]:
    """Make bridges of some hosts; return the world, and who is on one."""
    ground = Ground.of(chance, size, links=False)
    at = ground.at
    for host in parts.some(chance, sorted(ground.hosts)):
        for who in ground.guests(host):
            at[who] = ground.racks[int(ground.cloud.rack[who])]
    return ground.world(at), [a != b for a, b in zip(at, ground.at, strict=True)]


def _ported(
    chance: Chance,
    size: int,
    number: int,
    *,
    spine: bool = False,
    links: bool = False,
    alone: bool | None = None,
) -> World:
    """Draw such a world; if `alone` is said, one in which some ports are, or none (`_alone`)."""
    while True:
        ground = Ground.of(chance, max(size, 3), links=links)
        at = ground.at
        for who in chance.choice(len(at), number, replace=False).tolist():
            at[who] = ground.top if spine else ground.racks[int(ground.cloud.rack[who])]
        if alone is not None and _alone(ground, at) is not alone:
            continue
        if number == 1 or parts.groups(at) > 2:  # of two, nothing tells a host from a rack
            return ground.world(at)


def _alone(ground: Ground, at: Sequence[int]) -> bool:
    """Say whether ports of two hosts end at a router below which no plain guest is."""
    hosts, racks = ground.cloud.host.tolist(), ground.cloud.rack.tolist()
    plain = {rack for rack, host, where in zip(racks, hosts, at, strict=True) if where == ground.hosts[host]}
    ported = {
        (rack, host)
        for rack, host, where in zip(racks, hosts, at, strict=True)
        if where != ground.hosts[host]
    }
    return any(count > 1 and rack not in plain for rack, count in Counter(r for r, _ in ported).items())
