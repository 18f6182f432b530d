"""Kinds of simulated network, and what may be said of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from campaign.score import NOBODY, OPERATOR, PLATFORM, Score
from campaign.world import World

Chance = np.random.Generator
Draw = Callable[[Chance, int], World]  # how many instances
Twist = Callable[[Chance, World], World]


class Word(Enum):
    """What it is worth if somebody vouches for a network."""

    SOUND = "sound"  # every host is its guests' gateway, and where one isn't, or counts mislead, that shows
    ASTRAY = "astray"  # every host is, but counts lie in a way that nothing in them shows
    FALSE = "false"  # routers are no hosts, and only an operator who is mistaken vouches for it


@dataclass(frozen=True)
class Kind:
    """One kind of network; on one that `lies` the platform states what isn't so."""

    name: str
    draw: Draw
    word: Word
    lies: bool

    @property
    def says(self) -> str:
        """What it is, in a sentence."""
        return " ".join((self.draw.__doc__ or "").split())

    @property
    def judged_by(self) -> tuple[str, ...]:
        """By whose word its worlds are judged: a platform vouches only where hosts are gateways."""
        return (NOBODY, OPERATOR) if self.word is Word.FALSE else (NOBODY, PLATFORM, OPERATOR)

    def errs(self, by: str, score: Score) -> bool:
        """Whether a verdict is false that must not be.

        Where nobody vouches for a network that is any, else a false separate where hosts are gateways.
        """
        if by == NOBODY:
            return score.wrong > 0 and not self.lies
        return score.false_separate > 0 and self.word is Word.SOUND


KINDS: dict[str, Kind] = {}
TWISTS: dict[str, Twist] = {}  # those of KINDS that are something which happens to a network of any kind


def kind(word: Word, *, lies: bool = False) -> Callable[[Draw], Draw]:
    """Enter a function that draws worlds among the kinds, under its own name."""

    def enter(draw: Draw) -> Draw:
        name = draw.__name__.replace("_", " ")
        KINDS[name] = Kind(name, draw, word, lies)
        return draw

    return enter
