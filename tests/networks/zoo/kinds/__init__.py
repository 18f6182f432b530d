"""All kinds of network, by subject."""

from tests.networks.zoo.kind import KINDS, Kind, Word
from tests.networks.zoo.kinds import (
    addresses,
    fabrics,
    gateways,
    hetzner,
    hidden,
    lifetimes,
    nested,
    plain,
    ports,
    ways,
)

__all__ = [
    "KINDS",
    "Kind",
    "Word",
    "addresses",
    "fabrics",
    "gateways",
    "hetzner",
    "hidden",
    "lifetimes",
    "nested",
    "plain",
    "ports",
    "ways",
]
