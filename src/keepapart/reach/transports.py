"""Which way leads in to which instance: the ways in that are installed, opened when they are first used."""

from __future__ import annotations

from collections.abc import Sequence

from keepapart.errors import ConfigError
from keepapart.model import Instance
from keepapart.plugins import REACH, installed
from keepapart.reach import NodeGroup, Transport
from keepapart.settings import ReachSettings


class Transports:
    """The ways in of one run, and what they keep open from one round to the next.

    `settings` are `[reach]`; `via` is the way in of instances that name none. Everything happens on the
    event loop of the first round.
    """

    def __init__(self, settings: ReachSettings = ReachSettings()) -> None:  # noqa: B008  # a frozen value
        self._settings = settings
        self._open: dict[str, Transport] = {}

    def group(self, instances: Sequence[Instance]) -> list[NodeGroup]:
        """Sort instances into groups by their way in.

        Raises `ConfigError` where no such way in is installed.
        """
        wheres: dict[str, dict[str, str]] = {}
        for instance in instances:
            word, _, where = (instance.reach or self._settings.via).partition(":")
            wheres.setdefault(word, {})[instance.id] = where
        addresses = {instance.id: instance.address for instance in instances}
        return [
            self._transport(word, min(chosen)).group(chosen, {name: addresses[name] for name in chosen})
            for word, chosen in wheres.items()
        ]

    async def __aenter__(self) -> Transports:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close what is open."""
        for transport in self._open.values():
            await transport.close()

    def _transport(self, word: str, instance_id: str) -> Transport:
        """Import only the way in that is used: each may need a library of its own."""
        if word not in self._open:
            there = installed(REACH)
            if word not in there:
                raise ConfigError(f"reach {word!r} of {instance_id!r}: the ways in are {', '.join(there)}")
            self._open[word] = there[word].load()(self._settings)
        return self._open[word]
