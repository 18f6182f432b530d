"""What instances are told of themselves by their platforms' metadata services, if they are asked at all.

1. Whoever measures says by `service_of` which service an instance has, from what the node told of its machine
   without a packet. Nobody else's is asked.
2. A service is asked before anything is sent and again when everything is measured. Whose answers differ has
   moved, and tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from keepapart.model import Service
from keepapart.probe.together import together
from keepapart.reach import NodeGroup

ServiceOf = Callable[[Mapping[str, str]], Service | None]  # by what a node told of its machine
Told = Mapping[str, Mapping[str, str]]  # by instance, what its service answers


def no_service(_guest: Mapping[str, str]) -> None:
    """Have nobody asked."""


class Metadata:
    """The metadata services of one round's instances."""

    def __init__(self, groups: Sequence[NodeGroup], services: Mapping[str, Service]) -> None:
        self._groups, self._services = groups, services

    @classmethod
    async def of(cls, groups: Sequence[NodeGroup], service_of: ServiceOf) -> Metadata:
        """Find out which services there are, by rule 1."""
        told = await together(group.guests() for group in groups)
        services = {name: service for name, guest in told.items() if (service := service_of(guest))}
        return cls(groups, services)

    async def ask(self) -> Told:
        """Ask every service."""
        return await self._ask(self._services)

    async def again(self, before: Told) -> Told:
        """Ask those again that answered before; return what was told twice (rule 2)."""
        after = await self._ask(
            {name: service for name, service in self._services.items() if before.get(name)}
        )
        return {name: told for name, told in after.items() if told == before[name]}

    async def _ask(self, services: Mapping[str, Service]) -> Told:
        if not services:
            return {}
        return await together(group.metadata(services) for group in self._groups)
