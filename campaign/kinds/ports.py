"""Members that pass their host by ports of their own (SR-IOV, passthrough, macvtap), beside plain ones."""

from __future__ import annotations

from campaign.kinds import parts
from campaign.kinds.kind import Chance, Word, kind
from campaign.tree import Ground
from campaign.world import World


@kind(Word.SOUND)
def port(chance: Chance, size: int) -> World:
    """One member has a port that ends at its rack's router, past its host."""
    return _ported(chance, size, 1)


@kind(Word.SOUND)
def ports(chance: Chance, size: int) -> World:
    """Several members have such ports."""
    return _ported(chance, max(size, 6), int(chance.integers(2, max(3, size // 2))))


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
    ground = Ground.of(chance, size, links=False)
    at = ground.at
    for host in parts.some(chance, sorted(ground.hosts)):
        for who in ground.guests(host):
            at[who] = ground.racks[int(ground.cloud.rack[who])]
    return ground.world(at)


def _ported(chance: Chance, size: int, number: int, *, spine: bool = False, links: bool = False) -> World:
    while True:
        ground = Ground.of(chance, max(size, 3), links=links)
        at = ground.at
        for who in chance.choice(len(at), number, replace=False).tolist():
            at[who] = ground.top if spine else ground.racks[int(ground.cloud.rack[who])]
        if number == 1 or parts.groups(at) > 2:  # of two, nothing tells a host from a rack
            return ground.world(at)
