"""The [placement] section of a world file: what the lab's cloud states of where its instances are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FACTS = ("host", "zone", "group", "partition", "fault_domain", "topology")


@dataclass(frozen=True, slots=True)
class Placement:
    """The [placement] section of a world file."""

    states: tuple[str, ...] = field(default=(), metadata={"choices": FACTS})
    lies: int = field(default=0, metadata={"range": (0, 1_000_000)})
    stale: bool = False

    def complaint(self, given: Mapping[str, Any]) -> str:
        """Say which key says nothing, as "KEY: why", or nothing."""
        for name in ("lies", "stale"):
            if name in given and not self.states:
                return f"{name}: says nothing where states lists no facts"
        if {"group", "partition"} <= set(self.states):
            return "states: an instance is in one group; 'group' or 'partition', not both"
        if "fault_domain" in self.states and not {"zone", "group", "partition"} & set(self.states):
            return "states: 'fault_domain' says nothing without 'zone', 'group' or 'partition'"
        return ""
