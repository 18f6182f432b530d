"""Fault domains: from verdicts and hop levels to hosts and racks."""

from __future__ import annotations

import numpy as np

from keepapart.domains import Domains, domains
from keepapart.judge import judge
from keepapart.model import Strength
from keepapart.signals import Counts, Testimony


def grouped(levels: list[list[int]], *, believed: bool = True, reached: str = "") -> Domains:
    """Return the domains of instances at these hop counts: 2 the same host, more different, 0 unknown."""
    counts: Counts = np.array(levels, np.uint8)
    weights = np.where(counts == 2, 2, np.where(counts > 2, -2, 0)).astype(np.int8)
    ids = "abcdefgh"[: len(levels)]
    judgement = judge(ids, [Testimony("hops", weights, lambda _i, _j: "…")], Strength.STRONG)
    return domains(judgement, counts if believed else None, [c == "1" for c in reached or "1" * len(levels)])


def test_a_group_of_co_residents_is_a_host_and_so_is_who_is_apart_from_all() -> None:
    """a and b share a host; c, apart from both, has one of its own."""
    found = grouped([[0, 2, 4], [2, 0, 4], [4, 4, 0]])
    assert [host.members for host in found.hosts] == [(0, 1), (2,)]
    assert found.host_of == ["host-1", "host-1", "host-2"]


def test_who_is_unknown_to_somebody_has_no_host() -> None:
    """An instance that may share a host with another is not given one; a known group keeps its own."""
    found = grouped([[0, 2, 4, 4], [2, 0, 4, 4], [4, 4, 0, 0], [4, 4, 0, 0]])
    assert found.host_of == ["host-1", "host-1", None, None]


def test_who_took_no_part_leaves_the_others_their_hosts() -> None:
    """A member that is down has no host, and a and b, apart from each other, keep theirs."""
    found = grouped([[0, 4, 0], [4, 0, 0], [0, 0, 0]], reached="110")
    assert found.host_of == ["host-1", "host-2", None]
    nobody = grouped([[0, 0], [0, 0]], reached="00")
    assert nobody.host_of == [None, None]


def test_hosts_at_the_nearest_level_share_a_rack() -> None:
    """Hosts four hops apart and six from the rest are in one rack."""
    found = grouped([[0, 4, 6, 6], [4, 0, 6, 6], [6, 6, 0, 4], [6, 6, 4, 0]])
    assert found.rack_of == ["rack-1", "rack-1", "rack-2", "rack-2"]


def test_one_level_makes_no_rack() -> None:
    """Where all hosts are equally far, nothing tells a rack from another."""
    assert grouped([[0, 4, 4], [4, 0, 4], [4, 4, 0]]).racks == []


def test_levels_that_do_not_nest_make_no_rack() -> None:
    """a near b, b near c, a far from c: that is no rack."""
    assert grouped([[0, 4, 6], [4, 0, 4], [6, 4, 0]]).racks == []


def test_without_levels_to_believe_there_are_no_racks() -> None:
    """Hosts known by other signals stay hosts; racks need hops that may be believed."""
    found = grouped([[0, 4, 6], [4, 0, 6], [6, 6, 0]], believed=False)
    assert found.racks == []
    assert len(found.hosts) == 3


def test_nobody_makes_nothing() -> None:
    """An empty cluster has no domains."""
    found = grouped([])
    assert (found.hosts, found.racks, found.host_of) == ([], [], [])
