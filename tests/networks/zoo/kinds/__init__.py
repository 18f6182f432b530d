"""All kinds of network, by subject."""

from tests.networks.zoo.kind import KINDS, MODELS, Kind, Sign, Word
from tests.networks.zoo.kinds import (
    addresses,
    fabrics,
    gateways,
    hetzner,
    hidden,
    lifetimes,
    nested,
    plain,
    platforms,
    ports,
    ways,
)

__all__ = [
    "KINDS",
    "MODELS",
    "Kind",
    "Sign",
    "Word",
    "addresses",
    "fabrics",
    "gateways",
    "hetzner",
    "hidden",
    "lifetimes",
    "nested",
    "plain",
    "platforms",
    "ports",
    "ways",
]
