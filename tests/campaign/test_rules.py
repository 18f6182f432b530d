"""The rules that keepapart is compared with, and the plot of the comparison."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from campaign import plot, rules
from campaign.accuracy import Tested

TOGETHER = np.array([[False, True, False], [True, False, False], [False, False, False]])


def said(verdicts: rules.Verdicts) -> list[int]:
    """Return the verdicts on the three pairs."""
    return [int(verdicts[pair]) for pair in ((0, 1), (0, 2), (1, 2))]


def test_two_hops_is_exactly_two_from_the_first_to_the_second() -> None:
    """One count decides, that of the way back doesn't matter, and no answer decides nothing."""
    assert said(rules.two_hops(np.array([[0, 2, 4], [9, 0, 0], [2, 2, 0]], np.uint8))) == [1, -1, 0]


def test_the_first_hop_is_compared_where_both_have_one() -> None:
    """Equal is co-resident, different is separate, silent is open."""
    assert said(rules.first_hop(["10.0.0.1", "10.0.0.1", ""])) == [1, 0, 0]


def test_the_threshold_is_the_best_there_is() -> None:
    """Where times tell the two kinds apart, no mistake is made; where they don't, as few as can be."""
    apart = np.array([[0, 1, 3], [1, 0, 4], [3, 4, 0]], np.float32)
    assert said(rules.round_trip(apart, TOGETHER)) == [1, -1, -1]
    crossed = np.array([[0, 3, 1], [3, 0, 4], [1, 4, 0]], np.float32)
    assert said(rules.round_trip(crossed, TOGETHER)) == [-1, -1, -1]


def test_close_is_within_seven() -> None:
    """Seven apart is close, eight is not."""
    assert said(rules.close_addresses(["10.0.0.1", "10.0.0.8", "10.0.0.9"])) == [1, -1, 1]


def test_mistakes_and_open_pairs_are_counted_by_kind() -> None:
    """One pair on one host, called separate; two apart, one of them left open."""
    verdicts = np.array([[0, -1, 0], [-1, 0, -1], [0, -1, 0]], np.int8)
    tested = Tested.of(verdicts, TOGETHER)
    assert tested == Tested(1, 1, 0, 2, 0, 1)
    assert tested.shares == (0.25, 0.25, 0.5)


def test_the_plot_is_well_formed_and_says_its_figures() -> None:
    """It is XML, has a bar for every rule on every network, and each says its shares."""
    drawn = plot.svg(["a rule", "a < b"], {"routed": [(1.0, 0.0, 0.0), (0.5, 0.25, 0.25)]})
    tree = ElementTree.fromstring(drawn)  # noqa: S314  # drawn here
    titles = [node.text for node in tree.iter() if node.tag.endswith("title")]
    assert titles == [
        "100.0% right, 0.0% open (unknown), 0.0% wrong",
        "50.0% right, 25.0% open (unknown), 25.0% wrong",
    ]
