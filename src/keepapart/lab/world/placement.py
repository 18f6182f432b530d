"""The [placement] section of a world file: what the lab's cloud states of where its instances are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from keepapart.tables import Table

Fact = Literal["host", "zone", "group", "partition", "fault_domain", "topology"]


class Placement(Table, frozen=True):
    """The [placement] section of a world file."""

    states: tuple[Fact, ...] = ()
    lies: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    stale: bool = False

    def complaint(self, given: Mapping[str, Any]) -> str:
        """Say which key says nothing, as "KEY: why", or nothing."""
        for name in ("lies", "stale"):
            if name in given and not self.states:
                return f"{name}: says nothing where states lists no facts"
        for number, fact in enumerate(self.states):
            if fact in self.states[:number]:
                return f"states: {fact!r} stands twice"
        if {"group", "partition"} <= set(self.states):
            return "states: an instance is in one group; 'group' or 'partition', not both"
        if "fault_domain" in self.states and not {"zone", "group", "partition"} & set(self.states):
            return "states: 'fault_domain' says nothing without 'zone', 'group' or 'partition'"
        return ""
