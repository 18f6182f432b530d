"""A checker for tests of admission: it measures nothing and tells the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from keepapart.model import Checked, Evidence, Instance, Pair, Says, Strength, Verdict


class Platform(Protocol):
    """Who knows on which host an instance is, and can end it."""

    def host(self, instance_id: str) -> object:
        """Name the host of an instance."""

    def terminate(self, instance_id: str) -> None:
        """End an instance."""


@dataclass
class TruthfulChecker:
    """A checker, as `keepapart.admit` asks one, that tells what `platform` knows, save of those in `silent`.

    Like a network of which nothing is known yet, an `auto` one tells nothing before a round has both a pair
    on one host and one on two. The first candidate dies the `dies`-th time that the checker is asked
    (0: never). `unreached` says why there is no way in to an instance; empty where there is one. `asked`
    records each time: the candidates' ids with spaces between, the ids of those that they are checked
    against, and of the witnesses.
    """

    platform: Platform
    silent: set[str] = field(default_factory=set)
    auto: bool = False
    dies: int = 0
    unreached: Callable[[str], str] = lambda _: ""
    asked: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)

    def __call__(
        self, candidates: Sequence[Instance], against: Sequence[Instance], witnesses: Sequence[Instance]
    ) -> Checked:
        """Tell of every candidate with each other and with each of `against`."""
        names = " ".join(i.id for i in candidates)
        self.asked.append((names, tuple(i.id for i in against), tuple(i.id for i in witnesses)))
        hosts = [self.platform.host(i.id) for i in (*candidates, *against, *witnesses)]
        shown = 1 < len(set(hosts)) < len(hosts) or not self.auto
        if len(self.asked) == self.dies:
            self.platform.terminate(candidates[0].id)
        asked = [(a.id, b.id) for n, a in enumerate(candidates) for b in (*candidates[n + 1 :], *against)]
        told = {i.id: self.unreached(i.id) for i in (*candidates, *against, *witnesses)}
        return Checked(
            [self.pair(a, b) if shown else self._suspected(a, b) for a, b in asked],
            {name: why for name, why in told.items() if why},
        )

    def pair(self, a: str, b: str) -> Pair:
        """Tell of one pair."""
        if {a, b} & self.silent or self.unreached(a) or self.unreached(b):
            return Pair(a, b, Verdict.UNKNOWN, None, "no packet came through", ())
        if self.platform.host(a) == self.platform.host(b):
            return Pair(a, b, Verdict.CO_RESIDENT, Strength.STRONG, "2 hops in 8 of 8 flows", ())
        return Pair(a, b, Verdict.SEPARATE, Strength.STRONG, "4 hops in 8 of 8 flows", ())

    def _suspected(self, a: str, b: str) -> Pair:
        if self.unreached(a) or self.unreached(b):
            return self.pair(a, b)
        says = Says.SAME if self.platform.host(a) == self.platform.host(b) else Says.DIFFERENT
        evidence = Evidence("hops", says, Strength.WEAK, "nothing shows that hosts are gateways here")
        return Pair(a, b, Verdict.UNKNOWN, None, evidence.because, (evidence,))
