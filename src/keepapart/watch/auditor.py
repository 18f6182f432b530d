"""Has one audit made, by a process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from keepapart.auditing.outcome import FAILED
from keepapart.config import Config, find, parse
from keepapart.errors import OperationError
from keepapart.tables import read

ENDING = 10.0  # seconds that an audit has to end its nodes, when it is to end


@dataclass(frozen=True, slots=True)
class Configured:
    """A configuration, and the same as the file had it, for the process that audits."""

    config: Config
    document: Mapping[str, Any]


def configured(given: str | None) -> Configured:
    """Read the configuration. Raises `ConfigError`."""
    path = find(given)
    document = read(path)
    return Configured(parse(document, path), document)


async def audit(by: Configured) -> Mapping[str, Any]:
    """Audit the cluster; return what `child.audited` does. Raises `OperationError` where there is no answer.

    Where this is cancelled, the process ends as it does on Ctrl-C.
    """
    command = [sys.executable, "-P", "-m", "keepapart.watch.child", str(by.config.path)]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        out, _ = await process.communicate(json.dumps(by.document, default=str).encode())
    finally:
        await _ended(process)
    try:
        found: Mapping[str, Any] = json.loads(out)
    except ValueError:
        raise OperationError(f"the process that audits ended with {process.returncode}") from None
    if found["outcome"] == FAILED:
        raise OperationError(found["because"])
    return found


async def _ended(process: Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), ENDING)
    except TimeoutError:
        process.kill()
        await process.wait()
    finally:
        process._transport.close()  # type: ignore[attr-defined]  # what nobody reads would stay open
