"""The command's audit of networks of every kind: no verdict is false, and what shows is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from tests.networks import build
from tests.networks.zoo.audit import Score, Task, hops, scores, side_by_side
from tests.networks.zoo.kinds import KINDS, Sign, Word

pytestmark = [
    pytest.mark.skipif(bool(build.possible()), reason=build.possible()),
    pytest.mark.timeout(300),  # the first test of a run waits for all audits
]

TELLING = [(name, model) for name, kind in KINDS.items() for model in kind.telling]
REFUTED = [name for name, kind in KINDS.items() if kind.sign is Sign.REFUTES]
FALSE = [name for name, kind in KINDS.items() if kind.word is Word.FALSE]

Found = Mapping[str, Mapping[str, Score]]


def chosen(request: pytest.FixtureRequest, test: str) -> list[str]:
    """Return the kinds that this run asks a test, or any, of this module for."""
    names = {
        item.callspec.params["name"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.module is request.module
        and item.originalname.startswith(test)
    }
    return [name for name in KINDS if name in names]


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Iterator[Found]:
    """Return the scores of audits, by kind and model."""
    names = chosen(request, "test_")
    with side_by_side(scores, [Task(name, None, KINDS[name].safe) for name in names]) as by_model:
        yield dict(zip(names, by_model, strict=True))


@pytest.fixture(scope="module")
def counted(request: pytest.FixtureRequest) -> Iterator[Mapping[str, int]]:
    """Return how counting hops ends, by kind."""
    names = chosen(request, "test_packets")
    with side_by_side(hops, [(name, None) for name in names]) as ended:
        yield {name: code for name, (code, _) in zip(names, ended, strict=True)}


@pytest.mark.parametrize("name", KINDS)
def test_no_verdict_is_false(found: Found, name: str) -> None:
    """No pair is called what it isn't, whatever hops show; nor where the operator says truly what it is."""
    assert {model: score.wrong for model, score in found[name].items() if score.wrong} == {}


@pytest.mark.parametrize("name", KINDS)
def test_no_verdict_is_unfounded(found: Found, name: str) -> None:
    """A member at whose address another machine is, or whose packets go one way only, gets no verdict."""
    assert {model: score.lucky for model, score in found[name].items() if score.lucky} == {}


@pytest.mark.parametrize(("name", "model"), TELLING)
def test_what_shows_is_told(found: Found, name: str, model: str) -> None:
    """Hosts are gateways, and the operator says so or the machines show it: unknown is what nothing shows."""
    assert found[name][model].missed == []


@pytest.mark.parametrize("name", REFUTED)
def test_what_refutes_a_network_refutes_the_word_too(found: Found, name: str) -> None:
    """The operator is mistaken, and something shows it: hops say nothing at all."""
    for score in found[name].values():
        assert len(score.unknown) == len(score.truth)


@pytest.mark.parametrize("name", FALSE)
def test_packets_arrive_where_nothing_may_be_said(counted: Mapping[str, int], name: str) -> None:
    """Everybody counts hops to everybody: what is unknown there is so for no lack of counts."""
    assert counted[name] == 0
