"""Kinds of network, and what may be said of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from tests.networks.zoo.network import Network

Declare = Callable[[Network], None]
AUTO, WORD = "auto", "routed-host"
MODELS = (AUTO, WORD)


class Word(Enum):
    """What the operator's word `routed-host` is worth on a network."""

    SOUND = "sound"  # every host is the gateway of its guests; who isn't behind it is a guest that shows it
    ASTRAY = "astray"  # every host is, but packets take other ways, which no count shows
    FALSE = "false"  # routers are no hosts


class Sign(Enum):
    """What an audit sees of a network beside who is how far from whom."""

    NOTHING = ""
    VOUCHES = "vouches"  # hops, or a name of the host, speak without the word
    WARNS = "warns"  # some ways prove nothing, whoever says what
    REFUTES = "refutes"  # hops say nothing at all, whoever says what


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of network. `six` is whether it is one of IPv6; None: it may be either."""

    name: str
    declare: Declare
    word: Word
    sign: Sign
    six: bool | None

    def network(self, seed: int | None = None) -> Network:
        """Declare a network of this kind: the usual one, or any, by the seed."""
        six = bool(seed and seed % 4 == 0) if self.six is None else self.six
        net = Network(seed=seed, six=six)
        self.declare(net)
        if seed is not None:
            net.vary(gaps=self.sign is not Sign.REFUTES)  # or what refutes might not be measured
        return net

    @property
    def safe(self) -> Sequence[str]:
        """The models by which no verdict may be false: not the word alone where it misleads."""
        return MODELS if self.word is Word.SOUND or self.sign.value else (AUTO,)

    @property
    def telling(self) -> Sequence[str]:
        """The models by which everything that shows must be told."""
        if self.sign is Sign.VOUCHES:
            return MODELS
        return (WORD,) if self.word is Word.SOUND and self.sign is Sign.NOTHING else ()


KINDS: dict[str, Kind] = {}


def kind(
    word: Word, sign: Sign = Sign.NOTHING, *, six: bool | None = False, name: str = ""
) -> Callable[[Declare], Declare]:
    """Enter a function that declares a network among the kinds, under its own name or another."""

    def enter(declare: Declare) -> Declare:
        called = name or declare.__name__.replace("_", "-")
        assert called not in KINDS, called
        KINDS[called] = Kind(called, declare, word, sign, six)
        return declare

    return enter
