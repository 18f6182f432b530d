"""The campaign in short: on no sound network is a verdict wrong, and what it counts is what is there."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from campaign import networks, packets
from campaign.kinds import KINDS, Kind, Word
from campaign.kinds.parts import each
from campaign.play import play
from campaign.report import Part, show, write
from campaign.run import batch
from campaign.score import NOBODY, OPERATOR, PLATFORM, Result, Score
from campaign.tree import Tree
from campaign.world import Cloud, World
from keepapart.errors import KeepapartError

WORLDS = 4
HOSTS = np.array([0, 0, 1, 1, 2, 3])


def small(own: list[int]) -> World:
    """Return six instances on four hosts, each behind so many gateways of its own."""
    cloud = Cloud(HOSTS, HOSTS % 1, HOSTS % 1)
    return World(cloud, np.where(np.equal.outer(HOSTS, HOSTS), 2, 4), each(np.array(own)))


def played(world: World, by: str) -> Score:
    """Play one world, vouched for by somebody, and hold it against the truth."""
    with asyncio.Runner() as runner:
        audit = play(world, 1, runner, [by])[by]
    return Score.of(audit, together=world.cloud.together, ever=world.ever_together)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_no_verdict_is_false_that_must_not_be(kind: Kind) -> None:
    """By nobody's word no verdict is; where hosts are gateways no separate is, whoever vouches."""
    result = batch(kind.name, 7, 0, WORLDS)
    assert result.scores.keys() == set(kind.judged_by)
    assert result.scores[NOBODY].worlds == WORLDS
    assert [by for by, score in result.scores.items() if kind.errs(by, score)] == [], result.wrong


@pytest.mark.parametrize(
    "name", ["flat", "virtual routers", "hubs", "hetzner", "hetzner two", "brownfield seen"]
)
def test_what_nodes_tell_refutes_the_operator_s_word(name: str) -> None:
    """Links, hardware addresses, tunnels and vendors' texts reach the judge: nothing is said there."""
    score = batch(name, 7, 0, WORLDS).scores[OPERATOR]
    assert score.unknown == score.pairs


def test_what_nodes_tell_vouches_where_nobody_does() -> None:
    """Calico's first router before kernels of their own: all co-residents are found."""
    score = batch("calico", 7, 0, WORLDS).scores[NOBODY]
    assert (score.found, score.wrong) == (score.together, 0)
    assert score.together > 0


def test_a_clean_network_is_judged_in_full_once_somebody_vouches() -> None:
    """Nothing is unknown and every co-resident pair is found then; nothing is known before."""
    world = small([0] * 6)
    assert played(world, NOBODY) == Score(1, 15, 0, 0, 15, 2, 0)
    assert played(world, PLATFORM) == Score(1, 15, 0, 0, 0, 2, 2)
    assert played(world, OPERATOR) == Score(1, 15, 0, 0, 0, 2, 2)


def test_a_wrong_verdict_is_counted() -> None:
    """Held against another truth the same verdicts are false: the campaign can fail."""
    world = small([0] * 6)
    with asyncio.Runner() as runner:
        audit = play(world, 1, runner, [OPERATOR])[OPERATOR]
    other = np.equal.outer(HOSTS[::-1], HOSTS[::-1]) & ~np.eye(6, dtype=np.bool_)
    score = Score.of(audit, together=other, ever=other)
    assert (score.false_separate, score.false_co_resident) == (1, 1)
    assert KINDS["routed"].errs(OPERATOR, score)
    assert KINDS["lying"].errs(PLATFORM, score) is False
    assert [kind.errs(NOBODY, score) for kind in (KINDS["flat"], KINDS["mixed"], KINDS["lying"])] == [
        True,
        True,
        False,
    ]


def test_hosts_that_hide_beside_one_that_does_not() -> None:
    """The second host's two guests are behind a gateway each, always; the first host shows itself."""
    assert played(small([0, 0, 1, 1, 0, 0]), PLATFORM).false_separate == 0


def test_a_tree_counts_routers_and_no_links() -> None:
    """Two hops at one router, three over a link, one more for every router between."""
    tree = Tree()
    top = tree.router()
    rack = tree.link(top)
    one, other, far = tree.router(rack), tree.router(rack), tree.router(top)
    inner = tree.router(one)
    hops = tree.hops([one, one, other, far, inner, top])
    assert hops[0].tolist() == [2, 2, 3, 4, 3, 3]
    assert hops[4].tolist() == [3, 3, 4, 5, 2, 4]


@pytest.mark.parametrize("kind", ["loss", "extra always", *list(packets.SAYS)[15:]])
def test_no_verdict_is_false_on_real_packets(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nor on a lab of network namespaces, whose cloud vouches for it where hosts are gateways."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    try:
        scores = packets.one(kind, np.random.default_rng(3))
    except KeepapartError as error:
        pytest.skip(str(error))
    elsewhere = {
        "tenants",
        "pods",
        "pods silent",
        "fronts",
        "bridged rack",
        "leaves",
        "distributed",
        "fabric",
    }
    assert scores.keys() == ({NOBODY} if kind in elsewhere else {NOBODY, PLATFORM})
    assert scores[NOBODY].pairs > 0
    assert [by for by, score in scores.items() if packets.errs(kind, by, score)] == []


def test_the_networks_of_the_tests_are_kinds_of_the_campaign() -> None:
    """Each has a sentence and a word's worth, and some of each worth are there."""
    kinds = networks.networks()
    assert {kind.word for kind in kinds.values()} == set(Word)
    assert all(kind.says for kind in kinds.values())


def test_the_figures_are_written_as_they_are_shown(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page and the terminal have the same row of figures, and the page says how it was made."""
    scores = {NOBODY: Score(3, 1234, 0, 0, 1234, 10, 0), OPERATOR: Score(3, 1234, 1, 2, 617, 10, 9)}
    part = Part("Some networks", "Text.", [Result("routed", scores)], ["clean"])
    show(part)
    page = tmp_path_factory.mktemp("docs") / "campaign.md"
    write(page, "python -m campaign", 5, [part])
    for text in (capsys.readouterr().out, page.read_text(encoding="utf-8")):
        assert all(figure in text for figure in ("routed", "1,234", "0 + 0", "–", "1 + 2", "50.0%", "90.0%"))
    assert "with seed 5 by `python -m campaign`" in page.read_text(encoding="utf-8")
