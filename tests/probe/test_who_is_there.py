"""Who is at an address: whether a round measured the instance itself, in real namespaces."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import numpy as np
import pytest

from keepapart.model import Instance
from keepapart.probe.measured import BY, ELSEWHERE, NOTHING_ARRIVED, Round
from tests.measuring import one_round
from tests.networks import build
from tests.networks.build import Network

pytestmark = pytest.mark.skipif(
    bool(build.possible()) or not shutil.which("nft"), reason=build.possible() or "nftables is not installed"
)


@pytest.fixture
def net() -> Iterator[Network]:
    """Return two hosts with two guests each."""
    with build.network() as made:
        yield build.routed(made, racks=1, hosts=2, guests=2)


def survey(net: Network, **ways_in: str) -> Round:
    """Run one round; `ways_in` lead to another namespace than the instance's own, by number (a, b, …)."""
    inside = {"abcd"[number]: name for number, name in enumerate(net.guests)}
    instances = [
        Instance(name, net.guests[inside[name]], f"netns:{ways_in.get(name, inside[name])}")
        for name in inside
    ]
    return one_round(instances)


def floating(net: Network, number: int, address: str) -> None:
    """List a guest by an address that its rack's router translates to its own."""
    name = list(net.guests)[number]
    rules = f"""table ip floating{number} {{
        chain in {{
            type nat hook prerouting priority dstnat; ip daddr {address} dnat to {net.guests[name]}
        }}
        chain out {{
            type nat hook postrouting priority srcnat; ip saddr {net.guests[name]} snat to {address}
        }}
    }}"""
    build.nft(f"{net.prefix}r0", rules)
    net.guests[name] = address


def test_everybody_is_at_their_address(net: Network) -> None:
    """On a plain network all that was sent arrived, on machines that have their addresses."""
    found = survey(net)
    assert found.extras
    assert not found.lost
    assert (found.tally.arrived == (found.tally.way > 0)).all()
    assert (found.tally.way > 0).sum() == 12
    assert found.tally.at_address.all()
    assert list(found.extras.own_address) == [True] * 4


def test_a_way_in_to_a_machine_that_is_no_member_takes_no_part(net: Network) -> None:
    """What is sent to its address goes where no node is: nothing that it sent or told is its own."""
    stranger = net.guest(f"{net.prefix}r0h1", "stranger", "10.0.1.128")
    del net.guests[stranger]
    found = survey(net, a=stranger)
    assert found.lost == {"a": ELSEWHERE}
    assert not found.tally.way[0].any()
    assert not found.tally.way[:, 0].any()
    assert (found.tally.way[1:, 1:] > 0).sum() == 6
    assert found.extras
    assert list(found.extras.own_address) == [False, True, True, True]
    assert found.extras.firsts[0] == ""
    assert found.extras.routes[0] == ()
    assert all(0 not in (trace.sender, trace.target) for trace in found.extras.traces)


def test_two_ways_in_to_one_member_s_machine_are_one_member(net: Network) -> None:
    """A copied line of ssh_config: only the one whose address it is took part."""
    found = survey(net, a=list(net.guests)[3])
    assert found.lost == {"a": ELSEWHERE}
    assert list(found.tally.at_address) == [False, True, True, True]


def test_whoever_only_sends_took_no_part(net: Network) -> None:
    """Where nothing comes in to an instance, what it sent is no count of it, though it is who it says."""
    guest, host = next(iter(net.host_of.items()))
    address = net.guests[guest]
    build.nft(
        host,
        f"table ip f {{\nchain f {{\ntype filter hook forward priority 0; ip daddr {address} drop\n}}\n}}",
    )
    found = survey(net)
    assert found.lost == {"a": ELSEWHERE}
    assert not found.tally.way[0].any()
    assert found.extras
    assert found.extras.own_address[0] is True


