"""The campaign in short: on no sound network is a verdict wrong, and what it counts is what is there."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from campaign import packets
from campaign.kinds import SOUND
from campaign.play import play
from campaign.report import Part, show, write
from campaign.run import Result, batch
from campaign.score import Score
from campaign.world import Cloud, World
from keepapart.errors import KeepapartError

WORLDS = 5
HOSTS = np.array([0, 0, 1, 1, 2, 3])


def small(own: list[int]) -> World:
    """Return six instances on four hosts, each behind so many gateways of its own."""
    hops = np.where(np.equal.outer(HOSTS, HOSTS), 2, 4)
    more = np.add.outer(own, own)[None]
    cloud = Cloud(HOSTS, HOSTS % 1, HOSTS % 1)
    return World(cloud, hops, lambda _draws, _samples, _size: more, model="routed-host")


def played(world: World) -> Score:
    """Play one world and hold it against the truth."""
    with asyncio.Runner() as runner:
        audit = play(world, 1, runner)
    return Score.of(audit, together=world.cloud.together, ever=world.ever_together)


@pytest.mark.parametrize("kind", SOUND)
def test_no_verdict_is_wrong_on_a_sound_network(kind: str) -> None:
    """No co-residents are called separate and no others co-resident, on any of these worlds."""
    result = batch(kind, 7, 0, WORLDS)
    assert result.score.worlds == WORLDS
    assert (result.score.false_separate, result.score.false_co_resident) == (0, 0), result.wrong


def test_a_clean_network_is_judged_in_full() -> None:
    """Nothing is unknown and every co-resident pair is found where nothing misleads."""
    assert played(small([0] * 6)) == Score(1, 15, 0, 0, 0, 0, 2, 2)


def test_a_wrong_verdict_is_counted() -> None:
    """Held against another truth the same verdicts are false: the campaign can fail."""
    world = small([0] * 6)
    with asyncio.Runner() as runner:
        audit = play(world, 1, runner)
    other = np.equal.outer(HOSTS[::-1], HOSTS[::-1]) & ~np.eye(6, dtype=np.bool_)
    score = Score.of(audit, together=other, ever=other)
    assert (score.false_separate, score.false_co_resident, score.false_established) == (1, 1, 1)


def test_hosts_that_hide_beside_one_that_does_not() -> None:
    """The second host's two guests are behind a gateway each, always; the first host shows itself."""
    assert played(small([0, 0, 1, 1, 0, 0])).false_separate == 0


@pytest.mark.parametrize("kind", ["loss", "extra always"])
def test_no_verdict_is_wrong_on_real_packets(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nor on a lab of network namespaces."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    try:
        score = packets.one(kind, np.random.default_rng(3))
    except KeepapartError as error:
        pytest.skip(str(error))
    assert score.pairs > 0
    assert (score.false_separate, score.false_co_resident) == (0, 0)


def test_the_figures_are_written_as_they_are_shown(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page and the terminal have the same row of figures, and the page says how it was made."""
    part = Part("Some networks", "Text.", [Result("routed", Score(3, 1234, 0, 1, 1, 617, 10, 9))], ["clean"])
    show(part)
    page = tmp_path_factory.mktemp("docs") / "campaign.md"
    write(page, "python -m campaign", 5, [part])
    for text in (capsys.readouterr().out, page.read_text(encoding="utf-8")):
        assert all(figure in text for figure in ("routed", "1,234", "50.0%", "90.0%"))
    assert "with seed 5 by `python -m campaign`" in page.read_text(encoding="utf-8")
