"""A child process as a pipe: it is gone, and nothing of it open, however the closing ends."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from keepapart.reach.local import ChildPipe, process

DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"


async def deaf() -> ChildPipe:
    """Start a child that neither the end of its input nor SIGTERM ends."""
    child = await process([sys.executable, "-c", DEAF])
    assert await child.read_line() == b"\n"
    return child


def test_what_does_not_end_is_killed() -> None:
    """A child that hears nothing is gone when its pipe is closed."""

    async def closed() -> int | None:
        child = await deaf()
        await child.close()
        return child.status

    assert asyncio.run(closed()) == -signal.SIGKILL


def test_a_closing_that_is_cancelled_kills_at_once() -> None:
    """Whoever is interrupted while a child is given time to end leaves no process and no open pipe."""

    async def interrupted() -> int | None:
        child = await deaf()
        closing = asyncio.ensure_future(child.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        return child.status

    assert asyncio.run(interrupted()) == -signal.SIGKILL
