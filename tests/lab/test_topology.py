"""Addresses and distances that follow from a place."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from keepapart.lab.world.distance import hops
from keepapart.lab.world.network import FLAT, ROUTED_HOST, VLANS, Family, Kind, Network
from keepapart.lab.world.topology import Host, Place, Topology
from keepapart.lab.world.world import Rack, World

kinds = st.sampled_from([ROUTED_HOST, FLAT, VLANS])
families = st.sampled_from(["ipv4", "ipv6"])


def topology(kind: Kind, family: Family = "ipv4", vlans: int = 2) -> Topology:
    """Return the topology of three unequal racks."""
    racks = (Rack("a", 2, 4), Rack("b", 3, 126), Rack("c", 1, 1))
    return Topology(World("w", racks, Network(kind=kind, family=family, vlans=vlans)))


def every_place(of: Topology) -> list[Place]:
    """Fill every slot, in order."""
    slots = [(host, slot) for host in of.hosts() for slot in range(of.capacity(host))]
    return [Place(host, slot, of.vlan(turn)) for turn, (host, slot) in enumerate(slots)]


@given(kinds, families, st.integers(1, 200))
def test_addresses_are_unique_in_a_full_world(kind: Kind, family: Family, vlans: int) -> None:
    """No two places share an address, and none has a gateway's."""
    a_topology = topology(kind, family, vlans)
    places = every_place(a_topology)
    addresses = {a_topology.address(place) for place in places}
    assert len(addresses) == len(places)
    if kind != FLAT:
        assert addresses.isdisjoint({a_topology.gateway(place) for place in places})


@given(families)
def test_a_guest_shares_its_link_with_its_gateway_alone(family: Family) -> None:
    """Behind a routed host, guest and gateway are one subnet, within the host's prefix, within the rack's."""
    a_topology = topology(ROUTED_HOST, family)
    for place in every_place(a_topology):
        address = a_topology.address(place)
        link = ip_network(f"{address}/{a_topology.prefix('link')}", strict=False)
        assert link.num_addresses == 2
        assert ip_address(a_topology.gateway(place)) in link
        for level, base in (
            ("host", a_topology.at(place.host.rack, place.host.number, 0)),
            ("rack", a_topology.at(place.host.rack, 0, 0)),
        ):
            assert ip_address(address) in ip_network(f"{base}/{a_topology.prefix(level)}")


def test_routed_hosts_are_two_four_and_six_hops_apart() -> None:
    """Hops are routers between + 1: one host, one rack, beyond."""
    places = [Place(Host(1, 1), 0), Place(Host(1, 1), 1), Place(Host(1, 2), 0), Place(Host(2, 1), 0)]
    assert hops(topology(ROUTED_HOST), places).tolist() == [
        [0, 2, 4, 6],
        [2, 0, 4, 6],
        [4, 4, 0, 6],
        [6, 6, 6, 0],
    ]


def test_racks_of_one_pod_are_six_hops_apart_and_pods_eight() -> None:
    """A pod's router adds one on the way out of it and one on the way in."""
    racks = (Rack("a", pod="p"), Rack("b", pod="p"), Rack("c", pod="q"), Rack("d"))
    places = [Place(Host(rack, 1), 0) for rack in (1, 2, 3, 4)]
    assert hops(Topology(World("w", racks)), places).tolist() == [
        [0, 6, 8, 7],
        [6, 0, 8, 7],
        [8, 8, 0, 7],
        [7, 7, 7, 0],
    ]


def test_segments_say_nothing_of_hosts() -> None:
    """A flat segment is one hop wide; VLANs are two hops apart even on one host."""
    places = [Place(Host(1, 1), 0, 1), Place(Host(1, 1), 1, 2), Place(Host(2, 1), 0, 1)]
    assert hops(topology(FLAT), places).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert hops(topology(VLANS), places).tolist() == [[0, 2, 1], [2, 0, 2], [1, 2, 0]]


@given(kinds, st.lists(st.none() | st.integers(0, 386), max_size=12))
def test_hops_are_symmetric_and_absent_for_the_dead(kind: Kind, seats: list[int | None]) -> None:
    """Counts are the same both ways, and 0 exactly for the dead and an instance with itself."""
    a_topology = topology(kind)
    every = every_place(a_topology)
    places = [None if seat is None else every[seat] for seat in seats]
    counts = hops(a_topology, places)
    assert (counts == counts.T).all()
    for row, one in enumerate(places):
        for column, other in enumerate(places):
            assert (counts[row, column] == 0) == (one is None or other is None or row == column)
