"""Plug-ins: what is installed under an entry point group, by the word that names each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

CLOUDS = "keepapart.clouds"  # connect(settings, instances) -> Cloud
SIGNALS = "keepapart.signals"  # a signal itself
REACH = "keepapart.reach"  # open_transport(settings) -> Transport
EXPORTS = "keepapart.exports"  # a format itself


@cache
def installed(group: str) -> Mapping[str, EntryPoint]:
    """Return the entry points of a group by name, in the order of their names; nothing is imported."""
    return {point.name: point for point in sorted(entry_points(group=group))}
