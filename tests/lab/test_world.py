"""World files: what is read, and how whatever is wrong is answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.errors import ConfigError
from keepapart.lab import world
from keepapart.lab.network import Network
from keepapart.lab.world import Cluster, Rack, Scheduler, World

RACKS = [{"name": "a", "hosts": 2, "capacity": 3}]
EXAMPLES = sorted((Path(__file__).parents[2] / "worlds").glob("*.toml"))

names = st.from_regex(world.NAME, fullmatch=True)
racks = st.builds(Rack, name=names, hosts=st.integers(1, 254), capacity=st.integers(1, 126))
networks = st.builds(
    Network,
    kind=st.sampled_from(["routed-host", "flat"]),
    family=st.sampled_from(["ipv4", "ipv6"]),
    silent=st.booleans(),
) | st.builds(Network, kind=st.just("vlans"), vlans=st.integers(1, 200))
worlds = st.builds(
    World,
    name=names,
    racks=st.lists(racks, min_size=1, max_size=5, unique_by=lambda rack: rack.name).map(tuple),
    network=networks,
    scheduler=st.builds(
        Scheduler, habit=st.sampled_from(["random", "packing", "sticky"]), seed=st.integers(0, 2**31 - 1)
    ),
    clusters=st.just(()) | st.builds(Cluster, name=names, size=st.just(1)).map(lambda one: (one,)),
)


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
        ({"name": "w", "racks": RACKS, "scheduler": {"seed": -1}}, "-1 is not within"),
        ({"name": "w", "racks": [{"hosts": 1}]}, "[[racks]] number 1 name is missing"),
        ({"name": "w", "racks": {"name": "a"}}, "write each as its own [[racks]] table"),
        ({"name": "w", "racks": RACKS * 2}, "number 2 name: 'a' stands twice"),
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
