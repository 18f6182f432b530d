"""An audit on the event loop of a program that does other things meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import keepapart
from keepapart.config import Config
from keepapart.errors import OperationError, UsageError
from keepapart.store import Store


def silent_members(folder: Path) -> Config:
    """Return a cluster of two whose way in says nothing, and leaves its process's number."""
    script = folder / "way-in"
    script.write_text(f'echo $$ > "{folder}/pid-$1"; exec cat > /dev/null\n')
    members = "".join(f'[[instances]]\nid = "web-{n}"\naddress = "10.0.0.{n}"\n' for n in (1, 2))
    path = folder / "keepapart.toml"
    path.write_text(f'[cluster]\nname = "orders"\n[reach]\nvia = "exec:sh {script} {{id}}"\n{members}')
    return keepapart.load(str(path))


def test_where_it_is_cancelled_what_it_began_ends(tmp_path: Path) -> None:
    """Each command of a way in, before the cancelled call returns; nothing is kept."""
    config = silent_members(tmp_path)

    async def scenario(store: Store) -> list[str]:
        auditing = asyncio.create_task(keepapart.audit_async(config, store=store))
        while len(pids := [path.read_text().strip() for path in tmp_path.glob("pid-*")]) < 2 or "" in pids:
            assert not auditing.done()
            await asyncio.sleep(0.01)
        auditing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await auditing
        return pids

    with Store(config.store.url) as store:
        pids = asyncio.run(scenario(store))
        assert store.audits.count("orders") == 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_errors_are_those_of_an_audit(tmp_path: Path) -> None:
    """A member that is none, two that are one, a way in that ends."""
    config = silent_members(tmp_path)
    with pytest.raises(UsageError, match="'web-9' is not a member"):
        asyncio.run(keepapart.audit_async(config, only=["web-9"]))
    with pytest.raises(UsageError, match="check takes two"):
        asyncio.run(keepapart.check_async(config, "web-1", "web-1"))
    (tmp_path / "way-in").write_text("echo not today >&2; exit 1\n")
    with pytest.raises(OperationError, match=r"no way in to any instance; web-1: .*not today"):
        asyncio.run(keepapart.audit_async(config))
