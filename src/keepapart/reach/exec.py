"""The way in by a command: `exec:kubectl exec -i {id} -- python3 -u -`.

Any command will do that connects its standard streams to those of a Python on the instance: kubectl, docker,
podman, incus, lxc, nsenter, ssh. It is run without a shell, its words split as a shell splits them.

1. `{id}` stands for the instance's id, and `{address}` for its address.
2. A Python whose program is standard input waits for the end of it, which is the end of the node as well. So
   it is told to take line after line (`-i`), and its first line is the loader. These options hold nothing
   that a shell on the way could take for its own.
3. A command that names no Python is a script of the operator's, which ends in `python3 -iIS -` itself.
"""

from __future__ import annotations

import asyncio
import difflib
import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress

from keepapart.errors import ConfigError, ReachError
from keepapart.reach import NodeGroup, Transport
from keepapart.reach.bootstrap import LOADER
from keepapart.reach.local import ChildPipe, process
from keepapart.reach.pipe import Pipe, PipedNodes
from keepapart.settings import ReachSettings

PYTHON = re.compile(r"(.*/)?(platform-python|pypy3?|python)[0-9.]*")
FIELDS = ("id", "address")
FIELD = re.compile(r"(?<![${]){(\w+)}(?!})")  # other braces are the command's own
BY_LINES = "-iIS"  # line by line, isolated, without site: what a home or an environment has is not imported
FIRST_LINE = f"exec({LOADER!r})\n".encode()


class ExecTransport:
    """The way in by commands; see `reach.Transport`. A node is kept from one round to the next."""

    def __init__(self) -> None:
        self._kept: dict[str, Pipe] = {}

    def group(self, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> NodeGroup:
        """Return nodes that are started by a command each."""
        commands = {name: command(name, where, addresses[name]) for name, where in wheres.items()}
        return ExecNodes(commands, addresses, self._kept)

    async def close(self) -> None:
        """End every command."""
        kept = list(self._kept.values())
        self._kept.clear()
        await asyncio.gather(*(pipe.close() for pipe in kept), return_exceptions=True)


def open_transport(_settings: ReachSettings) -> Transport:
    """Open the way in."""
    return ExecTransport()


class ExecNodes(PipedNodes):
    """Nodes that are started by a command each; see `reach.NodeGroup`."""

    def __init__(
        self, commands: Mapping[str, Sequence[str]], addresses: Mapping[str, str], kept: dict[str, Pipe]
    ) -> None:
        super().__init__(addresses, kept, {name: shlex.join(words) for name, words in commands.items()})
        self._commands = commands

    async def connect(self, name: str) -> ChildPipe:
        """Run the command, and give the Python there its first line."""
        pipe = await process(self._commands[name])
        with suppress(ReachError):  # it has ended, and what it said is read in a moment
            await pipe.write(FIRST_LINE)
        return pipe


def command(name: str, where: str, address: str) -> list[str]:
    """Return the command that `where` means for an instance. Raises `ConfigError`."""
    try:
        words = shlex.split(where)
    except ValueError as error:
        raise ConfigError(f"reach 'exec:{where}' of {name!r}: {error}") from None
    if not words:
        example = "such as exec:kubectl exec -i {id} -- python3 -u -"
        raise ConfigError(f"reach 'exec:{where}' of {name!r}: a command is wanted, {example}")
    if "{address}" in where and not address:
        raise ConfigError(
            f"reach 'exec:{where}' of {name!r}: it has no address", "write {id}, or its address"
        )
    for field in FIELD.findall(where):
        if field not in FIELDS and (close := difflib.get_close_matches(field, FIELDS, n=1)):
            raise ConfigError(
                f"reach 'exec:{where}' of {name!r}: no {{{field}}} to fill in",
                f"did you mean {{{close[0]}}}?",
            )
    words = [word.replace("{id}", name).replace("{address}", address) for word in words]
    if any(PYTHON.fullmatch(word) for word in words):
        words = [*words[:-1], BY_LINES, "-"] if words[-1] == "-" else [*words, BY_LINES, "-"]
    return words
