"""Two kinds at once: what may happen to a network of any kind happens to one of another."""

from __future__ import annotations

from collections.abc import Sequence

from campaign.kinds import parts
from campaign.kinds.kind import KINDS, TWISTS, Chance, Word, kind
from campaign.world import World

SHAPES = {  # what is not told falsely, and has no facts of its own
    Word.SOUND: (
        "hides one",
        "hides some",
        "hides with gaps",
        "hides with filter",
        "nested",
        "pods",
        "pods on metal",
        "moved",
        "port",
        "ports",
        "calico",
        "calico unmarked",
        "hyper v",
        "processors",
    ),
    Word.FALSE: (
        "flat",
        "vlans",
        "routers",
        "leaves",
        "leaf routers of racks",
        "pvlan",
        "distributed",
        "sites",
    ),
}

UNSOUND = {  # what would be worth less together than each alone
    ("hides one", "gaps"),  # whom there is no way in to doesn't show that others hide
    ("hides some", "gaps"),
    ("hides with gaps", "gaps"),
    ("hides with filter", "gaps"),
    ("hides one", "answered for"),  # nor does who takes no part
    ("hides some", "answered for"),
    ("hides with gaps", "answered for"),
    ("hides with filter", "answered for"),
    ("moved", "stated"),  # what is stated was so before the move
}

VOUCHING = "calico"  # of itself: what goes astray only where somebody vouches does so there, too


@kind(Word.SOUND)
def two_at_once(chance: Chance, size: int) -> World:
    """Two of the kinds above that may happen to any network."""
    one, other = (TWISTS[name] for name in chance.choice(twists(Word.SOUND), 2, replace=False).tolist())
    return other(chance, one(chance, parts.plain(chance, size)))


@kind(Word.SOUND)
def one_on_another(chance: Chance, size: int) -> World:
    """One of those, on a network of another kind."""
    return _twisted(chance, size, SHAPES[Word.SOUND], twists(Word.SOUND))


@kind(Word.ASTRAY)
def astray_on_another(chance: Chance, size: int) -> World:
    """One of those below that may happen to any network, on one of the kinds above that doesn't vouch."""
    shapes = [shape for shape in SHAPES[Word.SOUND] if shape != VOUCHING]
    return _twisted(chance, size, shapes, twists(Word.ASTRAY))


@kind(Word.FALSE)
def one_elsewhere(chance: Chance, size: int) -> World:
    """Something that may happen to any network, where routers are no hosts."""
    return _twisted(chance, size, SHAPES[Word.FALSE], list(TWISTS))


def twists(word: Word) -> Sequence[str]:
    """Return the names of what may happen to any network, and is worth such a word."""
    return [name for name in TWISTS if KINDS[name].word is word]


def _twisted(chance: Chance, size: int, shapes: Sequence[str], happen: Sequence[str]) -> World:
    possible = [(shape, twist) for shape in shapes for twist in happen if (shape, twist) not in UNSOUND]
    shape, twist = possible[int(chance.integers(len(possible)))]
    return TWISTS[twist](chance, KINDS[shape].draw(chance, size))
