"""Levels above the hosts where the platform states zones: none of them spans two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepapart.domains.fault_domains import NOTHING, DomainPrior, Domains, domains
from keepapart.domains.stated_places import stated_places
from keepapart.model import LEVELS
from keepapart.probe.measured import Counts
from tests.domains.test_fault_domains import FOUR_RACKS, Spot, counted, judged, trees, with_gaps


def in_zones(
    counts: Counts, zones: Sequence[str], before: DomainPrior = NOTHING, project: str = ""
) -> Domains:
    """Return the domains at these counts of instances in these zones, a letter each, "." for none stated.

    `project` has the project of each, a letter too.
    """
    facts = [{"zone": zone} if zone != "." else {} for zone in zones]
    for of, letter in zip(facts, project, strict=False):
        of["project"] = letter
    return domains(judged(counts), counts, [True] * len(counts), before, stated_places(facts))


FOUR_HOSTS = np.array([[0, 4, 6, 6], [4, 0, 6, 6], [6, 6, 0, 4], [6, 6, 4, 0]], np.uint8)  # two racks of two


def test_a_rack_that_spans_two_zones_is_none() -> None:
    """The first two are near, and in two zones: counts make no rack, not even of the others."""
    found = in_zones(FOUR_HOSTS, "abbb")
    assert (list(found.at), found.torn) == (["host"], (0, 1))
    assert [domain.name for domain in found.stated["zone"]] == ["a", "b"]


@pytest.mark.parametrize(("zones", "project"), [("aabb", ""), ("a.b.", ""), ("abcd", "1212"), ("....", "")])
def test_racks_within_zones_stay(zones: str, project: str) -> None:
    """Racks that hold one zone each stay, and so do those of zones that can't be compared."""
    found = in_zones(FOUR_HOSTS, zones, project=project)
    assert found.of("rack") == ["rack-1", "rack-1", "rack-2", "rack-2"]
    assert found.torn is None


def test_where_a_pod_spans_two_zones_its_racks_stay() -> None:
    """Racks within zones are racks; what is above and spans two is none, nor is anything beyond it."""
    counts = counted(list(FOUR_RACKS.values()))
    found = in_zones(counts, "aabbbbbb")
    assert (list(found.at), found.torn) == (["host", "rack"], (0, 2))


def test_a_level_that_was_one_before_is_none_any_more_once_it_spans_zones() -> None:
    """What was remembered of racks gives way to what is stated of zones."""
    found = in_zones(FOUR_HOSTS, "abbb", DomainPrior(spans=(4,)))
    assert (list(found.at), found.spans, found.torn) == (["host"], (), (0, 1))


@given(trees, st.data())
def test_no_measured_domain_ever_spans_two_zones(tree: list[Spot], data: st.DataObject) -> None:
    """Whatever counts and facts say, hosts, racks, pods and sites hold one stated zone at most."""
    counts = with_gaps(tree, data, 4)
    zones = data.draw(st.lists(st.sampled_from("ab."), min_size=len(tree), max_size=len(tree)))
    found = in_zones(counts, zones, data.draw(st.sampled_from([NOTHING, DomainPrior(spans=(4, 6))])))
    for made in [found.at[level] for level in LEVELS[1:] if level in found.at]:
        for domain in made:
            assert len({zones[i] for i in domain.members} - {"."}) < 2
