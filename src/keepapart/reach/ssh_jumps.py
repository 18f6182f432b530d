"""Jump hosts: one connection to each, for all that is behind it.

By itself every `ssh` with a ProxyJump connects to the jump host anew. Here the first one has a master
connection made, and all go through that. Where the operator has one of their own, ssh finds and uses it.

1. A jump host whose key changed is refused, also where its StrictHostKeyChecking is `no`: ssh forwards
   nothing over such a connection, which a master that forwards nothing yet doesn't know.
2. One that there is no way to is tried once in a round, for all that are behind it.
3. A master is opened with `-v`: otherwise the ProxyCommand of one that persists isn't heard.
"""

from __future__ import annotations

import asyncio
import hashlib
import shlex

from keepapart.errors import ReachError
from keepapart.reach.ssh_client import NO_MASTER, Resolved, SshClient, Target, refusal, turned_away

IDLE = 10  # seconds that a master stays when nobody uses it any more, should this process be killed
LONGEST = 80  # characters of a socket's path, which ssh makes some longer for a moment
PAUSE, TRIES = 0.5, 60  # seconds until a jump host that has no time is asked again, and how often
TO_TARGET = "[%h]:%p"  # as ssh fills it in


class Jumps:
    """The master connections of one run, by what ProxyJump lists."""

    def __init__(self, client: SshClient) -> None:
        self._client = client
        self._masters: dict[str, asyncio.Future[list[str]]] = {}
        self._goodbyes: list[list[str]] = []

    def once_more(self) -> None:
        """Have those jump hosts tried again to which there was no way: a round begins."""
        there = self._masters.items()
        self._masters = {listed: master for listed, master in there if not _has_failed(master)}

    async def through(self, resolved: Resolved) -> list[str]:
        """Return the words that make ssh go through its jump host's master; none where it needs none.

        Raises `ReachError` where there is no way to the jump host.
        """
        listed = resolved.get("proxyjump")
        if not listed or "%" in listed:  # ssh fills in what stands for a name or a user
            return []
        if listed not in self._masters:
            self._masters[listed] = asyncio.ensure_future(self._master(listed))
        return await asyncio.shield(self._masters[listed])

    async def close(self) -> None:
        """End every master."""
        for future in self._masters.values():
            future.cancel()
        await asyncio.gather(*self._masters.values(), return_exceptions=True)
        self._masters.clear()
        goodbyes = [self._client.run(goodbye, IDLE) for goodbye in self._goodbyes]
        await asyncio.gather(*goodbyes, return_exceptions=True)
        self._goodbyes.clear()

    async def _master(self, listed: str) -> list[str]:
        before, _, last = listed.rpartition(",")
        where = _jump(last)
        resolved = await self._client.resolved(where)
        end = ["--", where.host]
        plain = self._client.command(where, resolved)
        path = str(self._client.folder() / hashlib.sha256(listed.encode()).hexdigest()[:8])
        if len(path) > LONGEST or not (await self._client.run([*plain, "-O", "check", *end], IDLE))[0]:
            return []
        control = ("-o", "ControlMaster=yes", "-o", f"ControlPersist={IDLE}", "-S", path)
        lax = resolved.get("stricthostkeychecking") in ("false", "no", "off")
        opening = [
            *self._client.command(where, resolved, control),
            *(("-o", "StrictHostKeyChecking=accept-new") if lax else ()),
            *(("-J", before) if before else ()),
            "-v",
        ]
        by_it = self._client.command(where, resolved, (*NO_MASTER, "-S", path))
        self._goodbyes.append([*by_it, "-O", "exit", *end])
        said = ""
        for _ in range(TRIES):
            status, _, said = await self._client.run([*opening, "-f", "-N", *end], 2 * resolved.patience)
            if not status:
                words = [shlex.quote(word.replace("%", "%%")) for word in [*by_it, *end]]
                return [
                    "-o",
                    f"ProxyCommand={' '.join([*words[:-2], '-W', shlex.quote(TO_TARGET), *words[-2:]])}",
                ]
            if not turned_away(said):
                break
            await asyncio.sleep(PAUSE)
        raise ReachError(f"jump host {last}: {refusal(said, where, resolved)}")


def _has_failed(master: asyncio.Future[list[str]]) -> bool:
    return master.done() and (master.cancelled() or master.exception() is not None)


def _jump(text: str) -> Target:
    """Read a jump host as ProxyJump lists it."""
    user, _, place = text.strip().removeprefix("ssh://").rpartition("@")
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdecimal():
        host, port = place, ""
    return Target(host.strip("[]"), int(port or 0), user)
