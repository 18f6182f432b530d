"""What a round gathers beside counts: from real nodes, through pipes and in namespaces, to the verdict."""

from __future__ import annotations

import ast
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files

import numpy as np
import pytest

from keepapart.auditing.assess import Audit, assess
from keepapart.model import Instance, Says, Strength, Verdict
from keepapart.probe.measured import Extras, Round, Route, Trace
from keepapart.reach.bootstrap import NODE, node_source
from keepapart.settings import ClusterSettings
from tests.measuring import one_round
from tests.networks import build
from tests.networks.build import Network

namespaces = pytest.mark.skipif(bool(build.possible()), reason=build.possible())
WEAK, STRONG, CONCLUSIVE = Strength


@pytest.fixture
def net() -> Iterator[Network]:
    """Return an empty network."""
    with build.network() as made:
        yield made


def survey(instances: Sequence[Instance]) -> Round:
    """Run one round."""
    return one_round(instances)


def inside(net: Network) -> list[Instance]:
    """Return the guests of a network as instances."""
    return [Instance(name, address, f"netns:{name}") for name, address in net.guests.items()]


def audit(net: Network) -> Audit:
    """Measure and judge a network."""
    instances = inside(net)
    return assess(instances, survey(instances), cluster=ClusterSettings("others"), model="routed-host")


