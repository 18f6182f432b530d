"""Risk: what one host failure costs, and never a safe word while anything is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from keepapart.domains import domains
from keepapart.errors import ConfigError
from keepapart.judge import judge
from keepapart.model import Strength
from keepapart.risk import Risk, needed, risk
from keepapart.signals import Testimony


def at_risk(*rows: str, survive: str | int = "majority", reached: str = "") -> Risk:
    """Return the risk of pairs drawn as = (same host), / (different) and ? (unknown)."""
    weight = {"=": 2, "/": -2, "?": 0, ".": 0}
    weights = np.array([[weight[c] for c in row] for row in rows], np.int8)
    ids = "abcdefgh"[: len(rows)]
    judgement = judge(ids, [Testimony("s", weights, lambda _i, _j: "…")], Strength.STRONG)
    took_part = [c == "1" for c in reached or "1" * len(rows)]
    return risk(judgement, domains(judgement, None, took_part), took_part, survive)


def test_a_host_with_the_majority_is_fatal() -> None:
    """Two of three on one host: losing it loses the cluster, and one of the two is to be replaced."""
    found = at_risk(".=/", "=./", "//.")
    assert (found.survives, found.worst, list(found.lost), list(found.replace)) == (
        False,
        "host-1",
        ["a", "b"],
        ["b"],
    )


def test_everyone_apart_survives() -> None:
    """Three of three apart: any one host may go, and nothing is to be replaced."""
    found = at_risk(".//", "/./", "//.")
    assert (found.survives, found.replace) == (True, [])


def test_an_unknown_pair_leaves_it_open() -> None:
    """Unknown is never separate: a cluster of three with one unknown pair is not called safe."""
    assert at_risk(".?/", "?./", "//.").survives is None


def test_unknown_does_not_matter_where_even_the_worst_is_survived() -> None:
    """Of five, one unknown pair may share a host and a majority still lives on."""
    assert at_risk(".?///", "?.///", "//.//", "///./", "////.").survives is True


def test_survive_may_be_a_number() -> None:
    """With two members enough, losing two of four is survived."""
    rows = (".=//", "=.//", "//./", "///.")
    assert (at_risk(*rows, survive=2).survives, at_risk(*rows).survives) == (True, False)


def test_more_survivors_than_members_is_an_error() -> None:
    """Asking for more survivors than there are members names the key."""
    with pytest.raises(ConfigError, match="survive = 4"):
        needed(4, 3)


def test_of_a_host_s_members_one_that_was_reached_stays() -> None:
    """Who is down is replaced rather than who answers."""
    assert list(at_risk(".=/", "=./", "//.", reached="011").replace) == ["a"]


@pytest.mark.parametrize(("size", "need"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_a_majority_is_more_than_half(size: int, need: int) -> None:
    """More than half of all members, however many there are."""
    assert needed("majority", size) == need
