"""The campaign over the tests' networks of namespaces: real packets on every kind that misleads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from campaign.kinds.kind import Word
from campaign.score import NOBODY, OPERATOR, Result, Score

if TYPE_CHECKING:
    from tests.networks.zoo import audit

MODELS = {NOBODY: "auto", OPERATOR: "routed-host"}


@dataclass(frozen=True)
class Network:
    """One kind of these networks: what it does, what a word for it is worth, and by whose word it is `safe`.

    It is safe by an operator's false word, too, where an audit sees something that speaks against it.
    """

    says: str
    word: Word
    safe: Sequence[str]

    def errs(self, by: str, score: Score) -> bool:
        """Whether a verdict is false that must not be."""
        return score.wrong > 0 and by in self.safe


def impossible() -> str:
    """Say why such networks can't be played here; empty where they can."""
    try:
        from tests.networks import build
    except ImportError:
        return "the tests are not here"
    return build.possible()


def networks() -> dict[str, Network]:
    """Return all kinds, by name."""
    from tests.networks.zoo.kinds import KINDS

    return {
        name: Network(
            " ".join((_whole(kind.declare).__doc__ or "").split()),
            Word(kind.word.value),
            safe=[by for by, model in MODELS.items() if model in kind.safe],
        )
        for name, kind in KINDS.items()
    }


def _whole(declare: Callable[..., None]) -> Callable[..., None]:
    return declare.func if isinstance(declare, partial) else declare


def campaign() -> Iterator[Result]:
    """Build each kind as it usually is, audit it by each model, and yield its result."""
    from tests.networks.zoo.audit import Task, scores, side_by_side

    names = list(networks())
    with side_by_side(scores, [Task(name, None, list(MODELS.values())) for name in names]) as played:
        for name, found in zip(names, played, strict=True):
            yield Result.of(name, 0, {by: _score(found[model]) for by, model in MODELS.items()})


def _score(found: audit.Score) -> Score:
    together = [pair for pair, verdict in found.truth.items() if verdict == "co-resident"]
    return Score(
        worlds=1,
        pairs=len(found.truth),
        false_separate=len(found.false("separate")),
        false_co_resident=len(found.false("co-resident")),
        unknown=len(found.unknown),
        together=len(together),
        found=sum(found.verdicts[pair] == "co-resident" for pair in together),
    )
