"""The command line's audits of a network, held to the truth."""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

from keepapart.cli import main
from tests.networks.zoo.build import built, reap
from tests.networks.zoo.kinds import KINDS
from tests.networks.zoo.machines import lay_out
from tests.networks.zoo.network import Network, Pair

T = TypeVar("T")
R = TypeVar("R")
PROCESSES = 3  # an audit mostly waits


@dataclass(frozen=True, slots=True)
class Score:
    """The verdicts of an audit, and what it said of the network.

    Of every pair `truth` is the right verdict. Nothing may show the `unseen` ones; any verdict on one of the
    `unfounded` is luck.
    """

    standing: str
    because: str
    verdicts: dict[Pair, str]
    truth: dict[Pair, str]
    unseen: frozenset[Pair]
    unfounded: frozenset[Pair]

    @property
    def right(self) -> list[Pair]:
        """The pairs whose verdict is right."""
        return [pair for pair, verdict in self.verdicts.items() if verdict == self.truth[pair]]

    @property
    def unknown(self) -> list[Pair]:
        """The pairs without a verdict."""
        return [pair for pair, verdict in self.verdicts.items() if verdict == "unknown"]

    @property
    def missed(self) -> list[Pair]:
        """The pairs without a verdict though something shows what they are."""
        return [pair for pair in self.unknown if pair not in self.unseen]

    @property
    def wrong(self) -> list[Pair]:
        """The pairs with a false verdict."""
        return self.false("separate") + self.false("co-resident")

    @property
    def lucky(self) -> list[Pair]:
        """The pairs with a verdict that nothing carries."""
        return [pair for pair in self.unfounded if self.verdicts.get(pair, "unknown") != "unknown"]

    def false(self, verdict: str) -> list[Pair]:
        """Return the pairs that are called so and aren't."""
        return [p for p, said in self.verdicts.items() if said == verdict and said != self.truth[p]]


@dataclass(frozen=True, slots=True)
class Task:
    """A kind, a seed or none, the models to audit by, how many true pairs of either sort to name as known."""

    kind: str
    seed: int | None
    models: Sequence[str]
    controls: int = 0


def scores(task: Task) -> dict[str, Score]:
    """Build a network, audit it by each model, and take it down; return the scores by model."""
    net = KINDS[task.kind].network(task.seed)
    words = controls(net, task.controls) if task.controls else []
    with built(net) as prefix, tempfile.TemporaryDirectory() as folder:
        return {model: audited(net, prefix, Path(folder, model), model, *words) for model in task.models}


def hops(task: tuple[str, int | None]) -> tuple[int, str]:
    """Build a network by its kind and seed; return how `keepapart hops` ends on it, and what it prints."""
    kind, seed = task
    net = KINDS[kind].network(seed)
    with built(net) as prefix, tempfile.TemporaryDirectory() as folder:
        return ran(net, prefix, Path(folder), "auto", "hops")


@contextmanager
def side_by_side(function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[Iterator[R]]:
    """Yield what a function makes of each of these, in their order, done by some processes."""
    reap()
    try:
        with get_context("spawn").Pool(PROCESSES) as pool:
            yield pool.imap(function, tasks)
    finally:
        reap()


def audited(net: Network, prefix: str, folder: Path, model: str, *words: str) -> Score:
    """Audit a network that is built; what is remembered and what guests see of machines is in the folder."""
    _, out = ran(net, prefix, folder, model, "audit", "--json", "--pairs", "all", *words)
    return score(net, json.loads(out))


def ran(net: Network, prefix: str, folder: Path, model: str, *words: str) -> tuple[int, str]:
    """Run a command over a network that is built; return how it ends and what it prints."""
    folder.mkdir(exist_ok=True)
    config, out = folder / "keepapart.toml", io.StringIO()
    config.write_text(inventory(net, prefix, model))
    lay_out(net, prefix, folder)
    with redirect_stdout(out), patch.dict(os.environ, KEEPAPART_ROOT=str(folder)):
        code = main(["-c", str(config), *words])
    return code, out.getvalue()


def inventory(net: Network, prefix: str, model: str) -> str:
    """Write keepapart.toml for a network that is built."""
    parts = [f'[cluster]\nname = "zoo"\n[network]\nmodel = "{model}"']
    for name, member in net.members.items():
        reach = f"netns:{prefix}{member.node}"
        parts.append(f'[[instances]]\nid = "{name}"\naddress = "{member.address}"\nreach = "{reach}"')
        if member.public:
            parts.append(f'public = "{member.public}"')
    return "\n".join(parts)


def score(net: Network, document: dict[str, object]) -> Score:
    """Hold an audit's document to the truth."""
    pairs, network = document["pairs"], document["network"]
    assert isinstance(pairs, list)
    assert isinstance(network, dict)
    verdicts = {frozenset((pair["a"], pair["b"])): pair["verdict"] for pair in pairs}
    truth = net.truth()
    assert verdicts.keys() == truth.keys()
    return Score(
        standing=network["standing"],
        because=network["because"],
        verdicts=verdicts,
        truth=truth,
        unseen=frozenset(net.unseen),
        unfounded=frozenset(net.unfounded),
    )


def controls(net: Network, number: int) -> list[str]:
    """Return arguments that name up to `number` true pairs of either sort as known; which, by the seed."""
    assert net.random
    words: list[str] = []
    for verdict, flag in (("co-resident", "--known-same"), ("separate", "--known-separate")):
        known = [(a, b) for a, b in combinations(net.members, 2) if net.truth()[frozenset((a, b))] == verdict]
        for a, b in net.random.sample(known, min(number, len(known))):
            words += [flag, f"{a},{b}"]
    return words
