"""`keepapart network` on networks built by others: who vouches, what is against it, what would be said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.networks import build
from tests.networks.build import Network
from tests.networks.test_verdicts import keepapart, net

__all__ = ["net"]
pytestmark = pytest.mark.skipif(bool(build.possible()), reason=build.possible())


def test_nobody_vouches_and_the_suspicion_is_told(net: Network, tmp_path: Path) -> None:  # a fixture
    """On an unknown network all is unknown, and it is said who would share a host, and how to find out."""
    build.routed(net, racks=1, hosts=2, guests=2)
    code, document = keepapart(tmp_path, net, "network", model="auto")
    assert (code, document["network"]["standing"], document["vouching"]) == (3, "unvouched", [])
    hosts = {frozenset(g for g in net.guests if net.host_of[g] == host) for host in net.host_of.values()}
    assert {frozenset(group) for group in document["network"]["if_vouched"]["suspected"]} == hosts
    assert document["network"]["if_vouched"]["verdicts"] == {"separate": 4, "co-resident": 2, "unknown": 0}
    assert any("--known-same" in step for step in document["find_out"])
    assert {name for gateway in document["gateways"] for name in gateway["instances"]} == set(net.guests)
    assert all(gateway["mac"] for gateway in document["gateways"])


def test_who_vouches_and_what_refutes_are_both_told(net: Network, tmp_path: Path) -> None:  # a fixture
    """The operator's word stands beside the shared link that refutes it, which names the pair."""
    build.flat(net, guests=3)
    code, document = keepapart(tmp_path, net, "network", model="routed-host")
    assert (code, document["network"]["standing"]) == (0, "refuted")
    assert [voucher["by"] for voucher in document["vouching"]] == ["operator"]
    assert document["against"][0]["pair"]
    assert any("send_redirects=0" in step for step in document["find_out"])
    assert "if_vouched" not in document["network"]
