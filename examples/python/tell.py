"""Tells what is new of a cluster, among whatever else a program does: `python tell.py keepapart.toml`."""

from __future__ import annotations

import asyncio
import sys

from keepapart.errors import KeepapartError
from keepapart.watch import follow_async


async def tell(path: str) -> None:
    """Print news as they come, for ever."""
    async for seen in follow_async(path):
        for news in seen.news:
            print(f"{news.at} {news.text}", flush=True)


async def main(path: str) -> None:
    """Have it told beside other tasks."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(tell(path))


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except* KeepapartError as errors:
        sys.exit("\n".join(map(str, errors.exceptions)))
    except* KeyboardInterrupt:
        sys.exit(130)
