"""The way in by a command: `reach = "command:podman exec -i web-1 python3"`.

The command is run without a shell. It has to start Python 3.6 or later on the instance, hand its arguments on
to it, and connect the two standard inputs and outputs. The node comes over that connection, and ends with it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from keepapart.errors import ConfigError
from keepapart.reach import NodeGroup, Transport
from keepapart.reach.local import child
from keepapart.reach.pipe import Pipe, PipedNodes
from keepapart.settings import ReachSettings


def open_transport(_settings: ReachSettings) -> Transport:
    """Open the way in, once for a run."""
    return CommandTransport()


class CommandTransport:
    """The way in by a command; see `keepapart.reach.Transport`. It keeps nothing open between rounds."""

    def group(self, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> NodeGroup:
        """Return the nodes of these instances, none of them started yet."""
        return CommandNodes({name: _split(where, name) for name, where in wheres.items()}, addresses)

    async def close(self) -> None:
        """Close nothing."""


class CommandNodes(PipedNodes):
    """Nodes that are started by a command each. Everything but how that is done is `PipedNodes`'."""

    def __init__(self, commands: Mapping[str, Sequence[str]], addresses: Mapping[str, str]) -> None:
        super().__init__(addresses)
        self._commands = commands

    async def connect(self, name: str) -> Pipe:
        """Start the command, which starts the loader. Raises `ReachError` where there is no such command."""
        return await child(self._commands[name])


def _split(where: str, name: str) -> Sequence[str]:
    try:
        words = shlex.split(where)
    except ValueError as error:
        raise ConfigError(f"reach of {name!r}: {where}: {error}") from None
    if not words:
        raise ConfigError(
            f'reach of {name!r}: a command is wanted, such as "command:podman exec -i {name} python3"'
        )
    return words
