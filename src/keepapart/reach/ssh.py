"""The way in that every operator has: ssh. Nothing is installed on the instance, nothing written there.

`ssh:NAME` is whatever `ssh NAME` takes; `ssh://USER@HOST:PORT` names the parts, and HOST is the instance's
address, or else its id, where it is left out. The operator's own `ssh` goes there (docs/decisions/0009), so
that configuration, keys and hosts are what they are to it. A node's two pipes are those of one `ssh` process:
when it ends, however it ends, the node's standard input ends, and with it the node.

1. At most `HANDSHAKES` are under way at a time. Whom an sshd turns away because too many are knocking
   (`MaxStartups`) knocks again, for up to `KNOCKING` seconds.
2. Jump hosts are connected to once, whatever the number of instances behind them (ssh_jumps.py).
3. A connection is kept from one round to the next, and opened again where it was lost.
4. Nobody is asked anything: a key with a passphrase belongs into the agent.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

from keepapart.errors import ReachError
from keepapart.reach import NodeGroup
from keepapart.reach.bootstrap import LOADER
from keepapart.reach.conversation import PATIENCE, greet
from keepapart.reach.local import ChildPipe, process
from keepapart.reach.pipe import Pipe, PipedNodes
from keepapart.reach.ssh_client import FAILED, Resolved, SshClient, Target, refusal, target, turned_away
from keepapart.reach.ssh_jumps import Jumps
from keepapart.settings import ReachSettings

HANDSHAKES = 48  # at once: more only wait for each other's turn of the processor
KNOCKING = 60.0  # seconds
PAUSES = (0.2, 3.0)  # seconds before knocking again, the first and the longest

# Quoted for whatever shell the account has: in single quotes, with none in it. `exec` leaves no shell behind.
# Isolated: a json.py in the account's home would otherwise be imported instead of Python's own.
_ESCAPED = LOADER.replace("\n", "\\n").replace("'", "\\x27")
_PYTHON = 'p=python3; command -v $p >/dev/null || p=/usr/libexec/platform-python; exec $p -ISc "$1"'
COMMAND = f"exec /bin/sh -c '{_PYTHON}' python3 'exec(\"{_ESCAPED}\")'"


class SshTransport:
    """The way in by ssh; see `reach.Transport`."""

    def __init__(self, settings: ReachSettings) -> None:
        self._client = SshClient(settings)
        self._jumps = Jumps(self._client)
        self._turns = asyncio.Semaphore(HANDSHAKES)
        self._kept: dict[str, Pipe] = {}

    def group(self, wheres: Mapping[str, str], addresses: Mapping[str, str]) -> NodeGroup:
        """Return nodes on the connections that there are, or on new ones."""
        targets = {name: target(name, where, addresses[name]) for name, where in wheres.items()}
        self._jumps.once_more()
        return SshNodes(self._client, self._jumps, self._turns, targets, addresses, self._kept)

    async def close(self) -> None:
        """Close every connection."""
        kept = list(self._kept.values())
        self._kept.clear()
        await asyncio.gather(*(pipe.close() for pipe in kept), return_exceptions=True)
        await self._jumps.close()
        self._client.close()


class SshNodes(PipedNodes):
    """Nodes behind ssh; see `reach.NodeGroup`."""

    def __init__(
        self,
        client: SshClient,
        jumps: Jumps,
        turns: asyncio.Semaphore,
        targets: Mapping[str, Target],
        addresses: Mapping[str, str],
        kept: dict[str, Pipe],
    ) -> None:
        super().__init__(addresses, kept, {name: repr(where) for name, where in targets.items()})
        self._client, self._jumps, self._turns, self._targets = client, jumps, turns, targets

    async def start(self, name: str) -> bytes:
        """Connect to an instance, again and again where its sshd has no time."""
        where = self._targets[name]
        end = asyncio.get_running_loop().time() + KNOCKING
        pause, longest = PAUSES
        while True:
            async with self._turns:
                resolved = await self._client.resolved(where)
                through = await self._jumps.through(resolved)
                pipe = await process(
                    [*self._client.command(where, resolved), *through, "--", where.host, COMMAND]
                )
                self._pipes[name] = pipe
                try:
                    return await greet(pipe, resolved.patience + PATIENCE)
                except ReachError as error:
                    why = await _why(pipe, where, resolved, error)
            del self._pipes[name]
            await pipe.close()
            if not turned_away(pipe.errors) or asyncio.get_running_loop().time() > end:
                raise why
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(2 * pause, longest)


async def _why(pipe: ChildPipe, where: Target, resolved: Resolved, error: ReachError) -> ReachError:
    """Say why there is no way in: what ssh says where that fails, else what the login said."""
    await pipe.end()
    return refusal(pipe.errors, where, resolved) if pipe.status == FAILED else error