def one_address_a_host(net: Network) -> None:
    """Have each host answer all of its guests from one address."""
    for number, host in enumerate(sorted(set(net.host_of.values()))):
        net.inside(host, f"addr add 10.200.{number}.1/32 dev lo")
        for name, address in net.guests.items():
            if net.host_of[name] == host:
                shown = subprocess.run(
                    ["ip", "-n", host, "-o", "route", "get", address],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout.split()
                device = shown[shown.index("dev") + 1]
                net.inside(host, f"route add {address}/32 dev {device} src 10.200.{number}.1")
    for r in range(2):  # and each rack router from one address too
        rack = f"{net.prefix}r{r}"
        net.inside(rack, f"addr add 10.201.{r}.1/32 dev lo")
        routes = subprocess.run(
            ["ip", "-n", rack, "route", "show"], capture_output=True, text=True, check=True
        )
        for route in routes.stdout.splitlines():
            if " via " in route:
                net.inside(rack, f"route change {route.strip()} src 10.201.{r}.1")


def test_children_tell_of_one_kernel_and_so_of_nothing() -> None:
    """Nodes that are processes of one machine tell its facts, and no evidence comes of them."""
    instances = [Instance("a", "127.0.0.1", "local"), Instance("b", "127.0.0.1", "local")]
    measured = survey(instances)
    assert measured.extras
    assert [bool(told.get("boot_id")) for told in measured.extras.guests] == [True, True]
    found = assess(instances, measured, cluster=ClusterSettings("c"), model="auto")
    assert found.pair("a", "b").verdict is Verdict.UNKNOWN
    assert [e.signal for e in found.pair("a", "b").evidence] == []


def test_children_time_their_round_trips() -> None:
    """Nodes behind pipes answer each other: every pair of seven has a least time, the same both ways."""
    measured = survey([Instance(name, "127.0.0.1", "local") for name in "abcdefg"])
    assert measured.extras
    times = measured.extras.times
    assert times is not None
    assert (times == times.T).all()
    assert (times[~np.eye(7, dtype=bool)] > 0).all()
    assert times.max() < 0.05
    assert not times.diagonal().any()


@namespaces
def test_gateways_of_one_address_each_are_evidence(net: Network) -> None:
    """Where each host answers from one address, it is strong evidence beside hops, and agrees with them."""
    build.routed(net, racks=2, hosts=2, guests=2)
    one_address_a_host(net)
    found = audit(net)
    assert found.round.extras
    assert len(set(found.round.extras.firsts)) == 4
    names = list(net.guests)
    pair = found.pair(names[0], names[1])
    assert {(e.signal, e.says, e.strength) for e in pair.evidence} == {
        ("hops", Says.SAME, STRONG),
        ("gateway", Says.SAME, STRONG),
    }
    others = found.pair(names[2], names[3]).evidence
    assert ("last router", Says.SAME, WEAK) in {(e.signal, e.says, e.strength) for e in others}
    assert {e.signal for e in found.pair(names[0], names[4]).evidence} == {"hops", "upstream"}


@namespaces
def test_a_gateway_speaks_where_no_packet_passes(net: Network) -> None:
    """Two guests that a filter keeps from each other are co-resident by their gateway alone."""
    build.routed(net, racks=2, hosts=3, guests=2)
    one_address_a_host(net)
    a, b = list(net.guests)[:2]
    for host, source, target in ((net.host_of[a], a, b), (net.host_of[a], b, a)):
        build.nft(
            host,
            f"table ip cut_{net.guests[source].replace('.', '_')} {{ chain f {{ type filter hook forward"
            f" priority 0; ip saddr {net.guests[source]} ip daddr {net.guests[target]} drop\n }}\n }}\n",
        )
    pair = audit(net).pair(a, b)
    assert [(e.signal, e.says, e.strength) for e in pair.evidence] == [("gateway", Says.SAME, STRONG)]
    assert pair.verdict is Verdict.CO_RESIDENT


@namespaces
def test_a_gateway_for_each_guest_says_nothing(net: Network) -> None:
    """Where a host has an address for each guest, first routers differ on one host, and are no evidence."""
    build.routed(net, racks=2, hosts=2, guests=2)
    found = audit(net)
    seen = Counter(e.signal for p in build.pairs(net.guests) for e in found.pair(*p).evidence)
    assert "gateway" not in seen
    assert seen["hops"] == 28


@namespaces
def test_a_router_of_vlans_is_no_gateway_of_hosts(net: Network) -> None:
    """Behind one router between segments, everybody's first router is no evidence of anything."""
    found = audit(build.vlans(net, segments=3, guests=2))
    assert {e.signal for p in build.pairs(net.guests) for e in found.pair(*p).evidence} == set()


@namespaces
def test_round_trips_on_one_host_are_shorter(net: Network) -> None:
    """Every pair is timed, those on one host are quicker in the middle, and evidence is weak and right."""
    build.routed(net, racks=2, hosts=2, guests=4)
    found = audit(net)
    assert found.round.extras
    times = found.round.extras.times
    assert times is not None
    hosts = np.array([net.host_of[name] for name in net.guests])
    same, apart = hosts[:, None] == hosts[None, :], hosts[:, None] != hosts[None, :]
    np.fill_diagonal(same, False)
    assert (times[same | apart] > 0).all()
    assert np.median(times[same]) < np.median(times[apart])
    for a, b in build.pairs(net.guests):
        for said in found.pair(a, b).evidence:
            if said.signal == "rtt":
                assert said.strength is WEAK
                assert (said.says is Says.SAME) == (net.host_of[a] == net.host_of[b])


def test_what_is_not_known_of_some_stays_unknown() -> None:
    """Spread over more instances, those that took no part have nothing, and times keep their places."""
    route = Route("10.0.0.254", "", "eth0", 1, "")
    few = Extras(
        firsts=["x", "y"],
        upstreams=["", "z"],
        traces=[Trace(0, 1, "x", "z")],
        routes=[[route], ()],
        own_address=[True, False],
        times=np.array([[0, 1], [1, 0]], np.float32),
        guests=[{"a": "1"}, {}],
        metadata=[{"id": "i-1"}, {}],
    )
    wide = few.spread([2, 0], 3)
    assert (wide.firsts, wide.upstreams, wide.guests) == (["y", "", "x"], ["z", "", ""], [{}, {}, {"a": "1"}])
    assert wide.metadata == [{}, {}, {"id": "i-1"}]
    assert (wide.traces, wide.own_address) == ([Trace(2, 0, "x", "z")], [False, None, True])
    assert wide.routes == [(), (), [route]]
    assert wide.times is not None
    assert wide.times.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    blank = few.without([0])
    assert (blank.firsts, blank.guests, blank.traces, blank.routes) == (["", "y"], [{}, {}], [], [(), ()])


def test_the_node_is_one_text_without_a_name_twice() -> None:
    """What is handed over compiles as one, needs nothing of keepapart, and no file hides another's name."""
    compile(node_source(), "node.py", "exec")
    assert b"\nfrom keepapart" not in node_source()
    names: Counter[str] = Counter()
    for name in NODE:
        tree = ast.parse(files("keepapart.node").joinpath(f"{name}.py").read_text())
        for statement in tree.body:
            match statement:
                case ast.FunctionDef(name=defined) | ast.ClassDef(name=defined):
                    names[defined] += 1
                case ast.Assign(targets=targets):
                    found = (node.id for t in targets for node in ast.walk(t) if isinstance(node, ast.Name))
                    names.update(found)
    assert [name for name, times in names.items() if times > 1] == []


def test_evidence_of_the_platform_goes_with_that_of_hops() -> None:
    """A zone that the platform states is conclusive in an audit, whatever was measured."""

    instances = [Instance("a", "127.0.0.1", "local", facts={"zone": "1"})]
    instances.append(Instance("b", "127.0.0.1", "local", facts={"zone": "2"}))
    found = assess(
        instances,
        survey(instances),
        cluster=ClusterSettings("c"),
        model="auto",
    )
    pair = found.pair("a", "b")
    assert (pair.verdict, pair.strength) == (Verdict.SEPARATE, CONCLUSIVE)
