"""Kinds of network, and what may be said of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tests.networks.zoo.network import Network

Declare = Callable[[Network], None]


class Word(Enum):
    """What the operator's word `routed-host` is worth on a network."""

    SOUND = "sound"  # every host is the gateway of its guests; who isn't behind it is a guest that shows it
    ASTRAY = "astray"  # every host is, but packets take other ways, which no count shows
    FALSE = "false"  # routers are no hosts


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of network. Of one that is `refuted`, something that an audit sees speaks against the word.

    `six` is whether it is one of IPv6; None: it may be either.
    """

    name: str
    declare: Declare
    word: Word
    refuted: bool
    six: bool | None

    def network(self, seed: int | None = None) -> Network:
        """Declare a network of this kind: the usual one, or any, by the seed."""
        six = bool(seed and seed % 4 == 0) if self.six is None else self.six
        net = Network(seed=seed, six=six)
        self.declare(net)
        if seed is not None:
            net.vary()
        return net

    def may_err(self, model: str) -> bool:
        """Whether a false verdict by this model can't be helped: the operator's word is all there is."""
        return model == "routed-host" and self.word is not Word.SOUND and not self.refuted


KINDS: dict[str, Kind] = {}


def kind(
    word: Word, *, refuted: bool = False, six: bool | None = False, name: str = ""
) -> Callable[[Declare], Declare]:
    """Enter a function that declares a network among the kinds, under its own name or another."""

    def enter(declare: Declare) -> Declare:
        called = name or declare.__name__.replace("_", "-")
        assert called not in KINDS, called
        KINDS[called] = Kind(called, declare, word, refuted, six)
        return declare

    return enter
