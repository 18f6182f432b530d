"""The kinds of network that the campaign draws worlds of, by subject."""

from campaign.kinds import addresses, elsewhere, hidden, inside, loss, pairs, paths, ports, told
from campaign.kinds.kind import KINDS, Kind, Word

__all__ = [
    "KINDS",
    "Kind",
    "Word",
    "addresses",
    "elsewhere",
    "hidden",
    "inside",
    "loss",
    "pairs",
    "paths",
    "ports",
    "told",
]
