"""What signals may look at, and what a signal is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from keepapart.model import Controls, Instance
from keepapart.probe.measured import Round
from keepapart.signals.network import NetworkFinding
from keepapart.signals.path_confidence import PathConfidence
from keepapart.signals.sight import Sight
from keepapart.signals.testimony import Testimony, Weights


class Stage(IntEnum):
    """When a signal can speak: those of a stage are asked when all before it have spoken."""

    FACTS = 1  # at once: it rests on nothing that another signal says
    NETWORK = 2  # once it is known what kind of network this is, which the facts help to find out
    SETTLED = 3  # once all that is said so far is settled: it learns from pairs that are known already


@dataclass(frozen=True, slots=True)
class Observed:
    """All that there is to judge by. Arrays and sequences are in the order of `instances`.

    `round` is what was measured, `paths` how far its counts may be believed, `controls` the operator's word,
    `sights` what each instance told of itself. `at` is when, in seconds since the epoch: facts grow old.
    `said` is what was testified in the stages before this one; `network` is what kind of network this is,
    None at the first stage; `settled` is [n, n], int8, signed as in `PairTestimony`, what is settled by all
    that was said before the last stage, None until then.
    """

    instances: Sequence[Instance]
    round: Round
    paths: PathConfidence
    controls: Controls = field(default_factory=Controls)
    sights: Sequence[Sight] = ()
    at: float = 0.0
    said: Sequence[Testimony] = ()
    network: NetworkFinding | None = None
    settled: Weights | None = None

    @property
    def ids(self) -> Sequence[str]:
        """The ids of the instances."""
        return self.round.ids


class Signal(Protocol):
    """A source of evidence: a module or an object with these three names.

    A plug-in registers one under the entry point group ``keepapart.signals``. Its docstring says what it may
    claim, how strongly, and why that is safe; what it calls *different* must hold for two guests of one host
    that its owner configured differently.
    """

    name: str
    stage: Stage

    def testify(self, seen: Observed) -> Sequence[Testimony]:
        """Say what it has to say of all pairs; nothing where it has nothing to say.

        Pure: no clock, no socket, no randomness.
        """
