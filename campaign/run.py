"""The campaign over simulated worlds: kind by kind, in batches that processes share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from campaign.kinds import BLIND, SOUND
from campaign.play import play, score
from campaign.score import Score

SIZES = (2, 2, 3, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
BATCH = 25  # worlds
SHOWN = 3  # falsely judged worlds that a batch names


@dataclass(frozen=True)
class Result:
    """One kind's score, and some of the worlds (by number) on which a verdict was false."""

    kind: str
    score: Score = field(default_factory=Score)
    wrong: Sequence[int] = ()

    def __add__(self, other: Result) -> Result:
        return Result(self.kind, self.score + other.score, [*self.wrong, *other.wrong][:SHOWN])


def campaign(kinds: Sequence[str], worlds: int, seed: int) -> Iterator[Result]:
    """Play so many worlds of each kind; yield each kind's result when it is complete."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        running = {
            kind: [
                pool.submit(batch, kind, seed, at, min(BATCH, worlds - at)) for at in range(0, worlds, BATCH)
            ]
            for kind in kinds
        }
        for kind, parts in running.items():
            yield sum((part.result() for part in parts), start=Result(kind))


def batch(kind: str, seed: int, first: int, worlds: int) -> Result:
    """Play worlds number `first` and on of one kind."""
    total, wrong = Score(), []
    with asyncio.Runner() as runner:
        for number in range(first, first + worlds):
            found = one(kind, seed, number, runner)
            total += found
            if found.false_separate or found.false_co_resident:
                wrong.append(number)
    return Result(kind, total, wrong[:SHOWN])


def one(kind: str, seed: int, number: int, runner: asyncio.Runner) -> Score:
    """Draw one world, play it and hold the verdicts against the truth."""
    chance = np.random.default_rng([seed, number])
    world = {**SOUND, **BLIND}[kind](chance, int(chance.choice(SIZES)))
    return score(world, play(world, int(chance.integers(2**32)), runner))
