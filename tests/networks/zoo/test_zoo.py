"""The command's audit of networks of every kind: no verdict is false, and what shows is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.networks import build
from tests.networks.zoo.audit import Score, scores
from tests.networks.zoo.kinds import KINDS, Word

pytestmark = pytest.mark.skipif(bool(build.possible()), reason=build.possible())

SOUND = [name for name, kind in KINDS.items() if kind.word is Word.SOUND and not kind.refuted]
REFUTED = [name for name, kind in KINDS.items() if kind.refuted]
MODELS = {
    name: ("auto",) if kind.may_err("routed-host") else ("auto", "routed-host")
    for name, kind in KINDS.items()
}

Scores = Mapping[str, Mapping[str, Score]]


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Iterator[Scores]:
    """Return what audits of the kinds whose tests are chosen come to, by kind and model."""
    chosen = {
        item.callspec.params["name"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module
    }
    names = [name for name in KINDS if name in chosen]
    with scores([(name, None, MODELS[name], 0) for name in names]) as by_model:
        yield dict(zip(names, by_model, strict=True))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", KINDS)
def test_no_verdict_is_false(found: Scores, name: str) -> None:
    """Nobody said what kind of network it is: no pair is called what it isn't, whatever hops show."""
    assert found[name]["auto"].wrong == []


@pytest.mark.parametrize("name", KINDS)
def test_no_verdict_is_unfounded(found: Scores, name: str) -> None:
    """A member at whose address another machine is, or whose packets go one way only, gets no verdict."""
    assert all(score.lucky == [] for score in found[name].values())


@pytest.mark.parametrize("name", SOUND)
def test_where_hosts_are_gateways_the_word_makes_all_right_that_shows(found: Scores, name: str) -> None:
    """The operator says truly that hosts are gateways: no verdict is false, and what shows is no secret."""
    score = found[name]["routed-host"]
    assert (score.wrong, score.missed) == ([], [])


@pytest.mark.parametrize("name", REFUTED)
def test_what_refutes_a_network_refutes_the_word_too(found: Scores, name: str) -> None:
    """The operator is mistaken, and something shows it: hops say nothing at all."""
    score = found[name]["routed-host"]
    assert len(score.unknown) == len(score.truth)
