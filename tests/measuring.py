"""One round over real ways in, with nothing left open after it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from keepapart.model import Instance
from keepapart.probe.measured import Round
from keepapart.probe.round import measure
from keepapart.reach.transports import Transports


def one_round(instances: Sequence[Instance], transports: Transports | None = None, **how: Any) -> Round:
    """Measure instances once, as `measure` does, and close the ways in."""

    async def once() -> Round:
        async with transports or Transports() as opened:
            return await measure(instances, opened, **how)

    return asyncio.run(once())
