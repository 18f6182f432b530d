"""Named hosts: a router that is the host itself, and nothing that only looks like one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keepapart.model import Instance, Says, Strength
from keepapart.probe.measured import Extras, Round, Tally, Trace
from keepapart.signals import Observed, Weights, named_host
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.sight import sights_of

TRACES = Path(__file__).parents[1] / "fixtures" / "traces.jsonl"
ADDRESSES = ("49.12.142.1", "49.12.142.2", "49.12.142.3")
ONE, OTHER = "88.99.159.100", "136.243.182.31"


def seen(
    seconds: Sequence[str],
    *,
    maker: str = "Hetzner",
    first: str = "172.31.1.1",
    addresses: Sequence[str] = ADDRESSES,
    settled: Sequence[tuple[int, int, int]] = (),
) -> Observed:
    """Return three instances that trace to each other by these second routers, each its own."""
    instances = [Instance(i, address) for i, address in zip("abc", addresses, strict=True)]
    traces = [Trace(i, j, first, seconds[i], "") for i in range(3) for j in range(3) if i != j and seconds[i]]
    extras = replace(Extras.nothing(3), traces=traces, guests=[{"maker": maker}] * 3)
    weights: Weights = np.zeros((3, 3), np.int8)
    for i, j, weight in settled:
        weights[i, j] = weights[j, i] = weight
    measured = Round(("a", "b", "c"), Tally.empty(3), {}, extras)
    paths = PathConfidence.of(measured.tally)
    return Observed(instances, measured, paths, sights=sights_of(instances, extras), settled=weights)


def test_the_second_router_names_the_host() -> None:
    """Who goes out by one host's address is on it, who goes out by another's on another, both strongly."""
    (said,) = named_host.testify(seen([ONE, ONE, OTHER]))
    same, different = said.evidence(0, 1), said.evidence(0, 2)
    assert same
    assert different
    assert (same.says, same.strength) == (Says.SAME, Strength.STRONG)
    assert (different.says, different.strength) == (Says.DIFFERENT, Strength.STRONG)


def test_who_is_listed_privately_is_named_on_the_way_to_public_addresses() -> None:
    """A trace towards a member's public address names the host, whatever address members send to."""
    looks = seen([ONE, ONE, OTHER], addresses=("10.0.0.2", "10.0.0.3", "10.0.0.4"))
    extras = looks.round.extras
    assert extras
    traces = [replace(trace, public=ADDRESSES[trace.target]) for trace in extras.traces]
    (said,) = named_host.testify(
        replace(looks, round=replace(looks.round, extras=replace(extras, traces=traces)))
    )
    words = [evidence.says for at in (1, 2) if (evidence := said.evidence(0, at))]
    assert words == [Says.SAME, Says.DIFFERENT]


@pytest.mark.parametrize(
    "looks",
    [
        seen([ONE, ONE, OTHER], maker="QEMU"),
        seen([ONE, ONE, OTHER], first="10.0.0.1"),
        seen([ONE, ONE, OTHER], addresses=("10.0.0.2", "10.0.0.3", "10.0.0.4")),
        seen(["10.0.0.7", "10.0.0.7", "10.0.0.8"]),
        seen(["", "", ""]),
    ],
    ids=["another platform", "another first router", "a private Network", "a private router", "silent"],
)
def test_what_only_looks_like_it_names_nobody(looks: Observed) -> None:
    """It takes the vendor, the first router, a public target and a public answer."""
    assert named_host.testify(looks) == []


@pytest.mark.parametrize("settled", [(0, 1, -Strength.STRONG), (0, 2, Strength.CONCLUSIVE)])
def test_any_contradiction_silences_it(settled: tuple[int, int, int]) -> None:
    """Two known apart with one name, or two known together with two: names mean something else here."""
    assert named_host.testify(seen([ONE, ONE, OTHER], settled=[settled])) == []


def test_who_is_seen_behind_two_hosts_is_named_by_neither() -> None:
    """Traces that disagree name no host."""
    looks = seen([ONE, ONE, OTHER])
    extras = looks.round.extras
    assert extras
    traces = [*extras.traces, Trace(0, 2, "172.31.1.1", OTHER, "")]
    assert named_host.names_of(looks.sights, traces) == ["", ONE, OTHER]


def test_public_traces_name_the_right_host_or_none() -> None:
    """What people posted, replayed: outward from Hetzner Cloud the node that is quoted, elsewhere nothing."""
    named = 0
    for line in TRACES.read_text(encoding="utf-8").splitlines():
        posted = json.loads(line)
        at = {ttl: (name or "", address or "") for ttl, name, address in posted["hops"]}
        trace = Trace(0, 1, at.get(1, ("", ""))[1], at.get(2, ("", ""))[1], "")
        maker = "Hetzner" if posted["provider"] == "hetzner-cloud" else "QEMU"
        instances = [Instance("a", "49.12.142.1"), Instance("b", "49.12.142.2")]
        extras = replace(Extras.nothing(2), traces=[trace], guests=[{"maker": maker}] * 2)
        found, _ = named_host.names_of(sights_of(instances, extras), extras.traces)
        if found:
            named += 1
            assert posted["direction"] == "outward"
            assert found == at[2][1]
            assert at[2][0].endswith(".your-cloud.host")
    assert named
