"""Nodes that are child processes in network namespaces, for what takes a process of its own there."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from keepapart.errors import LabError, ReachError
from keepapart.lab.client import Lab, entering
from keepapart.reach.local import child
from keepapart.reach.pipe import Pipe, PipedNodes

NAMED = Path("/run/netns")  # where `ip netns add` keeps them


class ChildrenInside(PipedNodes):
    """Nodes that are child processes of this one inside network namespaces, those that were entered."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        super().__init__({})
        self._everybody = addresses
        self._namespaces: dict[str, str] = {}

    async def enter(self, namespaces: Mapping[str, str]) -> None:
        """Start a child in each of these namespaces, by name, that none was started in yet."""
        new = {name: where for name, where in namespaces.items() if name not in self._namespaces}
        self._namespaces |= new
        self._addresses = {name: self._everybody[name] for name in new}
        await self.open(0, 1)

    async def connect(self, name: str) -> Pipe:
        """Start the loader inside."""
        guest, at, lab = self._namespaces[name].partition("@")
        try:
            doors = Lab.find(lab).doors(guest) if at else [os.open(NAMED / guest, os.O_RDONLY)]
        except (OSError, LabError) as error:
            raise ReachError(f"network namespace {guest!r} can't be entered: {error}") from None
        try:
            return await child([*entering(doors), sys.executable], doors)
        finally:
            for door in doors:
                os.close(door)
