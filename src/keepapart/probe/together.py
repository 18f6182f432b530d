"""Whatever is asked in a round is asked of all groups of nodes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


async def together(asked: Iterable[Awaitable[Mapping[str, T]]]) -> dict[str, T]:
    """Return what all groups answer, by instance; each is in one group."""
    parts = await asyncio.gather(*asked)
    return {name: answer for part in parts for name, answer in part.items()}
