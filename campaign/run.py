"""The campaign over simulated worlds: kind by kind, in batches that processes share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from campaign.kinds import KINDS
from campaign.play import play
from campaign.score import Result, Score

SIZES = (2, 2, 3, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
BATCH = 25  # worlds


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
    with asyncio.Runner() as runner:
        numbers = range(first, first + worlds)
        played = (Result.of(kind, number, one(kind, seed, number, runner)) for number in numbers)
        return sum(played, start=Result(kind))


def one(name: str, seed: int, number: int, runner: asyncio.Runner) -> dict[str, Score]:
    """Draw one world, play it and hold the verdicts against the truth, by who vouched."""
    kind = KINDS[name]
    chance = np.random.default_rng([seed, number])
    world = kind.draw(chance, int(chance.choice(SIZES)))
    audits = play(world, int(chance.integers(2**32)), runner, kind.judged_by)
    return {
        by: Score.of(audit, together=world.cloud.together, ever=world.ever_together)
        for by, audit in audits.items()
    }