def test_one_way_between_two_is_told_from_both(net: Network) -> None:
    """Where one way between two is closed, both take part, and it shows which way was heard."""
    guest, host = next(iter(net.host_of.items()))
    (a, _, c, _) = net.guests.values()
    rule = f"type filter hook forward priority 0; ip saddr {c} ip daddr {a} drop"
    build.nft(host, f"table ip f {{\nchain f {{\n{rule}\n}}\n}}")
    found = survey(net)
    assert not found.lost
    assert (found.tally.arrived[0, 2], found.tally.arrived[2, 0]) == (1, 0)
    assert (found.tally.way[0, 2], found.tally.way[2, 0]) == (4, 0)
    assert guest in net.guests


def test_a_translated_address_is_not_the_machine_s_own(net: Network) -> None:
    """What is sent to it arrives, by way of who translates it: that is told, and it took part."""
    floating(net, 0, "192.0.2.10")
    floating(net, 1, "192.0.2.11")
    found = survey(net)
    assert not found.lost
    assert found.tally.at_address.all()
    assert found.extras
    assert list(found.extras.own_address) == [False, False, True, True]
    assert found.tally.least[0, 1] == 4  # up to the rack's router and back, on one host


def test_whoever_is_answered_for_is_not_there(net: Network) -> None:
    """UDP is filtered and an edge router answers pings itself: what it answered says nothing of anybody."""
    build.filtered(net, "meta l4proto udp drop")
    edge = f"{net.prefix}r0"
    for number, name in enumerate(list(net.guests)[:2]):
        net.guests[name] = f"192.0.2.1{number}"
        net.inside(edge, f"addr add {net.guests[name]}/32 dev lo")
    found = survey(net)
    assert found.lost == {"a": ELSEWHERE, "b": ELSEWHERE}
    assert found.tally.way[2:, 2:].any()
    assert not found.tally.way[:2].any()
    assert not found.tally.way[:, :2].any()


def test_an_answer_in_its_name_is_not_confirmed(net: Network) -> None:
    """An instance has its address, and to some a nearer machine answers for it: they have not met it."""
    build.filtered(net, "meta l4proto udp drop")
    a = next(iter(net.guests.values()))
    net.inside(f"{net.prefix}r0h1", f"addr add {a}/32 dev lo")
    found = survey(net)
    assert not found.lost
    assert found.tally.way[2:, 0].tolist() == [1, 1]  # c and d hear their own host
    assert found.tally.arrived[1:, 0].tolist() == [0, 0, 0]
    assert found.tally.arrived[0, 1] == 1
    assert not found.tally.at_address[0]


def test_nobody_is_at_an_address_that_nothing_passes_to(net: Network) -> None:
    """All is filtered: nobody took part, and what they told of their machines is still theirs."""
    build.filtered(net, "drop")
    found = survey(net)
    assert set(found.lost.values()) == {NOTHING_ARRIVED}
    assert found.extras
    assert list(found.extras.own_address) == [True] * 4


def test_pings_that_arrive_are_confirmed_both_ways(net: Network) -> None:
    """By ICMP alone everybody takes part as by datagrams."""
    build.filtered(net, "meta l4proto udp drop")
    found = survey(net)
    assert not found.lost
    assert (found.tally.arrived == (found.tally.way > 0)).all()
    assert (found.tally.by[found.tally.flows > 0] == BY.index("icmp")).all()


def test_a_rewritten_beginning_shows_by_what_datagrams_began_with(net: Network) -> None:
    """A firewall that lifts the time-to-live to 64 at least makes shorter only what began with no more."""
    rule = "type filter hook prerouting priority mangle; ip ttl < 64 ip ttl set 64"
    build.nft(f"{net.prefix}r0", f"table ip scrub {{\nchain in {{\n{rule}\n}}\n}}")
    tally = survey(net).tally
    short, long = tally.least_of
    assert (long[:2, 2:] == 4).all()
    assert (short[:2, 2:] == 3).all()
    assert (tally.way == np.minimum(short, long)).all()
    assert (short[0, 1], long[0, 1]) == (2, 2)
    assert (tally.shown(slice(2))[:, 2:] == tally.flows[:2, 2:] // 2).all()
