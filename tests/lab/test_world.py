"""World files: what is read, and how whatever is wrong is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from keepapart.errors import ConfigError
from keepapart.lab.world import world
from keepapart.lab.world.filters import PairFilter
from keepapart.lab.world.guests import NO_GUESTS, Guests
from keepapart.lab.world.network import Network
from keepapart.lab.world.placement import Placement
from keepapart.lab.world.world import Cluster, Rack, Scheduler, World

RACKS = [{"name": "a", "hosts": 2, "capacity": 3}]
EXAMPLES = sorted((Path(__file__).parents[2] / "worlds").glob("*.toml"))

names = st.from_regex(world.NAME, fullmatch=True)
racks = st.builds(Rack, name=names, hosts=st.integers(1, 254), capacity=st.integers(1, 126))
shares = st.floats(0, 0.9)
networks = (
    st.builds(
        Network,
        kind=st.just("routed-host"),
        family=st.sampled_from(["ipv4", "ipv6"]),
        loss=shares,
        reordered=shares,
        udp=st.booleans(),
        tcp=st.booleans(),
        extra_gateways=st.integers(1, 4),
        extra_by=st.sampled_from(["always", "flow", "packet"]),
        nat=st.sampled_from(["none", "host", "rack"]),
        rewrite_ttl=st.just(0) | st.integers(32, 255),
        initial_ttl=st.integers(1, 255),
        gateway_mac=st.sampled_from(["", "ee:ee:ee:ee:ee:ee"]),
    )
    | st.builds(Network, bypass=st.integers(0, 9), machines=st.just(0))
    | st.builds(Network, machines=st.integers(0, 3))
    | st.builds(Network, floating=st.integers(0, 250))
    | st.builds(Network, front=st.just("172.31.1.1"), turn=st.sampled_from(["inner", "outer", "straight"]))
    | st.builds(Network, kind=st.just("leaves"), leaves=st.integers(1, 8))
    | st.builds(Network, kind=st.just("flat"), silent=st.booleans(), loss=shares)
    | st.builds(Network, kind=st.just("vlans"), vlans=st.integers(1, 200))
)
placements = st.builds(
    Placement,
    states=st.lists(st.sampled_from(["host", "zone", "group", "topology"]), min_size=1, unique=True).map(
        tuple
    ),
    lies=st.integers(0, 5),
    stale=st.booleans(),
)
worlds = st.builds(
    World,
    name=names,
    racks=st.lists(racks, min_size=1, max_size=5, unique_by=lambda rack: rack.name).map(tuple),
    network=networks,
    placement=placements | st.just(Placement()),
    scheduler=st.builds(
        Scheduler, habit=st.sampled_from(["random", "packing", "sticky"]), seed=st.integers(0, 2**31 - 1)
    ),
    guests=st.builds(Guests, vendor=st.just("QEMU"), product_name=st.just("KVM")) | st.just(NO_GUESTS),
    filters=st.just(())
    | st.builds(PairFilter, st.just("i-0001"), st.just("i-0002"), st.booleans()).map(lambda one: (one,)),
    clusters=st.just(()) | st.builds(Cluster, name=names, size=st.just(1)).map(lambda one: (one,)),
).filter(lambda one: not one.filters or (one.network.nat == "none" and not one.network.floating))


pods = st.sampled_from(["", "p", "q"])


@given(worlds.filter(lambda one: one.network.kind == "routed-host"), st.data())
def test_pods_are_read_back_too(a_world: World, data: st.DataObject) -> None:
    """Racks keep the pods that they name."""
    racks = tuple(replace(rack, pod=data.draw(pods)) for rack in a_world.racks)
    podded = replace(a_world, racks=racks)
    assert world.parse(podded.document(), "test") == podded


@given(worlds)
def test_document_is_read_back_to_an_equal_world(a_world: World) -> None:
    """What a client hands to its daemon is the world that it read."""
    assert world.parse(a_world.document(), "test") == a_world


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_a_world(path: Path) -> None:
    """Each file in worlds/ is valid and bears its own name."""
    assert world.load(path).name == path.stem


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({}, "name is missing"),
        ({"name": "Big World"}, "not 'Big World'"),
        ({"name": "w"}, "at least one [[racks]]"),
        ({"name": "w", "racks": RACKS, "netwrok": {}}, "netwrok: no such key; did you mean 'network'?"),
        ({"name": "w", "racks": RACKS, "network": {"kindd": "flat"}}, "[network] kindd: no such key"),
        ({"name": "w", "racks": RACKS, "network": {"kind": "mesh"}}, "'mesh' is not one of"),
        ({"name": "w", "racks": RACKS, "network": {"vlans": 3}}, "vlans: says nothing unless"),
        ({"name": "w", "racks": RACKS, "network": {"loss": 1}}, "[network] loss: 1 is not within 0 to 0.9"),
        ({"name": "w", "racks": RACKS, "network": {"loss": "much"}}, "a number is wanted"),
        (
            {"name": "w", "racks": RACKS, "network": {"kind": "flat", "nat": "host"}},
            "nat: says nothing unless",
        ),
        ({"name": "w", "racks": RACKS, "network": {"extra_by": "flow"}}, "without extra_gateways"),
        ({"name": "w", "racks": RACKS, "network": {"spines": 2}}, "spines: says nothing with a single rack"),
        ({"name": "w", "racks": RACKS, "network": {"rewrite_at": "host"}}, "without rewrite_ttl"),
        ({"name": "w", "racks": RACKS, "network": {"rewrite_ttl": 9}}, "rewrite_ttl: 32 to 255"),
        (
            {"name": "w", "racks": RACKS, "network": {"tcp": False, "tcp_port": 80}},
            "nothing with tcp = false",
        ),
        (
            {"name": "w", "racks": RACKS, "network": {"silent": True, "duplicates": 0.1}},
            "can't double a packet",
        ),
        (
            {"name": "w", "racks": [{"name": "a", "extra_gateways": 5}], "network": {"extra_gateways": 4}},
            "extra_gateways: with the network's 9, more than 8",
        ),
        (
            {"name": "w", "racks": [{"name": "a", "rewrite_ttl": 64}], "network": {"kind": "flat"}},
            "number 1 rewrite_ttl: says nothing unless",
        ),
        (
            {"name": "w", "racks": RACKS, "network": {"kind": "flat", "gateway_mac": "ee:ee:ee:ee:ee:ee"}},
            "gateway_mac: says nothing unless kind = 'routed-host' or 'vlans'",
        ),
        ({"name": "w", "racks": RACKS, "network": {"gateway_mac": "01:00:5e:00:00:01"}}, "of one machine"),
        (
            {"name": "w", "racks": RACKS, "network": {"kind": "fabric", "bypass": 1}},
            "bypass: says nothing unless",
        ),
        (
            {"name": "w", "racks": [{"name": "a", "bypass": 1}], "network": {"kind": "flat"}},
            "number 1 bypass: says nothing unless",
        ),
        ({"name": "w", "racks": RACKS, "network": {"bypass_to": "spine"}}, "says nothing without bypass"),
        (
            {"name": "w", "racks": RACKS, "network": {"bypass": 1, "bypass_to": "spine"}},
            "bypass_to: a single rack or pod has no spine",
        ),
        (
            {"name": "w", "racks": RACKS, "network": {"floating": 1, "nat": "rack"}},
            "floating: not together with nat",
        ),
        (
            {"name": "w", "racks": [{"name": "a", "kind": "bridged"}], "network": {"floating": 1}},
            "floating: not together with bridged",
        ),
        (
            {"name": "w", "racks": [{"name": "a", "kind": "bridged", "bypass": 1}]},
            "bridged: not together with bypass",
        ),
        (
            {"name": "w", "racks": [{"name": "a", "kind": "bridged"}], "network": {"kind": "leaves"}},
            "number 1 kind: says nothing unless the network's kind",
        ),
        (
            {
                "name": "w",
                "racks": [{"name": "a", "gateway_mac": "ee:ee:ee:ee:ee:ee"}],
                "network": {"kind": "fabric"},
            },
            "gateway_mac: says nothing unless a rack has gateways of its own",
        ),
        (
            {
                "name": "w",
                "racks": RACKS,
                "filters": [{"from": "i-0001", "to": "i-0002"}],
                "network": {"floating": 1},
            },
            "filters: not together with floating",
        ),
        (
            {"name": "w", "racks": RACKS, "network": {"leaves": 2}},
            "leaves: says nothing unless kind = 'leaves'",
        ),
        ({"name": "w", "racks": RACKS, "network": {"turn": "outer"}}, "turn: says nothing without front"),
        ({"name": "w", "racks": RACKS, "network": {"front": "8.8.8.8"}}, "front: a private address such as"),
        (
            {"name": "w", "racks": RACKS, "network": {"front": "172.31.1.1", "family": "ipv6"}},
            "front: an IPv4 address",
        ),
        (
            {"name": "w", "racks": RACKS, "network": {"front": "172.31.1.1", "nat": "host"}},
            "front: not together with nat",
        ),
        (
            {"name": "w", "racks": [{"name": "a", "bypass": 1}], "network": {"machines": 2}},
            "machines: not together with bypass",
        ),
        (
            {"name": "w", "racks": RACKS, "filters": [{"from": "i-0001"}]},
            "[[filters]] number 1: to is missing",
        ),
        (
            {"name": "w", "racks": RACKS, "filters": [{"from": "i-0001", "to": "all"}]},
            "number 1 to: the id of an instance such as",
        ),
        (
            {"name": "w", "racks": RACKS, "filters": [{"from": "i-0001", "to": "i-0001"}]},
            "number 1 to: 'i-0001' is the sender itself",
        ),
        (
            {
                "name": "w",
                "racks": RACKS,
                "filters": [{"from": "i-0001", "to": "i-0002"}],
                "network": {"nat": "host"},
            },
            "filters: not together with nat",
        ),
        ({"name": "w", "racks": RACKS, "guests": {"product_name": "vServer"}}, "vendor is missing"),
        ({"name": "w", "racks": RACKS, "guests": {"vendor": "a\nb"}}, "[guests] vendor: one line of ASCII"),
        ({"name": "w", "racks": RACKS, "placement": {"lies": 1}}, "[placement] lies: says nothing"),
        ({"name": "w", "racks": RACKS, "placement": {"states": ["hots"]}}, "did you mean 'host'?"),
        ({"name": "w", "racks": RACKS, "placement": {"states": "host"}}, "a list of texts in quotes"),
        ({"name": "w", "racks": RACKS, "placement": {"states": ["host", "host"]}}, "'host' stands twice"),
        (
            {"name": "w", "racks": RACKS, "placement": {"states": ["group", "partition"]}},
            "'group' or 'partition', not both",
        ),
        ({"name": "w", "racks": RACKS, "placement": {"states": ["fault_domain"]}}, "says nothing without"),
        ({"name": "w", "racks": RACKS, "scheduler": {"seed": -1}}, "-1 is not within"),
        ({"name": "w", "racks": [{"hosts": 1}]}, "[[racks]] number 1: name is missing"),
        ({"name": "w", "racks": {"name": "a"}}, "write each as its own [[racks]] table"),
        ({"name": "w", "racks": RACKS * 2}, "number 2 name: 'a' stands twice"),
        ({"name": "w", "racks": [{"name": "a", "pod": "Pod 1"}]}, "number 1 pod: up to 40 lower-case"),
        ({"name": "w", "racks": [{"name": "a", "pod": 1}]}, "number 1 pod: text in quotes is wanted"),
        (
            {"name": "w", "racks": [{"name": "a", "pod": "p"}], "network": {"kind": "vlans"}},
            "number 1 pod: says nothing unless",
        ),
        (
            {"name": "w", "racks": [{"name": n, "pod": "p"} for n in "ab"], "network": {"detour": 1}},
            "detour: says nothing with a single rack or pod",
        ),
        ({"name": "w", "racks": [{"name": "a", "capacity": 127}]}, "127 is not within 1 to 126"),
        ({"name": "w", "racks": [{"name": "a", "hosts": True}]}, "a whole number is wanted, not True"),
        ({"name": "w", "racks": RACKS, "clusters": [{"name": "c"}]}, "size is missing"),
        (
            {"name": "w", "racks": RACKS, "clusters": [{"name": "c", "size": 7}]},
            "7 instances don't fit into 6 slots",
        ),
    ],
)
def test_whatever_is_wrong_is_named(document: dict[str, Any], says: str) -> None:
    """An error names the file, the key and the mend."""
    with pytest.raises(ConfigError) as caught:
        world.parse(document, "w.toml")
    assert str(caught.value).startswith("w.toml: ")
    assert says in str(caught.value)


def test_unreadable_files_are_configuration_errors(tmp_path: Path) -> None:
    """A file that is missing, not text or not TOML is answered in one line that names it."""
    (tmp_path / "bad.toml").write_text("name = ")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    for name in ("bad.toml", "binary.toml", "missing.toml"):
        with pytest.raises(ConfigError, match=name):
            world.load(tmp_path / name)
