"""A round and what is imported beside it: nothing that computes is asked for before it is there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from keepapart.model import Instance, Service
from keepapart.probe.measured import Tally
from keepapart.probe.round import measure
from keepapart.reach.transports import Transports

HOSTILE = (  # threads that change over at every step, and imports that begin with the first of them
    "import sys; sys.setswitchinterval(1e-6); import keepapart.auditing.session as session;"
    "session.HEAD_START = 0.0; from keepapart.cli import main; sys.exit(main(sys.argv[1:]))"
)


def test_whoever_judges_is_asked_only_when_all_is_imported() -> None:
    """Two threads that import one package may each wait for the other: so one waits from the beginning."""
    asked: list[bool] = []

    async def once() -> None:
        ready = asyncio.ensure_future(asyncio.sleep(0.5))  # longer than two nodes of this machine take

        def service_of(_: Mapping[str, str]) -> Service | None:
            asked.append(ready.done())
            return None

        def wanting(_: Tally) -> None:
            asked.append(ready.done())

        here = [Instance(name, "127.0.0.1", reach="local") for name in ("a", "b")]
        async with Transports() as transports:
            await measure(here, transports, wanting=wanting, service_of=service_of, ready=ready)

    asyncio.run(once())
    assert asked
    assert all(asked)


def test_an_audit_ends_well_however_its_threads_take_turns(tmp_path: Path) -> None:
    """Ten times, of two nodes on this machine."""
    config = tmp_path / "keepapart.toml"
    tables = "".join(
        f'[[instances]]\nid = "i{n}"\naddress = "127.0.0.{n}"\nreach = "local"\n' for n in (1, 2)
    )
    config.write_text(f'[cluster]\nname = "orders"\n{tables}')
    command = [sys.executable, "-c", HOSTILE, "-c", str(config), "audit", "--json"]
    for _ in range(10):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert '"error"' not in done.stdout, done.stderr
