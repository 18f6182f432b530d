"""Every way in of ours keeps the rules that `keepapart.testing.reach` has for all; ssh has its own lab."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from keepapart.lab import client
from keepapart.lab.client import Lab
from keepapart.lab.transports import netns, simulated
from keepapart.lab.world import world
from keepapart.reach import NodeGroup, local
from keepapart.reach.pipe import PipedNodes
from keepapart.settings import ReachSettings
from keepapart.testing.reach import TRANSPORT_RULES, TransportRule, TransportUnderTest

WORLD = {
    "name": "ways",
    "racks": [{"name": "a", "hosts": 2, "capacity": 3}],
    "clusters": [{"name": "orders", "size": 4}],
}

every_rule = pytest.mark.parametrize("rule", TRANSPORT_RULES, ids=lambda rule: rule.__name__)


@every_rule
def test_local(rule: TransportRule) -> None:
    """Children of this process are nodes like any other."""

    def die(group: NodeGroup, name: str) -> None:
        assert isinstance(group, PipedNodes)
        os.kill(group._pipes[name]._process.pid, signal.SIGKILL)  # type: ignore[attr-defined]  # a child's

    under_test = TransportUnderTest(
        lambda: local.open_transport(ReachSettings()),
        dict.fromkeys("abc", ""),
        dict.fromkeys("abc", "127.0.0.1"),
        die=die,
        running=children,
    )
    asyncio.run(rule(under_test))


def children() -> list[str]:
    """List the processes that this one has started."""
    found: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has ended meanwhile
            found += (task / "children").read_text().split()
    return sorted(found)


@pytest.fixture(scope="module", params=["simulated", "netns"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a lab of each kind, for all rules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        with client.running(world.parse(WORLD, "test"), simulated=request.param == "simulated") as lab:
            if lab.kind != request.param:
                pytest.skip(lab.because)
            yield lab


@every_rule
def test_lab(rule: TransportRule, lab: Lab) -> None:
    """Guests of a lab are reached like any instance, with a network or without."""

    def die(_: NodeGroup, name: str) -> None:
        lab.terminate(name)

    computes = lab.kind == "simulated"
    there = {one.id: one for one in lab.instances()}
    under_test = TransportUnderTest(
        lambda: (simulated if computes else netns).open_transport(ReachSettings()),
        {name: f"{name}@{lab.name}" for name in there},
        {name: one.address for name, one in there.items()},
        port=4000,
        computes=computes,
        nowhere=f"i-9999@{lab.name}",
        die=die,
        running=lambda: [] if computes else open_sockets(),
    )
    asyncio.run(rule(under_test))


def open_sockets() -> list[str]:
    """List the sockets that this process has open."""
    found = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return [each for each in found if each.startswith("socket:")]
