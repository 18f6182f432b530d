"""The command line's audits of a network, held to the truth."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

from keepapart.cli import main
from tests.networks.zoo.build import built, reap
from tests.networks.zoo.kinds import KINDS, Kind
from tests.networks.zoo.network import Network, Pair

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


Task = tuple[str, int | None, Sequence[str], int]


@contextmanager
def scores(tasks: Sequence[Task]) -> Iterator[Iterator[dict[str, Score]]]:
    """Yield what comes of these tasks, in their order, by model: some processes do them side by side.

    A task is a kind, a seed or none, the models, and how many true pairs of either sort are named as known.
    """
    reap()
    try:
        with get_context("spawn").Pool(PROCESSES) as pool:
            yield pool.imap(_scores, tasks)
    finally:
        reap()


def _scores(task: Task) -> dict[str, Score]:
    """Build a network, audit it by each model, and take it down."""
    name, seed, models, number = task
    net = KINDS[name].network(seed)
    words = controls(net, number) if number else []
    with built(net) as prefix:
        return {model: score(net, json.loads(ran(net, prefix, model, "audit", *words))) for model in models}


def hops(kind: Kind, seed: int | None) -> str:
    """Build a network of a kind and return what `keepapart hops` prints of it."""
    net = kind.network(seed)
    with built(net) as prefix:
        return ran(net, prefix, "auto", "hops")


def ran(net: Network, prefix: str, model: str, verb: str, *words: str) -> str:
    """Run a verb over a network that is built and return what it prints; audits are in JSON, of all pairs."""
    with tempfile.TemporaryDirectory() as folder:
        config, out = Path(folder, "keepapart.toml"), io.StringIO()
        config.write_text(inventory(net, prefix, model))
        more = ["--json", "--pairs", "all"] if verb == "audit" else []
        with redirect_stdout(out):
            main(["-c", str(config), verb, *more, *words])
    return out.getvalue()


def inventory(net: Network, prefix: str, model: str) -> str:
    """Write keepapart.toml for a network that is built."""
    parts = [f'[cluster]\nname = "zoo"\n[network]\nmodel = "{model}"']
    for name, member in net.members.items():
        reach = f"netns:{prefix}{member.node}"
        parts.append(f'[[instances]]\nid = "{name}"\naddress = "{member.address}"\nreach = "{reach}"')
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
