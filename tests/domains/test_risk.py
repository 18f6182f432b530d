"""Risk: what one host failure costs, and never a safe word while anything is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from keepapart.auditing.assessment import odds
from keepapart.domains.fault_domains import domains
from keepapart.domains.risk import Risk, losses, needed, risk
from keepapart.domains.stated_places import stated_places
from keepapart.judging.judge import judge
from keepapart.model import Instance, Strength
from keepapart.settings import RiskSettings
from keepapart.signals import PairTestimony


def at_risk(*rows: str, survive: str | int = "majority", reached: str = "") -> Risk:
    """Return the risk of pairs drawn as = (same host), / (different) and ? (unknown)."""
    weight = {"=": 2, "/": -2, "?": 0, ".": 0}
    weights = np.array([[weight[c] for c in row] for row in rows], np.int8)
    ids = "abcdefgh"[: len(rows)]
    judgement = judge(ids, [PairTestimony("s", weights, lambda _i, _j: "…")], Strength.STRONG)
    took_part = [c == "1" for c in reached or "1" * len(rows)]
    return risk(judgement.ids, domains(judgement, None, took_part), took_part, survive)


def lost(*rows: str) -> list[tuple[str, int, bool | None]]:
    """Return what the failure of each domain takes, at hop counts a digit a pair: 0 is not measured."""
    counts = np.array([[int(c) for c in row] for row in rows], np.uint8)
    weights = np.where(counts == 2, 2, np.where(counts > 2, -2, 0)).astype(np.int8)
    judgement = judge(
        "abcdefgh"[: len(rows)], [PairTestimony("s", weights, lambda _i, _j: "…")], Strength.STRONG
    )
    found = domains(judgement, counts, [True] * len(rows))
    stakes = risk(judgement.ids, found, [True] * len(rows), "majority")
    return [(loss.name, loss.lost, loss.survives) for loss in losses(found, stakes)]


def test_every_domain_at_every_level_has_a_cost() -> None:
    """Two pods, of two racks and of one: the larger pod takes the majority, no host or rack does."""
    found = lost("02688", "20688", "66088", "88804", "88840")
    assert found == [
        ("host-1", 2, True),
        ("host-2", 1, True),
        ("host-3", 1, True),
        ("host-4", 1, True),
        ("rack-1", 2, True),
        ("rack-2", 1, True),
        ("rack-3", 2, True),
        ("pod-1", 3, False),
        ("pod-2", 2, True),
    ]


def test_who_may_be_in_a_domain_leaves_open_whether_its_loss_is_survived() -> None:
    """e may be on host-1, with which three of five may be lost then; each other host takes one alone."""
    assert lost("02440", "20440", "44044", "44404", "00440") == [
        ("host-1", 2, None),
        ("host-2", 1, True),
        ("host-3", 1, True),
    ]


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


def test_more_survivors_than_members_is_no_quorum() -> None:
    """A cluster that has yet to grow to as many as must live on isn't quorate."""
    found = at_risk(".//", "/./", "//.", survive=4)
    assert (found.need, found.running, found.quorate, found.survives) == (4, 3, False, False)


@pytest.mark.parametrize(
    ("down", "quorate", "survives"), [(0, True, None), (1, True, None), (2, True, False), (3, False, False)]
)
def test_of_members_that_nobody_asked_about_only_whether_they_run_is_known(
    down: int, quorate: bool, survives: bool | None
) -> None:
    """Two of six are asked about and apart: any of the four others that run may be beside either."""
    others = [Instance(f"o{n}", state="stopped" if n < down else "running") for n in range(4)]
    judgement = judge(
        "ab", [PairTestimony("s", np.array([[0, -2], [-2, 0]], np.int8), lambda _i, _j: "…")], Strength.STRONG
    )
    found = domains(judgement, None, [True] * 2)
    told = risk(judgement.ids, found, [True] * 2, "majority", others)
    assert (told.size, told.need, told.running, told.most) == (6, 4, 6 - down, 5 - down)
    assert (told.quorate, told.survives, list(told.down)) == (
        quorate,
        survives,
        [f"o{n}" for n in range(down)],
    )
    assert {loss.most for loss in losses(found, told)} == {5 - down}
    chance = odds(found, told, RiskSettings())
    assert (chance.now, chance.most == 1.0) == (None, not quorate)


def test_of_a_host_s_members_one_that_was_reached_stays() -> None:
    """Who is down is replaced rather than who answers."""
    assert list(at_risk(".=/", "=./", "//.", reached="011").replace) == ["a"]


@pytest.mark.parametrize(("size", "need"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_a_majority_is_more_than_half(size: int, need: int) -> None:
    """More than half of all members, however many there are."""
    assert needed("majority", size) == need


def test_what_the_loss_of_a_zone_takes() -> None:
    """Zone a has the majority; b may have one more, of which nothing is stated, and its loss is survived."""
    places = stated_places([{"zone": "a"}, {"zone": "a"}, {"zone": "a"}, {"zone": "b"}, {}])
    weights = np.where(np.eye(5, dtype=np.bool_), 0, -2).astype(np.int8)
    judgement = judge("abcde", [PairTestimony("s", weights, lambda _i, _j: "…")], Strength.STRONG)
    found = domains(judgement, None, [True] * 5, stated=places)
    stakes = risk(judgement.ids, found, [True] * 5, "majority")
    lost = [
        (one.name, one.lost, one.most, one.survives) for one in losses(found, stakes) if one.level == "zone"
    ]
    assert lost == [("a", 3, 4, False), ("b", 1, 2, True)]
