"""All kinds of network, by subject."""

from tests.networks.zoo.kind import KINDS, MODELS, Kind, Sign, Word
from tests.networks.zoo.kinds import (
    addresses,
    beside,
    built,
    fabrics,
    gateways,
    hetzner,
    hidden,
    lifetimes,
    mixes,
    nested,
    plain,
    platforms,
    ports,
    vouching,
    ways,
)

__all__ = [
    "KINDS",
    "MODELS",
    "Kind",
    "Sign",
    "Word",
    "addresses",
    "beside",
    "built",
    "fabrics",
    "gateways",
    "hetzner",
    "hidden",
    "lifetimes",
    "mixes",
    "nested",
    "plain",
    "platforms",
    "ports",
    "vouching",
    "ways",
]
