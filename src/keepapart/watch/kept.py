"""The store as the watch asks it: in a thread, opened anew for each question.

So nothing is held open between two audits, and a store that was away is there again when it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from keepapart.store import Store

T = TypeVar("T")


async def asked(url: str, question: Callable[[Store], T]) -> T:
    """Answer a question to the store. Raises `StoreError` where it can't be asked."""

    def answer() -> T:
        with Store(url) as store:
            return question(store)

    return await asyncio.to_thread(answer)
