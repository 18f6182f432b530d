"""What controls vouch for: pairs that are truly known never make a verdict on others false."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from tests.networks import build
from tests.networks.zoo.audit import audited
from tests.networks.zoo.build import built
from tests.networks.zoo.network import Network
from tests.networks.zoo.parts import spread

pytestmark = pytest.mark.skipif(bool(build.possible()), reason=build.possible())


def test_known_co_residents_show_who_is_apart_and_not_who_is_together(tmp_path: Path) -> None:
    """Leaf switches route: in each rack a pair of one host is known, and a third is as far on another."""
    net = Network()
    for rack in spread(net, 5, net.router("s")):
        for number, host in enumerate("aab"):
            net.guest(f"{rack}{number}", rack, on=f"{rack}{host}")
    words = [word for n in range(5) for word in ("--known-same", f"r{n}0,r{n}1")]
    with built(net) as prefix:
        score = audited(net, prefix, tmp_path, "auto", *words)
    assert score.standing == "vouched"
    assert score.wrong == []
    in_a_rack = {frozenset((a, b)) for a, b in combinations(net.members, 2) if a[:2] == b[:2]}
    assert set(score.unknown) == {pair for pair in in_a_rack if net.truth()[pair] == "separate"}
